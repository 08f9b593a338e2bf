/** Something that is asked of the server: one at a time, and what went wrong in a sentence. */
import { Refused, Unreachable } from '../api/rest';
import { text } from '../text';

/** Something that the person can put right, in a sentence. */
export class Unusable extends Error {}

export class Work {
  isBusy = $state(false);
  wrong: string | null = $state(null);

  /** Returns whether it was done. */
  async run(work: () => Promise<void>): Promise<boolean> {
    if (this.isBusy) return false;
    this.isBusy = true;
    this.wrong = null;
    try {
      await work();
    } catch (error) {
      this.wrong = explain(error);
    } finally {
      this.isBusy = false;
    }
    return this.wrong === null;
  }
}

export function explain(error: unknown): string {
  const words = text.errors;
  if (error instanceof Unusable) return error.message;
  if (error instanceof Unreachable) return words.unreachable;
  if (!(error instanceof Refused)) return words.other(error instanceof Error ? error.message : String(error));
  switch (error.code) {
    case 'rate_limited':
      return words.slowDown(Math.max(1, Math.ceil((error.retry_after_ms ?? 1_000) / 1_000)));
    case 'busy':
    case 'unavailable':
      return words.busy;
    case 'forbidden':
      return words.forbidden;
    case 'not_found':
      return words.notFound;
    default:
      return words.other(error.message);
  }
}
