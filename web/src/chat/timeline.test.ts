/** A room of a million messages, looked at through a window. */
import { beforeEach, expect, test } from 'vitest';
import type { Event, Messages, Room } from '../api/types';
import { listOf, newRoom, newState, type RoomState, type State } from '../sync/state';
import * as sync from '../sync/sync';
import { type PageAt, timeline } from '../sync/timeline';
import { Timeline, WINDOW_MAX } from './timeline.svelte';

const COUNT = 1_000_000;
const START_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;

const ROOM: Room = {
  id: 'r', kind: 'channel', name: 'Long', history: 'all', posting: 'members', role: 'member', members: 2,
  head_seq: COUNT, n: COUNT, read_seq: COUNT, read_n: COUNT, created_at_ms: START_MS, last: null,
};

let state: State;
let asked: (PageAt | { at: number })[];
let epoch: string;
/** What happens on the server before it answers. */
let meanwhile: () => void;

beforeEach(() => {
  state = newState();
  state.epoch = epoch = 'e';
  state.rooms.r = newRoom({ ...ROOM });
  asked = [];
  meanwhile = () => {};
});

function message(seq: number): Event {
  return { room: 'r', seq, n: seq, id: `r-${seq}`, kind: 'message', from: 'bea', at_ms: START_MS + seq * MINUTE_MS, body: { text: `m${seq}` } };
}

/** As the server answers. */
async function pages(_: string, at: PageAt | { at: number }, limit: number): Promise<Messages> {
  asked.push(at);
  const head_seq = state.rooms.r?.cursor ?? 0;
  const from = firstOf(at, limit, head_seq);
  const messages: Event[] = [];
  const end = typeof at === 'object' && 'before' in at ? at.before : head_seq + 1;
  for (let seq = Math.max(1, from); seq < Math.min(end, from + limit); seq += 1) messages.push(message(seq));
  meanwhile();
  return { epoch, messages, head_seq };
}

function firstOf(at: PageAt | { at: number }, limit: number, head_seq: number): number {
  if (at === 'newest') return head_seq + 1 - limit;
  if ('before' in at) return at.before - limit;
  if ('after' in at) return at.after + 1;
  const around = 'at' in at ? Math.ceil((at.at - START_MS) / MINUTE_MS) : at.around;
  return around > head_seq ? head_seq + 1 - limit / 2 : around - limit / 2;
}

async function go(feed: Timeline, to: number): Promise<number | null> {
  const found = await feed.find(to);
  feed.goTo(found);
  return found;
}

function open(): Timeline {
  return new Timeline('r', state, pages, (error) => {
    throw error;
  });
}

function known(): RoomState {
  const room = state.rooms.r;
  if (!room) throw new Error('the room is gone');
  return room;
}

function said(seq: number): void {
  sync.apply(state, { type: 'event', ...message(seq) }, 0);
}

const span = (feed: Timeline) => [feed.items[0]?.seq, feed.items.at(-1)?.seq];

test('it begins at the newest, and reads on upwards without a hole', async () => {
  const feed = open();
  expect([feed.items.length, feed.atStart]).toEqual([0, false]);
  await feed.loadOlder();
  await feed.loadOlder();
  expect(span(feed)).toEqual([COUNT - 99, COUNT]);
  expect([feed.atEnd, feed.atStart, feed.items.length]).toEqual([true, false, 100]);
});

test('a jump lands on its message, with pages on both sides, down to the newest again', async () => {
  const feed = open();
  await feed.loadOlder();
  expect(await go(feed, 500_000)).toBe(500_000);
  expect(feed.items.some((it) => it.seq === 500_000)).toBe(true);
  expect(feed.atEnd).toBe(false);
  await feed.loadNewer();
  await feed.loadOlder();
  expect(span(feed)).toEqual([499_925, 500_074]);
  feed.goTo(null);
  expect(span(feed)).toEqual([COUNT - 49, COUNT]);
  expect(feed.atEnd).toBe(true);
});

test('a jump to what is known asks nobody', async () => {
  const feed = open();
  await feed.loadOlder();
  await go(feed, COUNT - 10);
  expect(asked).toHaveLength(1);
  expect(feed.atEnd).toBe(true);
});

test('of a date the first message is found, and after the last day the newest; looking moves nobody', async () => {
  const feed = open();
  await feed.loadOlder();
  expect(await feed.findDate(START_MS + 1_234 * MINUTE_MS - 1)).toBe(1_234);
  expect(await feed.findDate(START_MS + 2 * COUNT * MINUTE_MS)).toBe(COUNT);
  expect(span(feed)).toEqual([COUNT - 49, COUNT]);
});

