/** One room: its events are applied in the order of their numbers, and each one once. */
import type { Event, Room } from '../api/types';
import * as outbox from './outbox';
import { merged } from './receipts';
import { answer, putOff, unwant, want } from './say';
import { HELD_EVENTS_MAX, newRoom, RETRY_AFTER_MS, type RoomState, type State, type Stranger, STRANGERS_MAX } from './state';
import { append, change, later } from './timeline';

/**
 * The server tells what a room is; what waited for that is taken now (rule 3). One that is new
 * begins at its head, but the `self` room only in `ready`: after that, what it says may be newer
 * than the rooms that were listed before it.
 */
export function tell(state: State, room: Room, inReady?: number): void {
  const first = inReady ?? (room.kind === 'self' ? 0 : room.head_seq);
  const known = state.rooms[room.id];
  const stranger = state.strangers[room.id];
  const told = { ...room, draft: state.drafted[room.id] ?? room.draft };
  if (known) retell(known, inReady === undefined && known.receipts_current ? { ...told, receipts: known.room.receipts } : told);
  else {
    const early = state.early[room.id];
    delete state.early[room.id];
    state.rooms[room.id] = newRoom(early ? { ...told, receipts: merged(told.receipts, early) } : told, first);
  }
  if (known && inReady !== undefined) known.delivered = { said: room.delivered_seq ?? 0, sure: room.delivered_seq ?? 0 };
  outbox.settle(state, room.id);
  answer(state, room.id);
  if (!stranger) return;
  delete state.strangers[room.id];
  const begun = state.rooms[room.id];
  if (begun && stranger.read) markRead(begun.room, ...stranger.read);
  for (const event of stranger.events) take(state, event);
  lag(state, room.id, stranger.head_seq);
}

/** Marks and counts only grow; the rest is replaced by what was read no earlier. */
function retell(known: RoomState, room: Room): void {
  const { room: old, cursor, told_seq } = known;
  const isCurrent = room.head_seq >= cursor && room.head_seq >= told_seq;
  known.room = {
    ...(isCurrent ? room : old),
    head_seq: Math.max(room.head_seq, old.head_seq),
    n: Math.max(room.n, old.n),
    read_seq: Math.max(room.read_seq, old.read_seq),
    read_n: Math.max(room.read_n, old.read_n),
    last: later(old.last, room.last),
    draft: room.draft,
    receipts: room.receipts,
  };
  known.receipts_current = true;
  const { said, sure } = known.delivered;
  const delivered_seq = room.delivered_seq ?? 0;
  known.delivered = { said: Math.max(said, delivered_seq), sure: Math.max(sure, delivered_seq) };
  if (isCurrent) known.told_seq = room.head_seq;
}

/** Takes an event in any order: applies it and those that waited for it, holds it, or drops it. */
export function take(state: State, event: Event): void {
  const room = state.rooms[event.room];
  if (!room) return void strange(state, event.room, event.seq, event);
  if (event.seq <= room.cursor) return;
  room.room.head_seq = Math.max(room.room.head_seq, event.seq);
  if (event.seq > room.cursor + 1) {
    room.held = held(room.held, event);
    return catchUp(state, room);
  }
  applyEvent(state, room, event);
  takeHeld(state, event.room);
}

/** There is something up to `head_seq`. */
export function lag(state: State, roomId: string, head_seq: number): void {
  const room = state.rooms[roomId];
  if (!room) return void strange(state, roomId, head_seq);
  room.room.head_seq = Math.max(room.room.head_seq, head_seq);
  if (room.cursor < head_seq) catchUp(state, room);
}

/** A `room.sync` is done (rule 6). */
export function caughtUp(state: State, roomId: string, after: number, head_seq: number): void {
  const room = state.rooms[roomId];
  if (!room) return;
  room.room.head_seq = Math.max(room.room.head_seq, head_seq);
  if (room.cursor >= room.room.head_seq) return;
  if (room.cursor > after) catchUp(state, room);
  else putOff(state, { what: 'sync', room: roomId, after }, state.now_ms + RETRY_AFTER_MS);
}

/** The room is no longer this user's. */
export function forget(state: State, roomId: string): void {
  delete state.rooms[roomId];
  delete state.typing[roomId];
  delete state.strangers[roomId];
  delete state.drafted[roomId];
  unwant(state, roomId);
  outbox.settle(state, roomId);
  if (state.listing) state.gone.push(roomId);
}

