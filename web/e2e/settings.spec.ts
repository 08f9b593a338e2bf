import { expect, PASSWORD, REFUSED, test } from './journey';
import { annAndBea } from './opening';

test('a name and a colour are seen by the others', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  await ann.say('Hello');
  await expect(bea.message('Hello')).toContainText('Ann Archer');
  await ann.page.keyboard.press('Control+,');
  const dialog = ann.page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('Anna A.');
  await dialog.getByRole('radio', { name: 'Colour at 210 degrees' }).check({ force: true });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(ann.page.getByText('Saved')).toBeVisible();
  await bea.page.reload();
  await expect(bea.message('Hello')).toContainText('Anna A.');
  expect(await bea.message('Hello').locator('.avatar').evaluate((it) => getComputedStyle(it).getPropertyValue('--hue'))).toBe('210');
});

test('look and language are this browser\'s, and stay over a reload and a sign-out', async ({ arrive }) => {
  const ann = await arrive({ colorScheme: 'light' });
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.keyboard.press('Control+,');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Appearance' }).click();
  await dialog.getByText('Dark', { exact: true }).click();
  expect(await background()).not.toBe(light);
  await expect(page.locator('meta[name=theme-color][media=all]')).toHaveAttribute('data-scheme', 'dark');
  await dialog.getByText('Very large', { exact: true }).click();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize)).toBe('21px');
  await dialog.getByLabel('Language').selectOption('de');
  await expect(page.getByRole('heading', { name: 'Einstellungen' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.reload();
  await expect(page.getByRole('textbox', { name: 'Nachricht', exact: true })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  expect(await background()).not.toBe(light);
  await page.getByRole('button', { name: 'Menü', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Abmelden' }).click();
  await expect(page.getByRole('heading', { name: 'Anmelden' })).toBeVisible();
});

test('Arabic turns the page around', async ({ arrive }) => {
  const ann = await arrive({ locale: 'ar-EG' });
  await ann.open();
  await expect(ann.page.locator('html')).toHaveAttribute('dir', 'rtl');
  await expect(ann.page.getByRole('heading', { name: 'إنشاء حساب' })).toBeVisible();
});

test('a password is changed, which ends the other devices, and a device is signed out', async ({ arrive, server }) => {
  const ann = await arrive();
  ann.excuse(REFUSED);
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  const login = (password: string) => server.call('POST', '/v1/auth/login', { handle: 'ann', password, refresh: 'body' });
  await login(PASSWORD);
  await page.keyboard.press('Control+,');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Devices' }).click();
  await expect(dialog.getByRole('button', { name: /^Sign out ./ })).toHaveCount(1);
  await dialog.getByRole('button', { name: /^Sign out ./ }).click();
  await expect(dialog.getByText('You are signed in nowhere else.')).toBeVisible();

  await dialog.getByRole('navigation').getByRole('button', { name: 'Password' }).click();
  await dialog.getByLabel('Password now').fill('not my password');
  await dialog.getByLabel('New password').fill('another horse entirely');
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await expect(dialog.getByText('This is not your password.')).toBeVisible();
  await dialog.getByLabel('Password now').fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Change password' }).click();
  await expect(dialog.getByText('Your password is changed.')).toBeVisible();
  await login('another horse entirely');
});

test('my data is a file, and my account can go', async ({ arrive }) => {
  const ann = await arrive();
  ann.excuse(REFUSED);
  const { page } = ann;
  await ann.signUp('ann', 'Ann');
  await ann.say('Remember me');
  await ann.seesTick('Remember me');
  await page.keyboard.press('Control+,');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'My data' }).click();
  const arrival = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download' }).click();
  const download = await arrival;
  expect(download.suggestedFilename()).toBe('chinwag-ann.jsonl');
  const stream = await download.createReadStream();
  let file = '';
  for await (const part of stream) file += String(part);
  expect(file).toContain('Remember me');

  await dialog.getByRole('button', { name: 'Delete account…' }).click();
  await dialog.getByLabel('Password', { exact: true }).fill('not my password');
  await dialog.getByRole('button', { name: 'Delete my account' }).click();
  await expect(dialog.getByText('This is not your password.')).toBeVisible();
  await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await dialog.getByRole('button', { name: 'Delete my account' }).click();
  await expect(page.getByRole('heading', { name: /Sign in|Create account/ })).toBeVisible();
  expect(await page.evaluate(() => Object.keys(localStorage))).toEqual([]);
});
