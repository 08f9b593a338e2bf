/**
 * The rows that events make. A message is one; notices one after the other are one where they say the
 * same of several people, on one day.
 */
import type { Event } from '../../api/types';
import { userOf } from '../names';

/**
 * A row has the notices of so many numbers at most, which begin at a multiple of it: whichever part
 * of a room is known its rows are the same, and a crowd that comes at once still fills a screen.
 */
const ROW_SEQS = 16;

/** True where the event is in one row with the one before it. */
export function isOfRow(all: readonly Event[], index: number): boolean {
  const [event, before] = [all[index], all[index - 1]];
  if (!event || !before || event.kind !== before.kind) return false;
  const common = commonOf(event);
  return common !== null && common === commonOf(before);
}

/** What the notices of one row have in common; null for what is a row of its own. */
function commonOf(event: Event): string | null {
  const { kind, from, seq, at_ms } = event;
  if (kind !== 'member_joined' && kind !== 'member_left') return null;
  const by = userOf(event) === from ? '' : from;
  return `${by} ${Math.floor(seq / ROW_SEQS)} ${new Date(at_ms).toDateString()}`;
}

/** Where so many rows before an index begin. */
export function back(all: readonly Event[], index: number, rows: number): number {
  let at = index;
  for (let left = rows; left > 0 && at > 0; left -= 1) {
    at -= 1;
    while (at > 0 && isOfRow(all, at)) at -= 1;
  }
  return at;
}

/** Where so many rows from an index on end. */
export function forth(all: readonly Event[], index: number, rows: number): number {
  let at = index;
  for (let left = rows; left > 0 && at < all.length; left -= 1) {
    at += 1;
    while (at < all.length && isOfRow(all, at)) at += 1;
  }
  return at;
}
