/**
 * The chat of one signed-in user: joins the link, the state machine, the clock and the storage.
 *
 * All that happens comes through [`Chat.do`], so that no frame is forgotten and no timer either.
 */
import { newKey } from './api/key';
import { Link, type Phase } from './api/link';
import { type Rest, SignedOut } from './api/rest';
import type { ClientFrame, Me } from './api/types';
import { newState, roomsInOrder, type RoomState, type State, unread } from './sync/state';
import * as sync from './sync/sync';
import { addPage, floor, trim } from './sync/timeline';
import { Unsent } from './unsent';

/** Messages read at once: about two screens. */
const PAGE = 50;

/** Messages kept of a room that is not looked at. */
const KEPT_EVENTS = 200;

/** A page that is stale is read again, so often. */
const PAGE_ATTEMPTS = 4;

/** Typing is said again after so long; the others forget it after twice the time. */
const TYPING_EVERY_MS = 3_000;

/** Names asked for at once, by the contract. */
const NAMES_MAX = 100;

export class Chat {
  readonly state: State;
  phase: Phase = $state('connecting');
  /** When a connection is tried next, while waiting. */
  retry_at_ms: number | null = $state(null);
  /** The room that is looked at. */
  openId: string | null = $state(null);
  /** The room whose older messages are being read. */
  loading: string | null = $state(null);
  loadFailed = $state(false);

  /** What is being written, room by room, for as long as the page is open. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- read once, when a room is opened
  readonly drafts = new Map<string, string>();

  readonly #unsent: Unsent;
  readonly #link: Link;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #watched: string[] = [];
  #typing: { room: string; until_ms: number } | null = null;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- no view shows it
  readonly #asked = new Set<string>();

  constructor(
    readonly rest: Rest,
    readonly me: Me,
    private readonly signedOut: () => void,
  ) {
    this.#unsent = new Unsent(me.id);
    const state = $state(newState(this.#unsent.load()));
    this.state = state;
    this.#link = new Link(
      {
        connect: (subprotocol) => new WebSocket(new URL('/v1/ws', location.href.replace(/^http/, 'ws')), subprotocol),
        token: () => rest.token(),
        forgetToken: () => rest.forgetToken(),
        random: Math.random,
      },
      {
        opened: (token) => sync.connected(state, token),
        frame: (frame) => {
          this.do((now_ms) => sync.apply(state, frame, now_ms));
          if (frame.type === 'ready') this.#watch();
        },
        closed: () => sync.disconnected(state),
        phase: (phase, retry_at_ms) => {
          this.phase = phase;
          this.retry_at_ms = retry_at_ms;
        },
        failed: (error) => this.#failed(error),
      },
    );
  }

  start(): void {
    this.#link.start();
    addEventListener('online', this.hurry);
    document.addEventListener('visibilitychange', this.#looked);
  }

  stop(): void {
    this.#link.stop();
    clearTimeout(this.#timer);
    removeEventListener('online', this.hurry);
    document.removeEventListener('visibilitychange', this.#looked);
  }

  /** For signing out: what is unsent goes too. */
  forget(): void {
    this.stop();
    this.#unsent.clear();
  }

  readonly hurry = (): void => this.#link.hurry();

  /** The room that is looked at, once it is known. */
  get open(): RoomState | null {
    return this.openId === null ? null : (this.state.rooms[this.openId] ?? null);
  }

  get rooms(): RoomState[] {
    return roomsInOrder(this.state);
  }

  get unread(): number {
    return Object.values(this.state.rooms).reduce((sum, { room }) => sum + unread(room), 0);
  }

  show(roomId: string | null): void {
    const left = this.open;
    if (left && left.room.id !== roomId) trim(left, KEPT_EVENTS);
    this.stopTyping();
    this.openId = roomId;
    this.loadFailed = false;
  }

  send(roomId: string, text: string): void {
    this.stopTyping();
    this.do((now_ms) => sync.send(this.state, roomId, text, newKey(now_ms), now_ms));
  }

