/**
 * Keeps the eye where it is. At the bottom it stays at the bottom; elsewhere the first message that
 * is seen stays where it is seen, whatever comes, goes or grows above it. The browser's own anchoring
 * is off, because not every browser has it.
 */
import { flushSync, tick } from 'svelte';

/** So close counts as the bottom: a finger is not exact. */
const BOTTOM_WITHIN_PX = 48;

/** So near to an end of the page more is put there: what a fast wheel covers in a few frames. */
const NEAR_PX = 1_500;

/** A content that is lifted further is scrolled by as much though one moves: there is an end to what a browser can lay out. */
const LIFTED_PX_MAX = 100_000;

/** What the pane asks for when one comes near an end. Returns whether something changed. */
export type Ends = { up: () => boolean; down: () => boolean; isToEnd: () => boolean };

/** What has not moved for so long has come to rest. */
const RESTS_AFTER_MS = 1_200;

export class Pane {
  isAtBottom = $state(true);
  /** The day whose name lies over what one reads, once nothing moves. */
  covering: string | null = $state(null);
  #resting: ReturnType<typeof setTimeout> | undefined;
  #pane: HTMLElement | null = null;
  #anchor: { row: HTMLElement; top: number } | null = null;
  /** Where it was scrolled to when it was last looked at. */
  #top = 0;
  #height = 0;
  /** Before the start, and on the way elsewhere, there is no place to keep and no end to come near. */
  #isThere = false;
  /** How often one was sent somewhere: the last time counts. */
  #sent = 0;
  /** The frame that looks whether more is wanted. */
  #asked: number | null = null;
  /** Where it was scrolled to in the last frame that looked. */
  #looked = -1;
  /** How far the content is lifted, in pixels, until it is scrolled by as much. */
  #lifted = 0;

  constructor(private readonly ends: Ends) {}

