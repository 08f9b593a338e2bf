/**
 * The client's side of the contract: each input changes the state and returns what is to be said.
 * `now_ms` is Unix milliseconds.
 */
import type { ClientFrame, ErrorFrame, Ready, Reply, Room, ServerFrame, UserName } from '../api/types';
import * as outbox from './outbox';
import { deliver, doubt, heed } from './receipts';
import { caughtUp, lag, markRead, take, tell } from './room';
import { putOff, say, sayDue, unsay, want } from './say';
import { countAt } from './timeline';
import { ANSWER_WITHIN_MS, type Asked, type Pending, type RoomState, roomsInOrder, type State, TYPING_MS } from './state';

/** A connection is open: the first frame, with the cursors of the rooms that are known (rule 1). */
export function connected(state: State, token: string): ClientFrame {
  const known = resumable(state);
  const [first] = known;
  if (state.epoch === null || !first || !isSelf(first)) {
    state.named = null;
    return { type: 'hello', token };
  }
  const cursors = known.map((it): [string, number] => [it.room.id, it.cursor]);
  state.named = cursors.map(([room]) => room);
  return { type: 'hello', token, epoch: state.epoch, cursors };
}

/** The `self` room, and as many others as a hello may name, the most recent ones. */
function resumable(state: State): RoomState[] {
  const all = Object.values(state.rooms);
  const recent = all.length <= state.limits.cursors ? all : roomsInOrder(state);
  const others = recent.filter((it) => !isSelf(it)).slice(0, state.limits.cursors - 1);
  return [...all.filter(isSelf), ...others.sort((a, b) => (a.room.id < b.room.id ? -1 : 1))];
}

/** The connection is gone. What was not answered is said again after the next `ready` (rule 13). */
export function disconnected(state: State): void {
  state.ready = false;
  state.listing = false;
  unsay(state);
  for (const pending of state.outbox) pending.retry_ms = null;
  state.pause_ms = null;
  state.gone = [];
  // The resume brings the rest, but no room whose `room_added` was applied, and not what I have read.
  state.questions = state.questions.filter((it) => it.what === 'room' || it.what === 'read' || it.what === 'draft');
  for (const asked of state.questions) asked.retry_ms = null;
  state.strangers = {};
  state.early = {};
  state.present = {};
  state.typing = {};
  for (const room of Object.values(state.rooms)) room.held = [];
  state.deliver_ms = null;
  doubt(state);
}

/** Takes a frame. An unknown one changes nothing. */
export function apply(state: State, frame: ServerFrame, now_ms: number): ClientFrame[] {
  state.now_ms = now_ms;
  switch (frame.type) {
    case 'ready':
      ready(state, frame);
      break;
    case 'event': {
      const { type: _, ...event } = frame;
      take(state, event);
      break;
    }
    case 'reply':
      reply(state, frame);
      break;
    case 'error':
      error(state, frame);
      break;
    case 'signal':
      if (frame.kind === 'presence') state.present[frame.user] = frame.online;
      else if (frame.kind === 'profile') name(state, [frame.user]);
      else if (frame.kind === 'typing') type(state, frame);
      break;
    case 'receipt':
      heed(state, frame.room, frame);
      break;
    case 'lagged':
      lag(state, frame.room, frame.head_seq);
      break;
  }
  return say(state);
}

/** The user says something. */
export function send(state: State, room: string, text: string, key: string, now_ms: number): ClientFrame[] {
  state.now_ms = now_ms;
  outbox.enqueue(state, room, { text }, key);
  return say(state);
}

/** The user erases the message with the number `target`. */
export function erase(state: State, room: string, target: number, key: string, now_ms: number): ClientFrame[] {
  state.now_ms = now_ms;
  outbox.enqueue(state, room, { target }, key);
  return say(state);
}

/** The user tries a failed command again. */
export function resend(state: State, key: string, now_ms: number): ClientFrame[] {
  state.now_ms = now_ms;
  outbox.requeue(state, key);
  return say(state);
}

export { discard, guess } from './outbox';

/** The user writes, and stopped for a moment: what stands there goes to the user's other devices. */
export function draft(state: State, roomId: string, text: string, key: string, now_ms: number): ClientFrame[] {
  state.now_ms = now_ms;
  const known = state.rooms[roomId];
  const isOpen = state.questions.some((it) => it.what === 'draft' && it.room === roomId);
  if (!known || (!isOpen && (known.room.draft ?? '') === text)) return [];
  want(state, { what: 'draft', room: roomId, text, key, said: null });
  return say(state);
}

/** The user has seen all up to `seq` (rule 14). */
export function read(state: State, roomId: string, seq: number, now_ms: number): ClientFrame[] {
  state.now_ms = now_ms;
  const known = state.rooms[roomId];
  const mark = Math.min(seq, known?.room.head_seq ?? 0);
  if (!known || mark <= known.room.read_seq) return [];
  markRead(known.room, mark, mark === known.room.head_seq ? known.room.n : countAt(known, mark));
  want(state, { what: 'read', room: roomId, read: mark, said: 0 });
  return say(state);
}

/** Time has passed. */
export function tick(state: State, now_ms: number): ClientFrame[] {
  state.now_ms = now_ms;
  for (const typists of Object.values(state.typing)) {
    for (const [user, until_ms] of Object.entries(typists)) if (until_ms <= now_ms) delete typists[user];
  }
  const isOverdue = (it: Asked | Pending) => it.ref !== null && it.said_ms + ANSWER_WITHIN_MS <= now_ms;
  const receipts = state.deliver_ms !== null && state.deliver_ms <= now_ms ? deliver(state) : [];
  if ([...state.outbox, ...state.questions].some(isOverdue)) return [...receipts, ...timeout(state, now_ms)];
  return [...receipts, ...say(state)];
}

