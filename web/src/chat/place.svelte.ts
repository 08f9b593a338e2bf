/** The room that is looked at, its timeline, and the ones that one may look at next. */
import type { Rest } from '../api/rest';
import type { Keeper } from '../store/keeper';
import type { KeptTimeline } from '../store/kept';
import { keepPlace, keptPlace } from '../store/place';
import type { RoomState, State } from '../sync/state';
import { floor, restore, trim } from '../sync/timeline';
import { Timeline } from './timeline.svelte';

/** Messages kept in memory of a room that is not looked at. */
export const KEPT_EVENTS = 200;

/** Rooms whose newest page is read ahead, so that they open at once and offline. */
const AHEAD_MAX = 12;

export class Place {
  openId: string | null = $state(null);
  timeline: Timeline | null = $state.raw(null);
  /** The room that was looked at last, until it is known. */
  #last: string | null;

  constructor(
    private readonly state: State,
    private readonly keeper: Keeper,
    private readonly rest: Rest,
    private readonly userId: string,
    private readonly failed: (error: unknown) => void,
    kept: { openId: string | null; timeline: KeptTimeline | null },
  ) {
    const known = kept.timeline && state.rooms[kept.timeline.id];
    if (kept.timeline && known) restore(known, kept.timeline);
    this.#last = keptPlace(userId) ?? kept.openId;
    if (this.#last !== null && state.rooms[this.#last]) this.#begin(this.#last);
  }

  /** Looks at the room of last time, whose timeline may not have been put aside before the page went. */
  #begin(roomId: string): void {
    this.#look(roomId);
    this.keeper.opened(roomId, Date.now());
  }

  /** The room, once it is known. */
  get open(): RoomState | null {
    return this.openId === null ? null : (this.state.rooms[this.openId] ?? null);
  }

  turn(roomId: string | null): void {
    if (this.open) trim(this.open, KEPT_EVENTS);
    this.#look(roomId);
    keepPlace(this.userId, roomId);
    this.keeper.opened(roomId, Date.now());
  }

  /** To the room that was looked at last, which was not known before. */
  comeBack(): void {
    if (this.#last !== null && this.openId === null && this.state.rooms[this.#last]) this.turn(this.#last);
    this.#last = null;
  }

  /** Reads the newest page of the first rooms of a list, where it is not kept. */
  async readAhead(order: string[]): Promise<void> {
    for (const roomId of order.slice(0, AHEAD_MAX)) {
      const known = this.state.rooms[roomId];
      if (!known || this.keeper.isKept(roomId) || this.openId === roomId) continue;
      const ahead = this.#newTimeline(roomId);
      if (floor(known) > 1) await ahead.loadOlder();
      if (!this.state.ready || ahead.failed) return;
      this.keeper.keep(roomId, 1);
    }
  }

  #look(roomId: string | null): void {
    this.#last = null;
    this.openId = roomId;
    this.timeline = roomId === null ? null : this.#newTimeline(roomId, this.#restore(roomId));
  }

  #newTimeline(roomId: string, kept?: Promise<void>): Timeline {
    return new Timeline(roomId, this.state, (...page) => this.rest.messages(...page), this.failed, kept);
  }

  /** Takes what is kept of a timeline. */
  async #restore(roomId: string): Promise<void> {
    if (this.state.rooms[roomId]?.stretches.length) return;
    const kept = await this.keeper.timeline(roomId);
    const known = this.state.rooms[roomId];
    if (kept && known) restore(known, kept);
  }
}
