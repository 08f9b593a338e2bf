import { expect, test } from 'vitest';
import { addresses } from './links';

test.each([
  ['no address', []],
  ['see https://example.org/a?b=c#d', ['https://example.org/a?b=c#d']],
  ['(https://example.org/a).', ['https://example.org/a']],
  ['https://en.wikipedia.org/wiki/Rust_(language), yes', ['https://en.wikipedia.org/wiki/Rust_(language)']],
  ['http://a.example and https://b.example!', ['http://a.example', 'https://b.example']],
  ['javascript:alert(1) data:text/html,x file:///etc/passwd', []],
  ['https://', []],
  ['“https://example.org/ä”', ['https://example.org/ä']],
])('%s', (said, expected) => {
  const found = addresses(said);
  expect(found.filter((it) => it.kind === 'link').map((it) => it.text)).toEqual(expected);
  expect(found.map((it) => it.text).join('')).toBe(said);
});