/** No answer came for too long, though the connection is open. */
export function timeout(state: State, now_ms: number): ClientFrame[] {
  state.now_ms = now_ms;
  unsay(state);
  return say(state);
}

/** When [`tick`] has something to do, or null. */
export function tickDue(state: State): number | null {
  const typing = Object.values(state.typing).flatMap((typists) => Object.values(typists));
  const first = Math.min(...typing, sayDue(state) ?? Infinity, state.deliver_ms ?? Infinity);
  return first === Infinity ? null : first;
}

/** Learns names. */
export function name(state: State, users: UserName[]): void {
  for (const { id, handle, display_name, hue } of users) {
    const known = state.users[id];
    if (known?.handle === handle && known.display_name === display_name && known.hue === hue) continue;
    state.users[id] = { id, handle, display_name, ...(hue !== undefined && { hue }) };
    if (state.me?.id === id) Object.assign(state.me, { display_name, hue });
  }
}

function isSelf({ room }: { room: { kind: string } }): boolean {
  return room.kind === 'self';
}

function ready(state: State, frame: Ready): void {
  const isNewHistory = frame.reset || state.epoch !== frame.epoch;
  if (isNewHistory || state.named === null) startAfresh(state);
  for (const known of Object.values(state.rooms)) known.receipts_current = false;
  const skew_ms = frame.now_ms - state.now_ms;
  Object.assign(state, { epoch: frame.epoch, me: frame.user, ready: true, limits: frame.limits, skew_ms });
  name(state, [frame.user, ...frame.users]);
  state.listing = frame.more;
  state.drafted = {};
  for (const room of frame.rooms) report(state, room, room.head_seq);
  if (state.listing && frame.next !== undefined) want(state, { what: 'list', after: frame.next });
  else endOfList(state);
}

/** A room that the hello did not name is not resumed: it catches up by itself. */
function report(state: State, room: Room, first?: number): void {
  tell(state, room, first);
  if (!state.named?.includes(room.id)) lag(state, room.id, room.head_seq);
}

/** Another history, or none to go on from: what was read of it goes, what was not sent stays (rule 2). */
function startAfresh(state: State): void {
  const rooms = Object.keys(state.rooms);
  Object.assign(state, { rooms: {}, questions: [] });
  for (const room of rooms) outbox.settle(state, room);
}

/** What was held for a room that the list did not name is asked about (rule 10), and one that moved up while it was read (rule 4). */
function endOfList(state: State): void {
  const moved = state.listing ? Object.values(state.rooms).filter((it) => !it.receipts_current && !isSelf(it)) : [];
  const ids = moved.map(({ room }) => room.id).sort();
  Object.assign(state, { listing: false, gone: [] });
  for (const room of [...Object.keys(state.strangers), ...ids]) want(state, { what: 'room', room });
}

function reply(state: State, frame: Reply): void {
  name(state, frame.users ?? []);
  const pending = state.outbox.find((it) => it.ref === frame.ref);
  if (pending) return outbox.answered(state, pending, frame);
  const asked = state.questions.find((it) => it.ref === frame.ref);
  if (!asked) return;
  state.questions = state.questions.filter((it) => it !== asked);
  switch (asked.what) {
    case 'list':
      return listed(state, frame);
    case 'room':
      return toldOf(state, asked.room, frame);
    case 'sync':
      return caughtUp(state, asked.room, asked.after, frame.head_seq ?? 0);
    case 'read':
      // The user has read on since that was said.
      if (asked.read > asked.said) want(state, { what: 'read', room: asked.room, read: asked.read, said: 0 });
      return;
    case 'draft':
      // The user has written on since that was said.
      if (asked.key !== asked.said) want(state, { what: 'draft', room: asked.room, text: asked.text, key: asked.key, said: null });
  }
}

function listed(state: State, { rooms, next }: Reply): void {
  for (const room of rooms ?? []) if (room.role && !state.gone.includes(room.id)) report(state, room);
  if (next !== undefined) want(state, { what: 'list', after: next });
  else endOfList(state);
}

/** Without a role it is a room that I could join, and am not in. */
function toldOf(state: State, roomId: string, { rooms }: Reply): void {
  const room = rooms?.find((it) => it.id === roomId);
  if (room?.role) tell(state, room);
  else delete state.strangers[roomId];
}

function error(state: State, frame: ErrorFrame): void {
  if (frame.ref === undefined) {
    // It may be of what was received, which is said without one.
    if (outbox.isTransient(frame.code)) doubt(state);
    return;
  }
  const pending = state.outbox.find((it) => it.ref === frame.ref);
  if (pending) return outbox.refused(state, pending, frame);
  const asked = state.questions.find((it) => it.ref === frame.ref);
  if (!asked) return;
  if (outbox.isTransient(frame.code)) {
    state.pause_ms = outbox.retryAt(state, frame);
    return putOff(state, asked, state.pause_ms);
  }
  state.questions = state.questions.filter((it) => it !== asked);
  if (asked.what === 'room') delete state.strangers[asked.room];
  if (asked.what === 'list') endOfList(state);
}

function type(state: State, signal: { room: string; user: string; on: boolean }): void {
  if (signal.user === state.me?.id || !state.rooms[signal.room]) return;
  const typists = (state.typing[signal.room] ??= {});
  if (signal.on) typists[signal.user] = state.now_ms + TYPING_MS;
  else delete typists[signal.user];
}
