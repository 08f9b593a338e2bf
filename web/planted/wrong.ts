/** Wrong on purpose: src/guards.test.ts proves that the checks find it. */
import type { Event } from '../src/api/types';

export function wrong(event: Event): number {
  return event.n;
}
