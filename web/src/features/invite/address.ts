/** Under which address others open a link to this server. */
import type { Account } from '../../chat/account';

const LOOPBACK = /^(localhost|127\.|\[::1\])/;

/** True where nobody but this computer gets there. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.test(new URL(address).host);
}

/** The best first; none where the server listens on this machine alone. */
export async function addressesOf(account: Account): Promise<string[]> {
  const here = isLoopback(location.origin) ? [] : [location.origin];
  const found = await account.addresses().catch(() => []);
  return [...new Set([...here, ...found])];
}

/** The same link under another address. What is secret in it stands behind `#`. */
export function under(address: string, link: string): string {
  return `${address}/${new URL(link, location.origin).hash}`;
}