/** Marks only grow. */
export function markRead(room: Room, read_seq: number, read_n: number): void {
  room.read_seq = Math.max(room.read_seq, read_seq);
  room.read_n = Math.max(room.read_n, read_n);
}

function catchUp(state: State, { room, cursor }: RoomState): void {
  want(state, { what: 'sync', room: room.id, after: cursor });
}

/** Something came of a room that is not known: it is held until the room is. */
function strange(state: State, roomId: string, head_seq: number, event?: Event): Stranger | undefined {
  const isNew = !state.strangers[roomId];
  if (isNew && Object.keys(state.strangers).length >= STRANGERS_MAX) return undefined;
  const stranger = (state.strangers[roomId] ??= { head_seq: 0, events: [] });
  stranger.head_seq = Math.max(stranger.head_seq, head_seq);
  if (event) stranger.events = held(stranger.events, event);
  if (!state.listing) want(state, { what: 'room', room: roomId });
  return stranger;
}

/** The lowest stay: they are the next to be applied. */
function held(events: Event[], event: Event): Event[] {
  if (events.some(({ seq }) => seq === event.seq)) return events;
  return [...events, event].sort((a, b) => a.seq - b.seq).slice(0, HELD_EVENTS_MAX);
}

/** An event of the `self` room may take the room away, so it is looked up each time. */
function takeHeld(state: State, roomId: string): void {
  for (let room = state.rooms[roomId]; room; room = state.rooms[roomId]) {
    const next = room.held[0];
    if (!next || next.seq > room.cursor + 1) return;
    room.held.shift();
    if (next.seq === room.cursor + 1) applyEvent(state, room, next);
  }
}

/** `event.seq` is the cursor plus one. */
function applyEvent(state: State, room: RoomState, event: Event): void {
  room.cursor = event.seq;
  append(room, event);
  outbox.seen(state, event);
  outbox.settle(state, event.room);
  count(state, room, event);
  if (room.room.kind === 'self') applyToMe(state, event);
}

function count(state: State, room: RoomState, event: Event): void {
  const { room: told, told_seq } = room;
  const isMine = event.from === state.me?.id;
  const isOfMe = event.body?.user === state.me?.id;
  const isNews = event.seq > told_seq;
  switch (event.kind) {
    case 'message':
      told.n = Math.max(told.n, event.n ?? 0);
      if (isMine) markRead(told, event.seq, event.n ?? 0);
      delete state.typing[told.id]?.[event.from];
      break;
    case 'deletion':
      change(room, event);
      break;
    case 'room_updated':
      if (isNews) Object.assign(told, settings(event));
      break;
    case 'member_joined':
      if (isNews) told.members += 1;
      if (isOfMe && isNews) Object.assign(told, role(event));
      break;
    case 'member_left':
      if (isNews) told.members -= 1;
      break;
    case 'member_role':
      if (isOfMe && isNews) Object.assign(told, role(event));
      break;
  }
}

/** The log of what concerns this user alone (rule 10). */
function applyToMe(state: State, { kind, body }: Event): void {
  const roomId = body?.room;
  if (typeof roomId !== 'string') return;
  const room = state.rooms[roomId];
  if (kind === 'room_added' && !room) want(state, { what: 'room', room: roomId });
  if (kind === 'room_removed') forget(state, roomId);
  if (kind === 'room_read') readElsewhere(state, roomId, Number(body?.read_seq), Number(body?.read_n));
  if (kind === 'draft' && typeof body?.text === 'string') drafted(state, roomId, body.text);
}

/** A list that is being read may be older than this. */
function readElsewhere(state: State, roomId: string, read_seq: number, read_n: number): void {
  const room = state.rooms[roomId];
  if (room) return markRead(room.room, read_seq, read_n);
  const stranger = strange(state, roomId, 0);
  if (stranger && read_seq > (stranger.read?.[0] ?? 0)) stranger.read = [read_seq, read_n];
}

function drafted(state: State, roomId: string, text: string): void {
  const room = state.rooms[roomId];
  state.drafted[roomId] = text;
  if (room) room.room.draft = text;
}

function settings({ body }: Event): Partial<Room> {
  const { name, history, posting } = body ?? {};
  return {
    ...(typeof name === 'string' && { name }),
    ...(typeof history === 'string' && { history }),
    ...(typeof posting === 'string' && { posting }),
  };
}

function role({ body }: Event): Partial<Room> {
  return typeof body?.role === 'string' ? { role: body.role } : {};
}
