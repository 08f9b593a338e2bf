/**
 * Every screen, on a phone and on a desktop, by day and by night: axe finds nothing, and a picture is
 * taken for the eye of a reviewer. `SCREENSHOTS=../docs/screenshots` keeps the pictures there.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tokens } from '../src/api/types';
import { violations } from './axe';
import { expect, PASSWORD, type Person, test } from './journey';
import { packed } from './png';
import type { Server } from './server';

const FOLDER = process.env.SCREENSHOTS ?? 'e2e/screenshots';

const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

test.describe.configure({ timeout: 180_000 });

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`${colorScheme} on a ${size}`, async ({ arrive, server }) => {
      mkdirSync(FOLDER, { recursive: true });
      const isPhone = size === 'phone';
      const ann = await arrive({ viewport, colorScheme, isMobile: isPhone, hasTouch: isPhone, reducedMotion: 'reduce' });
      const wrong: string[] = [];
      const at = async (name: string) => {
        wrong.push(...(await violations(ann.page)).map((it) => `${name}: ${it}`));
        const png = await ann.page.screenshot({ caret: 'hide', animations: 'disabled' });
        writeFileSync(join(FOLDER, `${name}-${size}-${colorScheme}.png`), packed(png));
      };
      await firstMinute(ann, at, isPhone);
      await chat(ann, server, at, isPhone);
      await dialogs(ann, at, isPhone);
      await settings(ann, at, isPhone);
      await arabic(ann, at, isPhone);
      expect(wrong).toEqual([]);
    });
  }
}

type At = (name: string) => Promise<void>;

async function firstMinute(ann: Person, at: At, isPhone: boolean): Promise<void> {
  const { page } = ann;
  await ann.open();
  await expect(page.getByRole('heading', { name: 'Create account' })).toBeVisible();
  await at('sign-up');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await at('sign-in');
  await ann.signUp('ann', 'Ann Archer');
  await expect(page.getByRole('button', { name: 'Invite somebody' })).toBeVisible();
  await at('first-room');
  if (isPhone) return;
  await page.keyboard.press('Escape');
  await expect(page.getByRole('heading', { name: 'Welcome, Ann Archer' })).toBeVisible();
  await at('welcome');
}

/** What people say in a week. */
async function talk(server: Server): Promise<void> {
  const people: Record<string, Tokens> = {};
  for (const [handle, display_name] of [['bea', 'Bea Martin'], ['cid', 'Cid Okafor'], ['dana', 'Dana Levi'], ['emil', 'Emil Brandt'], ['fatima', 'Fatima Zahra']]) {
    people[handle ?? ''] = await server.call<Tokens>('POST', '/v1/auth/register', { handle, password: PASSWORD, display_name });
  }
  const as = (handle: string) => people[handle]?.access_token;
  const { rooms } = await server.call<{ rooms: { id: string; name: string }[] }>('GET', '/v1/rooms', undefined, as('bea'));
  const general = rooms.find((room) => room.name === 'general')?.id;
  const say = (handle: string, text: string, room = general) => server.call('POST', `/v1/rooms/${room}/messages`, { text }, as(handle));
  const ann = (await server.call<{ users: { id: string }[] }>('GET', '/v1/users?handle=ann', undefined, as('bea'))).users[0]?.id;
  const make = async (handle: string, kind: string, name: string | undefined, words: string[]) => {
    const { id } = await server.call<{ id: string }>('POST', '/v1/rooms', { kind, ...(name && { name }), members: [ann] }, as(handle));
    for (const text of words) await say(handle, text, id);
  };
  await make('dana', 'group', 'Saturday hike 🥾', ['I packed the stove and the good coffee.', 'Weather looks fine until four.']);
  await make('emil', 'direct', undefined, ['Did you get the key from next door?']);
  await make('fatima', 'direct', undefined, ['صباح الخير! نلتقي عند العاشرة؟']);
  await make('cid', 'group', 'Release 0.2', ['The build is green again.', 'Who writes the notes?']);
  await say('bea', 'Did anybody see the train times for Saturday?');
  await say('cid', 'There is one at 9:12, and one an hour later. I would take the later one, because the café does not open before ten.');
  await say('cid', 'https://example.org/trains has them all');
  await say('dana', '👍🎉');
  await say('fatima', 'أنا معكم، سأحضر الشاي 🍵');
  await say('cid', 'For the nerds, `trains --from here` prints:\n```\n09:12  platform 4   on time\n10:12  platform 2   on time\n```');
}

