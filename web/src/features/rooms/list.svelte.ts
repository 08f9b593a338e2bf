/** The rows that are on the screen: the list may have ten thousand. All rows have one height. */
import { tick } from 'svelte';

/** As `--row` in tokens.css. */
export const ROW_PX = 72;

/** Rows made beyond what is seen, on either side: what a fast wheel covers between two frames. */
const BEYOND = 8;

export class List {
  /** The first row that is made, and the one after the last. */
  first = $state(0);
  end = $state(24);
  #pane: HTMLElement | null = null;

  readonly attach = (pane: HTMLElement): (() => void) => {
    this.#pane = pane;
    const resized = new ResizeObserver(() => this.moved());
    resized.observe(pane);
    return () => resized.disconnect();
  };

  readonly moved = (): void => {
    if (!this.#pane) return;
    const { scrollTop, clientHeight } = this.#pane;
    const first = Math.max(0, Math.floor(scrollTop / ROW_PX) - BEYOND);
    const end = Math.ceil((scrollTop + clientHeight) / ROW_PX) + BEYOND;
    // By whole steps, so that most movements change nothing.
    this.first = first - (first % BEYOND);
    this.end = end + BEYOND - (end % BEYOND);
  };

  toTop(): void {
    this.#pane?.scrollTo(0, 0);
    this.moved();
  }

  /** Brings a row onto the screen, and gives it the focus. */
  async focus(index: number, id: string): Promise<void> {
    const pane = this.#pane;
    if (!pane) return;
    this.show(index);
    await tick();
    pane.querySelector<HTMLElement>(`[data-room="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
  }

  show(index: number): void {
    const pane = this.#pane;
    if (!pane) return;
    const top = index * ROW_PX;
    if (top < pane.scrollTop) pane.scrollTop = top;
    else if (top + ROW_PX > pane.scrollTop + pane.clientHeight) pane.scrollTop = top + ROW_PX - pane.clientHeight;
    this.moved();
  }
}
