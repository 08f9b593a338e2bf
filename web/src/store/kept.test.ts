import { describe, expect, test } from 'vitest';
import type { Event, Me, Room } from '../api/types';
import { newRoom, newState, type RoomState } from '../sync/state';
import * as sync from '../sync/sync';
import { keepsake, type Kept, restore, timeline } from '../sync/timeline';
import { type Everything, joined, keptPending, NOTHING, revive, roomOf, TIMELINE_KEPT } from './kept';

const ME: Me = { id: 'ann', handle: 'ann', display_name: 'Ann', rank: 'member', created_at_ms: 0 };
const LIMITS = { text_bytes: 16_384, frame_bytes: 65_536, in_flight: 64, page: 100, cursors: 1_000, watch: 100 };
const ROOM: Room = {
  id: 'r', kind: 'group', name: 'Tea', history: 'all', posting: 'members', role: 'member', members: 2,
  head_seq: 0, n: 0, read_seq: 0, read_n: 0, created_at_ms: 0, last: null,
};
const SELF: Room = { ...ROOM, id: 'ann', kind: 'self', name: null, role: 'owner', members: 1 };

function message(seq: number, body: Event['body'] = { text: `m${seq}` }): Event {
  return { room: 'r', seq, n: seq, id: `r-${seq}`, kind: 'message', from: 'bea', at_ms: seq, body };
}

function messages(from: number, to: number): Event[] {
  return Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
}

function kept(from: number, cursor: number): Kept {
  return { from, cursor, events: messages(from, cursor) };
}

function room(cursor: number, blind_seq = 0): RoomState {
  return { ...newRoom({ ...ROOM, head_seq: cursor }, cursor), blind_seq };
}

const lines = (known: RoomState) => timeline(known).map(({ seq, body }) => `${seq} ${body ? String(body.text) : '-'}`);

describe('a timeline that was put aside', () => {
  test('comes back as it was', () => {
    const known = room(3);
    expect(restore(known, kept(1, 3))).toBe(true);
    expect(lines(known)).toEqual(['1 m1', '2 m2', '3 m3']);
    expect(known.stretches).toEqual([{ from: 1, to: 3 }]);
  });

  test('goes on with what was said since', () => {
    const state = newState();
    state.rooms.r = room(3);
    sync.apply(state, { type: 'event', ...message(4) }, 0);
    expect(restore(state.rooms.r, kept(1, 3))).toBe(true);
    expect(lines(state.rooms.r)).toEqual(['1 m1', '2 m2', '3 m3', '4 m4']);
  });

  test('is not taken where something was deleted since, without its being known', () => {
    const state = newState();
    state.rooms.r = room(3);
    sync.apply(state, { type: 'event', ...message(4), kind: 'deletion', body: { target: 2 } }, 0);
    expect(restore(state.rooms.r, kept(1, 3))).toBe(false);
    expect(lines(state.rooms.r)).toEqual([]);
  });

  test('is not taken where it is newer than the room', () => {
    expect(restore(room(2), kept(1, 3))).toBe(false);
  });

  test('is the newest hundred, and says where they begin', () => {
    const known = room(500);
    restore(known, kept(1, 500));
    expect(keepsake(known, TIMELINE_KEPT)).toMatchObject({ cursor: 500, from: 401 });
    expect(keepsake(known, 1_000)?.from).toBe(1);
  });

  test('is nothing where the newest is not known', () => {
    const known = room(500);
    restore(known, kept(1, 400));
    expect(keepsake(known, TIMELINE_KEPT)).toBeNull();
  });
});

describe('the older part of it that is not in memory', () => {
  const old = { id: 'r', ...kept(1, 5) };

  test('is joined', () => {
    expect(joined(old, kept(6, 8), 0)).toMatchObject({ from: 1, cursor: 8, events: messages(1, 8) });
  });

  test('is left where something is missing between', () => {
    expect(joined(old, kept(7, 8), 0)).toMatchObject({ from: 7, events: messages(7, 8) });
  });

  test('is left where something was deleted in it that memory does not know', () => {
    expect(joined(old, kept(6, 8), 7)).toMatchObject({ from: 6, events: messages(6, 8) });
  });

  test('gives way in what both have', () => {
    const events = [message(5, null), message(6)];
    expect(joined(old, { from: 5, cursor: 6, events }, 0).events).toEqual([...messages(1, 4), ...events]);
  });

  test('is cut to a hundred', () => {
    const found = joined({ id: 'r', ...kept(1, 90) }, kept(91, 130), 0);
    expect([found.from, found.events.length, found.events[0]?.seq]).toEqual([31, 100, 31]);
  });
});

test('what was kept is the state as it was, and resumes from its cursors', () => {
  const rooms = [roomOf(room(7, 3), 1), roomOf({ ...newRoom(SELF, 2), told_seq: 2 }, 0)];
  const everything: Everything = {
    ...NOTHING,
    self: { id: 'self', epoch: 'e', me: ME, limits: LIMITS, open: 'r' },
    rooms: structuredClone(rooms),
    users: [{ id: 'bea', handle: 'bea', display_name: 'Bea' }],
  };
  const state = revive(everything);
  expect(state.rooms.r).toEqual(room(7, 3));
  expect(state.users.bea?.display_name).toBe('Bea');
  expect(sync.connected(state, 't')).toEqual({ type: 'hello', token: 't', epoch: 'e', cursors: [['ann', 2], ['r', 7]] });
});

test('what was unsent waits again under its key, in the order in which it was said; what failed is failed', () => {
  const state = newState();
  for (const [key, code] of [['b', null], ['a', null], ['c', 'forbidden']] as const) {
    sync.send(state, 'r', key, key, 5);
    const pending = state.outbox.at(-1);
    if (pending && code) Object.assign(pending, { stage: 'failed', code });
  }
  const outbox = state.outbox.map((it) => keptPending(it, 'tab'));
  const revived = revive({ ...NOTHING, outbox: structuredClone(outbox) });
  expect(revived.outbox.map(({ key, stage, code }) => [key, stage, code])).toEqual([
    ['a', 'waiting', null],
    ['b', 'waiting', null],
    ['c', 'failed', 'forbidden'],
  ]);
});
