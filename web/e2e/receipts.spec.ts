import { expect, type Person, test } from './journey';
import { annAndBea, annAndBeaAlone } from './opening';

test.describe.configure({ timeout: 120_000 });

/** The longest wait between two tries, and a little. */
const BACK_WITHIN_MS = 35_000;

const stage = (name: string) => `[data-stage=${name}]`;

async function startChatWithBea(ann: Person): Promise<void> {
  const { page } = ann;
  await page.getByRole('button', { name: 'New chat' }).click();
  await page.getByLabel('Handle').fill('bea');
  await page.getByRole('button', { name: 'Find' }).click();
  await page.getByRole('button', { name: 'Start chat' }).click();
  await ann.seesRoom('Bea Martin');
}

test('one tick, two when all have it, coloured ones when all have read it, and who and when', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  await startChatWithBea(ann);
  await ann.say('Psst');
  const psst = ann.message('Psst');
  await expect(psst.locator(stage('delivered'))).toBeVisible();
  await expect(psst.getByRole('img', { name: 'Delivered to all' })).toBeVisible();
  await bea.enter('Ann Archer');
  await expect(psst.locator(stage('read'))).toBeVisible();
  await expect(psst.getByRole('img', { name: 'Read by all' })).toBeVisible();
  await ann.page.reload();
  await expect(psst.locator(stage('read'))).toBeVisible();

  await ann.act('Psst', 'Message info');
  const dialog = ann.page.getByRole('dialog', { name: 'Message info' });
  await expect(dialog.getByRole('region', { name: 'Read by' }).getByText('Bea Martin')).toBeVisible();
  await expect(dialog.getByRole('region', { name: 'Delivered to' })).toHaveCount(0);
});

test('who switches read receipts off gives none', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  await bea.page.keyboard.press('Control+,');
  const settings = bea.page.getByRole('dialog');
  await settings.getByRole('button', { name: 'Privacy' }).click();
  await settings.getByRole('switch', { name: 'Read receipts' }).uncheck();
  await expect(settings.getByRole('switch', { name: 'Read receipts' })).toBeEnabled();
  await bea.page.reload();
  await startChatWithBea(ann);
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

test('both tabs show the same ticks, also of what was said while the server was away', async ({ arrive, server }) => {
  const [ann, bea] = await annAndBeaAlone(arrive);
  await startChatWithBea(ann);
  await ann.say('before');
  const second = await ann.tab();
  await second.open();
  await second.page.getByRole('navigation').getByRole('button', { name: /^Bea Martin/ }).click();
  for (const tab of [ann, second]) await expect(tab.message('before').locator(stage('delivered'))).toBeVisible();
  await server.crash();
  await ann.say('during');
  await expect(second.message('during').locator(stage('waiting'))).toBeVisible();
  await server.restart();
  for (const tab of [ann, second]) {
    await expect(tab.message('during').locator(stage('delivered'))).toBeVisible({ timeout: BACK_WITHIN_MS });
    await expect(tab.message('before').locator(stage('delivered'))).toBeVisible();
  }
  await bea.enter('Ann Archer');
  for (const tab of [ann, second]) {
    for (const text of ['before', 'during']) await expect(tab.message(text).locator(stage('read'))).toBeVisible();
  }
  await expect(ann.room('Bea Martin').locator(stage('read'))).toBeVisible();
});

test('a switch is turned on one device and seen on the other', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  await startChatWithBea(ann);
  await ann.say('Psst');
  await bea.enter('Ann Archer');
  await expect(ann.message('Psst').locator(stage('read'))).toBeVisible();
  const second = await bea.tab();
  await second.open();
  await expect(second.room('Ann Archer')).toBeVisible();
  await second.page.keyboard.press('Control+,');
  await second.page.getByRole('dialog').getByRole('button', { name: 'Privacy' }).click();
  await second.page.getByRole('switch', { name: 'Read receipts' }).uncheck();
  await expect(ann.message('Psst').locator(stage('delivered'))).toBeVisible();
  await bea.page.keyboard.press('Control+,');
  await bea.page.getByRole('dialog').getByRole('button', { name: 'Privacy' }).click();
  await expect(bea.page.getByRole('switch', { name: 'Read receipts' })).not.toBeChecked();
  await bea.page.getByRole('switch', { name: 'Read receipts' }).check();
  await expect(ann.message('Psst').locator(stage('read'))).toBeVisible();
});
