/** What the user said, kept until the log shows it. A command keeps its key for ever. */
import type { ErrorCode, ErrorFrame, Event, Reply } from '../api/types';
import { type Pending, PENDING_MAX, RETRY_AFTER_MS, type State } from './state';

/** Outcomes after which the same may succeed (rule 12). */
const TRANSIENT = new Set<ErrorCode>(['busy', 'unavailable', 'rate_limited', 'unauthorized']);

const FRESH = { stage: 'waiting', ref: null, said_ms: 0, retry_ms: null, seq: null, code: null } as const;

/** Takes a new command, unless [`PENDING_MAX`] wait already. One that was guessed takes its place now. */
export function enqueue(state: State, room: string, what: Pending['what'], key: string): void {
  const guessed = state.outbox.find((it) => it.key === key);
  if (guessed ? !guessed.guess : state.outbox.length >= PENDING_MAX) return;
  if (guessed) state.outbox = state.outbox.filter((it) => it !== guessed);
  state.outbox.push({ key, room, at_ms: guessed?.at_ms ?? state.now_ms + state.skew_ms, what, ...FRESH });
}

/** Shows a command that another tab is to say. */
export function guess(state: State, room: string, text: string, key: string): void {
  state.outbox.push({ key, room, at_ms: state.now_ms + state.skew_ms, what: { text }, ...FRESH, guess: true });
}

/** Puts a failed command at the end, under the key it had. */
export function requeue(state: State, key: string): void {
  const failed = state.outbox.find((pending) => pending.key === key && pending.stage === 'failed');
  if (!failed) return;
  state.outbox = [...state.outbox.filter((pending) => pending !== failed), { ...failed, ...FRESH }];
}

/** Forgets a failed command. */
export function discard(state: State, key: string): void {
  state.outbox = state.outbox.filter((pending) => pending.key !== key || pending.stage !== 'failed');
}

/** It is on disk. It stays until its event has come, so that it never leaves the screen. */
export function answered(state: State, pending: Pending, reply: Reply): void {
  Object.assign(pending, { stage: 'sent', ref: null, seq: reply.seq ?? 0 });
  settle(state, pending.room);
}

export function refused(state: State, pending: Pending, error: ErrorFrame): void {
  pending.ref = null;
  if (isTransient(error.code)) {
    pending.stage = 'waiting';
    pending.retry_ms = retryAt(state, error);
  } else {
    pending.stage = 'failed';
    pending.code = error.code;
  }
}

/** The event of a command has come, by its key: as good as the reply. */
export function seen(state: State, event: Event): void {
  if (!event.key || event.from !== state.me?.id) return;
  if (!state.outbox.some((pending) => pending.key === event.key)) return;
  state.outbox = state.outbox.filter((pending) => pending.key !== event.key);
}

/** Drops what is stored at or below the room's cursor, changed nothing, or is of a room that is gone. */
export function settle(state: State, room: string): void {
  const cursor = state.rooms[room]?.cursor ?? Infinity;
  const isSettled = (it: Pending) => it.room === room && it.stage === 'sent' && (it.seq ?? 0) <= cursor;
  if (state.outbox.some(isSettled)) state.outbox = state.outbox.filter((it) => !isSettled(it));
}

export function isTransient(code: ErrorCode): boolean {
  return TRANSIENT.has(code);
}

/** When to say again what was refused for now. */
export function retryAt(state: State, error: ErrorFrame): number {
  return state.now_ms + (error.retry_after_ms ?? RETRY_AFTER_MS);
}
