import { describe, expect, test } from 'vitest';
import type { Event, Room } from '../../api/types';
import { newRoom, newState, type Pending, type RoomState, type State } from '../../sync/state';
import { append, floor, timeline } from '../../sync/timeline';
import { text } from '../../text';
import { days, type Item, type Message, type Part, steady } from './items';

const NOON_MS = new Date(2026, 10, 20, 12).getTime();
const MINUTE_MS = 60_000;

const ROOM: Room = {
  id: 'r', kind: 'group', name: 'Tea', history: 'all', posting: 'members', role: 'member', members: 2,
  head_seq: 0, n: 0, read_seq: 0, read_n: 0, created_at_ms: NOON_MS, last: null,
};

function room(events: Partial<Event>[], more: Partial<Room> = {}): { state: State; known: RoomState } {
  const known = newRoom({ ...ROOM, ...more });
  for (const [index, event] of events.entries()) {
    const seq = index + 1;
    append(known, { room: 'r', seq, id: `e${seq}`, kind: 'message', from: 'bea', at_ms: NOON_MS, body: { text: `m${seq}` }, ...event });
  }
  const state = newState();
  state.me = { id: 'ann', handle: 'ann', display_name: 'Ann', rank: 'member', created_at_ms: 0 };
  state.users = { bea: { id: 'bea', handle: 'bea', display_name: 'Bea' } };
  state.rooms.r = known;
  return { state, known };
}

function pending(key: string, what: Pending['what'], stage: Pending['stage'] = 'waiting'): Pending {
  return { key, room: 'r', at_ms: NOON_MS, what, stage, ref: null, said_ms: 0, retry_ms: null, seq: null, code: null };
}

/** All that is known, or a part of it. */
function items(state: State, known: RoomState, line_seq: number | null, now_ms: number, part: Partial<Part> = {}) {
  const whole: Part = { events: timeline(known), before: null, floor: floor(known), isToEnd: true };
  return days(state, known, { ...whole, ...part }, line_seq, now_ms).flatMap(({ words, items }) => [{ kind: 'day' as const, words }, ...items]);
}

function last(shown: ReturnType<typeof items>): Message | undefined {
  return shown.filter((it) => it.kind === 'message').at(-1);
}

/** `Bea: m1` begins a group, `  m2` goes on in it, `+` is mine. */
function lines(shown: (Item | { kind: 'day'; words: string })[]): string[] {
  return shown.map((item) => {
    if (item.kind === 'message') return `${item.isMine ? '+' : ''}${item.isFirst ? '' : '  '}${item.name ? `${item.name}: ` : ''}${item.said ?? '-'}`;
    return item.kind === 'line' ? '----' : `[${item.words}]`;
  });
}

test('messages of one sender are a group, until five minutes pass or another writes', () => {
  const { state, known } = room([
    {},
    { at_ms: NOON_MS + MINUTE_MS },
    { at_ms: NOON_MS + 7 * MINUTE_MS },
    { from: 'ann', at_ms: NOON_MS + 8 * MINUTE_MS },
    { at_ms: NOON_MS + 8 * MINUTE_MS },
  ]);
  const shown = items(state, known, null, NOON_MS);
  expect(lines(shown)).toEqual(['[Today]', 'Bea: m1', '  m2', 'Bea: m3', '+m4', 'Bea: m5']);
  expect(shown.map((it) => it.kind === 'message' && it.isLast)).toEqual([false, false, true, true, true, true]);
});

test('each day begins with its name', () => {
  const day_ms = 24 * 60 * MINUTE_MS;
  const { state, known } = room([{ at_ms: NOON_MS - day_ms }, { at_ms: NOON_MS }]);
  expect(lines(items(state, known, null, NOON_MS))).toEqual(['[Yesterday]', 'Bea: m1', '[Today]', 'Bea: m2']);
});

