import { expect, test } from './journey';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

test('the way back that a phone has takes away what lies uppermost, and leads out from the list alone', async ({ arrive }) => {
  const ann = await arrive(PHONE);
  const { page } = ann;
  await page.goto('about:blank');
  await ann.signUp('ann', 'Ann Archer');
  const drawer = page.getByRole('complementary');
  await page.getByRole('button', { name: 'general', exact: true }).tap();
  await expect(drawer.getByText('@ann')).toBeVisible();
  await page.goBack();
  await expect(drawer).toHaveCount(0);
  await ann.seesRoom('general');
  await page.goBack();
  await expect(page.getByRole('navigation')).toBeVisible();
  await expect(ann.composer).toBeHidden();

  // What was closed on the page is no step back any more, and a reload changes nothing.
  await page.getByRole('button', { name: 'Your profile and settings' }).tap();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).tap();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await ann.room('Notes to self').tap();
  await ann.seesRoom('Notes to self');
  await page.reload();
  await ann.seesRoom('Notes to self');
  await page.goBack();
  await expect(page.getByRole('navigation')).toBeVisible();
  await page.goBack();
  expect(page.url()).toBe('about:blank');
});

test('a phone shows the list or a room, and fits', async ({ arrive }) => {
  const [ann, bea] = [await arrive(PHONE), await arrive()];
  await ann.signUp('ann', 'Ann Archer');
  await bea.signUp('bea', 'Bea Martin');
  await bea.enter('general');
  await ann.page.getByRole('button', { name: 'Back to chats' }).tap();
  const list = ann.page.getByRole('navigation');
  await expect(list).toBeVisible();
  await expect(ann.composer).toBeHidden();

  await ann.room('general').tap();
  await expect(list).toBeHidden();
  await ann.composer.fill('From the train');
  await ann.page.getByRole('button', { name: 'Send' }).tap();
  await expect(bea.message('From the train')).toBeVisible();
  await bea.say(`A long word: ${'x'.repeat(300)}`);
  await expect(ann.message('A long word')).toBeInViewport();
  expect(await ann.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

  await ann.message('From the train').locator('.said').tap();
  await ann.message('From the train').getByRole('button', { name: 'What to do with this message' }).tap();
  await ann.page.getByRole('menuitem', { name: 'Delete message' }).tap();
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).tap();
  await expect(bea.message('This message was deleted')).toBeVisible();

  await ann.page.getByRole('button', { name: 'Back to chats' }).tap();
  await expect(list).toBeVisible();
  await bea.say('Are you still there?');
  await expect(ann.room('general').getByLabel('1 unread message')).toBeVisible();
});
