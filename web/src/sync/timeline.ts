/** What is known of one room's timeline: pages from below, events from above, changes in between. */
import type { Event } from '../api/types';
import { Events, listOf, type RoomState, type State, type Stretch, TIMELINE_EVENTS_MAX } from './state';

/** Which page was asked for. */
export type PageAt = 'newest' | { before: number } | { after: number } | { around: number };

/** A page of the timeline as REST answered it. */
export type Page = { at: PageAt; limit: number; head_seq: number; messages: Event[] };

/** The newest of a timeline as it was put aside, true as of `cursor`. */
export type Kept = { cursor: number; from: number; events: Event[] };

const SHOWN = new Set(['message', 'room_created', 'room_updated', 'member_joined', 'member_left', 'member_role']);

/** True for what is shown: messages and notices. The rest of the log changes what is shown. */
export function isShown(event: Event): boolean {
  return SHOWN.has(event.kind);
}

/** The newest stretch without a hole, ascending. */
export function timeline(room: RoomState): Events {
  const newest = room.stretches.at(-1);
  return newest ? eventsIn(room, newest) : new Events();
}

/** What is shown of a stretch, ascending. */
export function eventsIn({ events }: RoomState, { from, to }: Stretch): Events {
  const [first, end] = [indexOf(events, from), indexOf(events, to + 1)];
  return first === 0 && end === events.length ? events : (events.slice(first, end) as Events);
}

/** Where there is no hole around a number, or null where nothing is known of it. */
export function stretchAt(room: RoomState, seq: number): Stretch | null {
  return room.stretches.find((it) => it.from <= seq && seq <= it.to) ?? null;
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
  absorb(room, page.messages);
  cover(room, stretchOf(page));
  return true;
}

/** Adds the event that follows the cursor. */
export function append(room: RoomState, event: Event): void {
  if (isShown(event)) absorb(room, [event]);
  cover(room, { from: event.seq, to: event.seq });
  if (room.events.length > TIMELINE_EVENTS_MAX) trim(room, TIMELINE_EVENTS_MAX / 2);
}

/** Applies a change to its message, or remembers that it could not (rule 8). */
export function change(room: RoomState, event: Event): void {
  const target = event.body?.target;
  if (typeof target !== 'number') return;
  const index = indexOf(room.events, target);
  const message = room.events[index];
  if (message?.seq === target) room.events = replaced(room.events, index, erased(message, event.seq));
  else room.blind_seq = Math.max(room.blind_seq, event.seq);
  if (room.room.last?.seq === target) room.room.last = erased(room.room.last, event.seq);
}

/** Forgets all but the newest; the rest can be read again. */
export function trim(room: RoomState, keep: number): void {
  const shown = timeline(room);
  const newest = room.stretches.at(-1);
  if (!newest || room.events.length <= keep) return;
  room.events = listOf(shown.slice(-keep));
  room.stretches = [{ from: shown.length <= keep ? newest.from : (room.events[0]?.seq ?? newest.from), to: newest.to }];
}

/** Forgets what is far: all but the events within `near`, and the newest `tail` of the newest stretch. */
export function forgetFar(room: RoomState, near: Stretch, tail: number): void {
  const newest = room.stretches.at(-1);
  if (!newest) return;
  const tailFrom = timeline(room).at(-tail)?.seq ?? newest.from;
  const kept = [near, { from: tailFrom, to: newest.to }];
  const known = room.stretches;
  room.stretches = [];
  for (const stretch of known) {
    for (const it of kept) cover(room, { from: Math.max(stretch.from, it.from), to: Math.min(stretch.to, it.to) });
  }
  room.events = room.events.filter(({ seq }) => stretchAt(room, seq) !== null) as Events;
}

/** The newest of a timeline, to be put aside. */
export function keepsake(room: RoomState, count: number): Kept | null {
  const newest = room.stretches.at(-1);
  if (!newest || newest.to < room.cursor) return null;
  const events = [...timeline(room)].slice(-count);
  const isWhole = events.length === timeline(room).length;
  return { cursor: room.cursor, from: isWhole ? newest.from : (events[0]?.seq ?? newest.from), events };
}

/** Takes what was put aside, if nothing passed since that would have to be done to it. Returns whether. */
export function restore(room: RoomState, kept: Kept): boolean {
  if (kept.cursor > room.cursor || room.blind_seq > kept.cursor) return false;
  absorb(room, kept.events);
  cover(room, { from: kept.from, to: kept.cursor });
  return true;
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

function erased(message: Event, seq: number): Event {
  return seq <= form(message) ? message : { ...message, body: null, rev: seq };
}

function replaced(events: Events, index: number, event: Event): Events {
  const list = listOf(events);
  list[index] = event;
  return list;
}

/** Puts events, ascending, among those that are known. */
function absorb(room: RoomState, added: Event[]): void {
  const [first, last] = [added[0], added.at(-1)];
  if (!first || !last) return;
  const [start, end] = [indexOf(room.events, first.seq), indexOf(room.events, last.seq + 1)];
  const between = merged(room.events.slice(start, end), added);
  room.events = listOf([...room.events.slice(0, start), ...between, ...room.events.slice(end)]);
  const newest = later(room.room.last, last);
  if (newest === last) room.room.last = { ...last };
}

/** Both ascending; of two forms of one event the later. */
function merged(known: Event[], added: Event[]): Event[] {
  if (known.length === 0) return added;
  const bySeq = new Map(known.map((event) => [event.seq, event]));
  for (const event of added) {
    const old = bySeq.get(event.seq);
    if (!old || form(event) >= form(old)) bySeq.set(event.seq, event);
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
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
