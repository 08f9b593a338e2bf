import { expect, test } from './journey';

/** As the browser's own protocol counts them. */
const [ALT, CONTROL] = [1, 2];

test('the whole way by keyboard: rooms, messages, menus, and back', async ({ arrive }) => {
  const ann = await arrive();
  const { page } = ann;
  await ann.signUp('ann', 'Ann Archer');
  await expect(ann.composer).toBeFocused();
  await page.keyboard.type('First');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Second');
  await page.keyboard.press('Enter');
  await ann.seesTick('Second');

  // From room to room, and back by the list.
  await page.keyboard.press('Alt+ArrowDown');
  await ann.seesRoom('Notes to self');
  await page.keyboard.press('Control+k');
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('combobox')).toBeFocused();
  await page.keyboard.type('GEN');
  await expect(dialog.getByRole('option', { name: 'general' })).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await ann.seesRoom('general');
  await expect(dialog).toHaveCount(0);
  await expect(ann.composer).toBeFocused();

  await page.getByRole('textbox', { name: 'Search chats' }).focus();
  await page.keyboard.press('ArrowDown');
  await expect(ann.room('general')).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(ann.room('Notes to self')).toBeFocused();
  await page.keyboard.press('Enter');
  await ann.seesRoom('Notes to self');
  await page.keyboard.press('Alt+ArrowUp');
  await ann.seesRoom('general');

  // Among the messages: arrows choose, a key acts, the focus comes back.
  await page.getByRole('region', { name: 'Messages' }).focus();
  await page.keyboard.press('ArrowUp');
  await expect(ann.message('Second')).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(ann.message('First')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Copy text' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(ann.message('First')).toBeFocused();
  await page.keyboard.press('Delete');
  await expect(dialog.getByRole('heading', { name: 'Delete this message?' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toHaveCount(0);
  await expect(ann.message('First')).toBeFocused();

  // The cheat sheet, where a question mark is no text.
  await page.keyboard.press('?');
  await expect(dialog.getByRole('heading', { name: 'Keyboard shortcuts' })).toBeVisible();
  await expect(dialog.getByText('Go to a chat')).toBeVisible();
  await page.keyboard.press('Escape');
  await ann.composer.focus();
  await page.keyboard.type('?');
  await expect(ann.composer).toHaveValue('?');
  await page.keyboard.press('Backspace');

  // One thing at a time: the drawer, then the chat.
  await page.keyboard.press('Alt+i');
  await expect(page.getByRole('complementary').getByRole('button', { name: 'Close' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('complementary')).toHaveCount(0);
  await ann.seesRoom('general');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('heading', { name: 'Welcome, Ann Archer' })).toBeVisible();
});

test('a menu goes round, and gives the focus back', async ({ arrive }) => {
  const ann = await arrive();
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  const button = page.getByRole('button', { name: 'Menu', exact: true });
  await button.focus();
  await page.keyboard.press('Enter');
  const items = page.getByRole('menuitem');
  await expect(items.first()).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(items.last()).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(items.first()).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(items).toHaveCount(0);
  await expect(button).toBeFocused();
});

test('a key is not lost, however fast it follows the one before', async ({ arrive }) => {
  const ann = await arrive();
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  const keyboard = await page.context().newCDPSession(page);
  const down = (key: string, modifiers = 0) =>
    keyboard.send('Input.dispatchKeyEvent', { type: 'keyDown', key, modifiers, code: `Key${key.toUpperCase()}`, ...(modifiers === 0 && key.length === 1 && { text: key }) });
  // None waits for what the one before has brought: the first dialogs are still being fetched when they are closed again.
  await Promise.all([
    down(',', CONTROL), down('Escape'), down('n', ALT), down('Escape'), down('!'), down('k', CONTROL), down('Escape'), down(',', CONTROL), down('Escape'),
    down('k', CONTROL), ...[...'notes'].map((letter) => down(letter)), down('Enter'),
  ]);
  await ann.seesRoom('Notes to self');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await ann.enter('general');
  await expect(ann.composer).toHaveValue('!');
});

test('a dialog gives the focus back, however it is closed', async ({ arrive }) => {
  const ann = await arrive();
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  const dialog = page.getByRole('dialog');
  const button = page.getByRole('button', { name: 'Your profile and settings' });
  const ways = [() => page.keyboard.press('Escape'), () => dialog.getByRole('button', { name: 'Close' }).click(), () => page.mouse.click(5, 300)];
  for (const close of ways) {
    await button.focus();
    await page.keyboard.press('Enter');
    await expect(dialog).toBeVisible();
    await close();
    await expect(dialog).toHaveCount(0);
    await expect(button).toBeFocused();
  }
});
