import { expect, test } from 'vitest';
import type { Rest } from '../api/rest';
import type { Keeper } from '../store/keeper';
import type { State } from '../sync/state';
import { Place } from './place.svelte';

const ROOM = 'room';

test('the room that one comes back to is among those that are kept, though its page went before that was written', () => {
  const opened: (string | null)[] = [];
  const keeper = { opened: (roomId: string | null) => opened.push(roomId), timeline: () => Promise.resolve(null) } as unknown as Keeper;
  const state = { rooms: { [ROOM]: { stretches: [], events: [] } } } as unknown as State;
  const place = new Place(state, keeper, {} as Rest, 'ann', () => {}, { openId: ROOM, timeline: null });
  expect(place.openId).toBe(ROOM);
  expect(opened).toEqual([ROOM]);
});
