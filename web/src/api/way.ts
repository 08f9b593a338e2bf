/**
 * Which way to the server: a WebSocket, or an event stream where WebSockets are broken on the way. Known
 * as long as the page lives. The twin of `crates/client/src/link/way.rs`.
 */

export type Way = 'socket' | 'stream';

/** So many WebSockets that came to nothing, though the server answers, and they are taken for broken. */
const BROKEN_AT = 2;

/** A WebSocket is tried again so long after the last: one may have come to another network. */
const TRY_AGAIN_AFTER_MS = 300_000;

export class Ways {
  #broken = 0;
  #tried_ms = -Infinity;

  /** The way of the next connection. */
  next(now_ms: number): Way {
    if (this.#broken >= BROKEN_AT && now_ms < this.#tried_ms + TRY_AGAIN_AFTER_MS) return 'stream';
    this.#tried_ms = now_ms;
    return 'socket';
  }

  /** A connection became ready. */
  ready(way: Way): void {
    if (way === 'socket') this.#broken = 0;
  }

  /** A connection ended before it was ready. Of a WebSocket that says something only where the server `answers` at the same time. */
  failed(way: Way, answers: boolean): void {
    if (way === 'stream') this.#broken = BROKEN_AT - 1;
    else if (answers) this.#broken = Math.min(this.#broken + 1, BROKEN_AT);
  }
}