async function chat(ann: Person, server: Server, at: At, isPhone: boolean): Promise<void> {
  const { page } = ann;
  if (isPhone) await page.getByRole('button', { name: 'Back to chats' }).click();
  await talk(server);
  await expect(ann.room('Release 0.2').getByLabel('2 unread messages')).toBeVisible();
  await at('list');
  await ann.enter('general');
  await ann.composer.fill('The later one, then.\nSee you at the station!');
  await page.getByRole('button', { name: 'Send' }).click();
  await ann.seesTick('The later one');
  await at('chat');

  await page.getByRole('button', { name: 'Emoji' }).click();
  await expect(page.getByRole('textbox', { name: 'Search emoji' })).toBeVisible();
  await at('emoji');
  await page.getByRole('group', { name: 'Emoji' }).getByRole('button', { name: 'Close' }).click();

  await ann.message('The later one, then.').locator('.said').click({ button: 'right' });
  await expect(page.getByRole('menuitem', { name: 'Delete message' })).toBeVisible();
  await at('message-menu');
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'general', exact: true }).click();
  await expect(page.getByRole('complementary').getByText('@fatima')).toBeVisible();
  await at('info');
  await page.getByRole('complementary').getByRole('button', { name: 'Close' }).click();
  if (isPhone) await page.getByRole('button', { name: 'Back to chats' }).click();
}

async function dialogs(ann: Person, at: At, isPhone: boolean): Promise<void> {
  const { page } = ann;
  const dialog = page.getByRole('dialog');
  const close = async () => {
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect(dialog).toHaveCount(0);
  };
  await page.getByRole('button', { name: 'New chat' }).click();
  await expect(dialog.getByLabel('Handle')).toBeVisible();
  await at('new-chat');
  await dialog.getByText('Join', { exact: true }).click();
  await expect(dialog.getByText('There is no channel')).toBeVisible();
  await at('join-channel');
  await close();

  await ann.choose('Invite people');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  await expect(dialog.getByRole('img', { name: 'A code to scan' })).toBeVisible();
  await at('invite');
  await close();

  if (isPhone) return;
  await page.keyboard.press('Control+k');
  await expect(dialog.getByRole('combobox')).toBeFocused();
  await dialog.getByRole('combobox').fill('e');
  await at('switcher');
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { name: 'Chats', level: 1 }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('navigation').click({ position: { x: 200, y: 800 } });
  await page.keyboard.press('?');
  await expect(dialog.getByRole('heading', { name: 'Keyboard shortcuts' })).toBeVisible();
  await at('shortcuts');
  await close();
}

async function settings(ann: Person, at: At, isPhone: boolean): Promise<void> {
  const { page } = ann;
  const dialog = page.getByRole('dialog');
  await page.getByRole('button', { name: 'Your profile and settings' }).click();
  await expect(dialog).toBeVisible();
  if (isPhone) await at('settings');
  for (const section of ['Profile', 'Appearance', 'Notifications', 'Password', 'Devices', 'My data']) {
    await dialog.getByRole('navigation').getByRole('button', { name: section }).click();
    await expect(dialog.getByRole('heading', { name: section, level: 3 })).toBeVisible();
    if (section === 'Devices') await expect(dialog.getByText('You are signed in nowhere else.')).toBeVisible();
    await at(`settings-${section.toLowerCase().replace(' ', '-')}`);
    if (isPhone) await dialog.getByRole('button', { name: 'Back to settings' }).click();
  }
  await dialog.getByRole('button', { name: 'Close' }).click();
}

async function arabic(ann: Person, at: At, isPhone: boolean): Promise<void> {
  const { page } = ann;
  await page.getByRole('button', { name: 'Your profile and settings' }).click();
  await page.getByRole('dialog').getByRole('navigation').getByRole('button', { name: 'Appearance' }).click();
  await page.getByLabel('Language').selectOption('ar');
  await expect(page.locator('html')).toHaveAttribute('dir', 'rtl');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  if (isPhone) await at('arabic-list');
  await ann.room('general').click();
  await expect(ann.message('See you at the station!')).toBeVisible();
  await at('arabic');
}
