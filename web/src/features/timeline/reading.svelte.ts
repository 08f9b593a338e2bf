/**
 * Where somebody reads in a room: the part that is on the page, the line of what is new, and the way
 * to another place. Made by a view, whose life its effects have.
 */
import { untrack } from 'svelte';
import type { Chat } from '../../chat.svelte';
import type { Timeline as Feed } from '../../chat/timeline.svelte';
import { type RoomState, unread } from '../../sync/state';
import { isLookedAt } from '../desk/look';
import { type Day, days, steady } from './items';
import { PART_AHEAD } from './limits';
import { Pane } from './pane.svelte';
import { PartOf } from './part.svelte';

/** What is too much on the page goes when nothing comes for so long: then nothing else moves. */
const QUIET_MS = 400;

export class Reading {
  readonly pane: Pane;
  isStarted = $state(false);
  /** Above what comes after this stands the line of what is new. */
  line_seq: number | null = $state(null);
  /** The message that was jumped to. */
  target: number | null = $state(null);
  readonly #part = new PartOf();
  #shown: Day[] = [];
  #isBegun = false;
  /** How often one was sent somewhere: the last time counts. */
  #sent = 0;

  constructor(
    private readonly chat: Chat,
    private readonly feed: Feed,
    private readonly room: () => RoomState,
  ) {
    const { room: now } = untrack(room);
    this.line_seq = untrack(() => (unread(now) > 0 ? now.read_seq : null));
    this.pane = new Pane({ up: () => this.#up(), down: () => this.#down(), isToEnd: () => this.isToEnd });
    this.#watchPlace();
    this.#watchWhatIsNew();
    this.#watchMine();
    void untrack(() => this.#readFirst());
  }

  readonly #all = $derived.by(() => this.feed.items);
  readonly #cut = $derived.by(() => this.#part.cut(this.#all));
  readonly #mine = $derived.by(() => this.chat.state.outbox.filter((it) => it.room === this.feed.roomId && 'text' in it.what).length);

  /** What is new begins above what is known: it is to be read first. */
  readonly #isFar = $derived.by(() => this.line_seq !== null && (this.feed.stretch === null || this.feed.stretch.from > this.line_seq + 1));
  readonly #isThere = $derived.by(() => this.#all.length > 0 && (!this.#isFar || this.chat.phase !== 'open'));

  /** The events on the page. */
  readonly events = $derived.by(() => this.#all.slice(this.#cut.first, this.#cut.end));

  /** Of a day's name the day may pass while one looks; it is said anew with the next message. */
  readonly days = $derived.by(() => {
    const { stretch, failed } = this.feed;
    // What is unsent is shown below what was said, once something is known of that.
    const isToEnd = this.isToEnd && (stretch !== null || failed);
    const part = { events: this.events, before: this.#all[this.#cut.first - 1] ?? null, floor: stretch?.from ?? 1, isToEnd };
    return (this.#shown = steady(days(this.chat.state, this.room(), part, this.line_seq, Date.now()), this.#shown));
  });

  /** The very first is on the page. */
  readonly isWhole = $derived.by(() => this.feed.atStart && this.#cut.first === 0);

  /** The newest event, wherever one reads. */
  readonly newest = $derived.by(() => this.#all.at(-1));

  /** The newest is on the page. */
  get isToEnd(): boolean {
    return this.#part.isToEnd && this.feed.atEnd;
  }

  /** To the newest, wherever that is. */
  toNewest(): void {
    this.#sent += 1;
    this.#isBegun = this.isStarted = true;
    this.line_seq = null;
    this.target = null;
    this.feed.goTo(null);
    this.#part.toEnd(this.feed.items);
    void this.pane.toBottom();
    if (this.feed.stretch === null) void this.feed.loadOlder();
  }

  /** To the first message at or after a moment, Unix milliseconds. Returns false where it cannot be read: then one stays. */
  async toDate(at_ms: number): Promise<boolean> {
    const sent = ++this.#sent;
    // Who goes to a date at once begins there.
    this.#isBegun = true;
    const found = await this.feed.findDate(at_ms);
    if (sent !== this.#sent) return true;
    if (found === 'end') this.toNewest();
    else if (found !== null) await this.#land(found);
    if (found !== null) return true;
    this.#isBegun = this.isStarted;
    if (this.#isThere) await this.#begin();
    return false;
  }

  async #land(seq: number): Promise<void> {
    this.isStarted = true;
    this.target = seq;
    this.feed.goTo(seq);
    this.#part.around(this.feed.items, seq);
    await this.pane.jump(`[data-seq="${seq}"]`);
  }

  async #readFirst(): Promise<void> {
    const first = this.#isFar && this.line_seq !== null ? await this.feed.find(Math.max(1, this.line_seq)) : null;
    if (first !== null && !this.#isBegun) this.feed.goTo(first);
    else if (!this.#isThere) await this.feed.loadOlder();
    await this.#begin();
  }

  /** Begins at what is new, else at the newest. What is kept on this device is shown before the network answers. */
  async #begin(): Promise<void> {
    if (this.#isBegun) return;
    this.#isBegun = true;
    const { items } = this.feed;
    const { line_seq } = this;
    if (line_seq !== null && items.some((it) => it.seq > line_seq)) this.#part.around(items, line_seq + 1);
    else this.#part.toEnd(items);
    // Nothing counts as seen before the pane is where it begins.
    await this.pane.start('[data-line]');
    this.isStarted = true;
  }

  #up(): boolean {
    const isMore = this.#part.up(this.#all);
    const isFew = this.#cut.first < PART_AHEAD;
    if (isFew && !this.feed.atStart && !this.feed.failed) void this.feed.loadOlder();
    return isMore;
  }

  #down(): boolean {
    const isMore = this.#part.down(this.#all);
    const isFew = this.#all.length - this.#cut.end < PART_AHEAD;
    if (isFew && !this.feed.atEnd && !this.feed.failed) void this.feed.loadNewer();
    return isMore;
  }

  #watchPlace(): void {
    $effect(() => {
      if (this.#isThere) untrack(() => void this.#begin());
    });
    $effect(() => {
      void this.days;
      untrack(() => this.isStarted && this.pane.changed());
    });
    $effect(() => {
      const all = this.#all;
      if (!this.isStarted || all.length === 0) return;
      const seq = () => (this.pane.isAtBottom ? null : this.pane.seq);
      const timer = setTimeout(() => this.#part.bound(all, seq()), this.#part.isTooLong(all) ? 0 : QUIET_MS);
      return () => clearTimeout(timer);
    });
  }

  #watchWhatIsNew(): void {
    // What somebody else says while nobody looks is new when somebody looks again.
    $effect(() => {
      const { room } = this.room();
      const { read_seq } = room;
      if (unread(room) === 0) return;
      untrack(() => {
        const isSeen = this.pane.isAtBottom && isLookedAt();
        if (this.isStarted && !isSeen && this.line_seq === null) this.line_seq = read_seq;
      });
    });
    $effect(() => {
      const isSeen = this.isStarted && isLookedAt() && this.pane.isAtBottom && this.feed.atEnd;
      if (isSeen && unread(this.room().room) > 0) this.chat.markRead(this.feed.roomId);
    });
  }

  /** My own word says that I have read all above. */
  #watchMine(): void {
    let last = untrack(() => this.#mine);
    $effect(() => {
      const isMore = this.#mine > last;
      last = this.#mine;
      if (isMore) untrack(() => this.toNewest());
    });
  }
}
