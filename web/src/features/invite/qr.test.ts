import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { qr } from './qr';

function drawn(text: string): string {
  return (qr(text) ?? []).map((line) => line.map((isDark) => (isDark ? '#' : '.')).join('')).join('\n');
}

/** Each of these was read by a decoder of another author before it was written down here. */
test('a code is the one that a reader read', () => {
  expect(drawn('a').split('\n')).toEqual([
    '#######..#.##.#######',
    '#.....#.#.##..#.....#',
    '#.###.#.##.#..#.###.#',
    '#.###.#.#.##..#.###.#',
    '#.###.#..#..#.#.###.#',
    '#.....#...##..#.....#',
    '#######.#.#.#.#######',
    '........##...........',
    '#.....#.#.##.##..###.',
    '#..##......###.###..#',
    '..#.###..##.#.##.....',
    '.#.#.#.##..#####.#.#.',
    '##.#..####.##########',
    '........##..#.....#.#',
    '#######..###.#..####.',
    '#.....#...#...#...###',
    '#.###.#..###.#..###..',
    '#.###.#..#.#####.#...',
    '#.###.#..#.###.###.##',
    '#.....#...######.#...',
    '#######.#.#.#..#..##.',
  ]);
});

test.each([
  ['https://chat.example.org/#invite=abc', 29, '9ef241e3b0ba6d3d2e7a12cad3df85433869a47c2a4a0e4d6ac2e32674558257'],
  ['z'.repeat(150), 49, 'aea53246e58e813519822bfa697395b7d3488796c9eb3c9c35677b4f1dafeaa9'],
  ['z'.repeat(213), 57, 'e1472b1a94a2ad88f3d3375976d19ad367668bbb21aa72cf386e08b16fe5ca61'],
])('%s has %d lines and these', (text, lines, digest) => {
  expect(qr(text)).toHaveLength(lines);
  expect(createHash('sha256').update(drawn(text)).digest('hex')).toBe(digest);
});

test('a code is as small as the text allows, and what is too long has none', () => {
  const lines = (bytes: number) => qr('x'.repeat(bytes))?.length ?? null;
  expect([14, 15, 26, 27, 62, 63, 180, 181, 213, 214].map(lines)).toEqual([21, 25, 25, 29, 33, 37, 53, 57, 57, null]);
});