  /** Watches the pane, and its content: a picture or a font that comes late moves what is below it. */
  readonly attach = (pane: HTMLElement): (() => void) => {
    this.#pane = pane;
    const resized = new ResizeObserver(() => this.#isThere && this.#restore());
    resized.observe(pane);
    for (const child of pane.children) resized.observe(child);
    return () => {
      resized.disconnect();
      if (this.#asked !== null) cancelAnimationFrame(this.#asked);
      clearTimeout(this.#resting);
      this.#pane = null;
    };
  };

  readonly moved = (): void => {
    if (!this.#isThere || !this.#pane) return;
    // What came below since, or went above, is no movement of the one who reads: only going up leaves the bottom.
    const isUp = this.#pane.scrollTop < this.#top - 1 && this.#pane.scrollHeight >= this.#height;
    if (isUp || !this.isAtBottom || !this.ends.isToEnd()) this.isAtBottom = this.ends.isToEnd() && this.#below() < BOTTOM_WITHIN_PX;
    this.#remember();
    this.#ask();
    this.#stir();
  };

  /** While one goes along the days are named above. */
  #stir(): void {
    this.covering = null;
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => (this.covering = this.#pane && dayOver(this.#pane)), RESTS_AFTER_MS);
  }

  /** What was asked for has come, or gone: there may be room for more. */
  changed(): void {
    if (this.#isThere) this.#ask();
  }

  /** To the end of the page. */
  async toBottom(): Promise<void> {
    this.isAtBottom = true;
    await this.#go(() => this.#restore());
  }

  /** The first look: at an element, or at the bottom. */
  async start(selector: string): Promise<void> {
    await this.#go(() => {
      this.isAtBottom = !this.#show(selector);
      this.#restore();
    });
  }

  /** Brings an element into view after a jump, and gives it the focus. */
  async jump(selector: string): Promise<void> {
    this.isAtBottom = false;
    await this.#go(() => {
      if (this.#show(selector)) this.#pane?.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
    });
  }

  /** Looks elsewhere once the page shows what is there, unless one was sent on meanwhile. */
  async #go(look: () => void): Promise<void> {
    const sent = ++this.#sent;
    this.#isThere = false;
    await tick();
    if (sent !== this.#sent) return;
    this.#isThere = true;
    look();
    this.moved();
  }

  #show(selector: string): boolean {
    const element = this.#pane?.querySelector(selector);
    element?.scrollIntoView({ block: 'center' });
    this.#remember();
    return element !== null && element !== undefined;
  }

  /** By the next frame it is looked whether more is wanted. */
  #ask(): void {
    this.#asked ??= requestAnimationFrame(() => {
      this.#asked = null;
      if (this.#isThere) this.#reach();
    });
  }

  /** Puts more where one comes near an end: one step a frame, so that no frame is late, and while there is room a frame that is still. */
  #reach(): void {
    const pane = this.#pane;
    if (!pane) return;
    const isStill = pane.scrollTop === this.#looked;
    const isLowered = this.#lower(pane, isStill);
    const [top, below] = [pane.scrollTop + this.#lifted, this.#below()];
    this.#looked = pane.scrollTop;
    const near = isStill ? NEAR_PX : pane.clientHeight / 2;
    // In a frame that moves there is one change alone.
    const mayAdd = isStill || !isLowered;
    if (mayAdd && ((top < near && this.ends.up()) || (below < near && this.ends.down()))) this.#settle(pane, isStill);
    else if (this.#lifted !== 0 || !mayAdd || (!isStill && Math.min(top, below) < NEAR_PX)) this.#ask();
  }

  #settle(pane: HTMLElement, isStill: boolean): void {
    flushSync();
    this.#restore(isStill);
    this.#looked = pane.scrollTop;
    this.#ask();
  }

  /** Scrolls by as much as the content is lifted: where nothing moves, and before one comes to what is out of reach. Returns whether. */
  #lower(pane: HTMLElement, isStill: boolean): boolean {
    const lifted = this.#lifted;
    const isNeeded = isStill || pane.scrollTop < pane.clientHeight || Math.abs(lifted) > LIFTED_PX_MAX;
    if (lifted === 0 || !isNeeded) return false;
    // Taken before: what was lifted down made the page longer, and where it ends one cannot be beyond it.
    const top = pane.scrollTop + lifted;
    this.#lift(pane, 0);
    pane.scrollTop = top;
    return true;
  }

  #lift(pane: HTMLElement, by: number): void {
    const list = pane.firstElementChild;
    if (by === this.#lifted || !(list instanceof HTMLElement)) return;
    this.#lifted = by;
    list.style.transform = by === 0 ? '' : `translateY(${-by}px)`;
    // What sticks to where the pane begins does so by the layout, which knows nothing of it.
    for (const name of list.querySelectorAll<HTMLElement>('section > h2')) name.style.top = by === 0 ? '' : `calc(var(--step) + ${by}px)`;
  }

  /** How far the first row that was seen is from where it was seen. */
  #moved(pane: HTMLElement): number {
    if (!this.#anchor?.row.isConnected) return 0;
    const moved = topOf(this.#anchor.row, pane) - this.#anchor.top;
    return Math.abs(moved) >= 1 ? moved : 0;
  }

  /**
   * What came above is made up for by scrolling. In a frame in which somebody scrolls by hand the content
   * is lifted instead, and scrolled in a later one: then one sees what the hand did and no more, by the
   * browser's own measure too.
   */
  #restore(isStill = false): void {
    const pane = this.#pane;
    if (!pane) return;
    if (this.isAtBottom) {
      this.#lift(pane, 0);
      pane.scrollTop = pane.scrollHeight;
    } else {
      const moved = this.#moved(pane);
      if (isStill) pane.scrollTop += moved;
      else this.#lift(pane, this.#lifted + moved);
      if (this.#lifted !== 0) this.#ask();
      // It is where it was.
      if (this.#anchor?.row.isConnected) return;
    }
    this.#remember();
  }

  /** The number of the first message that is seen whole. */
  get seq(): number | null {
    const seq = this.#pane && firstSeen(this.#pane, '[data-seq]')?.dataset.seq;
    return seq ? Number(seq) : null;
  }

  /** The first row that is seen whole, and where. */
  #remember(): void {
    const pane = this.#pane;
    if (!pane) return;
    const row = firstSeen(pane, '[data-row]');
    this.#anchor = row ? { row, top: topOf(row, pane) } : null;
    this.#top = pane.scrollTop;
    this.#height = pane.scrollHeight;
  }

  #below(): number {
    const pane = this.#pane;
    return pane ? pane.scrollHeight - pane.scrollTop - pane.clientHeight : 0;
  }
}

/** By halving; the last one where none is. */
function firstSeen(pane: HTMLElement, selector: string): HTMLElement | undefined {
  const rows = pane.querySelectorAll<HTMLElement>(selector);
  let [low, high] = [0, rows.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (topOf(rows[middle], pane) < 0) low = middle + 1;
    else high = middle;
  }
  return rows[low];
}

/** The day that began above what is seen. */
function dayOver(pane: HTMLElement): string | null {
  const days = [...pane.querySelectorAll<HTMLElement>('[data-day]')];
  return days.findLast((it) => topOf(it, pane) < -8)?.dataset.day ?? null;
}

function topOf(row: HTMLElement | undefined, pane: HTMLElement): number {
  return row ? row.getBoundingClientRect().top - pane.getBoundingClientRect().top : 0;
}
