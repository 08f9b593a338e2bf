/**
 * What may be said now: commands before questions (rule 15), one command in flight a room (rule 11).
 *
 * The **say invariant**: every input ends here, and the caller sends every frame that is returned, in
 * order, or reports the connection as lost.
 */
import type { ClientFrame } from '../api/types';
import { plan } from './receipts';
import { ANSWER_WITHIN_MS, type Asked, type Pending, type Question, QUESTIONS_MAX, type State } from './state';

/** Wants an answer, unless the same is wanted already. */
export function want(state: State, question: Question): void {
  const same = state.questions.find((it) => it.what === question.what && roomOf(it) === roomOf(question));
  if (!same) state.questions.push({ ...question, ref: null, said_ms: 0, retry_ms: null });
  else if (same.what === 'read' && question.what === 'read') same.read = question.read;
  else if (same.what === 'draft' && question.what === 'draft') Object.assign(same, { text: question.text, key: question.key });
}

/** Asks again later: behind all that is wanted by then. */
export function putOff(state: State, question: Question, retry_ms: number): void {
  want(state, question);
  const asked = state.questions.find((it) => it.what === question.what && roomOf(it) === roomOf(question));
  if (asked) Object.assign(asked, { ref: null, retry_ms });
}

/** The room is known: what was not yet asked about it need not be. */
export function answer(state: State, room: string): void {
  state.questions = state.questions.filter((it) => it.what !== 'room' || it.room !== room || it.ref !== null);
}

/** No more questions about a room that is gone. */
export function unwant(state: State, room: string): void {
  state.questions = state.questions.filter((it) => roomOf(it) !== room);
}

export function roomOf(question: Question): string | null {
  return question.what === 'list' ? null : question.room;
}

export function say(state: State): ClientFrame[] {
  if (!state.ready) return [];
  plan(state);
  return [...commands(state), ...questions(state)];
}

/** When [`say`] has something to say, or an answer is overdue, without anything else happening. */
export function sayDue(state: State): number | null {
  if (!state.ready) return null;
  const due = [...state.outbox.filter(isOpen), ...state.questions].map((it) =>
    it.ref === null ? (it.retry_ms ?? Infinity) : it.said_ms + ANSWER_WITHIN_MS,
  );
  const first = Math.min(...due, state.pause_ms ?? Infinity);
  return first === Infinity ? null : first;
}

/** What has no answer is taken as unsaid: after a cut, or when the answer is overdue (rule 13). */
export function unsay(state: State): void {
  for (const pending of state.outbox) {
    if (pending.stage === 'sending') Object.assign(pending, { stage: 'waiting', ref: null, retry_ms: null });
  }
  for (const asked of state.questions) asked.ref = null;
}

function isOpen(pending: Pending): boolean {
  return !pending.guess && (pending.stage === 'waiting' || pending.stage === 'sending');
}

function commands(state: State): ClientFrame[] {
  const frames: ClientFrame[] = [];
  const taken = new Set<string>();
  for (const pending of state.outbox.filter(isOpen)) {
    if (taken.has(pending.room)) continue;
    taken.add(pending.room);
    if (pending.stage === 'sending' || state.now_ms < (pending.retry_ms ?? 0)) continue;
    Object.assign(pending, { stage: 'sending', retry_ms: null, ...stamp(state) });
    frames.push(commandFrame(pending));
  }
  return frames;
}

function questions(state: State): ClientFrame[] {
  if (state.now_ms < (state.pause_ms ?? 0)) return [];
  state.pause_ms = null;
  const isDue = (it: Asked) => it.retry_ms !== null && it.retry_ms <= state.now_ms;
  const due = state.questions.filter(isDue);
  if (due.length > 0) state.questions = [...state.questions.filter((it) => !isDue(it)), ...due];
  const frames: ClientFrame[] = [];
  let open = state.questions.filter((it) => it.ref !== null).length;
  for (const asked of state.questions) {
    if (open >= QUESTIONS_MAX) break;
    if (asked.ref !== null || state.now_ms < (asked.retry_ms ?? 0)) continue;
    open += 1;
    Object.assign(asked, { retry_ms: null, ...stamp(state) });
    frames.push(questionFrame(state, asked));
  }
  return frames;
}

function stamp(state: State): { ref: number; said_ms: number } {
  state.ref += 1;
  return { ref: state.ref, said_ms: state.now_ms };
}

function commandFrame({ ref, room, key, what }: Pending): ClientFrame {
  if ('text' in what) return { type: 'message.send', ref: ref ?? 0, room, key, text: what.text };
  return { type: 'message.delete', ref: ref ?? 0, room, key, target: what.target };
}

function questionFrame(state: State, asked: Asked): ClientFrame {
  const ref = asked.ref ?? 0;
  switch (asked.what) {
    case 'list':
      return { type: 'room.list', ref, after: asked.after };
    case 'room':
      return { type: 'room.get', ref, room: asked.room };
    case 'sync':
      // From where the cursor is by now.
      asked.after = state.rooms[asked.room]?.cursor ?? asked.after;
      return { type: 'room.sync', ref, room: asked.room, after: asked.after };
    case 'read':
      asked.said = asked.read;
      return { type: 'receipt.set', ref, room: asked.room, read: asked.read };
    case 'draft':
      asked.said = asked.key;
      return { type: 'draft.set', ref, room: asked.room, key: asked.key, text: asked.text };
  }
}
