/**
 * What a tab without the link asked of the one that has it, and that has not come back. That tab may be
 * gone, and then the next one is asked again: by its key each happens once.
 */
import type { Command, Input } from '../sync/input';
import type { Pending } from '../sync/state';

/** Commands that wait for the tab with the link, which takes milliseconds, or a relief. */
const ASKING_MAX = 1_000;

export class Asking {
  #open: Command[] = [];

  get open(): readonly Command[] {
    return this.#open;
  }

  add(command: Command): void {
    if (this.#open.length < ASKING_MAX) this.#open.push(command);
  }

  /** The tab with the link did this. */
  heard(input: Input): void {
    if (this.#open.length > 0) this.#open = this.#open.filter((it) => !isSame(it, input));
  }

  /** All that is open, to be done here. */
  takeAll(): Command[] {
    return this.#open.splice(0);
  }

  /** What this tab took while it had the link, and the next one may never have heard. */
  addUnsaid(outbox: Pending[]): void {
    for (const { room, key, what, stage } of outbox) {
      if (stage === 'sent' || stage === 'failed') continue;
      this.#open.push('text' in what ? { do: 'send', room, text: what.text, key } : { do: 'erase', room, target: what.target, key });
    }
  }
}

/** Both are plain data, and were made alike. */
function isSame(command: Command, input: Input): boolean {
  return command.do === input.do && JSON.stringify(command) === JSON.stringify(input);
}
