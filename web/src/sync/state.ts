/**
 * What this device knows of the chat, as plain data, so that a view may watch any part of it.
 *
 * Nothing in this folder does I/O, asks the time or rolls dice. The twin is `crates/client/src/sync`;
 * both run the cases in `crates/client/cases/sync`, whose README numbers the rules.
 */
import type { ErrorCode, Event, Limits, Me, Receipts, Room, UserName } from '../api/types';

/** Events that wait for one before them, a room; what is beyond comes again by `room.sync`. */
export const HELD_EVENTS_MAX = 256;

/** Rooms that are asked about because something came of them; more is no room of mine. */
export const STRANGERS_MAX = 256;

/** Commands that wait at once: far more than a person writes on a train. */
export const PENDING_MAX = 1_000;

/** Events of one room that are kept: some hundred screens. The oldest go, and can be read again. */
export const TIMELINE_EVENTS_MAX = 10_000;

/** Questions without an answer at once: a client that was away must not fill the server's queue. */
export const QUESTIONS_MAX = 16;

/** How long what was refused for now waits where the server gave no hint. */
export const RETRY_AFTER_MS = 1_000;

/** A command whose answer is this late is said again, with the same key. */
export const ANSWER_WITHIN_MS = 15_000;

/** How long one is shown as typing without a sign of it, by the contract. */
export const TYPING_MS = 6_000;

/** In which what is received is gathered to one receipt a room. */
export const DELIVER_AFTER_MS = 1_000;

/** Rooms of which a receipt is said at one moment, below what the server takes at once; the others a moment later. */
export const DELIVER_ROOMS_MAX = 32;

/** Until `ready` tells; the contract's own figures. */
const LIMITS: Limits = { text_bytes: 16_384, frame_bytes: 65_536, in_flight: 64, page: 100, cursors: 1_000, watch: 100 };

export type State = {
  /** The time of the last input, Unix milliseconds. */
  now_ms: number;
  /** Null before the first `ready`. */
  epoch: string | null;
  me: Me | null;
  /** From `ready` until the connection is lost. */
  ready: boolean;
  limits: Limits;
  rooms: Record<string, RoomState>;
  users: Record<string, UserName>;
  /** What this user said and the log does not show yet, in the order in which it goes out. */
  outbox: Pending[];
  /** What is to be asked, in the order in which it was needed. */
  questions: Asked[];
  /** The last `ref` that was given. */
  ref: number;
  /** What the server's clock is ahead of ours, as of the last `ready`. */
  skew_ms: number;
  /** What was received is said then. */
  deliver_ms: number | null;
  /** Questions wait until then: the server asked for it. */
  pause_ms: number | null;
  /** What came of rooms that are not known yet. */
  strangers: Record<string, Stranger>;
  /** How far all have come in rooms that are not known yet: newer than what may be read of them by then. */
  early: Record<string, Receipts>;
  /** What events since the last `ready` said of drafts, room by room: a page of the list may be older. */
  drafted: Record<string, string>;
  /** Rooms that went while the list was being read, whose next page may still show them. */
  gone: string[];
  /** True while the list of rooms is read page by page. */
  listing: boolean;
  /** The rooms whose cursors the last `hello` named, or null where it named none. */
  named: string[] | null;
  /** Who is online, of those that are watched. */
  present: Record<string, boolean>;
  /** Until when one is shown as typing: room, then user. */
  typing: Record<string, Record<string, number>>;
};

export type RoomState = {
  /** As last told, with what happened since applied. */
  room: Room;
  /** The event that name, role and members were told as of: only later ones change them. */
  told_seq: number;
  /** The last event applied. */
  cursor: number;
  /** All that is known of the timeline, ascending. */
  events: Events;
  /** Where `events` has no hole: ascending, apart. */
  stretches: Stretch[];
  /** Events ahead of the cursor, ascending. */
  held: Event[];
  /** The last change whose message was not known: an older page does not show it. */
  blind_seq: number;
  /** What was said of delivery, and what of it the server has for sure. */
  delivered: { said: number; sure: number };
  /** False until this connection has told how far all have come: what moved while it was away is told by the list alone. */
  receipts_current: boolean;
};

/**
 * Events of a timeline. A list is replaced and never changed, and so is each event in it: who holds
 * one may compare, and a view watches the list as a whole instead of ten thousand parts.
 */
export class Events extends Array<Event> {}

export function listOf(events: readonly Event[]): Events {
  const list = new Events(events.length);
  for (const [index, event] of events.entries()) list[index] = event;
  return list;
}

/** `read`: how far this user has read there, `seq` and `n`. */
export type Stranger = { head_seq: number; events: Event[]; read?: [number, number] };

/** From the first to the last event, both within. */
export type Stretch = { from: number; to: number };

/** A command that is kept until the log shows it. */
export type Pending = {
  /** The idempotency key: however often it is said, it happens once. */
  key: string;
  room: string;
  at_ms: number;
  what: { text: string } | { target: number };
  /** `sent` is one tick: it is on disk, and its event on the way. */
  stage: 'waiting' | 'sending' | 'sent' | 'failed';
  /** Under which it was last said. */
  ref: number | null;
  said_ms: number;
  /** Not before this time, where it was refused for now. */
  retry_ms: number | null;
  /** Of the event that it made. */
  seq: number | null;
  /** Why it failed. */
  code: ErrorCode | null;
  /** True while it is on its way to the tab that has the link: it is shown, and not said from here. */
  guess?: boolean;
};

/** What may be asked again at any time. */
export type Question =
  | { what: 'list'; after: string }
  | { what: 'room'; room: string }
  | { what: 'sync'; room: string; after: number }
  /** `said` is how far the last frame of it went. */
  | { what: 'read'; room: string; read: number; said: number }
  /** `said` is the key of its last frame: another text has another key. */
  | { what: 'draft'; room: string; text: string; key: string; said: string | null };

export type Asked = Question & { ref: number | null; said_ms: number; retry_ms: number | null };

/** Nothing known, with what an earlier page left unsent. */
export function newState(unsent: Pending[] = []): State {
  return {
    now_ms: 0,
    epoch: null,
    me: null,
    ready: false,
    limits: LIMITS,
    rooms: {},
    users: {},
    outbox: unsent,
    questions: [],
    ref: 0,
    skew_ms: 0,
    pause_ms: null,
    deliver_ms: null,
    strangers: {},
    early: {},
    drafted: {},
    gone: [],
    listing: false,
    named: null,
    present: {},
    typing: {},
  };
}

/** A room as of its head, or an earlier cursor: what is above comes by the stream, what is below by pages. */
export function newRoom(room: Room, cursor = room.head_seq): RoomState {
  const said = room.delivered_seq ?? 0;
  const delivered = { said, sure: said };
  const timeline = { events: new Events(), stretches: [], held: [], blind_seq: cursor };
  return { room, told_seq: room.head_seq, cursor, ...timeline, delivered, receipts_current: true };
}

/** Messages that this user has not read. */
export function unread({ n, read_n }: Room): number {
  return Math.max(0, n - read_n);
}

/** Events that were not applied yet, though the server told that there are some. */
export function missing({ room, cursor }: RoomState): number {
  return Math.max(0, room.head_seq - cursor);
}

/** All rooms, the one where something happened last first. */
export function roomsInOrder(state: State): RoomState[] {
  const keyed = Object.values(state.rooms).map((known) => ({ known, id: known.room.id, at_ms: known.room.last?.at_ms ?? 0 }));
  return keyed.sort((a, b) => b.at_ms - a.at_ms || (a.id < b.id ? -1 : 1)).map(({ known }) => known);
}
