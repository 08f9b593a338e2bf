/** What can be done anywhere. */
import { unread } from '../sync/state';
import { text } from '../text';
import type { Action, Scope } from './action';

const always = () => true;

export const newChat: Action = {
  id: 'new-chat',
  label: () => text.actions.newChat,
  icon: 'add',
  key: { key: 'n', isAlt: true },
  gate: always,
  perform: ({ desk }) => desk.open({ kind: 'new', join: false }),
};

export const joinChannel: Action = {
  id: 'join-channel',
  label: () => text.actions.joinChannel,
  icon: 'hash',
  gate: always,
  perform: ({ desk }) => desk.open({ kind: 'new', join: true }),
};

export const invite: Action = {
  id: 'invite',
  label: () => text.actions.invite,
  icon: 'link',
  key: { key: 'i', isAlt: true, isShift: true },
  gate: ({ chat }) => mayInvite(chat.me.rank),
  perform: ({ desk }) => desk.open({ kind: 'invite' }),
};

export const switcher: Action = {
  id: 'switcher',
  label: () => text.actions.switcher,
  icon: 'search',
  key: { key: 'k', isMod: true },
  gate: always,
  perform: ({ desk }) => desk.open({ kind: 'switcher' }),
};

export const settings: Action = {
  id: 'settings',
  label: () => text.actions.settings,
  icon: 'gear',
  key: { key: ',', isMod: true },
  gate: always,
  perform: ({ desk }) => desk.open({ kind: 'settings' }),
};

export const keys: Action = {
  id: 'keys',
  label: () => text.actions.keys,
  icon: 'keys',
  key: { key: '?' },
  gate: always,
  perform: ({ desk }) => desk.open({ kind: 'keys' }),
};

export const nextRoom: Action = {
  id: 'next-room',
  label: () => text.actions.nextRoom,
  icon: 'down',
  key: { key: 'ArrowDown', isAlt: true },
  gate: hasRooms,
  perform: (scope) => step(scope, 1),
};

export const previousRoom: Action = {
  id: 'previous-room',
  label: () => text.actions.previousRoom,
  icon: 'down',
  key: { key: 'ArrowUp', isAlt: true },
  gate: hasRooms,
  perform: (scope) => step(scope, -1),
};

export const nextUnread: Action = {
  id: 'next-unread',
  label: () => text.actions.nextUnread,
  icon: 'chat',
  key: { key: 'ArrowDown', isAlt: true, isShift: true },
  gate: ({ chat }) => chat.unread > 0,
  perform: ({ chat }) => {
    const next = chat.roster.order.find((id) => {
      const known = chat.state.rooms[id];
      return known !== undefined && id !== chat.openId && unread(known.room) > 0;
    });
    if (next !== undefined) chat.show(next);
  },
};

export const signOut: Action = {
  id: 'sign-out',
  label: () => text.actions.signOut,
  icon: 'out',
  gate: always,
  perform: ({ app }) => void app.signOut(),
};

/** In the order of the cheat sheet. */
export const appActions: readonly Action[] = [
  switcher, newChat, joinChannel, nextRoom, previousRoom, nextUnread, invite, settings, keys, signOut,
];

/** Behind the three dots. */
export const menuActions: readonly Action[] = [newChat, joinChannel, invite, switcher, settings, keys, signOut];

export function mayInvite(rank: string): boolean {
  return rank === 'owner' || rank === 'admin';
}

function hasRooms({ chat }: Scope): boolean {
  return chat.roster.order.length > 0;
}

/** The room above or below the one that is open, as the list has them. */
function step({ chat }: Scope, by: 1 | -1): void {
  const { order } = chat.roster;
  const at = chat.openId === null ? -1 : order.indexOf(chat.openId);
  const next = order[at === -1 ? 0 : Math.min(order.length - 1, Math.max(0, at + by))];
  if (next !== undefined) chat.show(next);
}
