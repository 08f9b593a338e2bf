/**
 * What is said on a WebSocket, said by REST; and the answer, as the frames of a WebSocket. The twin of
 * `crates/client/src/link/say.rs`.
 */
import { type Method, Refused, roomPath } from './rest';
import type { ClientFrame, Event, Events, Posted, Reply, Room, Rooms, ServerFrame } from './types';

type Saying = {
  method: Method;
  path: string;
  body?: unknown;
  /** Of the reply, from the answer. */
  reply: (answer: unknown) => Partial<Reply>;
  /** The frames before the reply. */
  events?: (answer: unknown) => Event[];
};

/** A command by REST; null where there is nothing to say. `stream` is the name of the connection's own. */
export function saying(frame: ClientFrame, stream: string | null): Saying | null {
  const posted = (answer: unknown) => (answer ?? {}) as Partial<Posted>;
  switch (frame.type) {
    case 'message.send':
      return { method: 'POST', path: roomPath(frame.room, '/messages'), body: { key: frame.key, text: frame.text }, reply: posted };
    case 'message.delete':
      return { method: 'DELETE', path: roomPath(frame.room, `/messages/${frame.target}`), body: { key: frame.key }, reply: posted };
    case 'receipt.set':
      return { method: 'PUT', path: roomPath(frame.room, '/receipt'), body: { read: frame.read, delivered: frame.delivered }, reply: posted };
    case 'draft.set':
      return { method: 'PUT', path: roomPath(frame.room, '/draft'), body: { key: frame.key, text: frame.text }, reply: posted };
    case 'typing.set':
      return { method: 'PUT', path: roomPath(frame.room, '/typing'), body: { on: frame.on }, reply: posted };
    case 'presence.watch':
      return stream === null ? null : { method: 'PUT', path: streamPath(stream, '/watch'), body: { users: frame.users }, reply: posted };
    case 'ping':
      return stream === null ? null : { method: 'POST', path: streamPath(stream, '/ping'), reply: posted };
    case 'room.list':
      return { method: 'GET', path: `/v1/rooms${frame.after ? `?after=${encodeURIComponent(frame.after)}` : ''}`, reply: listed };
    case 'room.get':
      return { method: 'GET', path: roomPath(frame.room), reply: (answer) => ({ rooms: [answer as Room], users: [], more: false }) };
    case 'room.sync':
      return {
        method: 'GET',
        path: roomPath(frame.room, `/events?after=${frame.after}${frame.limit ? `&limit=${frame.limit}` : ''}`),
        reply: synced,
        events: (answer) => (answer as Events).events,
      };
    default:
      return null;
  }
}

/** An answer as frames; a command without a `ref` wants none. */
export function answered({ reply, events }: Saying, ref: number | null, answer: unknown): ServerFrame[] {
  if (ref === null) return [];
  const before = (events?.(answer) ?? []).map((event): ServerFrame => ({ type: 'event', ...event }));
  return [...before, { type: 'reply', ...reply(answer), ref }];
}

export function refused(error: Refused, ref: number | null): ServerFrame[] {
  if (ref === null) return [];
  const { code, message, field, retry_after_ms } = error;
  return [{ type: 'error', ref, code, message, ...(field !== null && { field }), ...(retry_after_ms !== null && { retry_after_ms }) }];
}

export function refOf(frame: ClientFrame): number | null {
  return 'ref' in frame ? (frame.ref ?? null) : null;
}

function streamPath(stream: string, rest: string): string {
  return `/v1/stream/${encodeURIComponent(stream)}${rest}`;
}

function listed(answer: unknown): Partial<Reply> {
  const { rooms, users, next } = answer as Rooms;
  return { rooms, users, more: next !== undefined, ...(next !== undefined && { next }) };
}

function synced(answer: unknown): Partial<Reply> {
  const { events, head_seq } = answer as Events;
  const last = events.at(-1);
  return { head_seq, more: last !== undefined && last.seq < head_seq };
}
