/** What was received is said, and how far all the others have come is known (rules 17 and 18). */
import type { ClientFrame, Receipts, Room } from '../api/types';
import { DELIVER_AFTER_MS, DELIVER_ROOMS_MAX, type RoomState, type State, STRANGERS_MAX } from './state';

/** What has become of a message of mine. */
export type Tick = 'sent' | 'delivered' | 'read';

/** Rooms of more members keep none, by the contract. */
export const RECEIPT_MEMBERS_MAX = 1_024;

export function hasReceipts({ kind, members }: Room): boolean {
  return kind !== 'self' && members <= RECEIPT_MEMBERS_MAX;
}

export function tickOf({ receipts }: Room, seq: number): Tick {
  if (!receipts) return 'sent';
  const { delivered_from, delivered_all, read_from, read_all } = receipts;
  if (covers(read_from, read_all, seq)) return 'read';
  return covers(delivered_from, delivered_all, seq) ? 'delivered' : 'sent';
}

function covers(from: number | undefined, all: number | undefined, seq: number): boolean {
  return from !== undefined && all !== undefined && from <= seq && seq <= all;
}

/** Of each pair the one that is as far or farther; one that is not there is none. */
export function merged(known: Receipts = {}, told: Receipts): Receipts {
  const isNews = (before: number | undefined, now: number | undefined) => now === undefined || now >= (before ?? 0);
  const delivered = isNews(known.delivered_all, told.delivered_all) ? told : known;
  const read = isNews(known.read_all, told.read_all) ? told : known;
  return {
    ...(delivered.delivered_from !== undefined && { delivered_from: delivered.delivered_from }),
    ...(delivered.delivered_all !== undefined && { delivered_all: delivered.delivered_all }),
    ...(read.read_from !== undefined && { read_from: read.read_from }),
    ...(read.read_all !== undefined && { read_all: read.read_all }),
  };
}

/** All the others have come so far. Of a room that is not known it is kept until that is. */
export function heed(state: State, roomId: string, told: Receipts): void {
  const known = state.rooms[roomId];
  if (known) {
    known.receipts_current = true;
    known.room.receipts = merged(known.room.receipts, told);
  } else if (roomId in state.early || Object.keys(state.early).length < STRANGERS_MAX) state.early[roomId] = merged({}, told);
}

/** Plans to say what was received, where there is something and nothing is planned. */
export function plan(state: State): void {
  if (!state.ready || state.deliver_ms !== null) return;
  if (Object.values(state.rooms).some(isUnsaid)) state.deliver_ms = state.now_ms + DELIVER_AFTER_MS;
}

/** Says it: nobody waits for an answer, and what is lost on the way is said again after the next `ready`. */
export function deliver(state: State): ClientFrame[] {
  state.deliver_ms = null;
  if (!state.ready) return [];
  const unsaid = Object.values(state.rooms).filter(isUnsaid);
  unsaid.sort((a, b) => (a.room.id < b.room.id ? -1 : 1));
  const frames = unsaid.slice(0, DELIVER_ROOMS_MAX).map((known): ClientFrame => {
    known.delivered.said = known.cursor;
    return { type: 'receipt.set', room: known.room.id, delivered: known.cursor };
  });
  plan(state);
  return frames;
}

/** What was said and not reported since may be lost. */
export function doubt(state: State): void {
  for (const { delivered } of Object.values(state.rooms)) delivered.said = delivered.sure;
}

/** Before this connection was told of a room the server may well have it. */
function isUnsaid({ room, cursor, delivered, receipts_current }: RoomState): boolean {
  return hasReceipts(room) && receipts_current && cursor > delivered.said;
}
