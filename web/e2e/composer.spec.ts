import { expect, STORED, test } from './journey';

test('an emoji is found by its name, takes a skin tone, and goes where the caret is', async ({ arrive }) => {
  const ann = await arrive();
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  await ann.composer.fill('ab');
  await ann.composer.press('ArrowLeft');
  await page.getByRole('button', { name: 'Emoji' }).click();
  await page.getByRole('radio', { name: 'Medium', exact: true }).click();
  await page.getByRole('textbox', { name: 'Search emoji' }).fill('thumbs up');
  await page.keyboard.press('Enter');
  await expect(ann.composer).toHaveValue('a👍🏽b');
  await expect(ann.composer).toBeFocused();
  await page.keyboard.type('!');
  await expect(ann.composer).toHaveValue('a👍🏽!b');

  await page.getByRole('button', { name: 'Emoji' }).click();
  await expect(page.getByRole('heading', { name: 'Used lately' })).toBeVisible();
  await page.getByRole('textbox', { name: 'Search emoji' }).press('ArrowDown');
  await expect(page.getByRole('button', { name: '👍🏽', exact: true }).first()).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('textbox', { name: 'Search emoji' })).toHaveCount(0);
});

test('an input method keeps its Enter', async ({ arrive }) => {
  const ann = await arrive();
  await ann.signUp('ann', 'Ann');
  const session = await ann.page.context().newCDPSession(ann.page);
  await ann.composer.focus();
  await session.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
  await ann.composer.dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true });
  await ann.composer.dispatchEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true });
  await expect(ann.messages).toHaveCount(0);
  await session.send('Input.insertText', { text: '日本' });
  await expect(ann.composer).toHaveValue('日本');
  await ann.composer.press('Enter');
  await ann.seesTick('日本');
});

test('what is too long is asked about before it is pasted, and is not sent', async ({ arrive }) => {
  const ann = await arrive();
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const paste = async (text: string) => {
    await page.evaluate((words) => navigator.clipboard.writeText(words), text);
    await page.keyboard.press('Control+v');
  };
  await ann.composer.focus();
  await paste('short');
  await expect(ann.composer).toHaveValue('short');
  await paste('é'.repeat(9_000));
  await expect(page.getByRole('alert').getByText('That is 18,000 bytes.')).toBeVisible();
  await expect(ann.composer).toHaveValue('short');
  await page.getByRole('button', { name: 'Paste it all the same' }).click();
  await expect(page.getByRole('alert').getByText('Too long by 1,621 bytes.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Send' })).toBeDisabled();
  await ann.composer.press('Enter');
  await expect(ann.messages).toHaveCount(0);
  await ann.composer.press('Control+a');
  await paste('x'.repeat(16_384));
  await ann.composer.press('Enter');
  await expect(ann.composer).toHaveValue('');
  await expect(ann.messages.locator(STORED)).toHaveCount(1);
});

test('it grows with the text to a height, and the messages stay at their end', async ({ arrive }) => {
  const ann = await arrive();
  await ann.signUp('ann', 'Ann');
  const heightOf = async () => (await ann.composer.boundingBox())?.height ?? 0;
  const one = await heightOf();
  // By real keys: what grows under the fingers is no shift.
  await ann.composer.press('a');
  for (let line = 0; line < 2; line += 1) await ann.composer.press('Shift+Enter');
  expect(await heightOf()).toBeGreaterThan(one + 30);
  for (let line = 0; line < 30; line += 1) await ann.composer.press('Shift+Enter');
  expect(await heightOf()).toBeLessThan(200);
  await ann.composer.press('Enter');
  expect(await heightOf()).toBe(one);
});
