/**
 * Writes behind: what changed is put aside a moment later, much at once; what nobody could say
 * again (unsent commands, drafts at leaving) at once. Without a database all goes on in memory.
 *
 * A page that goes runs to the end of its turn and no further. What is written then must be begun in
 * that turn: it waits for no other write, whose order the database keeps, and reads nothing first.
 */
import type { State } from '../sync/state';
import type { Pending } from '../sync/state';
import { floor, keepsake } from '../sync/timeline';
import { all, type Change, change, destroy, one, open } from './database';
import {
  type Everything, joined, type KeptDraft, type KeptPending, keptPending, type KeptRoom, type KeptSelf, type KeptTimeline, NOTHING,
  roomOf, TIMELINE_KEPT, TIMELINES_KEPT_MAX,
} from './kept';

/** Grows with each change of what lies there; an older one is thrown away, but for what is unsent. */
const VERSION = 1;

/** From a change until it is put aside, with all that changed meanwhile. */
const WRITE_AFTER_MS = 400;

/** Rooms in one transaction, so that a long list does not hold the page up. */
const ROOMS_AT_ONCE = 100;

const CACHE = ['self', 'rooms', 'users', 'timelines'];

/** `absent`: the browser has no storage for us. `full`: it takes no more. */
export type Storage = 'kept' | 'absent' | 'full';

