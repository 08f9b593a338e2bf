/**
 * The part of a room's timeline that is looked at: pages on both ends as one goes there, jumps, and
 * no more in memory than one can scroll in a while, however long the room is.
 */
import type { Messages } from '../api/types';
import { Events, missing, type RoomState, type State, type Stretch } from '../sync/state';
import { addPage, eventsIn, forgetFar, type PageAt, stretchAt } from '../sync/timeline';

/** Messages read at once: about two screens. */
const PAGE = 50;

/** A page that is stale is read again, so often. */
const PAGE_ATTEMPTS = 4;

/** Events of the window; beyond it the far end goes. */
export const WINDOW_MAX = 3_000;

/** What is left of the window then. */
export const WINDOW_KEPT = 2_000;

/** Of the newest so many stay, wherever one is: one comes back there at once. */
const TAIL = 200;

/** Where pages come from. Fails as REST does. */
export type Pages = (roomId: string, at: PageAt | { at: number }, limit: number) => Promise<Messages>;

export class Timeline {
  loading: 'older' | 'newer' | 'jump' | null = $state(null);
  /** The last page could not be read; the next try clears it. */
  failed = $state(false);
  /** A number inside the window, or null at the newest. */
  #at: number | null = $state(null);

  constructor(
    readonly roomId: string,
    private readonly state: State,
    private readonly pages: Pages,
    /** Told of what went wrong with a page. */
    private readonly trouble: (error: unknown) => void,
    /** Until then what is kept on this device may still come. */
    private readonly kept: Promise<void> = Promise.resolve(),
  ) {}

  /** From the first to the last number of which all is known here; null before the first page. */
  get stretch(): Stretch | null {
    const known = this.#known;
    if (!known) return null;
    return (this.#at === null ? null : stretchAt(known, this.#at)) ?? known.stretches.at(-1) ?? null;
  }

  /** Messages and notices, ascending, without a hole. The list is replaced and never changed; an event's `id` is its key. */
  get items(): Events {
    const [known, stretch] = [this.#known, this.stretch];
    return known && stretch ? eventsIn(known, stretch) : new Events();
  }

  /** There is nothing above that one may see. */
  get atStart(): boolean {
    const stretch = this.stretch;
    return stretch !== null && stretch.from <= 1;
  }

  /** The newest is here, and what is said next comes here. */
  get atEnd(): boolean {
    const [known, stretch] = [this.#known, this.stretch];
    return !known || !stretch || stretch.to >= known.cursor;
  }

  /** Events below that are on their way: they fill in by themselves. */
  get missing(): number {
    return this.#known ? missing(this.#known) : 0;
  }

  /** Reads the page above. */
  async loadOlder(): Promise<void> {
    if (this.loading || this.atStart || !this.#known) return;
    if (this.stretch === null && (await this.#isKept())) return;
    await this.#extend('older', () => ({ before: this.stretch?.from ?? (this.#known?.cursor ?? 0) + 1 }));
  }

  /** Reads the page below, where one is not at the newest. */
  async loadNewer(): Promise<void> {
    if (this.loading || this.atEnd) return;
    await this.#extend('newer', () => ({ after: this.stretch?.to ?? 0 }));
  }

  /** Reads what is around a message. Returns the number of the nearest one there is; null where it cannot be read. */
  async find(seq: number): Promise<number | null> {
    const known = this.#known;
    if (!known) return null;
    if (!stretchAt(known, seq) && !(await this.#load('jump', () => ({ around: seq })))) return null;
    const stretch = stretchAt(known, seq);
    if (!stretch) return null;
    const events = eventsIn(known, stretch);
    return (events.findLast((it) => it.seq <= seq) ?? events[0])?.seq ?? null;
  }

  /** Reads what is around a moment, Unix milliseconds. Returns the number of the first message at or after it, `end` where there is none, null where it cannot be read. */
  async findDate(at_ms: number): Promise<number | 'end' | null> {
    let found: number | null = null;
    const isThere = await this.#load('jump', () => ({ at: at_ms }), (messages) => {
      // Notices have no place of their own on the page.
      found = (messages.find((it) => it.at_ms >= at_ms && it.kind === 'message') ?? messages.findLast((it) => it.kind === 'message'))?.seq ?? null;
      return found;
    });
    return isThere ? (found ?? 'end') : null;
  }

  /** Goes to what was found, or, by null, to the newest. */
  goTo(seq: number | null): void {
    this.#at = seq;
  }

  /** A first page is here without a question to the server. */
  async #isKept(): Promise<boolean> {
    this.loading = 'older';
    await this.kept;
    this.#loaded('older');
    return this.atStart || this.items.length >= PAGE;
  }

  get #known(): RoomState | undefined {
    return this.state.rooms[this.roomId];
  }

  /** Reads a page at an end, and forgets what is far from it, unless one has gone elsewhere meanwhile. */
  async #extend(which: 'older' | 'newer', where: () => PageAt): Promise<void> {
    const at = this.#at;
    if ((await this.#load(which, where)) && at === this.#at) this.#bound(which);
  }

  /** A jump may have begun while a page was read, which then still goes on. */
  #loaded(which: 'older' | 'newer' | 'jump'): void {
    if (this.loading === which) this.loading = null;
  }

  /** Returns whether a page came. `around` says what a page by time is around. */
  async #load(
    which: 'older' | 'newer' | 'jump',
    where: () => PageAt | { at: number },
    around: (messages: Messages['messages']) => number | null = () => null,
  ): Promise<boolean> {
    this.loading = this.loading === 'jump' ? 'jump' : which;
    this.failed = false;
    try {
      for (let attempt = 0; attempt < PAGE_ATTEMPTS; attempt += 1) {
        const at = where();
        const page = await this.pages(this.roomId, at, PAGE);
        if (!this.#put(page, at, around)) continue;
        // In one breath with the page: who sees that it came may ask for the next.
        this.#loaded(which);
        return true;
      }
    } catch (error) {
      this.trouble(error);
    }
    this.#loaded(which);
    this.failed = true;
    return false;
  }

  #put(page: Messages, where: PageAt | { at: number }, around: (messages: Messages['messages']) => number | null): boolean {
    if (page.epoch !== this.state.epoch) return false;
    if (typeof where === 'string' || !('at' in where)) return addPage(this.state, this.roomId, { limit: PAGE, ...page, at: where });
    const center = around(page.messages);
    return center === null || addPage(this.state, this.roomId, { limit: PAGE, ...page, at: { around: center } });
  }

  /** Forgets the end that is far from where one reads. */
  #bound(which: 'older' | 'newer'): void {
    const [known, stretch, shown] = [this.#known, this.stretch, this.items];
    if (!known || !stretch || shown.length <= WINDOW_MAX) return;
    const [first, last] = [shown.at(-WINDOW_KEPT), shown[WINDOW_KEPT - 1]];
    if (!first || !last) return;
    const near = which === 'older' ? { from: stretch.from, to: last.seq } : { from: first.seq, to: stretch.to };
    this.#at = which === 'older' ? near.from : near.to;
    forgetFar(known, near, TAIL);
  }
}
