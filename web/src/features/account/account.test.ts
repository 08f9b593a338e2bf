import { describe, expect, test } from 'vitest';
import { Refused, Unreachable } from '../../api/rest';
import type { ErrorCode, Installation } from '../../api/types';
import { text } from '../../text';
import { canSignUp, check, explain, firstMode } from './account';

const open: Installation = { registration: 'open', empty: false, version: '1' };
const fields = { handle: 'ann', password: 'long enough', name: 'Ann', invite: '' };
const refused = (code: ErrorCode, field: string | null = null, retry_ms: number | null = null) =>
  new Refused(400, code, field, retry_ms, 'why');

describe('the card begins with', () => {
  test('signing in', () => expect(firstMode(open, null)).toBe('in'));
  test('signing up, where nobody is there', () => expect(firstMode({ ...open, empty: true }, null)).toBe('up'));
  test('signing up, for the invited', () => expect(firstMode(open, { invite: 'x' })).toBe('up'));
  test('a new password, by a reset link', () => expect(firstMode(open, { reset: 'x' })).toBe('reset'));
});

test('a closed installation takes the invited alone', () => {
  const closed = { ...open, registration: 'closed' };
  expect([canSignUp(closed, null), canSignUp(closed, { invite: 'x' }), canSignUp(open, null)]).toEqual([false, true, true]);
});

test.each(['an', 'Ann', 'a b', 'ännchen', 'a'.repeat(33), ''])('the handle %j is refused', (handle) => {
  expect(check('up', { ...fields, handle }).handle).toBe(text.account.handleWrong);
});

test.each(['ann', 'a_b.9', 'a'.repeat(32)])('the handle %j is taken', (handle) => {
  expect(check('up', { ...fields, handle })).toEqual({});
});

test('characters of a password and of a name are counted as a person counts them', () => {
  expect(check('up', { ...fields, password: '1234567' }).password).toBeDefined();
  expect(check('reset', { ...fields, password: '12345678' })).toEqual({});
  expect(check('up', { ...fields, name: '👩‍👩‍👧'.repeat(64) })).toEqual({});
  expect(check('up', { ...fields, name: '👩‍👩‍👧'.repeat(65) }).name).toBeDefined();
});

test('nothing is demanded of those who sign in', () => {
  expect(check('in', { handle: '', password: '', name: '', invite: '' })).toEqual({});
});

test.each([
  ['in', refused('unauthorized'), { form: text.account.refused }],
  ['up', refused('taken'), { handle: text.account.taken }],
  ['up', refused('forbidden'), { invite: text.account.inviteWrong }],
  ['reset', refused('not_found'), { form: text.account.resetWrong }],
  ['up', refused('invalid', 'password'), { password: text.account.passwordWeak }],
  ['in', refused('rate_limited', null, 2_100), { form: text.errors.slowDown(3) }],
  ['in', new Unreachable(), { form: text.errors.unreachable }],
] as const)('while %s, %s is explained', (mode, error, wrong) => {
  expect(explain(mode, error)).toEqual(wrong);
});
