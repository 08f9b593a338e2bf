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

  /** No less is here than one page, or than there is. */
  get hasPage(): boolean {
    return this.atStart || this.items.length >= PAGE;
  }

  /** Events below that are on their way: they fill in by themselves. */
  get missing(): number {
    return this.#known ? missing(this.#known) : 0;
  }

  /** Reads the page above. */
  async loadOlder(): Promise<void> {
    if (this.loading || this.atStart || !this.#known) return;
    if (this.stretch === null && (await this.#isKept())) return;
    await this.#load('older', () => ({ before: this.stretch?.from ?? (this.#known?.cursor ?? 0) + 1 }));
    this.#bound('older');
  }

  /** Reads the page below, where one is not at the newest. */
  async loadNewer(): Promise<void> {
    if (this.loading || this.atEnd) return;
    await this.#load('newer', () => ({ after: this.stretch?.to ?? 0 }));
    this.#bound('newer');
  }

  /** Goes to a message. Returns the number of the one to be shown, which is the nearest there is; null where it cannot be read. */
  async jumpTo(seq: number): Promise<number | null> {
    const known = this.#known;
    if (!known) return null;
    if (!stretchAt(known, seq) && !(await this.#load('jump', () => ({ around: seq })))) return null;
    return this.#land((shown) => shown.findLast((it) => it.seq <= seq) ?? shown[0], seq);
  }

  /** Goes to the first message at or after a moment, Unix milliseconds; to the newest where there is none. */
  async jumpToDate(at_ms: number): Promise<number | null> {
    let landed: number | null = null;
    const isThere = await this.#load('jump', () => ({ at: at_ms }), (messages) => {
      // Notices have no place of their own on the page.
      landed = (messages.find((it) => it.at_ms >= at_ms && it.kind === 'message') ?? messages.findLast((it) => it.kind === 'message'))?.seq ?? null;
      return landed;
    });
    if (!isThere) return null;
    if (landed === null) return this.toEnd();
    return this.#land((shown) => shown.find((it) => it.seq === landed), landed);
  }

  /** Goes to the newest. */
  toEnd(): null {
    this.#at = null;
    return null;
  }

  /** A first page is here without a question to the server. */
  async #isKept(): Promise<boolean> {
    this.loading = 'older';
    await this.kept;
    this.loading = null;
    return this.hasPage;
  }

  get #known(): RoomState | undefined {
    return this.state.rooms[this.roomId];
  }

  #land(choose: (shown: Events) => { seq: number } | undefined, at: number): number | null {
    this.#at = at;
    const found = choose(this.items);
    this.#at = found?.seq ?? null;
    return this.#at;
  }

  /** Returns whether a page came. `around` says what a page by time is around. */
  async #load(
    which: 'older' | 'newer' | 'jump',
    where: () => PageAt | { at: number },
    around: (messages: Messages['messages']) => number | null = () => null,
  ): Promise<boolean> {
    this.loading = which;
    this.failed = false;
    try {
      for (let attempt = 0; attempt < PAGE_ATTEMPTS; attempt += 1) {
        const at = where();
        const page = await this.pages(this.roomId, at, PAGE);
        if (!this.#put(page, at, around)) continue;
        // In one breath with the page: who sees that it came may ask for the next.
        this.loading = null;
        return true;
      }
    } catch (error) {
      this.trouble(error);
    }
    Object.assign(this, { loading: null, failed: true });
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
