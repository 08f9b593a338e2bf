/**
 * The order of the list of rooms and the count of what is unread, kept up room by room: ten thousand
 * rooms are not looked through for each event.
 */
import { type State, unread } from '../sync/state';

/** While the list comes in page by page, its order is told this often and no more. */
const TELL_EVERY_MS = 100;

type Entry = { id: string; at_ms: number; unread: number };

export class Roster {
  /** Ids of all rooms, the one where something happened last first. Replaced, never changed. */
  order: string[] = $state.raw([]);
  /** Messages that were not read, in all rooms. */
  unread = $state(0);
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- told through `order`
  readonly #entries = new Map<string, Entry>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isMoved = false;

  /** `first` is the same state before it was watched, which is ten times as fast to read. */
  constructor(
    private readonly state: State,
    first: State,
  ) {
    for (const id of Object.keys(first.rooms)) this.#updateOne(first, id);
    this.#tell();
  }

  /** All may be different. */
  renew(): void {
    this.#entries.clear();
    this.#isMoved = true;
    this.update(Object.keys(this.state.rooms));
    this.#tell();
  }

  /** Something happened in these rooms. */
  update(rooms: string[]): void {
    for (const id of rooms) this.#updateOne(this.state, id);
    if (!this.#isMoved) return;
    if (!this.state.listing) this.#tell();
    else this.#timer ??= setTimeout(() => this.#tell(), TELL_EVERY_MS);
  }

  #updateOne(state: State, id: string): void {
    const known = state.rooms[id];
    const old = this.#entries.get(id);
    if (!known) {
      this.#isMoved ||= this.#entries.delete(id);
      this.unread -= old?.unread ?? 0;
      return;
    }
    const mine = state.outbox.findLast((it) => it.room === id && 'text' in it.what);
    const at_ms = Math.max(known.room.last?.at_ms ?? 0, mine?.at_ms ?? 0);
    const entry = { id, at_ms, unread: unread(known.room) };
    this.#entries.set(id, entry);
    this.unread += entry.unread - (old?.unread ?? 0);
    this.#isMoved ||= old?.at_ms !== at_ms;
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isMoved) return;
    this.#isMoved = false;
    const entries = [...this.#entries.values()].sort((a, b) => b.at_ms - a.at_ms || (a.id < b.id ? -1 : 1));
    this.order = entries.map(({ id }) => id);
    this.unread = entries.reduce((sum, it) => sum + it.unread, 0);
  }
}
