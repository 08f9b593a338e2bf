import { expect, test } from 'vitest';
import table from 'virtual:emoji';
import { find, parse, remember, remembered, toned } from './emoji';

const groups = parse(table);
const all = groups.flatMap((it) => it.emoji);
const sign = (wanted: string) => all.find((it) => it.sign === wanted) ?? { sign: wanted, words: '', hasTones: false };

test('the table has all groups, and each emoji once', () => {
  expect(groups.map((it) => it.id)).toEqual([
    'smileys_emotion', 'people_body', 'animals_nature', 'food_drink', 'travel_places', 'activities', 'objects', 'symbols', 'flags',
  ]);
  expect(all.length).toBeGreaterThan(1_800);
  expect(new Set(all.map((it) => it.sign)).size).toBe(all.length);
  expect(all.every((it) => it.sign !== '' && it.words !== '')).toBe(true);
});

test.each([
  ['thumbs up', '👍'],
  ['SMILE', '😄'],
  ['switz', '🇨🇭'],
  ['pizza', '🍕'],
  ['rolling laugh', '🤣'],
])('%s finds %s', (sought, wanted) => expect(find(groups, sought).map((it) => it.sign)).toContain(wanted));

test('nothing is found by nothing, and nothing by what is no word', () => {
  expect([find(groups, '  '), find(groups, 'xyzzy')]).toEqual([[], []]);
});

test.each([
  ['👍', 3, '👍🏽'],
  ['👍', 0, '👍'],
  ['☝️', 5, '☝🏿'],
  ['🧑‍🚀', 1, '🧑🏻‍🚀'],
  ['🍕', 2, '🍕'],
])('%s in tone %d is %s', (plain, tone, wanted) => expect(toned(sign(plain), tone)).toBe(wanted));

test('what lies in the storage is taken only if it can be what was put there', () => {
  const storage = (value: string | null) => ({ getItem: () => value }) as unknown as Storage;
  for (const wrong of [null, '', '7', '{"recent":7,"tone":9}', '{"recent":[1,null]}']) {
    expect(remembered(storage(wrong))).toEqual({ recent: [], tone: 0 });
  }
  let kept = '';
  const writing = { setItem: (_: string, value: string) => (kept = value) } as unknown as Storage;
  remember(writing, { recent: ['👍'], tone: 2 });
  expect(remembered(storage(kept))).toEqual({ recent: ['👍'], tone: 2 });
});
