/** What people and rooms are called. */
import type { Event, Room } from '../api/types';
import type { State } from '../sync/state';
import { isRightToLeft, language, text } from '../text';
import { directionOf } from './timeline/pieces';

/** So many names a notice says; of more it says the first, and how many others there are. */
const NAMED_MAX = 3;

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

/** A notice in words. */
export function notice(state: State, event: Event): string {
  return noticeOf(state, event, [userOf(event)]);
}

/**
 * What notices that differ in whom they name alone say as one; of more than a few people `words` has
 * the first and `whole` has all.
 */
export function noticeOfRun(state: State, run: readonly Event[]): { words: string; whole: string | null } {
  const [first] = run;
  if (!first) return { words: '', whole: null };
  const users = run.map(userOf);
  const all = noticeOf(state, first, users);
  if (users.length <= NAMED_MAX) return { words: all, whole: null };
  const named = users.slice(0, NAMED_MAX - 1);
  return { words: noticeOf(state, first, named, users.length - named.length), whole: all };
}

/** `users` stand for the one whom the event names; `others` are counted behind them. */
function noticeOf(state: State, event: Event, users: string[], others = 0): string {
  const { kind, from, body } = event;
  const words = text.notices;
  const isMe = from === state.me?.id;
  const name = isMe ? words.you : apart(userName(state, from));
  const isOwn = userOf(event) === from && kind !== 'member_role';
  const called = (user: string, index: number) => {
    if (user !== state.me?.id) return apart(userName(state, user));
    return isOwn && index === 0 ? words.you : words.youObject;
  };
  const who = words.people(users.map(called), others);
  switch (kind) {
    case 'room_created':
      // The first channel was made by nobody.
      if (!isMe && !state.users[from]) return words.roomMade;
      return isMe ? words.youCreated : words.roomCreated(name);
    case 'room_updated':
      return typeof body?.name === 'string' ? words.renamed(name, apart(body.name)) : words.updated(name);
    case 'member_joined':
      return isOwn ? words.joined(who) : words.added(name, who);
    case 'member_left':
      return isOwn ? words.left(who) : words.removed(name, who);
    case 'member_role':
      return words.role(name, who, words.roles[String(body?.role)] ?? String(body?.role));
    default:
      return '';
  }
}

/** Whom an event is about. */
export function userOf({ from, body }: Event): string {
  return typeof body?.user === 'string' ? body.user : from;
}

/** A name that is written the other way than the sentence around it keeps its signs to itself (U+2068, U+2069). */
export function apart(name: string): string {
  const isTurned = directionOf(name) === (isRightToLeft(language) ? 'ltr' : 'rtl');
  return isTurned ? `\u2068${name}\u2069` : name;
}

/** The users that an event's sentence names. */
export function usersIn({ from, body }: Event): string[] {
  return typeof body?.user === 'string' ? [from, body.user] : [from];
}

/** A message's text, or null where it was deleted. */
export function messageText({ body }: Event): string | null {
  return body && typeof body.text === 'string' ? body.text : null;
}
