/** What has become of one message, member by member. */
import type { MemberReceipt, UserName } from '../../api/types';

/** `at_ms` is when the member's mark moved last: not before it came that far; 0 where it is not known. */
export type Came = { user: UserName; at_ms: number };

/** Each member under the farthest that they came; who was not there when it was said is left out. */
export type Receipts = { read: Came[]; delivered: Came[]; open: Came[] };

export function sorted(members: readonly MemberReceipt[], seq: number): Receipts {
  const found: Receipts = { read: [], delivered: [], open: [] };
  for (const { user, from_seq, delivered_seq, delivered_at_ms, read_seq, read_at_ms } of members) {
    if (from_seq > seq) continue;
    if (read_seq !== undefined && read_seq >= seq) found.read.push({ user, at_ms: read_at_ms ?? 0 });
    else if (delivered_seq >= seq) found.delivered.push({ user, at_ms: delivered_at_ms });
    else found.open.push({ user, at_ms: 0 });
  }
  return found;
}
