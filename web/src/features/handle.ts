import { Refused, type Rest } from '../api/rest';
import type { UserName } from '../api/types';
import { text } from '../text';
import { Unusable } from './work.svelte';

/** As people write it: `@Ann ` is `ann`. */
export function handleOf(written: string): string {
  return written.trim().toLowerCase().replace(/^@/, '');
}

/** Whose handle this is. Fails in a sentence where it is nobody's. */
export async function find(rest: Rest, written: string): Promise<UserName> {
  const handle = handleOf(written);
  const user = await rest.user(handle).catch(malformed);
  if (!user) throw new Unusable(text.newRoom.nobody(handle));
  return user;
}

/** What is no handle is nobody's. */
function malformed(error: unknown): null {
  if (error instanceof Refused && error.code === 'invalid') return null;
  throw error;
}
