/** The list of rooms as it is shown. */
import type { Event, Room } from '../../api/types';
import { type Tick, tickOf } from '../../sync/receipts';
import { type Pending, type RoomState, type State, unread } from '../../sync/state';
import { text } from '../../text';
import { folded } from '../../text/formats';
import { apart, faceId, hueOfRoom, messageText, notice, roomName, userName } from '../names';

export type Row = {
  id: string;
  name: string;
  faceId: string;
  /** The colour that its other member chose. */
  hue: number | undefined;
  kind: string;
  /** Who said what the preview shows, with what stands between; empty where it is plain. */
  by: string;
  preview: string;
  /** How far the last thing that I said has come, where that is what the preview shows. */
  stage: Pending['stage'] | Tick | null;
  at_ms: number | null;
  unread: number;
  online: boolean;
  isTyping: boolean;
  /** What stands in the preview was begun and not sent. */
  isDraft: boolean;
};

/** Those whose name has these words, or that are unread. */
export function found(state: State, ids: string[], words: string, unreadOnly: boolean): string[] {
  const wanted = folded(words);
  return ids.filter((id) => {
    const room = state.rooms[id]?.room;
    if (!room || (unreadOnly && unread(room) === 0)) return false;
    return wanted === '' || folded(`${roomName(state, room)} ${handleOf(state, room)}`).includes(wanted);
  });
}

/** One room as a row. `draft` is what was begun here and not sent. */
export function row(state: State, { room }: RoomState, draft: string): Row {
  const typists = Object.keys(state.typing[room.id] ?? {});
  const pending = state.outbox.findLast((it) => it.room === room.id && 'text' in it.what);
  const last = pending ? null : room.last;
  const isDraft = draft.trim() !== '' && typists.length === 0;
  return {
    id: room.id,
    name: roomName(state, room),
    faceId: faceId(room),
    hue: hueOfRoom(state, room),
    kind: room.kind,
    by: typists[0] || isDraft ? '' : pending ? mine(room) : by(state, room, last),
    preview: typists[0] ? typing(state, room, typists[0]) : isDraft ? oneLine(draft) : pending ? pendingText(pending) : preview(state, room, last),
    stage: isDraft ? null : (pending?.stage ?? ownStage(state, room)),
    at_ms: pending?.at_ms ?? last?.at_ms ?? null,
    unread: unread(room),
    online: room.peer !== undefined && state.present[room.peer] === true,
    isTyping: typists.length > 0,
    isDraft,
  };
}

/** How far my own last word has come. */
function ownStage(state: State, room: Room): Tick | null {
  const { last, kind } = room;
  const isMine = last?.kind === 'message' && last.from === state.me?.id && last.body !== null && kind !== 'self';
  return isMine ? tickOf(room, last.seq) : null;
}

function handleOf(state: State, room: Room): string {
  return room.peer === undefined ? '' : (state.users[room.peer]?.handle ?? '');
}

function preview(state: State, room: Room, last: Event | null): string {
  if (!last) return room.kind === 'self' ? text.rooms.selfHint : '';
  if (last.kind !== 'message') return notice(state, last);
  return oneLine(messageText(last) ?? text.room.deleted);
}

/** Who said it, where that is not plain. */
function by(state: State, room: Room, last: Event | null): string {
  if (last?.kind !== 'message') return '';
  if (last.from === state.me?.id) return mine(room);
  return room.kind === 'direct' ? '' : text.rooms.from(apart(userName(state, last.from)));
}

function typing(state: State, room: Room, user: string): string {
  return room.kind === 'direct' ? text.room.typingShort : text.room.typing([userName(state, user)]);
}

function mine(room: Room): string {
  return room.kind === 'self' ? '' : text.rooms.you;
}

function pendingText({ what }: Pending): string {
  return 'text' in what ? oneLine(what.text) : '';
}

function oneLine(said: string): string {
  return said.slice(0, 200).replace(/\s+/g, ' ');
}
