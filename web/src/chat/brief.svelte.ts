/** What the tab with the link tells one that joins, and how that one takes it. */
import { listOf, type RoomState, type State } from '../sync/state';
import { keepsake, restore } from '../sync/timeline';

/** What of a timeline a tab that joins is told. */
const TOLD_EVENTS = 100;

/** What is known: of each timeline the newest, which must be taken for no more than that. */
export function briefOf(state: State): State {
  const rooms = Object.entries(state.rooms).map(([id, known]): [string, RoomState] => {
    const newest = keepsake(known, TOLD_EVENTS);
    const stretches = newest ? [{ from: newest.from, to: newest.cursor }] : [];
    const isAll = known.stretches.length <= 1 && newest?.events.length === known.events.length;
    const blind_seq = isAll ? known.blind_seq : known.cursor;
    return [id, { ...$state.snapshot({ ...known, events: [] }), events: newest?.events ?? [], stretches, blind_seq } as unknown as RoomState];
  });
  return { ...($state.snapshot({ ...state, rooms: {} }) as State), rooms: Object.fromEntries(rooms) };
}

/** Takes what was told, with what only this tab has: what it just said, and `kept` newest events of the room that is looked at. */
export function adopt(state: State, told: State, openId: string | null, kept: number): void {
  const old = openId === null ? null : state.rooms[openId];
  const newest = old && keepsake(old, kept);
  const guesses = state.outbox.filter((it) => it.guess && !told.outbox.some(({ key }) => key === it.key));
  const rooms: State['rooms'] = {};
  for (const [id, it] of Object.entries(told.rooms)) rooms[id] = { ...it, events: listOf(it.events) };
  Object.assign(state, told, { rooms, outbox: [...told.outbox, ...$state.snapshot(guesses)] });
  const known = openId === null ? null : state.rooms[openId];
  if (known && newest) restore(known, newest);
}
