import type { Invite, Me, ResetLink, Tokens } from '../src/api/types';
import { expect, PASSWORD, REFUSED, test } from './journey';

test('signing in says what is wrong, and where', async ({ arrive }) => {
  const ann = await arrive();
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  await ann.signOut();

  ann.excuse(REFUSED);
  await ann.signIn('ann', 'not my password');
  await expect(page.getByRole('alert')).toHaveText('The handle or the password is wrong.');
  await ann.signIn('nobody', 'not my password');
  await expect(page.getByRole('alert')).toHaveText('The handle or the password is wrong.');

  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByLabel('Handle').fill('x');
  await page.getByLabel('Password', { exact: true }).fill('short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByText('A password has at least 8 characters.')).toBeVisible();
  await expect(page.getByLabel('Handle')).toHaveAccessibleDescription('A handle has 3 to 32 of a–z, 0–9, _ and .');
  await ann.fillAccount('ann', 'Another Ann');
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByText('This handle is taken.')).toBeVisible();

  await page.getByRole('button', { name: 'Sign in' }).click();
  await ann.signIn('Ann');
  await expect(ann.room('general')).toBeVisible();
});

test('after signing out nothing is left on the screen or in the storage', async ({ arrive }) => {
  const ann = await arrive();
  await ann.signUp('ann', 'Ann');
  await ann.enter('general');
  await ann.say('A secret');
  await ann.seesTick('A secret');
  await ann.signOut();
  expect(await ann.page.evaluate(() => Object.keys(localStorage))).toEqual([]);
  await ann.page.reload();
  await expect(ann.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a session that is revoked elsewhere ends here', async ({ arrive, server }) => {
  const ann = await arrive();
  ann.excuse(REFUSED);
  await ann.signUp('ann', 'Ann');
  const { access_token } = await server.call<Tokens>('POST', '/v1/auth/login', { handle: 'ann', password: PASSWORD, refresh: 'body' });
  await server.call('POST', '/v1/auth/password', { old: PASSWORD, new: `${PASSWORD} anew` }, access_token);
  await expect(ann.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a reset link sets a new password', async ({ arrive, server }) => {
  const bea = await arrive();
  const owner = await server.call<Tokens>('POST', '/v1/auth/register', { handle: 'ann', password: PASSWORD });
  const { user } = await server.call<{ user: Me }>('POST', '/v1/auth/register', { handle: 'bea', password: PASSWORD });
  const { link } = await server.call<ResetLink>('POST', `/v1/users/${user.id}/reset`, undefined, owner.access_token);

  await bea.open(new URL(link).hash);
  await expect(bea.page).not.toHaveURL(/reset/);
  await bea.page.getByLabel('New password').fill('another horse entirely');
  await bea.page.getByRole('button', { name: 'Set password' }).click();
  await expect(bea.page.getByText('Your new password is set.')).toBeVisible();
  await bea.signIn('bea', 'another horse entirely');
  await expect(bea.room('general')).toBeVisible();
});

test.describe('where registration is by invite', () => {
  test.use({ flags: ['--registration', 'invite'] });

  test('the link of the start line makes the owner, and an invite lets one in, once', async ({ arrive, server }) => {
    const [ann, bea, cid] = [await arrive(), await arrive(), await arrive()];
    const bootstrap = server.said.join('\n').match(/#invite=\S+/)?.[0];
    await ann.open(bootstrap);
    await expect(ann.page.getByText('The first account owns this installation.')).toBeVisible();
    await ann.fillAccount('ann', 'Ann');
    await ann.page.getByRole('button', { name: 'Create account' }).click();
    await expect(ann.room('general')).toBeVisible();

    const { access_token } = await server.call<Tokens>('POST', '/v1/auth/login', { handle: 'ann', password: PASSWORD, refresh: 'body' });
    const { link } = await server.call<Invite>('POST', '/v1/invites', {}, access_token);
    await bea.open(new URL(link).hash);
    await expect(bea.page.getByText('You have been invited.')).toBeVisible();
    await bea.fillAccount('bea', 'Bea');
    await bea.page.getByRole('button', { name: 'Create account' }).click();
    await expect(bea.room('general')).toBeVisible();

    cid.excuse(REFUSED);
    await cid.open(new URL(link).hash);
    await cid.fillAccount('cid', 'Cid');
    await cid.page.getByRole('button', { name: 'Create account' }).click();
    await expect(cid.page.getByText('This invite is not valid, or used up.')).toBeVisible();
  });
});