test('reading far up keeps memory bounded, and the newest at hand', async () => {
  const feed = open();
  for (let page = 0; page < 200; page += 1) await feed.loadOlder();
  expect(feed.items.length).toBeLessThanOrEqual(WINDOW_MAX);
  expect(known().events.length).toBeLessThanOrEqual(WINDOW_MAX + 200);
  expect(feed.items[0]?.seq).toBe(COUNT - 200 * 50 + 1);
  expect(feed.atEnd).toBe(false);
  expect(timeline(known()).at(-1)?.seq).toBe(COUNT);
  feed.goTo(null);
  expect([feed.items.length, feed.atEnd]).toEqual([200, true]);
});

test('from far up one comes down to the newest without a hole', async () => {
  const feed = open();
  await go(feed, COUNT - 5_000);
  for (let page = 0; page < 150 && !feed.atEnd; page += 1) await feed.loadNewer();
  expect(feed.items.at(-1)?.seq).toBe(COUNT);
  const seqs = feed.items.map((it) => it.seq);
  expect(seqs.every((seq, at) => at === 0 || seq === (seqs[at - 1] ?? 0) + 1)).toBe(true);
  expect(feed.items.length).toBeLessThanOrEqual(WINDOW_MAX);
});

test('what is said meanwhile comes at the end, and nowhere else', async () => {
  const feed = open();
  await feed.loadOlder();
  said(COUNT + 1);
  expect(span(feed)).toEqual([COUNT - 49, COUNT + 1]);
  await go(feed, 1_000);
  said(COUNT + 2);
  expect(feed.items.at(-1)?.seq).toBeLessThan(2_000);
  expect(feed.atEnd).toBe(false);
  feed.goTo(null);
  expect(feed.items.at(-1)?.seq).toBe(COUNT + 2);
});

test('a page from before a deletion is read again', async () => {
  const feed = open();
  let isFirst = true;
  meanwhile = () => {
    if (!isFirst) return;
    isFirst = false;
    sync.apply(state, { type: 'event', ...message(COUNT + 1), n: undefined, kind: 'deletion', body: { target: COUNT } }, 0);
  };
  await feed.loadOlder();
  expect(asked).toHaveLength(2);
  expect(feed.failed).toBe(false);
});

test('a page of another history is not taken', async () => {
  const feed = open();
  epoch = 'another';
  await feed.loadOlder();
  expect([feed.failed, feed.items.length]).toEqual([true, 0]);
});

test('what is kept on the device is waited for, and then nobody is asked', async () => {
  const feed = new Timeline('r', state, pages, () => {}, Promise.resolve().then(() => {
    known().events = listOf(Array.from({ length: 50 }, (_, index) => message(COUNT - 49 + index)));
    known().stretches = [{ from: COUNT - 49, to: COUNT }];
  }));
  await feed.loadOlder();
  expect([asked.length, feed.items.length]).toEqual([0, 50]);
});

test('who sees a page come may ask for the next one at once', async () => {
  const feed = open();
  await feed.loadOlder();
  // A view learns of the page by the list that changed, before whoever asked for it goes on.
  const seen: boolean[] = [];
  const room = known();
  let events = room.events;
  Object.defineProperty(room, 'events', {
    get: () => events,
    set: (list: typeof events) => {
      events = list;
      queueMicrotask(() => seen.push(feed.loading === null));
    },
  });
  await feed.loadOlder();
  expect(seen).toEqual([true]);
});

test('a single word that came by itself is no page', async () => {
  const feed = new Timeline('r', state, pages, () => {}, Promise.resolve().then(() => said(COUNT + 1)));
  await feed.loadOlder();
  expect([asked.length, feed.items.length]).toEqual([1, 51]);
});

test('a jump is under way until its own page comes', async () => {
  let answer = () => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const late: typeof pages = async (id, at, limit) => {
    if (typeof at === 'object' && 'around' in at) await answered;
    return pages(id, at, limit);
  };
  const feed = new Timeline('r', state, late, () => {});
  const [page, jump] = [feed.loadOlder(), feed.find(1_000)];
  await page;
  expect([feed.items.length, feed.loading]).toEqual([50, 'jump']);
  answer();
  expect([await jump, feed.loading]).toEqual([1_000, null]);
});
