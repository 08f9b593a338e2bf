/** What the shared cases do not say: signals, time, and that a replay comes to what is read afresh. */
import { describe, expect, test } from 'vitest';
import type { Event, Room, ServerFrame } from '../api/types';
import { ANSWER_WITHIN_MS, newState, PENDING_MAX, type State, TYPING_MS, unread } from './state';
import * as sync from './sync';
import { addPage, floor, timeline, trim } from './timeline';

const NOW_MS = 1_800_000_000_000;
const ME = { id: 'ann', handle: 'ann', display_name: 'Ann', rank: 'member', created_at_ms: 0 };
const LIMITS = { text_bytes: 16_384, frame_bytes: 65_536, in_flight: 64, page: 100, cursors: 1_000, watch: 100 };
const SELF: Room = {
  id: 'ann', kind: 'self', name: null, history: 'all', posting: 'members', role: 'owner', members: 1,
  head_seq: 0, n: 0, read_seq: 0, read_n: 0, created_at_ms: 0, last: null,
};

function ready(...rooms: Room[]): ServerFrame {
  return {
    type: 'ready', epoch: 'e', reset: false, session: 's', user: ME, rooms: structuredClone([...rooms, SELF]), users: [],
    more: false, limits: LIMITS, now_ms: NOW_MS,
  };
}

function joined(...rooms: Room[]): State {
  const state = newState();
  sync.connected(state, 't');
  sync.apply(state, ready(...rooms), NOW_MS);
  return state;
}

const room = (more: Partial<Room> = {}): Room => ({ ...SELF, id: 'r', kind: 'group', name: 'Tea', role: 'member', ...more });

describe('signals', () => {
  const typing = (on: boolean, user = 'bea'): ServerFrame => ({ type: 'signal', kind: 'typing', room: 'r', user, on });

  test('typing ends by itself', () => {
    const state = joined(room());
    sync.apply(state, typing(true), NOW_MS);
    expect(sync.tickDue(state)).toBe(NOW_MS + TYPING_MS);
    sync.tick(state, NOW_MS + TYPING_MS - 1);
    expect(Object.keys(state.typing.r ?? {})).toEqual(['bea']);
    sync.tick(state, NOW_MS + TYPING_MS);
    expect(Object.keys(state.typing.r ?? {})).toEqual([]);
    expect(sync.tickDue(state)).toBeNull();
  });

  test('typing ends when it is said, and with the message', () => {
    const state = joined(room());
    sync.apply(state, typing(true), NOW_MS);
    sync.apply(state, typing(false), NOW_MS);
    expect(Object.keys(state.typing.r ?? {})).toEqual([]);
    sync.apply(state, typing(true), NOW_MS);
    sync.apply(state, { type: 'event', ...message(1, 1, 'bea') }, NOW_MS);
    expect(Object.keys(state.typing.r ?? {})).toEqual([]);
  });

  test('my own typing and that in rooms that are not mine is not shown', () => {
    const state = joined(room());
    sync.apply(state, typing(true, 'ann'), NOW_MS);
    sync.apply(state, { type: 'signal', kind: 'typing', room: 'x', user: 'bea', on: true }, NOW_MS);
    expect(Object.values(state.typing).flatMap((it) => Object.keys(it))).toEqual([]);
  });

  test('presence is forgotten with the connection', () => {
    const state = joined(room());
    sync.apply(state, { type: 'signal', kind: 'presence', user: 'bea', online: true }, NOW_MS);
    expect(state.present).toEqual({ bea: true });
    sync.disconnected(state);
    expect(state.present).toEqual({});
  });
});

test('a command whose answer is late is said again under the same key', () => {
  const state = joined(room());
  const [first] = sync.send(state, 'r', 'hi', 'k', NOW_MS);
  expect(sync.tickDue(state)).toBe(NOW_MS + ANSWER_WITHIN_MS);
  expect(sync.tick(state, NOW_MS + ANSWER_WITHIN_MS - 1)).toEqual([]);
  const [again] = sync.tick(state, NOW_MS + ANSWER_WITHIN_MS);
  expect(again).toEqual({ ...first, ref: 2 });
});

test('the outbox has a bound', () => {
  const state = newState();
  for (let index = 0; index <= PENDING_MAX; index += 1) sync.send(state, 'r', 'hi', `k${index}`, NOW_MS);
  expect(state.outbox.length).toBe(PENDING_MAX);
});

test('what is trimmed can be read again', () => {
  const log = Array.from({ length: 10 }, (_, index) => message(index + 1, index + 1, 'bea'));
  const state = joined(room());
  for (const event of log) sync.apply(state, { type: 'event', ...event }, NOW_MS);
  const known = state.rooms.r;
  if (!known) throw new Error('the room is not there');
  trim(known, 4);
  expect([timeline(known).length, floor(known)]).toEqual([4, 7]);
  expect(addPage(state, 'r', { at: { before: 7 }, limit: 50, head_seq: 10, messages: log.slice(0, 6) })).toBe(true);
  expect(timeline(known).map((it) => it.seq)).toEqual(log.map((it) => it.seq));
  expect(floor(known)).toBe(1);
});

