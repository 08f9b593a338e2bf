import { expect, test } from 'vitest';
import type { Event } from '../../api/types';
import { PART_MAX, PART_STEP } from './limits';
import { PartOf } from './part.svelte';
import { back, forth } from './rows';

/** Events with holes in their numbers, as changes between them leave. */
function events(from: number, to: number): Event[] {
  const all: Event[] = [];
  for (let seq = from; seq <= to; seq += 2) all.push({ room: 'r', seq, id: `e${seq}`, kind: 'message', from: 'ann', at_ms: seq, body: { text: '' } });
  return all;
}

function seqs(part: PartOf, all: Event[]): [number | undefined, number | undefined, number] {
  const { first, end } = part.cut(all);
  return [all[first]?.seq, all[end - 1]?.seq, end - first];
}

test('it begins at the newest and goes up and down by steps, never larger than it may be', () => {
  const all = events(1, 1999);
  const part = new PartOf();
  part.toEnd(all);
  expect(seqs(part, all)).toEqual([1681, 1999, PART_MAX]);
  expect(part.isToEnd).toBe(true);
  expect(part.up(all)).toBe(true);
  expect(seqs(part, all)).toEqual([1681 - 2 * PART_STEP, 1999 - 2 * PART_STEP, PART_MAX]);
  expect(part.isToEnd).toBe(false);
  expect(part.down(all)).toBe(true);
  expect(seqs(part, all)).toEqual([1681, 1999, PART_MAX]);
  expect(part.isToEnd).toBe(true);
  expect(part.down(all)).toBe(false);
});

test('at the top there is no step up until older events are known', () => {
  const part = new PartOf();
  const newer = events(1001, 1399);
  part.toEnd(newer);
  while (part.up(newer)) expect(seqs(part, newer)[2]).toBe(PART_MAX);
  expect(seqs(part, newer)[0]).toBe(1001);
  const all = [...events(801, 999), ...newer];
  expect(seqs(part, all)[0]).toBe(1001);
  expect(part.up(all)).toBe(true);
  expect(seqs(part, all)[0]).toBe(1001 - 2 * PART_STEP);
});

test('what is said comes onto the page at its end alone, and does not make it grow for ever', () => {
  const part = new PartOf();
  part.toEnd(events(1, 999));
  const later = events(1, 999 + 4 * PART_STEP);
  part.bound(later, null);
  expect(seqs(part, later)).toEqual([later.at(-PART_MAX)?.seq, later.at(-1)?.seq, PART_MAX]);
  part.up(later);
  const [, to] = seqs(part, later);
  expect(seqs(part, events(1, 1999))[1]).toBe(to);
});

test('while one reads above the end, the end goes', () => {
  const part = new PartOf();
  const few = events(1, 99);
  part.toEnd(few);
  const many = events(1, 999);
  part.bound(many, 21);
  expect(seqs(part, many)).toEqual([1, 2 * PART_MAX - 1, PART_MAX]);
  expect(part.isToEnd).toBe(false);
});

test('what one reads stays on the page, however much comes below', () => {
  const part = new PartOf();
  part.toEnd(events(1, 2 * PART_MAX - 1));
  const many = events(1, 6 * PART_MAX - 1);
  expect(part.isTooLong(many)).toBe(true);
  part.bound(many, 2 * PART_MAX + 1);
  expect(part.isTooLong(many)).toBe(false);
  expect(seqs(part, many)).toEqual([PART_MAX + 1, 3 * PART_MAX - 1, PART_MAX]);
});

test('a crowd that came at once is few rows, and all of it is on the page', () => {
  const crowd = Array.from({ length: 500 }, (_, index): Event => {
    const user = `u${index}`;
    return { room: 'r', seq: index + 2, id: `e${index}`, kind: 'member_joined', from: user, at_ms: 0, body: { user } };
  });
  const all = [...events(1, 1), ...crowd, ...events(503, 503)];
  const part = new PartOf();
  part.toEnd(all);
  expect(seqs(part, all)).toEqual([1, 503, 502]);
  expect([part.up(all), part.down(all), part.isTooLong(all)]).toEqual([false, false, false]);
  // 500 notices in rows of 16 numbers, and two messages.
  expect([forth(all, 0, 1), forth(all, 1, 1), back(all, 501, 1), back(all, 502, 34)]).toEqual([1, 15, 495, 0]);
});

test('around a message there is something above it and below it', () => {
  const all = events(1, 1999);
  const part = new PartOf();
  part.around(all, 1001);
  const [from, to] = seqs(part, all);
  expect(from).toBeLessThan(1001 - 80);
  expect(to).toBeGreaterThan(1001 + 160);
  part.around(all, 1);
  expect(seqs(part, all)).toEqual([1, 2 * PART_MAX - 1, PART_MAX]);
});
