/**
 * Keeps the eye where it is: at the bottom while it is there, at the same message when older ones
 * come in above. The browser's own anchoring is off, because not every browser has it.
 */
import { tick } from 'svelte';

/** So close counts as the bottom: a finger is not exact. */
const BOTTOM_WITHIN_PX = 48;

export class Scroll {
  isAtBottom = $state(true);
  #pane: HTMLElement | null = null;
  /** Before the start there is no place to keep: the top stays in sight, so that reading goes on. */
  #isStarted = false;

  /** Watches the pane, and its content: a picture or a font that comes late moves the bottom. */
  readonly attach = (pane: HTMLElement): (() => void) => {
    this.#pane = pane;
    const resized = new ResizeObserver(() => this.#isStarted && this.isAtBottom && this.#jump());
    resized.observe(pane);
    for (const child of pane.children) resized.observe(child);
    return () => {
      resized.disconnect();
      this.#pane = null;
    };
  };

  readonly moved = (): void => {
    if (this.#isStarted) this.isAtBottom = this.#below() < BOTTOM_WITHIN_PX;
  };

  toBottom(): void {
    this.isAtBottom = true;
    this.#jump();
  }

  /** Before the first look: at what is new, or at the bottom. */
  async start(line: string): Promise<void> {
    await tick();
    this.#isStarted = true;
    const element = this.#pane?.querySelector(line);
    if (element) element.scrollIntoView({ block: 'center' });
    else this.toBottom();
    this.moved();
  }

  /** To be called before the page changes; what comes in above does not move what is seen. */
  keep(isAbove: boolean): void {
    const pane = this.#pane;
    if (!pane) return;
    const below = pane.scrollHeight - pane.scrollTop;
    const isAtBottom = this.isAtBottom;
    void tick().then(() => {
      if (isAtBottom) this.#jump();
      else if (isAbove) pane.scrollTop = pane.scrollHeight - below;
    });
  }

  #below(): number {
    const pane = this.#pane;
    return pane ? pane.scrollHeight - pane.scrollTop - pane.clientHeight : 0;
  }

  #jump(): void {
    if (this.#pane) this.#pane.scrollTop = this.#pane.scrollHeight;
  }
}