  erase(roomId: string, target: number): void {
    this.do((now_ms) => sync.erase(this.state, roomId, target, newKey(now_ms), now_ms));
  }

  retry(key: string): void {
    this.do((now_ms) => sync.resend(this.state, key, now_ms));
  }

  discard(key: string): void {
    this.do(() => {
      sync.discard(this.state, key);
      return [];
    });
  }

  /** The newest message is on the screen, and somebody looks. */
  markRead(roomId: string): void {
    const known = this.state.rooms[roomId];
    if (known && unread(known.room) > 0) this.do((now_ms) => sync.read(this.state, roomId, known.cursor, now_ms));
  }

  /** Said at most every three seconds, however fast the fingers. */
  type(roomId: string): void {
    const now_ms = Date.now();
    if (!this.state.ready || (this.#typing?.room === roomId && now_ms < this.#typing.until_ms)) return;
    this.#typing = { room: roomId, until_ms: now_ms + TYPING_EVERY_MS };
    this.#link.send([{ type: 'typing.set', room: roomId, on: true }]);
  }

  stopTyping(): void {
    if (this.#typing) this.#link.send([{ type: 'typing.set', room: this.#typing.room, on: false }]);
    this.#typing = null;
  }

  /** These users are on the screen: tell whether they are online. */
  watch(users: string[]): void {
    const wanted = users.slice(0, this.state.limits.watch).sort();
    if (wanted.join() === this.#watched.join()) return;
    this.#watched = wanted;
    if (this.state.ready) this.#watch();
  }

  /** Reads the page below what is known. */
  async loadOlder(roomId: string): Promise<void> {
    if (this.loading !== null || !this.state.rooms[roomId]) return;
    this.loading = roomId;
    this.loadFailed = false;
    try {
      let isDone = false;
      for (let attempt = 0; attempt < PAGE_ATTEMPTS && !isDone; attempt += 1) isDone = await this.#loadPage(roomId);
      this.loadFailed = !isDone;
    } catch (error) {
      this.loadFailed = true;
      this.#failed(error);
    } finally {
      this.loading = null;
    }
  }

  /** Finds out the names of users of whom only the ids are known. */
  async learnNames(ids: string[]): Promise<void> {
    const unknown = ids.filter((id) => !this.state.users[id] && !this.#asked.has(id)).slice(0, NAMES_MAX);
    if (unknown.length === 0) return;
    for (const id of unknown) this.#asked.add(id);
    try {
      sync.name(this.state, await this.rest.users(unknown));
    } catch (error) {
      for (const id of unknown) this.#asked.delete(id);
      this.#failed(error);
    }
  }

  /** Takes an input of the state machine, and does what follows from it. */
  do(input: (now_ms: number) => ClientFrame[]): void {
    this.#link.send(input(Date.now()));
    this.#unsent.save(this.state.outbox);
    this.#schedule();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const due_ms = sync.tickDue(this.state);
    if (due_ms === null) return;
    const tick = () => this.do((now_ms) => sync.tick(this.state, now_ms));
    this.#timer = setTimeout(tick, Math.max(0, due_ms - Date.now()));
  }

  async #loadPage(roomId: string): Promise<boolean> {
    const known = this.state.rooms[roomId];
    if (!known) return true;
    const before = floor(known);
    if (before <= 1) return true;
    const page = await this.rest.messages(roomId, before, PAGE);
    if (page.epoch !== this.state.epoch) return false;
    return addPage(this.state, roomId, { at: { before }, limit: PAGE, ...page });
  }

  #watch(): void {
    this.#link.send([{ type: 'presence.watch', users: this.#watched }]);
  }

  readonly #looked = (): void => {
    if (document.visibilityState === 'visible') this.#link.hurry();
  };

  #failed(error: unknown): boolean {
    if (error instanceof SignedOut) this.signedOut();
    return !(error instanceof SignedOut);
  }
}