test('the line stands above the first new message of somebody else', () => {
  const { state, known } = room([{}, { from: 'ann' }, { kind: 'member_joined', body: { user: 'bea' } }, {}]);
  expect(lines(items(state, known, 1, NOON_MS))).toEqual(['[Today]', 'Bea: m1', '+m2', '[Bea joined]', '----', 'Bea: m4']);
  expect(lines(items(state, known, 4, NOON_MS))).not.toContain('----');
});

test('there is no line while older new messages are not read yet', () => {
  const { state, known } = room([{}, {}, {}]);
  known.stretches = [{ from: 3, to: 3 }];
  expect(lines(items(state, known, 1, NOON_MS))).toEqual(['[Today]', 'Bea: m3']);
  expect(lines(items(state, known, 2, NOON_MS))).toEqual(['[Today]', '----', 'Bea: m3']);
});

test('a part that begins among what is new has no line, one that begins just there has', () => {
  const { state, known } = room([{}, {}, {}, {}]);
  const from = (index: number): Partial<Part> => ({ events: timeline(known).slice(index), before: timeline(known)[index - 1] ?? null });
  expect(lines(items(state, known, 1, NOON_MS, from(2)))).toEqual(['[Today]', 'Bea: m3', '  m4']);
  expect(lines(items(state, known, 1, NOON_MS, from(1)))).toEqual(['[Today]', '----', 'Bea: m2', '  m3', '  m4']);
});

test('what is unsent is not shown among older messages', () => {
  const { state, known } = room([{}]);
  state.outbox = [pending('k1', { text: 'hi' })];
  expect(lines(items(state, known, null, NOON_MS, { isToEnd: false }))).toEqual(['[Today]', 'Bea: m1']);
});

test('a clock that jumps gives each heading an id of its own, and no message another place', () => {
  const day_ms = 24 * 60 * MINUTE_MS;
  const { state, known } = room([{}, { at_ms: NOON_MS - day_ms }, {}, { at_ms: NOON_MS - day_ms }]);
  const whole: Part = { events: timeline(known), before: null, floor: 1, isToEnd: true };
  const found = days(state, known, whole, null, NOON_MS);
  expect(new Set(found.map((it) => it.id)).size).toBe(4);
  expect(found.flatMap((it) => it.items).map((it) => it.kind === 'message' && it.seq)).toEqual([1, 2, 3, 4]);
});

test('names are left out where there is only one who could write', () => {
  const { state, known } = room([{}], { kind: 'direct', peer: 'bea' });
  expect(lines(items(state, known, null, NOON_MS))).toEqual(['[Today]', 'm1']);
});

test('a deleted message stays as one that was', () => {
  const { state, known } = room([{ body: null, rev: 9 }]);
  expect(lines(items(state, known, null, NOON_MS))).toEqual(['[Today]', 'Bea: -']);
});

test('what is unsent stands below, under the id that its event will have', () => {
  const { state, known } = room([{}]);
  state.outbox = [pending('k1', { text: 'hi' }), pending('k2', { target: 1 })];
  const before = items(state, known, null, NOON_MS);
  expect(lines(before)).toEqual(['[Today]', 'Bea: m1', '+hi']);
  state.outbox = [];
  append(known, { room: 'r', seq: 2, id: 'e2', key: 'k1', kind: 'message', from: 'ann', at_ms: NOON_MS, body: { text: 'hi' } });
  const after = items(state, known, null, NOON_MS);
  expect(last(after)?.id).toBe('k1');
  expect(last(before)?.id).toBe('k1');
});

test('who may delete what', () => {
  const deletable = (more: Partial<Room>, outbox: Pending[] = []) => {
    const { state, known } = room([{}, { from: 'ann' }], more);
    state.outbox = outbox;
    return items(state, known, null, NOON_MS).flatMap((it) => (it.kind === 'message' ? it.isDeletable : []));
  };
  expect(deletable({})).toEqual([false, true]);
  expect(deletable({ role: 'admin' })).toEqual([true, true]);
  expect(deletable({ role: 'owner', kind: 'direct' })).toEqual([false, true]);
  expect(deletable({}, [pending('k', { target: 2 })])).toEqual([false, false]);
});

