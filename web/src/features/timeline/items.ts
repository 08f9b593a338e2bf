/** A room's timeline as it is shown: messages grouped by sender, days, notices, what is unsent. */
import type { ErrorCode, Event } from '../../api/types';
import type { Pending, RoomState, State } from '../../sync/state';
import { floor, timeline } from '../../sync/timeline';
import { text } from '../../text';
import { messageText, notice, userName } from '../names';

/** Messages of one sender further apart are two groups. */
const GROUP_WITHIN_MS = 5 * 60_000;

export type Item = Day | Line | Notice | Message;
export type Day = { kind: 'day'; id: string; words: string };
export type Line = { kind: 'line'; id: string };
export type Notice = { kind: 'notice'; id: string; words: string };

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
  /** Null where it was deleted. */
  said: string | null;
  at_ms: number;
  isFirst: boolean;
  isLast: boolean;
  /** Of my own alone. */
  stage: Pending['stage'] | null;
  code: ErrorCode | null;
  isDeletable: boolean;
};

/** `line_seq`: above the first message of somebody else after it stands the line of what is new. */
export function items(state: State, known: RoomState, line_seq: number | null, now_ms: number): Item[] {
  const found: Item[] = [];
  let day = '';
  // Where not all that is new was read yet, nobody knows what its first is.
  let isLineDone = line_seq === null || floor(known) > line_seq + 1;
  for (const it of [...events(state, known), ...unsent(state, known.room.id)]) {
    const at_ms = it.kind === 'message' ? it.at_ms : it.event.at_ms;
    const date = new Date(at_ms).toDateString();
    if (date !== day) found.push({ kind: 'day', id: `day ${date}`, words: text.day(at_ms, now_ms) });
    day = date;
    if (it.kind === 'notice') {
      found.push({ kind: 'notice', id: it.event.id, words: notice(state, it.event) });
      continue;
    }
    if (!isLineDone && !it.isMine && it.seq !== null && it.seq > (line_seq ?? 0)) {
      found.push({ kind: 'line', id: 'line' });
      isLineDone = true;
    }
    found.push(joined(found.at(-1), it));
  }
  return found;
}

/** Puts a message into the group of the one above, which then is not its last. */
function joined(above: Item | undefined, message: Message): Message {
  const isOfGroup =
    above?.kind === 'message' && above.from === message.from && message.at_ms - above.at_ms < GROUP_WITHIN_MS;
  if (!isOfGroup) return message;
  above.isLast = false;
  return { ...message, isFirst: false, name: null };
}

type Shown = Message | { kind: 'notice'; event: Event };

function events(state: State, known: RoomState): Shown[] {
  const going = new Set(deletions(state, known.room.id));
  return timeline(known).map((event) =>
    event.kind === 'message' ? message(state, known, event, going) : { kind: 'notice', event },
  );
}

function message(state: State, { room }: RoomState, event: Event, going: Set<number>): Message {
  const isMine = event.from === state.me?.id;
  const said = messageText(event);
  const mayDelete = isMine || (room.kind !== 'direct' && (room.role === 'admin' || room.role === 'owner'));
  return {
    kind: 'message',
    id: isMine && event.key ? event.key : event.id,
    seq: event.seq,
    from: event.from,
    isMine,
    name: isMine || room.kind === 'direct' || room.kind === 'self' ? null : userName(state, event.from),
    said,
    at_ms: event.at_ms,
    isFirst: true,
    isLast: true,
    stage: isMine ? 'sent' : null,
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
    const fixed = { kind: 'message', isMine: true, name: null, isFirst: true, isLast: true, isDeletable: false } as const;
    return [{ ...fixed, id: key, seq, from, said: what.text, at_ms, stage, code }];
  });
}
