/**
 * What was said and not yet stored, kept so that a reload loses nothing.
 *
 * One entry a command, so that two tabs do not overwrite each other's; both may say the same
 * command, and by its key it happens once.
 */
import type { Pending } from './sync/state';

type Kept = Pick<Pending, 'key' | 'room' | 'at_ms' | 'what' | 'code'>;

export class Unsent {
  /** What lies in the storage by now: key, and the code of a failure. */
  readonly #kept = new Map<string, string | null>();
  readonly #prefix: string;

  constructor(
    userId: string,
    private readonly storage: Storage | null = storageOrNone(),
  ) {
    this.#prefix = `chinwag.unsent.${userId}.`;
  }

  /** In the order in which it was said, for keys begin with their time. */
  load(): Pending[] {
    const names = Object.keys(this.storage ?? {}).filter((name) => name.startsWith(this.#prefix));
    return names.sort().flatMap((name) => {
      const kept = parse(this.storage?.getItem(name) ?? '');
      if (kept) this.#kept.set(kept.key, kept.code);
      return kept ? [revive(kept)] : [];
    });
  }

  /** Makes the storage say what the outbox says. */
  save(outbox: Pending[]): void {
    const open = new Set<string>();
    for (const pending of outbox) {
      if (pending.stage === 'sent') continue;
      open.add(pending.key);
      if (this.#kept.get(pending.key) !== pending.code) this.#keep(pending);
    }
    for (const key of this.#kept.keys()) if (!open.has(key)) this.#forget(key);
  }

  /** For signing out: nothing of this user stays behind. */
  clear(): void {
    this.save([]);
  }

  #keep({ key, room, at_ms, what, code }: Pending): void {
    const kept: Kept = { key, room, at_ms, what, code };
    this.#kept.set(key, code);
    try {
      this.storage?.setItem(this.#prefix + key, JSON.stringify(kept));
    } catch {
      // The storage is full or forbidden. The message is still in memory and goes out from there.
    }
  }

  #forget(key: string): void {
    this.#kept.delete(key);
    this.storage?.removeItem(this.#prefix + key);
  }
}

/** Some browsers forbid it, and say so by throwing at the mere look. */
function storageOrNone(): Storage | null {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

function parse(text: string): Kept | null {
  try {
    const kept = JSON.parse(text) as Kept;
    return typeof kept.key === 'string' && typeof kept.room === 'string' && typeof kept.what === 'object' ? kept : null;
  } catch {
    return null;
  }
}

function revive({ key, room, at_ms, what, code }: Kept): Pending {
  const stage = code ? 'failed' : 'waiting';
  return { key, room, at_ms, what, stage, ref: null, said_ms: 0, retry_ms: null, seq: null, code };
}
