/**
 * Which of the events that are known are on the page: enough for a few screens, moved along as one
 * scrolls, so that a page of twenty thousand messages costs no more than one of two hundred.
 */
import type { Event } from '../../api/types';
import { PART_MAX, PART_STEP } from './limits';
import { back, forth } from './rows';

export class PartOf {
  /** The first and the last event that are on the page; null: the oldest there is, the newest there is. */
  #from: number | null = $state(null);
  #to: number | null = $state(null);

  /** The part of `all`, which ascends. */
  cut(all: readonly Event[]): { first: number; end: number } {
    const first = this.#from === null ? 0 : indexOf(all, this.#from);
    const end = this.#to === null ? all.length : indexOf(all, this.#to + 1);
    return { first, end: Math.max(first, end) };
  }

  /** True where what comes at the end comes onto the page. */
  get isToEnd(): boolean {
    return this.#to === null;
  }

  /** The newest. */
  toEnd(all: readonly Event[]): void {
    this.#to = null;
    this.#from = seqAt(all, back(all, all.length, PART_MAX));
  }

  /** Around an event: a third above it, so that one can read on. */
  around(all: readonly Event[], seq: number): void {
    const at = indexOf(all, seq);
    const first = back(all, at, Math.floor(PART_MAX / 3));
    this.#set(all, first, forth(all, first, PART_MAX));
  }

  /** One step towards older events. False where there is none. */
  up(all: readonly Event[]): boolean {
    const { first, end } = this.cut(all);
    if (first === 0) return false;
    const next = back(all, first, PART_STEP);
    this.#set(all, next, Math.min(end, forth(all, next, PART_MAX)));
    return true;
  }

  /** One step towards newer events. False where there is none. */
  down(all: readonly Event[]): boolean {
    const { first, end } = this.cut(all);
    if (end >= all.length) {
      const isMoved = this.#to !== null;
      this.#to = null;
      return isMoved;
    }
    const next = forth(all, end, PART_STEP);
    this.#set(all, Math.max(first, back(all, next, PART_MAX)), next);
    return true;
  }

  /** What came at the end of a long evening has pushed the page over its size: what is far from `seq` goes, or by null from the end. */
  bound(all: readonly Event[], seq: number | null): void {
    const { first, end } = this.cut(all);
    if (forth(all, first, PART_MAX + PART_STEP) >= end) return;
    const middle = seq === null ? end : indexOf(all, seq);
    const from = Math.min(Math.max(first, back(all, middle, PART_MAX / 2)), back(all, end, PART_MAX));
    this.#set(all, from, forth(all, from, PART_MAX));
  }

  /** It is twice what it should be: others write so fast that it is never quiet. */
  isTooLong(all: readonly Event[]): boolean {
    const { first, end } = this.cut(all);
    return forth(all, first, 2 * PART_MAX) < end;
  }

  #set(all: readonly Event[], first: number, end: number): void {
    // From the very first on, older events that come in later are not on the page until one goes there.
    this.#from = seqAt(all, first);
    this.#to = end >= all.length ? null : (all[end - 1]?.seq ?? null);
  }
}

function seqAt(all: readonly Event[], index: number): number | null {
  return all[Math.max(0, index)]?.seq ?? null;
}

/** Where an event with this number is or would be, by halving. */
export function indexOf(all: readonly Event[], seq: number): number {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((all[middle]?.seq ?? Infinity) < seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