export class Keeper {
  /** Called when it changes for the worse. */
  trouble: (storage: Storage) => void = () => {};
  /** How a piece of the state becomes plain data. */
  plain: <T>(value: T) => T = structuredClone;
  storage: Storage;
  readonly #rooms = new Set<string>();
  readonly #drafts = new Map<string, KeptDraft>();
  readonly #sent = new Map<string, string | null>();
  readonly #read_ms = new Map<string, number>();
  /** The rooms of which a timeline lies there. */
  readonly #held = new Set<string>();
  readonly #names = new Map<string, unknown>();
  #areNamesOld = false;
  #open: string | null = null;
  #state: State | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    private readonly name: string,
    private database: IDBDatabase | null,
    private readonly tab: string,
  ) {
    this.storage = database ? 'kept' : 'absent';
  }

  /** Opens what is kept of a user. There is one database a user, and a user's id is of one installation. */
  static async open(userId: string, tab: string): Promise<Keeper> {
    const name = nameOf(userId);
    let keeper: Keeper | null = null;
    const lost = () => keeper?.close();
    const database = await open(name, VERSION, upgrade, lost).catch(() => null);
    keeper = new Keeper(name, database, tab);
    return keeper;
  }

  /** All but the timelines of rooms that were not open. */
  async load(): Promise<Everything> {
    const { database } = this;
    if (!database) return { ...NOTHING };
    try {
      const [selves, rooms, users, outbox, drafts] = await Promise.all([
        all<KeptSelf>(database, 'self'),
        all<KeptRoom>(database, 'rooms'),
        all<Everything['users'][number]>(database, 'users'),
        this.#outbox(database),
        all<KeptDraft>(database, 'drafts'),
      ]);
      const self = selves[0] ?? null;
      this.#open = self?.open ?? null;
      for (const { id, read_ms } of rooms) {
        if (read_ms === 0) continue;
        this.#read_ms.set(id, read_ms);
        this.#held.add(id);
      }
      const timeline = this.#open === null ? null : await this.timeline(this.#open);
      return { self, rooms, users, outbox, drafts, timeline };
    } catch (error) {
      this.#failed(error);
      return { ...NOTHING };
    }
  }

  /** What is unsent, of all tabs. */
  async outbox(): Promise<KeptPending[]> {
    return this.database ? this.#outbox(this.database) : [];
  }

  /** From here on these are this tab's: they go when its outbox no longer has them. */
  own(kept: KeptPending[]): void {
    for (const { key, code } of kept) this.#sent.set(key, code);
  }

  #outbox(database: IDBDatabase): Promise<KeptPending[]> {
    return all<KeptPending>(database, 'outbox');
  }

  async timeline(roomId: string): Promise<KeptTimeline | null> {
    if (!this.database || !this.#read_ms.has(roomId)) return null;
    return (await one<KeptTimeline>(this.database, 'timelines', roomId).catch(() => undefined)) ?? null;
  }

  /** From here on this state is kept. Only one tab does that at a time where tabs share a link. */
  follow(state: State): void {
    this.#state = state;
    this.#areNamesOld = true;
    this.#later();
  }

  unfollow(): void {
    this.#state = null;
    this.#rooms.clear();
  }

  /** These rooms changed. */
  touch(rooms: string[], areNamesOld = false): void {
    for (const room of rooms) this.#rooms.add(room);
    this.#areNamesOld ||= areNamesOld;
    if (rooms.length > 0 || areNamesOld) this.#later();
  }

  /** A room is looked at: its timeline is among those that are kept. */
  opened(roomId: string | null, now_ms: number): void {
    this.#open = roomId;
    if (roomId !== null) this.keep(roomId, now_ms);
    this.#later();
  }

  keep(roomId: string, read_ms: number): void {
    this.#read_ms.set(roomId, Math.max(read_ms, this.#read_ms.get(roomId) ?? 0));
    this.touch([roomId]);
  }

  isKept(roomId: string): boolean {
    return this.#read_ms.has(roomId);
  }

  draft(draft: KeptDraft): void {
    this.#drafts.set(draft.room, draft);
    this.#later();
  }

  /** Makes the storage say what the outbox says, at once, and the drafts with it: a message leaves one as it enters the other. */
  say(outbox: Pending[]): void {
    const open = new Set<string>();
    const changes: Change[] = [];
    for (const pending of outbox) {
      if (pending.stage === 'sent') continue;
      open.add(pending.key);
      if (this.#sent.get(pending.key) === pending.code && this.#sent.has(pending.key)) continue;
      this.#sent.set(pending.key, pending.code);
      changes.push({ store: 'outbox', put: keptPending(this.plain(pending), this.tab) });
    }
    for (const key of this.#sent.keys()) {
      if (open.has(key)) continue;
      this.#sent.delete(key);
      changes.push({ store: 'outbox', remove: key });
    }
    if (changes.length === 0 || !this.database) return;
    const isNew = changes.some((it) => 'put' in it);
    change(this.database, [...changes, ...this.#draftChanges()], isNew ? 'strict' : 'relaxed').catch((error: unknown) => this.#failed(error));
  }

  /** Another history: what was read of the one before goes, what is unsent stays. */
  reset(): void {
    this.#rooms.clear();
    this.#names.clear();
    this.#areNamesOld = true;
    this.#read_ms.clear();
    this.#held.clear();
    if (this.#open !== null) this.#read_ms.set(this.#open, Date.now());
    this.#write(CACHE.map((store) => ({ store, clear: true })));
  }

  /** Puts aside what changed. Within this turn all is begun but for what must be joined to something that is read first. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#write(this.#draftChanges());
    this.#write(this.#cacheChanges());
    if (this.#rooms.size > 0) this.#writing = this.#writing.then(() => this.#writeJoined());
    return this.#writing;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#state = null;
    this.database?.close();
    this.database = null;
  }

  /** For signing out: nothing of this user stays behind. With `isUnsentKept`, what was not sent waits for the next time. */
  async erase(isUnsentKept = false): Promise<void> {
    this.unfollow();
    clearTimeout(this.#timer);
    this.#drafts.clear();
    await this.#writing;
    const stores = isUnsentKept ? CACHE : [...CACHE, 'outbox', 'drafts'];
    if (this.database) await change(this.database, stores.map((store) => ({ store, clear: true }))).catch(() => {});
    this.close();
    if (!isUnsentKept) await destroy(this.name).catch(() => {});
  }

  #later(): void {
    if (this.database) this.#timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS);
  }

  /** Begun at once: of two that are begun one after the other, the database makes the first one first. */
  #write(changes: Change[]): void {
    if (!this.database) return;
    const done = change(this.database, changes).catch((error: unknown) => this.#failed(error));
    this.#writing = this.#writing.then(() => done);
  }

  #draftChanges(): Change[] {
    const drafts = [...this.#drafts.values()];
    this.#drafts.clear();
    return drafts.map((draft) =>
      draft.text === '' && !draft.isOpen ? { store: 'drafts', remove: draft.room } : { store: 'drafts', put: draft },
    );
  }

  #cacheChanges(): Change[] {
    const state = this.#state;
    if (!state?.me || state.epoch === null) return [];
    const changes = this.#nameChanges(state);
    this.#forgetOldest(changes);
    const rooms = this.#taken(state.me.id, (room) => !this.#needsOld(state, room));
    for (const room of rooms) changes.push(...this.#roomChanges(state, room));
    const { epoch, me, limits } = this.plain({ epoch: state.epoch, me: state.me, limits: state.limits });
    changes.push({ store: 'self', put: { id: 'self', epoch, me, limits, open: this.#open } satisfies KeptSelf });
    return changes;
  }

  /** Puts aside the rooms of which more lies there than is known here. */
  async #writeJoined(): Promise<void> {
    const state = this.#state;
    if (!state?.me) return;
    const rooms = this.#taken(state.me.id, (room) => this.#needsOld(state, room));
    const old = await Promise.all(rooms.map((room) => this.timeline(room)));
    if (this.#state !== state) return;
    // From here to the transaction nothing waits: a cursor and what it stands for are of one moment.
    this.#write(rooms.flatMap((room, index) => this.#roomChanges(state, room, old[index])));
    if (this.#rooms.size > 0) this.#later();
  }

  /** As many rooms as one transaction takes, from now on as unchanged: the notes to oneself first, as a later page goes on from no room without them. */
  #taken(first: string, which: (room: string) => boolean): string[] {
    const taken: string[] = [];
    for (const room of this.#rooms.has(first) ? [first, ...this.#rooms] : this.#rooms) {
      if (taken.length >= ROOMS_AT_ONCE) break;
      if (which(room) && !taken.includes(room)) taken.push(room);
    }
    for (const room of taken) this.#rooms.delete(room);
    return taken;
  }

  #needsOld(state: State, roomId: string): boolean {
    const known = state.rooms[roomId];
    return known !== undefined && this.#held.has(roomId) && known.events.length < TIMELINE_KEPT && floor(known) > 1;
  }

  #roomChanges(state: State, roomId: string, old?: KeptTimeline | null): Change[] {
    const known = state.rooms[roomId];
    if (!known) {
      this.#held.delete(roomId);
      return [
        { store: 'rooms', remove: roomId },
        { store: 'timelines', remove: roomId },
      ];
    }
    const read_ms = this.#read_ms.get(roomId) ?? 0;
    const changes: Change[] = [{ store: 'rooms', put: this.plain(roomOf(known, read_ms)) }];
    const kept = read_ms > 0 ? keepsake(known, TIMELINE_KEPT) : null;
    if (!kept) return changes;
    // What was read before another history came is of the one before.
    const older = this.#held.has(roomId) ? (old ?? undefined) : undefined;
    this.#held.add(roomId);
    changes.push({ store: 'timelines', put: { id: roomId, ...joined(older, kept, known.blind_seq) } satisfies KeptTimeline });
    return changes;
  }

  #nameChanges(state: State): Change[] {
    if (!this.#areNamesOld) return [];
    this.#areNamesOld = false;
    const changes: Change[] = [];
    for (const [id, user] of Object.entries(state.users)) {
      if (this.#names.get(id) === user) continue;
      this.#names.set(id, user);
      changes.push({ store: 'users', put: this.plain(user) });
    }
    return changes;
  }

  #forgetOldest(changes: Change[]): void {
    if (this.#read_ms.size <= TIMELINES_KEPT_MAX) return;
    const oldest = [...this.#read_ms].sort((a, b) => a[1] - b[1]).slice(0, this.#read_ms.size - TIMELINES_KEPT_MAX);
    for (const [room] of oldest) {
      this.#read_ms.delete(room);
      this.#held.delete(room);
      this.#rooms.add(room);
      changes.push({ store: 'timelines', remove: room });
    }
  }

  /** Where there is no more room the timelines go first; then nothing is cached any more, and what is unsent is still tried. */
  #failed(error: unknown): void {
    if (!this.database) return;
    const isFull = error instanceof DOMException && error.name === 'QuotaExceededError';
    if (isFull && this.#read_ms.size > 0) {
      this.#read_ms.clear();
      this.#held.clear();
      this.#write([{ store: 'timelines', clear: true }]);
      return;
    }
    this.unfollow();
    this.storage = isFull ? 'full' : 'absent';
    this.trouble(this.storage);
  }
}

/** Forgets a user of whom nothing but the id is known. */
export function eraseKept(userId: string): Promise<void> {
  return 'indexedDB' in globalThis ? destroy(nameOf(userId)).catch(() => {}) : Promise.resolve();
}

function nameOf(userId: string): string {
  return `chinwag.${userId}`;
}

function upgrade(database: IDBDatabase): void {
  database.createObjectStore('self', { keyPath: 'id' });
  database.createObjectStore('rooms', { keyPath: 'id' });
  database.createObjectStore('timelines', { keyPath: 'id' });
  database.createObjectStore('users', { keyPath: 'id' });
  database.createObjectStore('drafts', { keyPath: 'room' });
  database.createObjectStore('outbox', { keyPath: 'key' });
}
