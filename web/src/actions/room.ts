/** What can be done with the room that is open. */
import { type RoomState, unread } from '../sync/state';
import { text } from '../text';
import type { Action, Scope } from './action';

export type RoomScope = Scope & { known: RoomState };

export const info: Action<RoomScope> = {
  id: 'info',
  label: () => text.actions.info,
  icon: 'info',
  key: { key: 'i', isAlt: true },
  gate: ({ known }) => known.room.kind !== 'self',
  perform: ({ desk }) => (desk.isInfoOpen = !desk.isInfoOpen),
};

export const jumpToDate: Action<RoomScope> = {
  id: 'jump-to-date',
  label: () => text.actions.jumpToDate,
  icon: 'calendar',
  key: { key: 'g', isAlt: true },
  gate: ({ known }) => known.room.n > 0,
  perform: ({ desk }) => desk.open({ kind: 'jump' }),
};

export const markRead: Action<RoomScope> = {
  id: 'mark-read',
  label: () => text.actions.markRead,
  icon: 'read',
  key: { key: 'r', isAlt: true },
  gate: ({ known }) => unread(known.room) > 0,
  perform: ({ chat, known }) => chat.markRead(known.room.id),
};

export const leave: Action<RoomScope> = {
  id: 'leave',
  label: () => text.actions.leave,
  icon: 'leave',
  isDanger: true,
  gate: ({ known }) => mayLeave(known),
  perform: ({ desk, known }) => desk.open({ kind: 'leave', room: known.room.id }),
};

export const close: Action<RoomScope> = {
  id: 'close',
  label: () => text.actions.close,
  icon: 'close',
  key: { key: 'Escape' },
  gate: ({ chat }) => chat.openId !== null,
  perform: ({ chat, desk }) => {
    // One thing at a time: first what lies over the chat.
    if (desk.isInfoOpen) desk.isInfoOpen = false;
    else chat.show(null);
  },
};

/** In the order of the menu and of the cheat sheet. */
export const roomActions: readonly Action<RoomScope>[] = [info, jumpToDate, markRead, close, leave];

/** Direct rooms and one's own are not left. */
export function mayLeave({ room }: RoomState): boolean {
  return room.role !== null && (room.kind === 'group' || room.kind === 'channel');
}

export function isAdmin({ room }: RoomState): boolean {
  return (room.kind === 'group' || room.kind === 'channel') && (room.role === 'admin' || room.role === 'owner');
}