function message(seq: number, n: number, from: string): Event {
  return { room: 'r', seq, n, id: `e${seq}`, kind: 'message', from, at_ms: NOW_MS + seq, body: { text: `m${seq}` } };
}

/** A room's whole log, and what the server makes of it at each point. */
class Log {
  readonly events: Event[] = [];

  constructor(seed: number, length: number) {
    const random = dice(seed);
    let n = 0;
    for (let seq = 1; seq <= length; seq += 1) {
      const kind = ['message', 'message', 'message', 'deletion', 'room_updated', 'member_joined', 'member_role', 'sticker'][random(8)] ?? '';
      const at = { room: 'r', seq, id: `e${seq}`, from: random(4) === 0 ? 'ann' : 'bea', at_ms: NOW_MS + seq };
      const messages = this.events.filter((event) => event.kind === 'message');
      const target = messages[random(Math.max(1, messages.length))]?.seq;
      if (kind === 'message') this.events.push(message(seq, (n += 1), at.from));
      else if (kind === 'deletion' && target !== undefined) this.events.push({ ...at, kind, body: { target } });
      else if (kind === 'room_updated') this.events.push({ ...at, kind, body: { name: `name ${seq}` } });
      else if (kind === 'member_joined') this.events.push({ ...at, kind, body: { user: `u${seq}`, role: 'member' } });
      else if (kind === 'member_role') this.events.push({ ...at, kind, body: { user: 'ann', role: `role ${seq}` } });
      else this.events.push({ ...at, kind: 'sticker', body: {} });
    }
  }

  /** The timeline as a page has it when `head` is the newest event. */
  page(head: number): Event[] {
    const log = this.events.slice(0, head);
    const shown = log.filter((event) => event.kind !== 'deletion' && event.kind !== 'sticker').map((event) => structuredClone(event));
    for (const { seq, kind, body } of log) {
      const target = kind === 'deletion' ? shown.find((event) => event.seq === body?.target) : undefined;
      if (target) Object.assign(target, { body: null, rev: seq });
    }
    return shown;
  }

  room(head: number): Room {
    const log = this.events.slice(0, head);
    const named = log.findLast((event) => event.kind === 'room_updated');
    const role = log.findLast((event) => event.kind === 'member_role');
    const mine = log.findLast((event) => event.kind === 'message' && event.from === 'ann');
    return room({
      head_seq: head,
      name: (named?.body?.name as string | undefined) ?? 'Tea',
      role: (role?.body?.role as string | undefined) ?? 'member',
      members: 1 + log.filter((event) => event.kind === 'member_joined').length,
      n: log.filter((event) => event.kind === 'message').length,
      read_seq: mine?.seq ?? 0,
      read_n: mine?.n ?? 0,
      last: this.page(head).at(-1) ?? null,
    });
  }
}

/** Numbers below `sides`, the same for the same seed (xorshift32). */
function dice(seed: number): (sides: number) => number {
  let state = seed * 2_654_435_761 || 1;
  return (sides) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
}

function viewOf(state: State): unknown {
  const known = state.rooms.r;
  if (!known) return null;
  const strip = (event: Event | null) => event && { ...event, rev: event.rev ?? event.seq };
  const { room: told, cursor } = known;
  return { ...told, last: strip(told.last), cursor, unread: unread(told), timeline: timeline(known).map(strip) };
}

/** Reads the whole timeline, as of `head`, in pages. */
function readAll(state: State, log: Log, head: number): void {
  for (let known = state.rooms.r; known && floor(known) > 1; known = state.rooms.r) {
    const before = floor(known);
    const messages = log.page(head).filter((event) => event.seq < before).slice(-7);
    expect(addPage(state, 'r', { at: { before }, limit: 7, head_seq: head, messages })).toBe(true);
  }
}

test.each(Array.from({ length: 60 }, (_, seed) => seed + 1))('an old state and the events since are a fresh state (seed %i)', (seed) => {
  const length = 40;
  const log = new Log(seed, length);
  const fresh = joined(log.room(length));
  readAll(fresh, log, length);

  const random = dice(seed + 1_000);
  const from = random(length);
  const old = joined(log.room(from));
  readAll(old, log, from);
  sync.disconnected(old);
  sync.connected(old, 't');
  sync.apply(old, ready(log.room(length)), NOW_MS);
  // Some come twice, and some early.
  for (let seq = from + 1; seq <= length; seq += 1) {
    for (const it of [seq, seq + random(3), seq - random(3)]) {
      const event = log.events[it - 1];
      if (event) sync.apply(old, { type: 'event', ...structuredClone(event) }, NOW_MS);
    }
  }
  expect(viewOf(old)).toEqual(viewOf(fresh));
});
