import { expect, test } from './journey';

const stage = (name: string) => `[data-stage=${name}]`;

test('one tick, two when all have it, coloured ones when all have read it, and who and when', async ({ arrive }) => {
  const [ann, bea] = [await arrive(), await arrive()];
  await ann.signUp('ann', 'Ann Archer');
  await bea.signUp('bea', 'Bea Martin');
  await ann.page.getByRole('button', { name: 'New chat' }).click();
  await ann.page.getByLabel('Handle').fill('bea');
  await ann.page.getByRole('button', { name: 'Find' }).click();
  await ann.page.getByRole('button', { name: 'Start chat' }).click();
  await ann.say('Psst');
  const psst = ann.message('Psst');
  await expect(psst.locator(stage('delivered'))).toBeVisible();
  await expect(psst.getByRole('img', { name: 'Delivered to all' })).toBeVisible();
  await bea.enter('Ann Archer');
  await expect(psst.locator(stage('read'))).toBeVisible();
  await expect(psst.getByRole('img', { name: 'Read by all' })).toBeVisible();
  await ann.page.reload();
  await expect(psst.locator(stage('read'))).toBeVisible();

  await psst.click({ button: 'right' });
  await ann.page.getByRole('menuitem', { name: 'Message info' }).click();
  const dialog = ann.page.getByRole('dialog', { name: 'Message info' });
  await expect(dialog.getByRole('region', { name: 'Read by' }).getByText('Bea Martin')).toBeVisible();
  await expect(dialog.getByRole('region', { name: 'Delivered to' })).toHaveCount(0);
});

test('who switches read receipts off gives none', async ({ arrive }) => {
  const [ann, bea] = [await arrive(), await arrive()];
  await ann.signUp('ann', 'Ann Archer');
  await bea.signUp('bea', 'Bea Martin');
  await bea.page.keyboard.press('Control+,');
  const settings = bea.page.getByRole('dialog');
  await settings.getByRole('button', { name: 'Privacy' }).click();
  await settings.getByRole('switch', { name: 'Read receipts' }).uncheck();
  await expect(settings.getByRole('switch', { name: 'Read receipts' })).toBeEnabled();
  await bea.page.reload();
  await ann.page.getByRole('button', { name: 'New chat' }).click();
  await ann.page.getByLabel('Handle').fill('bea');
  await ann.page.getByRole('button', { name: 'Find' }).click();
  await ann.page.getByRole('button', { name: 'Start chat' }).click();
  await ann.say('Psst');
  await bea.enter('Ann Archer');
  await bea.say('Yes?');
  await expect(ann.message('Yes?')).toBeVisible();
  await expect(ann.message('Psst').locator(stage('delivered'))).toBeVisible();
  await expect(bea.message('Yes?').locator(stage('delivered'))).toBeVisible();
  await ann.say('Nothing');
  await expect(ann.message('Nothing').locator(stage('delivered'))).toBeVisible();
  await expect(ann.page.locator(stage('read'))).toHaveCount(0);
  await expect(bea.page.locator(stage('read'))).toHaveCount(0);
});
