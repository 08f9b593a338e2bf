/** What is known of one room's timeline: pages from below, events from above, changes in between. */
import type { Event } from '../api/types';
import { type RoomState, type State, type Stretch, TIMELINE_EVENTS_MAX } from './state';

/** Which page was asked for. */
export type PageAt = 'newest' | { before: number } | { after: number } | { around: number };

/** A page of the timeline as REST answered it. */
export type Page = { at: PageAt; limit: number; head_seq: number; messages: Event[] };

const SHOWN = new Set(['message', 'room_created', 'room_updated', 'member_joined', 'member_left', 'member_role']);

/** True for what is shown: messages and notices. The rest of the log changes what is shown. */
export function isShown(event: Event): boolean {
  return SHOWN.has(event.kind);
}

/** The newest stretch without a hole, ascending. */
export function timeline(room: RoomState): Event[] {
  const newest = room.stretches.at(-1);
  return newest ? room.events.slice(indexOf(room.events, newest.from), indexOf(room.events, newest.to + 1)) : [];
}

/** What lies below this was not read yet; 1 where there is nothing below that one may see. */
export function floor(room: RoomState): number {
  return room.stretches.at(-1)?.from ?? room.cursor + 1;
}

/** The ordinal of the newest message at or before `seq`; 0 where one before it may be missing. */
export function countAt(room: RoomState, seq: number): number {
  const newest = room.stretches.at(-1);
  if (!newest || seq < newest.from || seq > newest.to) return 0;
  return timeline(room).findLast((event) => event.n !== undefined && event.seq <= seq)?.n ?? 0;
}

/** Takes a page. Returns false where it is stale (rule 8): it must be asked for again. */
export function addPage(state: State, roomId: string, page: Page): boolean {
  const room = state.rooms[roomId];
  if (!room || page.head_seq < room.blind_seq) return false;
  for (const event of page.messages) absorb(room, event);
  cover(room, stretchOf(page));
  return true;
}

/** Adds the event that follows the cursor. */
export function append(room: RoomState, event: Event): void {
  if (isShown(event)) absorb(room, event);
  cover(room, { from: event.seq, to: event.seq });
  if (room.events.length > TIMELINE_EVENTS_MAX) trim(room, TIMELINE_EVENTS_MAX / 2);
}

/** Applies a change to its message, or remembers that it could not (rule 8). */
export function change(room: RoomState, event: Event): void {
  const target = event.body?.target;
  if (typeof target !== 'number') return;
  const message = room.events[indexOf(room.events, target)];
  if (message?.seq === target) erase(message, event.seq);
  else room.blind_seq = Math.max(room.blind_seq, event.seq);
  if (room.room.last?.seq === target) erase(room.room.last, event.seq);
}

/** Forgets all but the newest; the rest can be read again. */
export function trim(room: RoomState, keep: number): void {
  const shown = timeline(room);
  const newest = room.stretches.at(-1);
  if (!newest || room.events.length <= keep) return;
  room.events = shown.slice(-keep);
  room.stretches = [{ from: shown.length <= keep ? newest.from : (room.events[0]?.seq ?? newest.from), to: newest.to }];
}

/** The later form of an event wins, in the list of rooms too. */
export function later(a: Event | null, b: Event | null): Event | null {
  if (!a || !b) return a ?? b;
  if (a.seq !== b.seq) return a.seq > b.seq ? a : b;
  return form(a) > form(b) ? a : b;
}

function form(event: Event): number {
  return event.rev ?? event.seq;
}

function erase(message: Event, seq: number): void {
  if (seq <= form(message)) return;
  message.body = null;
  message.rev = seq;
}

/** The list's `last` is a copy of its own, because each is changed on its own. */
function absorb(room: RoomState, event: Event): void {
  const index = indexOf(room.events, event.seq);
  const known = room.events[index];
  if (known?.seq !== event.seq) room.events.splice(index, 0, event);
  else if (form(event) >= form(known)) room.events[index] = event;
  const last = later(room.room.last, event);
  if (last === event) room.room.last = { ...event };
}

/** The numbers for which a page is the whole truth. A short page reached the end on its side. */
function stretchOf({ at, limit, head_seq, messages }: Page): Stretch {
  const [first, last] = [messages[0]?.seq, messages.at(-1)?.seq];
  const isShort = messages.length < limit;
  const from = isShort ? 1 : (first ?? 1);
  if (at === 'newest') return { from, to: head_seq };
  if ('before' in at) return { from, to: Math.min(at.before - 1, head_seq) };
  if ('after' in at) return { from: at.after + 1, to: isShort ? head_seq : (last ?? head_seq) };
  return { from: first ?? at.around, to: last ?? at.around };
}

/** Adds a stretch and joins those that touch. */
function cover(room: RoomState, added: Stretch): void {
  if (added.to < added.from) return;
  const apart = (it: Stretch) => it.to + 1 < added.from || added.to + 1 < it.from;
  const joined = room.stretches.filter((it) => !apart(it));
  const from = Math.min(added.from, ...joined.map((it) => it.from));
  const to = Math.max(added.to, ...joined.map((it) => it.to));
  room.stretches = [...room.stretches.filter(apart), { from, to }].sort((a, b) => a.from - b.from);
}

/** Where an event with this number is or would be, by halving. */
function indexOf(events: Event[], seq: number): number {
  let [low, high] = [0, events.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((events[middle]?.seq ?? Infinity) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
