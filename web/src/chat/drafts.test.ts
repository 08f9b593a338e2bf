import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Room } from '../api/types';
import type { KeptDraft } from '../store/kept';
import { newRoom, newState, type State } from '../sync/state';
import * as sync from '../sync/sync';
import { Drafts } from './drafts.svelte';

const ROOM: Room = {
  id: 'r', kind: 'group', name: 'Tea', history: 'all', posting: 'members', role: 'member', members: 2,
  head_seq: 0, n: 0, read_seq: 0, read_n: 0, created_at_ms: 0, last: null,
};

let state: State;
let said: string[];
let kept: Map<string, KeptDraft>;
let told: string[];

beforeEach(() => {
  vi.useFakeTimers();
  state = newState();
  state.rooms.r = newRoom({ ...ROOM });
  state.rooms.ann = newRoom({ ...ROOM, id: 'ann', kind: 'self' });
  [said, kept, told] = [[], new Map(), []];
});

afterEach(() => vi.useRealTimers());

function drafts(before: KeptDraft[] = []): Drafts {
  return new Drafts(
    state,
    {
      say: (room, text) => {
        said.push(text);
        sync.draft(state, room, text, `k${said.length}`, 0);
      },
      keep: (draft) => kept.set(draft.room, draft),
      tell: ({ text }) => told.push(text),
    },
    before,
  );
}

/** The server has taken what was said last, and says so in the log of the user. */
function stored(found: Drafts, text: string): void {
  state.questions = [];
  heard(found, text);
}

function heard(found: Drafts, text: string): void {
  const seq = (state.rooms.ann?.cursor ?? 0) + 1;
  const event = { room: 'ann', seq, id: `ann-${seq}`, kind: 'draft', from: 'ann', at_ms: 0, body: { room: 'r', text } };
  sync.apply(state, { type: 'event', ...event }, 0);
  found.reconcile(['ann', 'r']);
}

test('it is kept with each letter, and said when the fingers rest', () => {
  const found = drafts();
  for (const text of ['h', 'he', 'hey']) found.set('r', text);
  expect(kept.get('r')).toEqual({ room: 'r', text: 'hey', isOpen: true });
  expect(told).toEqual(['h', 'he', 'hey']);
  vi.advanceTimersByTime(1_999);
  expect(said).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(said).toEqual(['hey']);
  stored(found, 'hey');
  expect(kept.get('r')).toEqual({ room: 'r', text: 'hey', isOpen: false });
});

test('it is said at once when the field is left, and not twice', () => {
  const found = drafts();
  found.set('r', 'hey');
  found.rest('r');
  vi.advanceTimersByTime(5_000);
  expect(said).toEqual(['hey']);
});

test('what another device writes is shown, and cleared', () => {
  const found = drafts();
  heard(found, 'from the phone');
  expect(found.get('r')).toBe('from the phone');
  heard(found, '');
  expect(found.has('r')).toBe(false);
  expect(said).toEqual([]);
});

test('what another device writes does not touch what is being written here', () => {
  const found = drafts();
  found.set('r', 'mine');
  heard(found, 'theirs');
  expect(found.get('r')).toBe('mine');
  vi.advanceTimersByTime(2_000);
  expect(said).toEqual(['mine']);
});

test('a message that is sent clears it everywhere, also while it is still on its way', () => {
  const found = drafts();
  found.set('r', 'hey');
  found.rest('r');
  found.delete('r');
  expect(said).toEqual(['hey', '']);
  expect(found.has('r')).toBe(false);
  // The first has arrived, and its echo must not bring it back.
  heard(found, 'hey');
  expect(found.has('r')).toBe(false);
  stored(found, '');
  expect(kept.get('r')).toEqual({ room: 'r', text: '', isOpen: false });
});

test('what was written without a connection is said when there is one', () => {
  const found = drafts([{ room: 'r', text: 'from the train', isOpen: true }]);
  expect(found.get('r')).toBe('from the train');
  found.reconcile(['r']);
  expect(found.get('r')).toBe('from the train');
  found.resume();
  expect(said).toEqual(['from the train']);
});

test('what is longer than a message may be stays here', () => {
  const found = drafts();
  found.set('r', 'é'.repeat(8_193));
  vi.advanceTimersByTime(2_000);
  expect(said).toEqual([]);
  expect(kept.get('r')?.text).toHaveLength(8_193);
});

test('another tab is heard, unless one writes here', () => {
  const found = drafts();
  found.heard({ room: 'r', text: 'other tab', isOpen: true });
  expect(found.get('r')).toBe('other tab');
  found.set('r', 'this tab');
  found.heard({ room: 'r', text: 'other tab again', isOpen: true });
  expect(found.get('r')).toBe('this tab');
});
