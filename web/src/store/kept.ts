/** What is put aside of the chat, as it lies in the database, and how a state is made of it again. */
import type { Event, Limits, Me, Room, UserName } from '../api/types';
import { newRoom, newState, type Pending, type RoomState, type State } from '../sync/state';
import type { Kept } from '../sync/timeline';

/** Events kept of a room's timeline: the screen, and a few above it. */
export const TIMELINE_KEPT = 100;

/** Timelines kept, those that were read last: some 10 MB at the very most. */
export const TIMELINES_KEPT_MAX = 200;

/** One a database. */
export type KeptSelf = { id: 'self'; epoch: string; me: Me; limits: Limits; open: string | null };

/** `read_ms` is when somebody looked at it last, 0 where its timeline is not kept. */
export type KeptRoom = { id: string; room: Room; told_seq: number; cursor: number; blind_seq: number; read_ms: number };

export type KeptTimeline = Kept & { id: string };

export type KeptPending = Pick<Pending, 'key' | 'room' | 'at_ms' | 'what' | 'code'> & {
  /** The tab that says it, where each has a link of its own. */
  tab: string;
};

/** `isOpen` until the server has it. */
export type KeptDraft = { room: string; text: string; isOpen: boolean };

export type Everything = {
  self: KeptSelf | null;
  rooms: KeptRoom[];
  users: UserName[];
  outbox: KeptPending[];
  drafts: KeptDraft[];
  /** Of the room that was open last. */
  timeline: KeptTimeline | null;
};

export const NOTHING: Everything = { self: null, rooms: [], users: [], outbox: [], drafts: [], timeline: null };

/** The state as it was when it was put aside. What was unsent waits again, in the order in which it was said. */
export function revive({ self, rooms, users, outbox }: Everything): State {
  const state = newState(outbox.sort((a, b) => (a.key < b.key ? -1 : 1)).map(pendingOf));
  if (!self) return state;
  for (const user of users) state.users[user.id] = user;
  for (const { id, room, told_seq, cursor, blind_seq } of rooms) {
    state.rooms[id] = { ...newRoom(room, cursor), told_seq, blind_seq };
  }
  Object.assign(state, { epoch: self.epoch, me: self.me, limits: self.limits });
  return state;
}

export function roomOf({ room, told_seq, cursor, blind_seq }: RoomState, read_ms: number): KeptRoom {
  return { id: room.id, room, told_seq, cursor, blind_seq, read_ms };
}

export function keptPending({ key, room, at_ms, what, code }: Pending, tab: string): KeptPending {
  return { key, room, at_ms, what, code, tab };
}

export function pendingOf({ key, room, at_ms, what, code }: KeptPending): Pending {
  const stage = code ? 'failed' : 'waiting';
  return { key, room, at_ms, what, stage, ref: null, said_ms: 0, retry_ms: null, seq: null, code };
}

/** The newer part of a timeline is known, the older was put aside: one after the other, if nothing is between. */
export function joined(old: KeptTimeline | undefined, { cursor, from, events }: Kept, blind_seq: number): Kept {
  const fits = old && old.cursor >= from - 1 && old.cursor <= cursor && blind_seq <= old.cursor;
  if (!fits || old.from >= from) return { cursor, from, events };
  const older: Event[] = old.events.filter(({ seq }) => seq < from);
  const all = [...older, ...events].slice(-TIMELINE_KEPT);
  const isCut = all.length < older.length + events.length;
  return { cursor, from: isCut ? (all[0]?.seq ?? from) : old.from, events: all };
}

