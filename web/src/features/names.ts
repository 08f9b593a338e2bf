/** What people and rooms are called. */
import type { Event, Room } from '../api/types';
import type { State } from '../sync/state';
import { text } from '../text';

/** A user's name, also while it is not known and after the account is gone. */
export function userName(state: State, userId: string | undefined): string {
  const user = userId === undefined ? undefined : state.users[userId];
  if (!user) return text.rooms.someone;
  return user.display_name || user.handle || text.rooms.deletedUser;
}

/** A room's title: a direct room is called what its other member is called. */
export function roomName(state: State, room: Room): string {
  if (room.kind === 'self') return text.rooms.self;
  if (room.kind === 'direct') return userName(state, room.peer);
  return room.name ?? '';
}

/** What stands for a user or room in colour: a direct room looks like its other member. */
export function faceId(room: Room): string {
  return room.peer ?? room.id;
}

/** The colour that its other member chose, where there is one. */
export function hueOfRoom(state: State, room: Room): number | undefined {
  return room.peer === undefined ? undefined : state.users[room.peer]?.hue;
}

/** What stands in a room's picture where it is no letter. */
export function signOf(room: Pick<Room, 'kind'>): 'hash' | 'note' | 'people' | undefined {
  return ({ channel: 'hash', self: 'note', group: 'people' } as const)[room.kind];
}

/** The sentence of an event that is no message. */
export function notice(state: State, { kind, from, body }: Event): string {
  const words = text.notices;
  const isMe = from === state.me?.id;
  const name = isMe ? words.you : userName(state, from);
  const user = typeof body?.user === 'string' ? body.user : from;
  const other = user === state.me?.id ? words.youObject : userName(state, user);
  switch (kind) {
    case 'room_created':
      // The first channel was made by nobody.
      if (!isMe && !state.users[from]) return words.roomMade;
      return isMe ? words.youCreated : words.roomCreated(name);
    case 'room_updated':
      return typeof body?.name === 'string' ? words.renamed(name, body.name) : words.updated(name);
    case 'member_joined':
      return user === from ? words.joined(name) : words.added(name, other);
    case 'member_left':
      return user === from ? words.left(name) : words.removed(name, other);
    case 'member_role':
      return words.role(name, other, words.roles[String(body?.role)] ?? String(body?.role));
    default:
      return '';
  }
}

/** The users that an event's sentence names. */
export function usersIn({ from, body }: Event): string[] {
  return typeof body?.user === 'string' ? [from, body.user] : [from];
}

/** A message's text, or null where it was deleted. */
export function messageText({ body }: Event): string | null {
  return body && typeof body.text === 'string' ? body.text : null;
}
