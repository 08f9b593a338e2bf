/** Tells the others that one writes: at most every three seconds, however fast the fingers. */

/** Typing is said again after so long; the others forget it after twice the time. */
const TYPING_EVERY_MS = 3_000;

export class Typing {
  #told: { room: string; until_ms: number } | null = null;

  constructor(private readonly say: (room: string, on: boolean) => void) {}

  type(room: string, now_ms: number): void {
    if (this.#told?.room === room && now_ms < this.#told.until_ms) return;
    this.#told = { room, until_ms: now_ms + TYPING_EVERY_MS };
    this.say(room, true);
  }

  /** The field was left, or is empty. */
  stop(): void {
    if (this.#told) this.say(this.#told.room, false);
    this.#told = null;
  }
}
