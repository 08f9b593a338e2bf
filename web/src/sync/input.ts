/**
 * All that can happen to the state, as data: what one tab did, another can do after it, and then
 * knows the same. Two states that took the same inputs in the same order are the same, but for
 * pages of the past, which each reads for itself.
 */
import type { ClientFrame, ServerFrame } from '../api/types';
import type { State } from './state';
import * as sync from './sync';

export type Input =
  | { do: 'connected'; token: string }
  | { do: 'disconnected' }
  | { do: 'frame'; frame: ServerFrame }
  | { do: 'tick' }
  | Command;

/** What the user does. */
export type Command =
  | { do: 'send'; room: string; text: string; key: string }
  | { do: 'erase'; room: string; target: number; key: string }
  | { do: 'resend'; key: string }
  | { do: 'discard'; key: string }
  | { do: 'read'; room: string; seq: number }
  | { do: 'draft'; room: string; text: string; key: string };

/** Takes an input and returns what is to be said. `now_ms` is Unix milliseconds. */
export function enter(state: State, input: Input, now_ms: number): ClientFrame[] {
  switch (input.do) {
    case 'connected':
      state.now_ms = now_ms;
      return [sync.connected(state, input.token)];
    case 'disconnected':
      sync.disconnected(state);
      return [];
    case 'frame':
      return sync.apply(state, input.frame, now_ms);
    case 'tick':
      return sync.tick(state, now_ms);
    case 'send':
      return sync.send(state, input.room, input.text, input.key, now_ms);
    case 'erase':
      return sync.erase(state, input.room, input.target, input.key, now_ms);
    case 'resend':
      return sync.resend(state, input.key, now_ms);
    case 'discard':
      sync.discard(state, input.key);
      return [];
    case 'read':
      return sync.read(state, input.room, input.seq, now_ms);
    case 'draft':
      return sync.draft(state, input.room, input.text, input.key, now_ms);
  }
}

/** The rooms of which an input may change something. A new history changes all. */
export function touched(state: State, input: Input): string[] {
  switch (input.do) {
    case 'frame':
      return touchedBy(input.frame);
    case 'connected':
    case 'disconnected':
    case 'tick':
      return [];
    case 'resend':
    case 'discard':
      return state.outbox.flatMap((it) => (it.key === input.key ? it.room : []));
    default:
      return [input.room];
  }
}

function touchedBy(frame: ServerFrame): string[] {
  switch (frame.type) {
    case 'event': {
      const concerned = frame.body?.room;
      return typeof concerned === 'string' ? [frame.room, concerned] : [frame.room];
    }
    case 'ready':
    case 'reply':
      return (frame.rooms ?? []).map((it) => it.id);
    case 'lagged':
    case 'receipt':
      return [frame.room];
    default:
      return [];
  }
}
