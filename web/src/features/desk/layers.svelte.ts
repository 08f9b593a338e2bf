/**
 * On a phone one thing lies over another: a room over the list, a dialog over the room. The way back that
 * a phone has takes away the uppermost, and leads out of the page from the list alone.
 */
export class Layers {
  /** One went back here, and will be told of it. */
  #isGoing = false;

  /**
   * `depth` is how many lie over the list, or null where that is not known yet; `close` takes the
   * uppermost away. Made by a view, whose life its effects have.
   */
  constructor(
    private readonly depth: () => number | null,
    private readonly close: () => void,
  ) {
    $effect(() => this.#match(depth()));
    $effect(() => {
      addEventListener('popstate', this.#popped);
      return () => removeEventListener('popstate', this.#popped);
    });
  }

  /** The browser's history is as long as the layers are many. */
  #match(depth: number | null): void {
    if (depth === null || this.#isGoing) return;
    const known = depthOf(history.state);
    for (let at = known; at < depth; at += 1) history.pushState({ depth: at + 1 }, '');
    if (depth >= known) return;
    this.#isGoing = true;
    history.go(depth - known);
  }

  readonly #popped = ({ state }: PopStateEvent): void => {
    if (!this.#isGoing) for (let left = (this.depth() ?? 0) - depthOf(state); left > 0; left -= 1) this.close();
    this.#isGoing = false;
    this.#match(this.depth());
  };
}

function depthOf(state: unknown): number {
  return typeof state === 'object' && state !== null && 'depth' in state ? Number(state.depth) : 0;
}
