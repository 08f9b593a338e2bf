import { expect, test } from 'vitest';
import type { MemberReceipt } from '../../api/types';
import { sorted } from './receipts';

const member = (id: string, marks: Partial<MemberReceipt>): MemberReceipt => ({
  user: { id, handle: id, display_name: id },
  from_seq: 1,
  delivered_seq: 0,
  delivered_at_ms: 7,
  ...marks,
});

test('each member stands under the farthest that they came', () => {
  const found = sorted(
    [
      member('read', { delivered_seq: 9, read_seq: 5, read_at_ms: 8 }),
      member('delivered', { delivered_seq: 5, read_seq: 4, read_at_ms: 8 }),
      member('quiet', { delivered_seq: 9 }),
      member('away', { delivered_seq: 4, read_seq: 4, read_at_ms: 8 }),
    ],
    5,
  );
  const ids = (of: { user: { id: string } }[]) => of.map(({ user }) => user.id);
  expect([ids(found.read), ids(found.delivered), ids(found.open)]).toEqual([['read'], ['delivered', 'quiet'], ['away']]);
  expect([found.read[0]?.at_ms, found.delivered[0]?.at_ms]).toEqual([8, 7]);
});

test('who came later is left out', () => {
  expect(sorted([member('late', { from_seq: 6, delivered_seq: 6, read_seq: 6 })], 5)).toEqual({ read: [], delivered: [], open: [] });
});
