/** A part of a room's timeline as it is shown: days, messages grouped by sender, notices, what is unsent. */
import type { ErrorCode, Event } from '../../api/types';
import { type Tick, tickOf } from '../../sync/receipts';
import type { Pending, RoomState, State } from '../../sync/state';
import { text } from '../../text';
import { messageText, noticeOfRun, userName } from '../names';
import { isOfRow } from './rows';

/** Messages of one sender further apart are two groups. */
const GROUP_WITHIN_MS = 5 * 60_000;

/** The events that are shown, of all that are known. */
export type Part = {
  events: readonly Event[];
  /** The one above them, where it is known. */
  before: Event | null;
  /** What lies below this was not read yet; 1 where there is nothing. */
  floor: number;
  /** The newest event is among them, so that what is unsent follows. */
  isToEnd: boolean;
};

export type Day = { id: string; words: string; items: Item[] };
export type Item = Line | Notice | Message;
export type Line = { kind: 'line'; id: string };
/** `whole` names all, where `words` has too many to name. */
export type Notice = { kind: 'notice'; id: string; words: string; whole: string | null };

export type Message = {
  kind: 'message';
  /** The same for what is unsent and, once it is stored, its event: the element stays. */
  id: string;
  /** Null until it is stored. */
  seq: number | null;
  from: string;
  isMine: boolean;
  /** Above the first of a group, where others than one's partner write. */
  name: string | null;
  hue: number | undefined;
  /** Beside it there is room for the picture of who wrote it. */
  hasFace: boolean;
  /** Null where it was deleted. */
  said: string | null;
  at_ms: number;
  isFirst: boolean;
  isLast: boolean;
  /** Of my own alone. */
  stage: Pending['stage'] | Tick | null;
  code: ErrorCode | null;
  isDeletable: boolean;
};

/** `line_seq`: above the first message of somebody else after it stands the line of what is new. */
export function days(state: State, known: RoomState, part: Part, line_seq: number | null, now_ms: number): Day[] {
  const found: Day[] = [];
  const seen = new Set<string>();
  let last = '';
  let above: Item | undefined;
  // Where the part begins among what is new, the line stands higher.
  let isLineDone = line_seq === null || (part.before?.seq ?? part.floor - 1) > line_seq;
  const put = (at_ms: number, item: Item) => {
    const date = new Date(at_ms).toDateString();
    if (date !== last) {
      // A wrong clock brings a day a second time: to the list it is another one.
      const id = seen.has(date) ? `${date} ${item.id}` : date;
      seen.add(date);
      found.push({ id, words: text.day(at_ms, now_ms), items: [] });
      above = undefined;
      last = date;
    }
    above = item.kind === 'message' ? joined(above, item) : item;
    found.at(-1)?.items.push(above);
  };
  for (const it of [...events(state, known, part.events), ...(part.isToEnd ? unsent(state, known.room.id) : [])]) {
    if (it.kind === 'notice') {
      const { id, at_ms } = it.run.at(-1) ?? it.run[0];
      put(at_ms, { kind: 'notice', id, ...noticeOfRun(state, it.run) });
      continue;
    }
    if (!isLineDone && !it.isMine && it.seq !== null && it.seq > (line_seq ?? 0)) {
      put(it.at_ms, { kind: 'line', id: 'line' });
      isLineDone = true;
    }
    put(it.at_ms, it);
  }
  return found;
}

/** The same days, in which each item that is as it was before is the object that it was: only what differs is shown anew. */
export function steady(now: Day[], before: Day[]): Day[] {
  const known = new Map(before.flatMap((day) => day.items).map((it) => [it.id, it]));
  return now.map((day) => ({ ...day, items: day.items.map((it) => sameOr(known.get(it.id), it)) }));
}

/** Items of a kind that were made alike have their fields in one order. */
function sameOr(old: Item | undefined, item: Item): Item {
  if (old?.kind !== item.kind) return item;
  const [known, values]: unknown[][] = [Object.values(old), Object.values(item)];
  return known?.length === values?.length && values?.every((value, index) => known?.[index] === value) ? old : item;
}

/** Puts a message into the group of the one above, which then is not its last. */
function joined(above: Item | undefined, message: Message): Message {
  const isOfGroup =
    above?.kind === 'message' && above.from === message.from && message.at_ms - above.at_ms < GROUP_WITHIN_MS;
  if (!isOfGroup) return message;
  above.isLast = false;
  return { ...message, isFirst: false, name: null };
}

type Shown = Message | Run;

/** Notices that are said as one. */
type Run = { kind: 'notice'; run: [Event, ...Event[]] };

function events(state: State, known: RoomState, part: readonly Event[]): Shown[] {
  const going = new Set(deletions(state, known.room.id));
  const shown: Shown[] = [];
  for (const [index, event] of part.entries()) {
    const above = shown.at(-1);
    if (event.kind === 'message') shown.push(message(state, known, event, going));
    else if (above?.kind === 'notice' && isOfRow(part, index)) above.run.push(event);
    else shown.push({ kind: 'notice', run: [event] });
  }
  return shown;
}

function message(state: State, { room }: RoomState, event: Event, going: Set<number>): Message {
  const isMine = event.from === state.me?.id;
  const said = messageText(event);
  const hasFace = !isMine && room.kind !== 'direct' && room.kind !== 'self';
  const mayDelete = isMine || (room.kind !== 'direct' && (room.role === 'admin' || room.role === 'owner'));
  return {
    kind: 'message',
    id: isMine && event.key ? event.key : event.id,
    seq: event.seq,
    from: event.from,
    isMine,
    name: hasFace ? userName(state, event.from) : null,
    hasFace,
    hue: state.users[event.from]?.hue,
    said,
    at_ms: event.at_ms,
    isFirst: true,
    isLast: true,
    stage: isMine ? tickOf(room, event.seq) : null,
    code: null,
    isDeletable: mayDelete && said !== null && !going.has(event.seq),
  };
}

/** The messages of this room whose deletion is on its way. */
function deletions(state: State, room: string): number[] {
  const open = state.outbox.filter((it) => it.room === room && it.stage !== 'failed');
  return open.flatMap(({ what }) => ('target' in what ? what.target : []));
}

function unsent(state: State, room: string): Message[] {
  return state.outbox.flatMap(({ key, room: its, at_ms, what, stage, seq, code }): Message[] => {
    if (its !== room || !('text' in what)) return [];
    const from = state.me?.id ?? '';
    const fixed = { kind: 'message', isMine: true, name: null, hue: undefined, hasFace: false, isFirst: true, isLast: true, isDeletable: false } as const;
    return [{ ...fixed, id: key, seq, from, said: what.text, at_ms, stage, code }];
  });
}
