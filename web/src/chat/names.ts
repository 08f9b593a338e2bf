/** Finds out the names of users of whom only the ids are known. */
import type { UserName } from '../api/types';
import type { State } from '../sync/state';

/** Names asked for at once, by the contract. */
const NAMES_MAX = 100;

export class Names {
  readonly #asked = new Set<string>();

  constructor(
    private readonly state: State,
    private readonly ask: (ids: string[]) => Promise<UserName[]>,
    private readonly learn: (users: UserName[]) => void,
    private readonly failed: (error: unknown) => void,
  ) {}

  async find(ids: string[]): Promise<void> {
    const unknown = ids.filter((id) => !this.state.users[id] && !this.#asked.has(id)).slice(0, NAMES_MAX);
    if (unknown.length === 0) return;
    for (const id of unknown) this.#asked.add(id);
    try {
      this.learn(await this.ask(unknown));
    } catch (error) {
      for (const id of unknown) this.#asked.delete(id);
      this.failed(error);
    }
  }
}
