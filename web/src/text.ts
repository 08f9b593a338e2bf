/**
 * Every sentence that a person reads, in one place, so that languages can come: a second one is a
 * second object of the same type. Numbers, times and lists are the browser's, by `Intl`.
 */

const LANGUAGE = 'en';

const plurals = new Intl.PluralRules(LANGUAGE);
const numbers = new Intl.NumberFormat(LANGUAGE);
const lists = new Intl.ListFormat(LANGUAGE, { type: 'conjunction' });
const days = new Intl.RelativeTimeFormat(LANGUAGE, { numeric: 'auto' });
/** The order of day and month, and 12 or 24 hours, are the person's own. */
const times = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const weekdays = new Intl.DateTimeFormat(LANGUAGE, { weekday: 'long' });
const dates = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'long' });
const datesOfYear = new Intl.DateTimeFormat(LANGUAGE, { day: 'numeric', month: 'long', year: 'numeric' });
const shortDates = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'numeric', year: '2-digit' });

function count(number: number, one: string, other: string): string {
  return `${numbers.format(number)} ${plurals.select(number) === 'one' ? one : other}`;
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

/** Whole days between two moments, by the person's calendar. */
function daysAgo(at_ms: number, now_ms: number): number {
  const midnight = (ms: number) => new Date(ms).setHours(0, 0, 0, 0);
  return Math.round((midnight(now_ms) - midnight(at_ms)) / 86_400_000);
}

export const text = {
  app: 'Chinwag',
  tagline: 'A quiet place to talk.',

  time: (at_ms: number) => times.format(at_ms),
  /** Above the messages of a day. */
  day: (at_ms: number, now_ms: number) => {
    const ago = daysAgo(at_ms, now_ms);
    if (ago <= 1) return capital(days.format(-ago, 'day'));
    if (ago < 7) return weekdays.format(at_ms);
    return (ago < 300 ? dates : datesOfYear).format(at_ms);
  },
  /** Where there is room for a word. */
  moment: (at_ms: number, now_ms: number) => {
    const ago = daysAgo(at_ms, now_ms);
    if (ago === 0) return times.format(at_ms);
    if (ago === 1) return capital(days.format(-1, 'day'));
    return ago < 7 ? weekdays.format(at_ms) : shortDates.format(at_ms);
  },

  account: {
    signIn: 'Sign in',
    signUp: 'Create account',
    handle: 'Handle',
    handleHint: '3 to 32 of a–z, 0–9, _ and .',
    name: 'Your name',
    nameHint: 'What others see',
    password: 'Password',
    newPassword: 'New password',
    passwordHint: 'At least 8 characters',
    show: 'Show',
    hide: 'Hide',
    invite: 'Invite code',
    inviteHint: 'From the link that you were sent',
    invited: 'You have been invited. Choose a handle and a password.',
    first: 'Nobody is here yet. The first account owns this installation.',
    toSignUp: 'New here?',
    toSignIn: 'Have an account?',
    closed: 'This installation takes no new accounts.',
    resetTitle: 'Set a new password',
    resetHint: 'You will be signed out everywhere.',
    resetDone: 'Your new password is set. Sign in with it.',
    setPassword: 'Set password',
    handleWrong: 'A handle has 3 to 32 of a–z, 0–9, _ and .',
    passwordShort: 'A password has at least 8 characters.',
    passwordWeak: 'This password is too easy to guess.',
    nameWrong: 'A name has 1 to 64 characters.',
    taken: 'This handle is taken.',
    refused: 'The handle or the password is wrong.',
    inviteWrong: 'This invite is not valid, or used up.',
    resetWrong: 'This link is not valid, or was used. Ask for a new one.',
  },

  errors: {
    unreachable: 'The server cannot be reached. Are you online?',
    busy: 'The server is busy. Try again in a moment.',
    slowDown: (seconds: number) => `Too many attempts. Try again in ${count(seconds, 'second', 'seconds')}.`,
    other: (message: string) => `That did not work: ${message}`,
    signOut: 'You could not be signed out: the server cannot be reached.',
  },

  connection: {
    connecting: 'Connecting…',
    waiting: 'No connection. Trying again…',
    lost: 'The server cannot be reached. Trying again…',
    now: 'Try now',
  },

  rooms: {
    title: 'Chats',
    empty: 'No chats yet. Start one.',
    add: 'New chat',
    signOut: 'Sign out',
    menu: 'Account',
    self: 'Notes to self',
    someone: 'Someone',
    deletedUser: 'Deleted account',
    unread: (number: number) => count(number, 'unread message', 'unread messages'),
    badge: (number: number) => (number > 999 ? '999+' : numbers.format(number)),
    you: (preview: string) => `You: ${preview}`,
    from: (name: string, preview: string) => `${name}: ${preview}`,
    members: (number: number) => count(number, 'member', 'members'),
    online: 'online',
    offline: 'offline',
    selfHint: 'Only you see this',
  },

  newRoom: {
    title: 'New chat',
    direct: 'Person',
    group: 'Group',
    channel: 'Channel',
    join: 'Join',
    handle: 'Handle',
    handleHint: 'Their exact handle, such as ann',
    find: 'Find',
    add: 'Add',
    remove: (name: string) => `Remove ${name}`,
    nobody: (handle: string) => `Nobody has the handle ${handle}.`,
    yourself: 'That is you.',
    start: 'Start chat',
    groupName: 'Name of the group',
    channelName: 'Name of the channel',
    channelHint: 'Everyone here can find it and join.',
    members: 'Members',
    create: 'Create',
    noChannels: 'There is no channel that you are not in.',
    loading: 'Looking…',
  },

  room: {
    choose: 'Choose a chat, or start one.',
    opening: 'Opening…',
    back: 'Back to chats',
    older: 'Loading older messages…',
    olderFailed: 'Older messages could not be read.',
    messages: 'Messages',
    beginning: 'This is the beginning.',
    newMessages: 'New messages',
    toBottom: 'To the newest message',
    deleted: 'This message was deleted',
    remove: 'Delete message',
    removeTitle: 'Delete this message?',
    removeText: 'It is deleted for everyone. This cannot be undone.',
    removeYes: 'Delete',
    cancel: 'Cancel',
    close: 'Close',
    waiting: 'Not sent yet',
    stored: 'Sent',
    failed: 'Not sent',
    failedBecause: {
      forbidden: 'You may not write here.',
      not_found: 'It is not there any more.',
      invalid: 'The server did not take it.',
    } as Record<string, string>,
    retry: 'Try again',
    discard: 'Delete',
    typing: (names: string[]) =>
      names.length > 3 ? 'Several people are typing…' : `${lists.format(names)} ${names.length === 1 ? 'is' : 'are'} typing…`,
    typingShort: 'typing…',
    said: (name: string, message: string) => `${name}: ${message}`,
  },

  notices: {
    roomCreated: (name: string) => `${name} created this room`,
    roomMade: 'This room was created',
    youCreated: 'You created this room',
    renamed: (name: string, title: string) => `${name} changed the name to “${title}”`,
    updated: (name: string) => `${name} changed the settings`,
    joined: (name: string) => `${name} joined`,
    added: (name: string, other: string) => `${name} added ${other}`,
    left: (name: string) => `${name} left`,
    removed: (name: string, other: string) => `${name} removed ${other}`,
    role: (name: string, other: string, role: string) => `${name} made ${other} ${role}`,
    roles: { reader: 'a reader', member: 'a member', admin: 'an admin', owner: 'an owner' } as Record<string, string>,
    you: 'You',
    youObject: 'you',
  },

  composer: {
    label: 'Message',
    placeholder: 'Message',
    send: 'Send',
    readOnly: 'Only admins can write here.',
    tooLong: (bytes: number) => `Too long by ${count(bytes, 'byte', 'bytes')}`,
  },
};
