import { expect, test } from 'vitest';
import { newKey } from './key';

test('a key has the time, the version and the variant in their places', () => {
  const ones = new Uint8Array(16).fill(0xff);
  expect(newKey(0x0123456789ab, ones)).toBe('01234567-89ab-7fff-bfff-ffffffffffff');
  expect(newKey(0, new Uint8Array(16))).toBe('00000000-0000-7000-8000-000000000000');
});

test('keys of two moments sort by time, and two of one moment differ', () => {
  expect(newKey(1_000) < newKey(2_000)).toBe(true);
  expect(newKey(1_000)).not.toBe(newKey(1_000));
});
