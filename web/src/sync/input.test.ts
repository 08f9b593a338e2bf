/** Two tabs that take the same inputs know the same, from whatever moment the second one is there. */
import { expect, test } from 'vitest';
import type { Event, Room, ServerFrame } from '../api/types';
import { enter, type Input } from './input';
import { newState } from './state';

const NOW_MS = 1_800_000_000_000;
const ME = { id: 'ann', handle: 'ann', display_name: 'Ann', rank: 'member', created_at_ms: 0 };
const ROOM: Room = {
  id: 'r', kind: 'group', name: 'Tea', history: 'all', posting: 'members', role: 'member', members: 2,
  head_seq: 3, n: 3, read_seq: 0, read_n: 0, created_at_ms: 0, last: null,
};
const SELF: Room = { ...ROOM, id: 'ann', kind: 'self', name: null, role: 'owner', members: 1, head_seq: 0, n: 0 };

const ready: ServerFrame = {
  type: 'ready', epoch: 'e', reset: false, session: 's', user: ME, rooms: [ROOM, SELF], users: [], more: false, now_ms: NOW_MS + 5_000,
  limits: { text_bytes: 16_384, frame_bytes: 65_536, in_flight: 64, page: 100, cursors: 1_000, watch: 100 },
};

function message(seq: number, more: Partial<Event> = {}): Input {
  return { do: 'frame', frame: { type: 'event', room: 'r', seq, n: seq, id: `r-${seq}`, kind: 'message', from: 'bea', at_ms: NOW_MS, body: { text: 'x' }, ...more } };
}

const day: Input[] = [
  { do: 'connected', token: 't' },
  { do: 'frame', frame: ready },
  message(4),
  { do: 'send', room: 'r', text: 'one', key: 'k1' },
  { do: 'send', room: 'r', text: 'two', key: 'k2' },
  { do: 'read', room: 'r', seq: 4 },
  { do: 'draft', room: 'r', text: 'thr', key: 'k3' },
  message(6),
  { do: 'frame', frame: { type: 'reply', ref: 1, seq: 5, n: 5, id: 'r-5', at_ms: NOW_MS } },
  { do: 'disconnected' },
  { do: 'connected', token: 't' },
  { do: 'frame', frame: { ...ready, rooms: [{ ...ROOM, head_seq: 6, n: 6 }, SELF] } },
  message(5, { from: 'ann', key: 'k1' }),
  message(6),
  { do: 'tick' },
  { do: 'erase', room: 'r', target: 5, key: 'k4' },
  { do: 'frame', frame: { type: 'signal', kind: 'profile', user: { id: 'bea', handle: 'bea', display_name: 'Bea', hue: 200 } } },
];

test.each(day.map((_, index) => index))('a tab that joins after %i inputs says and knows the same', (joinsAt) => {
  const first = newState();
  let second = structuredClone(first);
  for (const [index, input] of day.entries()) {
    if (index === joinsAt) second = structuredClone(first);
    const said = enter(first, structuredClone(input), NOW_MS + index);
    if (index >= joinsAt) expect(enter(second, structuredClone(input), NOW_MS + index)).toEqual(said);
  }
  expect(second).toEqual(first);
  expect(first.outbox.map((it) => it.key)).toEqual(['k2', 'k4']);
});

test('what another tab is to say is shown here and not said, and takes its place when it comes', () => {
  const state = newState();
  enter(state, { do: 'connected', token: 't' }, NOW_MS);
  enter(state, { do: 'frame', frame: structuredClone(ready) }, NOW_MS);
  state.outbox.push({
    key: 'k', room: 'r', at_ms: NOW_MS, what: { text: 'hi' }, stage: 'waiting', ref: null, said_ms: 0, retry_ms: null, seq: null, code: null, guess: true,
  });
  expect(enter(state, { do: 'tick' }, NOW_MS)).toEqual([]);
  const said = enter(state, { do: 'send', room: 'r', text: 'hi', key: 'k' }, NOW_MS);
  expect(said).toEqual([{ type: 'message.send', ref: 1, room: 'r', key: 'k', text: 'hi' }]);
  expect(state.outbox).toHaveLength(1);
  expect(enter(state, { do: 'send', room: 'r', text: 'hi', key: 'k' }, NOW_MS)).toEqual([]);
});

test('a clock that is wrong does not put what is unsent before what was said', () => {
  const state = newState();
  enter(state, { do: 'connected', token: 't' }, NOW_MS);
  enter(state, { do: 'frame', frame: structuredClone(ready) }, NOW_MS);
  enter(state, { do: 'send', room: 'r', text: 'hi', key: 'k' }, NOW_MS);
  expect(state.outbox[0]?.at_ms).toBe(NOW_MS + 5_000);
});
