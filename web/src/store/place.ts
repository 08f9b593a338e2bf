/**
 * The room that this tab looks at, written down at once: a reload comes back to it, however soon it
 * comes, and each tab to its own.
 */
const PLACE = 'chinwag.open';

export function keepPlace(userId: string, roomId: string | null): void {
  try {
    if (roomId === null) sessionStorage.removeItem(PLACE);
    else sessionStorage.setItem(PLACE, `${userId} ${roomId}`);
  } catch {
    // Where the storage is forbidden one begins with the list.
  }
}

/** Null where this user looked at none in this tab. */
export function keptPlace(userId: string): string | null {
  try {
    const [user, roomId] = sessionStorage.getItem(PLACE)?.split(' ') ?? [];
    return user === userId ? (roomId ?? null) : null;
  } catch {
    return null;
  }
}
