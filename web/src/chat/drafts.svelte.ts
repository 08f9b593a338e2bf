/**
 * What is being written, room by room. It is kept here at once, and goes to the user's other
 * devices when the fingers rest; what comes from there is shown unless somebody writes here.
 */
import { SvelteMap } from 'svelte/reactivity';
import type { KeptDraft } from '../store/kept';
import type { State } from '../sync/state';

/** Fingers that rest for so long have written something worth telling. */
const IDLE_MS = 2_000;

const encoder = new TextEncoder();

/** What follows from writing. */
export type Outlets = {
  /** To the server, and by it to the other devices. */
  say: (room: string, text: string) => void;
  /** To the storage. */
  keep: (draft: KeptDraft) => void;
  /** To the other tabs. */
  tell: (draft: KeptDraft) => void;
};

export class Drafts {
  readonly #texts = new SvelteMap<string, string>();
  /** What the server does not have yet. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- no view shows it
  readonly #open = new Set<string>();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- no view shows it
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(
    private readonly state: State,
    private readonly outlets: Outlets,
    kept: KeptDraft[],
  ) {
    for (const { room, text, isOpen } of kept) {
      if (text !== '') this.#texts.set(room, text);
      if (isOpen) this.#open.add(room);
    }
  }

  /** What stands in a room, if anything. Changes by itself when another device writes. */
  get(room: string): string | undefined {
    return this.#texts.get(room);
  }

  has(room: string): boolean {
    return this.#texts.has(room);
  }

  /** Somebody writes here. */
  set(room: string, text: string): void {
    if (text === (this.get(room) ?? '')) return;
    this.#write({ room, text, isOpen: true });
    this.outlets.tell({ room, text, isOpen: true });
    clearTimeout(this.#timers.get(room));
    this.#timers.set(room, setTimeout(() => this.rest(room), IDLE_MS));
  }

  /** It was sent, or thrown away: everywhere, at once. */
  delete(room: string): void {
    this.set(room, '');
    this.rest(room);
  }

  /** The field was left: what stands there is said now. */
  rest(room: string): void {
    if (!this.#timers.has(room)) return;
    clearTimeout(this.#timers.get(room));
    this.#timers.delete(room);
    this.#say(room);
  }

  /** All fields were left. */
  restAll(): void {
    for (const room of [...this.#timers.keys()]) this.rest(room);
  }

  /** There is a connection: what was written without one is said. */
  resume(): void {
    for (const room of this.#open) if (!this.#timers.has(room)) this.#say(room);
  }

  /** Another tab writes. */
  heard(draft: KeptDraft): void {
    if (!this.#timers.has(draft.room)) this.#write(draft);
  }

  /** These rooms changed: what the server has is taken, unless something here is newer. */
  reconcile(rooms: string[]): void {
    for (const room of rooms) this.#take(room, this.state.rooms[room]?.room.draft ?? '');
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #take(room: string, told: string): void {
    const text = this.get(room) ?? '';
    const isBeingSaid = this.state.questions.some((it) => it.what === 'draft' && it.room === room);
    if (told === text) {
      if (this.#open.has(room) && !isBeingSaid && !this.#timers.has(room)) this.#write({ room, text, isOpen: false });
    } else if (!this.#open.has(room) && !isBeingSaid) this.#write({ room, text: told, isOpen: false });
  }

  #say(room: string): void {
    const text = this.get(room) ?? '';
    if (encoder.encode(text).length > this.state.limits.text_bytes) return;
    this.outlets.say(room, text);
    this.reconcile([room]);
  }

  #write({ room, text, isOpen }: KeptDraft): void {
    if (text === '') this.#texts.delete(room);
    else this.#texts.set(room, text);
    if (isOpen) this.#open.add(room);
    else this.#open.delete(room);
    this.outlets.keep({ room, text, isOpen });
  }
}
