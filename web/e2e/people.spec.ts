import { expect, PASSWORD, test } from './journey';

test('a group is run from its drawer: add, make admin, rename, remove, leave', async ({ arrive }) => {
  const [ann, bea, cid] = [await arrive(), await arrive(), await arrive()];
  await ann.signUp('ann', 'Ann Archer');
  await bea.signUp('bea', 'Bea Martin');
  await cid.signUp('cid', 'Cid Okafor');

  await ann.page.getByRole('button', { name: 'New chat' }).click();
  const dialog = ann.page.getByRole('dialog');
  await dialog.getByText('Group', { exact: true }).click();
  await dialog.getByLabel('Name of the group').fill('Tea');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await ann.seesRoom('Tea');
  await expect(ann.page.getByRole('main').getByText('You are the only one here so far.')).toBeVisible();

  await ann.page.getByRole('button', { name: 'Add somebody' }).click();
  const info = ann.page.getByRole('complementary');
  for (const handle of ['bea', '@Cid']) {
    await info.getByLabel('Add somebody').fill(handle);
    await info.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(info.getByLabel('Add somebody')).toHaveValue('');
  }
  await expect(info.getByText('3 members')).toBeVisible();
  await bea.enter('Tea');
  await cid.enter('Tea');

  await info.getByRole('button', { name: 'What to do with Bea Martin' }).click();
  await ann.page.getByRole('menuitem', { name: 'Make admin' }).click();
  await expect(info.getByText('Admin', { exact: true })).toBeVisible();
  await expect(bea.page.getByRole('main').getByText('Ann Archer made you an admin')).toBeVisible();

  await bea.page.getByRole('button', { name: 'Tea', exact: true }).click();
  const beas = bea.page.getByRole('complementary');
  await beas.getByLabel('Name').fill('Tea and cake');
  await beas.getByRole('button', { name: 'Rename' }).click();
  await expect(ann.page.getByRole('main').getByRole('heading', { name: 'Tea and cake', level: 1 })).toBeVisible();
  await expect(cid.page.getByRole('main').getByText('Bea Martin changed the name to “Tea and cake”')).toBeVisible();
  await expect(beas.getByLabel('Who may write')).toHaveCount(0);
  await info.getByLabel('Who may write').selectOption({ label: 'Admins alone' });
  await expect(cid.page.getByText('Only admins can write here.')).toBeVisible();

  await beas.getByRole('button', { name: 'What to do with Cid Okafor' }).click();
  await bea.page.getByRole('menuitem', { name: 'Remove from the chat' }).click();
  await expect(cid.room('Tea and cake')).toHaveCount(0);
  await expect(cid.page.getByRole('heading', { name: 'Welcome, Cid Okafor' })).toBeVisible();
  await expect(beas.getByText('2 members')).toBeVisible();

  await beas.getByRole('button', { name: 'Leave the chat' }).click();
  await bea.page.getByRole('dialog').getByRole('button', { name: 'Leave' }).click();
  await expect(bea.room('Tea and cake')).toHaveCount(0);
  await expect(bea.page.getByRole('heading', { name: 'Welcome, Bea Martin' })).toBeVisible();
  await expect(ann.page.getByRole('main').getByText('Bea Martin left')).toBeVisible();
});

test.describe('where registration is by invite', () => {
  test.use({ flags: ['--registration', 'invite'] });

  test('an invite is made on the page, lets one in, and is withdrawn', async ({ arrive, server }) => {
    const [ann, bea] = [await arrive(), await arrive()];
    await ann.open(server.said.join('\n').match(/#invite=\S+/)?.[0]);
    await ann.fillAccount('ann', 'Ann');
    await ann.page.getByRole('button', { name: 'Create account' }).click();
    await ann.seesRoom('general');
    await ann.page.getByRole('button', { name: 'Invite somebody' }).click();
    const dialog = ann.page.getByRole('dialog');
    await dialog.getByLabel('How many people').selectOption({ label: '5 people' });
    await dialog.getByRole('button', { name: 'Make a link' }).click();
    await expect(dialog.getByRole('img', { name: 'A code to scan with a phone' })).toBeVisible();
    const link = (await dialog.getByText('#invite=').textContent()) ?? '';
    await expect(dialog.getByText(/^5 places left/)).toBeVisible();

    await bea.open(new URL(link).hash);
    await bea.fillAccount('bea', 'Bea');
    await bea.page.getByRole('button', { name: 'Create account' }).click();
    await bea.seesRoom('general');
    await expect(bea.page.getByRole('button', { name: 'Invite somebody' })).toHaveCount(0);

    await dialog.getByRole('button', { name: 'Withdraw' }).click();
    await expect(dialog.getByText('Invites that are open')).toHaveCount(0);
    const late = await fetch(`${server.url}/v1/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ handle: 'cid', password: PASSWORD, invite: new URLSearchParams(new URL(link).hash.slice(1)).get('invite') }),
    });
    expect(late.ok).toBe(false);
  });
});
