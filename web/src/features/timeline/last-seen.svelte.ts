/** When one's partner was last seen, where both of them say so. Asked while they are away. */
import type { Rest } from '../../api/rest';

export class LastSeen {
  at_ms: number | null = $state(null);
  #asked = 0;

  constructor(private readonly rest: Rest) {}

  /** Without it nothing is missed but the line: a failure is silent. */
  async ask(peer: string | undefined, isOnline: boolean): Promise<void> {
    const number = ++this.#asked;
    this.at_ms = null;
    if (peer === undefined || isOnline) return;
    const told = await this.rest.presence([peer]).catch(() => null);
    if (number === this.#asked) this.at_ms = told?.presence[0]?.last_seen_ms ?? null;
  }
}