test('notices name people, and me as you', () => {
  const { state, known } = room([
    { kind: 'room_created', from: 'ann', body: {} },
    { kind: 'member_joined', from: 'ann', body: { user: 'bea', role: 'member' } },
    { kind: 'room_updated', body: { name: 'Cake' } },
    { kind: 'member_role', body: { user: 'ann', role: 'admin' } },
    { kind: 'member_left', body: { user: 'cid' } },
  ]);
  const { youCreated, added, renamed, role, removed } = text.notices;
  expect(lines(items(state, known, null, NOON_MS)).slice(1)).toEqual(
    [youCreated, added('You', 'Bea'), renamed('Bea', 'Cake'), role('Bea', 'you', 'an admin'), removed('Bea', 'Someone')].map((it) => `[${it}]`),
  );
});

describe('notices that differ in whom they name alone', () => {
  const joined = (user: string, more: Partial<Event> = {}): Partial<Event> => ({ kind: 'member_joined', from: user, body: { user }, ...more });
  const shown = (events: Partial<Event>[]) => {
    const { state, known } = room(events);
    for (const [id, display_name] of [['cid', 'Cid'], ['dan', 'Dan'], ['eve', 'Eve']] as const) state.users[id] = { id, handle: id, display_name };
    return items(state, known, null, NOON_MS).slice(1);
  };
  const { people, joined: joinedWords, added } = text.notices;

  test('are one, which names a few people', () => {
    expect(lines(shown([joined('bea'), joined('cid'), joined('ann')]))).toEqual([`[${joinedWords(people(['Bea', 'Cid', 'you'], 0))}]`]);
  });

  test('name the first of many, and all of them for who asks', () => {
    const [notice, ...more] = shown([joined('bea'), joined('cid'), joined('dan'), joined('eve')]);
    expect(more).toEqual([]);
    expect(notice).toMatchObject({ words: joinedWords(people(['Bea', 'Cid'], 2)), whole: joinedWords(people(['Bea', 'Cid', 'Dan', 'Eve'], 0)) });
  });

  test('are apart where a message is between, on another day, and by another hand', () => {
    const body = { user: 'dan' };
    const notices = shown([joined('bea'), {}, joined('cid'), joined('dan', { from: 'bea', body }), joined('dan', { from: 'cid', body })]);
    const words = [joinedWords('Cid'), added('Bea', 'Dan'), added('Cid', 'Dan')].map((it) => `[${it}]`);
    expect(lines(notices)).toEqual([`[${joinedWords('Bea')}]`, 'Bea: m2', ...words]);
    const day_ms = 24 * 60 * MINUTE_MS;
    expect(shown([joined('bea', { at_ms: NOON_MS - day_ms }), joined('cid')]).filter((it) => it.kind === 'notice')).toHaveLength(2);
  });

  test('keep the id of the newest when older ones come in above', () => {
    const { state, known } = room([joined('bea'), joined('cid')]);
    const whole = items(state, known, null, NOON_MS);
    const part = items(state, known, null, NOON_MS, { events: timeline(known).slice(1), before: timeline(known)[0] ?? null });
    expect(whole.at(-1)).toHaveProperty('id', 'e2');
    expect(part.at(-1)).toHaveProperty('id', 'e2');
  });
});

test('what is as it was is the same object, what differs another', () => {
  const { state, known } = room([{}, {}]);
  const look = () => days(state, known, { events: timeline(known), before: null, floor: 1, isToEnd: true }, null, NOON_MS);
  const before = look();
  append(known, { room: 'r', seq: 3, id: 'e3', kind: 'message', from: 'bea', at_ms: NOON_MS, body: { text: 'm3' } });
  const now = steady(look(), before);
  const [old, shown] = [before[0]?.items ?? [], now[0]?.items ?? []];
  expect(shown).toEqual(look()[0]?.items);
  expect(shown[0]).toBe(old[0]);
  // It is no longer the last of its group.
  expect(shown[1]).not.toBe(old[1]);
  expect(shown).toHaveLength(3);
});
