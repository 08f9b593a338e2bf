/** Whose presence is to be told: of those who are on the screen, in all tabs together. */
export class Presence {
  #here: string[] = [];
  readonly #elsewhere = new Map<string, string[]>();

  get here(): string[] {
    return this.#here;
  }

  /** These are on the screen of this tab. Returns whether they are others than before. */
  want(users: string[]): boolean {
    const wanted = [...users].sort();
    if (wanted.join() === this.#here.join()) return false;
    this.#here = wanted;
    return true;
  }

  wantedBy(tab: string, users: string[]): void {
    this.#elsewhere.set(tab, users);
  }

  /** Returns whether the tab wanted anything. */
  left(tab: string): boolean {
    return this.#elsewhere.delete(tab);
  }

  /** At most so many; this tab's own come first. */
  all(most: number): string[] {
    return [...new Set([...this.#here, ...[...this.#elsewhere.values()].flat()])].slice(0, most);
  }
}
