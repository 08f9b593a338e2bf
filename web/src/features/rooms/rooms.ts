/** The list of rooms as it is shown. */
import type { Event, Room } from '../../api/types';
import { type Pending, type RoomState, roomsInOrder, type State, unread } from '../../sync/state';
import { text } from '../../text';
import { faceId, messageText, notice, roomName, userName } from '../names';

export type Row = {
  id: string;
  name: string;
  faceId: string;
  kind: string;
  preview: string;
  /** How far the last thing that I said has come, where that is what the preview shows. */
  stage: Pending['stage'] | null;
  at_ms: number | null;
  unread: number;
  online: boolean;
  isTyping: boolean;
};

export function rows(state: State): Row[] {
  const rooms = roomsInOrder(state);
  const pending = new Map(state.outbox.filter((it) => 'text' in it.what).map((it) => [it.room, it]));
  const all = rooms.map((known) => row(state, known, pending.get(known.room.id)));
  return all.sort((a, b) => (b.at_ms ?? 0) - (a.at_ms ?? 0));
}

/** The users whose presence the list shows. */
export function peers(state: State): string[] {
  return roomsInOrder(state).flatMap(({ room }) => room.peer ?? []);
}

function row(state: State, { room }: RoomState, pending: Pending | undefined): Row {
  const typists = Object.keys(state.typing[room.id] ?? {});
  const last = pending ? null : room.last;
  return {
    id: room.id,
    name: roomName(state, room),
    faceId: faceId(room),
    kind: room.kind,
    preview: typists[0] ? typing(state, room, typists[0]) : pending ? mine(room, pendingText(pending)) : preview(state, room, last),
    stage: pending?.stage ?? null,
    at_ms: pending?.at_ms ?? last?.at_ms ?? null,
    unread: unread(room),
    online: room.peer !== undefined && state.present[room.peer] === true,
    isTyping: typists.length > 0,
  };
}

function preview(state: State, room: Room, last: Event | null): string {
  if (!last) return room.kind === 'self' ? text.rooms.selfHint : '';
  if (last.kind !== 'message') return notice(state, last);
  const said = oneLine(messageText(last) ?? text.room.deleted);
  if (last.from === state.me?.id) return mine(room, said);
  return room.kind === 'direct' ? said : text.rooms.from(userName(state, last.from), said);
}

function typing(state: State, room: Room, user: string): string {
  return room.kind === 'direct' ? text.room.typingShort : text.room.typing([userName(state, user)]);
}

function mine(room: Room, said: string): string {
  return room.kind === 'self' ? said : text.rooms.you(said);
}

function pendingText({ what }: Pending): string {
  return 'text' in what ? oneLine(what.text) : '';
}

function oneLine(said: string): string {
  return said.slice(0, 200).replace(/\s+/g, ' ');
}
