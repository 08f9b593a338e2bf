import { expect, test } from 'vitest';
import { directionOf, emojiCount, type Piece, pieces } from './pieces';

const written = (found: Piece[]) => found.map(({ kind, text }) => (kind === 'text' ? text : `[${kind} ${text}]`)).join('');

test.each([
  ['nothing marked', 'nothing marked'],
  ['run `npm test` now', 'run [code npm test] now'],
  ['```\nlet a = `b`;\n```', '[block let a = `b`;]'],
  ['see:\n```rust\nfn main() {}\n```\nand https://example.org', 'see:\n[block fn main() {}]and [link https://example.org]'],
  ['```one line```', '[block one line]'],
  ['`https://example.org` is not one', '[code https://example.org] is not one'],
  ['``` without an end `x`', '``` without an end [code x]'],
  ['an empty `` and `` ` `` and ``````', 'an empty `` and `` ` `` and ``````'],
  ['a tick ` alone\n` there', 'a tick ` alone\n` there'],
  ['<b>`<i>`</b>', '<b>[code <i>]</b>'],
])('%j', (said, expected) => expect(written(pieces(said))).toBe(expected));

test('the worst of texts is read at once', () => {
  const longest = 16_384;
  const started_ms = performance.now();
  for (const part of ['`', '``` ', '`a', '```\n`', 'https://(', 'http://a.b?,.;']) pieces(part.repeat(longest / part.length));
  expect(performance.now() - started_ms).toBeLessThan(1_000);
});

test.each([
  ['😀', 1],
  ['👍🏽 👨‍👩‍👧 🇨🇭', 3],
  ['❤️', 1],
  ['1️⃣', 1],
  ['123', 0],
  ['#', 0],
  ['😀 yes', 0],
  ['', 0],
  ['😀'.repeat(8), 8],
  ['😀'.repeat(9), 0],
])('%j is %d emoji and nothing else', (said, count) => expect(emojiCount(said)).toBe(count));

test.each([
  ['hello مرحبا', 'ltr'],
  ['123 مرحبا hello', 'rtl'],
  ['שלום', 'rtl'],
  ['👍 42!', undefined],
])('%s is written %s', (said, direction) => expect(directionOf(said)).toBe(direction));
