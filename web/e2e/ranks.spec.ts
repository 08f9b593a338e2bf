/** Who governs the installation: helping somebody back in, giving ranks, giving it all away. */
import { expect, type Person, PASSWORD, REFUSED, test } from './journey';
import { annAndBea } from './opening';

async function lookUp({ page }: Person, handle: string): Promise<void> {
  await page.getByRole('button', { name: 'Your profile and settings' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'People' }).click();
  await dialog.getByLabel('Handle').fill(handle);
  await dialog.getByRole('button', { name: 'Find' }).click();
}

test('the owner gives the installation away, and is a member like everybody', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  ann.excuse(REFUSED);
  const dialog = ann.page.getByRole('dialog');
  await lookUp(ann, 'nobody');
  await expect(dialog.getByText('Nobody has the handle nobody.')).toBeVisible();
  await dialog.getByLabel('Handle').fill('@Bea');
  await dialog.getByLabel('Handle').press('Enter');
  await expect(dialog.getByText('Bea Martin')).toBeVisible();

  await dialog.getByRole('button', { name: 'Give up my rank…' }).click();
  await dialog.getByRole('button', { name: 'Give up my rank', exact: true }).click();
  await expect(dialog.getByText('You are the only owner.')).toBeVisible();
  const governors = dialog.getByRole('list', { name: 'Who looks after this installation' }).getByRole('listitem');
  await expect(governors).toHaveText([/Ann Archer.*Owner/]);
  await dialog.getByRole('group', { name: 'May do in this installation' }).getByText('Owner').click();
  await dialog.getByRole('button', { name: 'Give this rank' }).click();
  await expect(dialog.getByText('Bea Martin is now: Owner.')).toBeVisible();
  await expect(governors).toHaveText([/Ann Archer.*Owner/, /Bea Martin.*Owner/]);
  await dialog.getByRole('button', { name: 'Give up my rank', exact: true }).click();
  await expect(dialog.getByRole('button', { name: 'People' })).toHaveCount(0);
  await expect(dialog.getByRole('heading', { name: 'Profile', level: 3 })).toBeVisible();

  await bea.page.reload();
  await lookUp(bea, 'ann');
  await expect(bea.page.getByRole('dialog').getByRole('button', { name: 'Give this rank' })).toBeVisible();
});

test('who forgot the password comes back by a link', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  await lookUp(ann, 'bea');
  const dialog = ann.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Make a link for a new password' }).click();
  const link = (await dialog.locator('.link-text').textContent()) ?? '';
  // A page of its own, as a link that is pressed elsewhere.
  await bea.page.goto('about:blank');
  await bea.open(new URL(link).hash);
  await bea.page.getByLabel('New password').fill(`${PASSWORD} again`);
  await bea.page.getByRole('button', { name: 'Set password' }).click();
  await bea.signIn('bea', `${PASSWORD} again`);
  await expect(bea.room('general')).toBeVisible();
});
