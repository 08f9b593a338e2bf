/**
 * The tabs of one user: one of them has the link, the others hear from it. Who that is a lock
 * decides, which the browser gives to the next when a tab ends, however it ends.
 *
 * Over plain http there are no locks: then each tab is on its own, and only told when another signs out.
 */
import type { Phase } from '../api/link';
import type { KeptDraft } from '../store/kept';
import type { Command, Input } from '../sync/input';
import type { State } from '../sync/state';
import type { ClientFrame } from '../api/types';

/** A tab that has the link and says nothing for so long to somebody who waits is asleep: it is relieved. */
const ASLEEP_AFTER_MS = 3_000;

/** How long it takes every tab that is awake to say that it is there. */
const ROLL_CALL_MS = 150;

export type Message =
  /** To the one with the link: tell me all that is known. */
  | { say: 'join' }
  | { say: 'state'; to: string; state: State; phase: Phase; retry_at_ms: number | null }
  | { say: 'input'; input: Input; now_ms: number }
  | { say: 'phase'; phase: Phase; retry_at_ms: number | null }
  /** I have the link from now on. */
  | { say: 'lead' }
  | { say: 'ask'; command: Command }
  | { say: 'frames'; frames: ClientFrame[] }
  | { say: 'watch'; users: string[] }
  | { say: 'hurry' }
  | { say: 'draft'; draft: KeptDraft }
  /** Are you awake? To the one with the link, or to all where each has one. */
  | { say: 'who' }
  | { say: 'here' }
  | { say: 'gone' }
  /** Nobody is signed in any more. */
  | { say: 'left' };

export type Role = 'joining' | 'leader' | 'follower' | 'alone';

export type Events = {
  /** This tab has the link now. */
  lead: () => void;
  /** Another tab has the link, or took it. */
  follow: () => void;
  heard: (message: Message, from: string) => void;
};

export class Tabs {
  readonly id = randomId();
  role: Role = 'joining';
  #channel: BroadcastChannel | null = null;
  #release: (() => void) | null = null;
  #queued = new AbortController();
  #doubt: ReturnType<typeof setTimeout> | undefined;
  #alive = new Set<string>();
  #isStopped = false;

  constructor(
    private readonly userId: string,
    private readonly events: Events,
  ) {}

  /** False where each tab must have a link of its own. */
  static canShare(): boolean {
    return globalThis.navigator?.locks !== undefined && 'BroadcastChannel' in globalThis;
  }

  /** Finds its place, and says what that is. */
  start(): void {
    if ('BroadcastChannel' in globalThis) {
      this.#channel = new BroadcastChannel(`chinwag.${this.userId}`);
      this.#channel.onmessage = ({ data }: MessageEvent) => this.#heard(data as { from: string; message: Message });
    }
    if (Tabs.canShare()) return this.#queue({ ifAvailable: true });
    this.role = 'alone';
    this.events.lead();
  }

  tell(message: Message): void {
    this.#channel?.postMessage({ from: this.id, message });
  }

  /** Says something to the one with the link, which is doubted if no word of it comes. */
  ask(message: Message): void {
    this.tell(message);
    this.doubt();
  }

  /** Somebody looks at this tab and waits: is the one with the link awake? */
  doubt(): void {
    if (this.role !== 'follower' || this.#doubt !== undefined) return;
    this.tell({ say: 'who' });
    this.#doubt = setTimeout(() => this.#relieve(), ASLEEP_AFTER_MS);
  }

  /** The other tabs that are awake. */
  async others(): Promise<Set<string>> {
    if (!this.#channel) return new Set();
    this.#alive = new Set();
    this.tell({ say: 'who' });
    await new Promise((resolve) => setTimeout(resolve, ROLL_CALL_MS));
    return this.#alive;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#doubt);
    this.tell({ say: 'gone' });
    this.#queued.abort();
    this.#release?.();
    this.#channel?.close();
    this.#channel = null;
  }

  get #name(): string {
    return `chinwag.link.${this.userId}`;
  }

  /** Lasts as long as this tab has the link. */
  #lead(): Promise<void> {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
    this.role = 'leader';
    const held = new Promise<void>((resolve) => (this.#release = resolve));
    this.events.lead();
    this.tell({ say: 'lead' });
    return held;
  }

  #follow(): void {
    this.role = 'follower';
    this.events.follow();
    this.ask({ say: 'join' });
    this.#queue({ signal: this.#queued.signal });
  }

  /** The link is this tab's when the one that has it ends; with `steal` at once, with `ifAvailable` at once or not at all. */
  #queue(options: LockOptions): void {
    let isMine = false;
    const request = navigator.locks.request(this.#name, options, (lock) => {
      if (this.#isStopped) return undefined;
      if (!lock) return this.#follow();
      isMine = true;
      return this.#lead();
    });
    // What was only waited for is given up by this tab itself; what it had was taken by another.
    request.catch(() => isMine && this.#lost());
  }

  #relieve(): void {
    this.#doubt = undefined;
    if (this.role !== 'follower' || this.#isStopped) return;
    this.#queued.abort();
    this.#queued = new AbortController();
    this.#queue({ steal: true });
  }

  /** It was taken from this tab, which slept. */
  #lost(): void {
    if (this.#isStopped || this.role !== 'leader') return;
    this.#queued = new AbortController();
    this.#follow();
  }

  #heard({ from, message }: { from: string; message: Message }): void {
    if (this.#isStopped) return;
    const isFromLeader = message.say === 'state' || message.say === 'input' || message.say === 'phase' || message.say === 'here' || message.say === 'lead';
    if (isFromLeader) {
      clearTimeout(this.#doubt);
      this.#doubt = undefined;
    }
    if (message.say === 'here') this.#alive.add(from);
    if (message.say === 'who' && this.role !== 'follower' && this.role !== 'joining') this.tell({ say: 'here' });
    this.events.heard(message, from);
  }
}

function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
