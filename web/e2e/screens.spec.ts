/**
 * Every screen, on a phone and on a desktop, by day and by night: axe finds nothing, and with
 * `SCREENSHOTS=../docs/screenshots` the pictures that the repository keeps are taken anew. They want a
 * font with emoji (Debian: fonts-noto-color-emoji).
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from '@playwright/test';
import { violations } from './axe';
import { expect, type Person, test, WITHOUT_SERVER } from './journey';
import { packed } from './png';
import type { Server } from './server';
import { Town } from './town';

const FOLDER = process.env.SCREENSHOTS;

const SIZES = { desktop: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

test.describe.configure({ timeout: 240_000 });

for (const [size, viewport] of Object.entries(SIZES)) {
  test(`all screens of a ${size} keep nobody out, by day and by night`, async ({ arrive, server }) => {
    const isPhone = size === 'phone';
    const ann = await arrive({ viewport, isMobile: isPhone, hasTouch: isPhone, reducedMotion: 'reduce' });
    const tour = new Tour(ann, size);
    const town = new Town(server);
    await firstMinute(tour);
    await ann.page.goto('about:blank');
    await town.settle();
    await town.age(ann.page);
    const bea = await arrive();
    await bea.open();
    await bea.signIn('bea');
    await ann.open();
    await chats(tour, town);
    await aroundTheChat(tour);
    await dialogs(tour);
    await settings(tour);
    await arabic(tour);
    await withoutConnection(tour, server, bea);
    expect(tour.wrong).toEqual([]);
  });
}

/** Goes from screen to screen, and looks at each in both lights. */
class Tour {
  readonly wrong: string[] = [];
  readonly isPhone: boolean;

  constructor(
    readonly ann: Person,
    private readonly size: string,
  ) {
    this.isPhone = size === 'phone';
  }

  /** `part` is what is worth a picture, where that is not the whole page. */
  async at(name: string, part?: Locator): Promise<void> {
    const { page } = this.ann;
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await this.#hasSettled();
      this.wrong.push(...(await violations(page)).map((it) => `${name}, ${colorScheme}: ${it}`));
      if (FOLDER === undefined) continue;
      mkdirSync(FOLDER, { recursive: true });
      const png = await (part ?? page).screenshot({ caret: 'hide', animations: 'disabled' });
      writeFileSync(join(FOLDER, `${name}-${this.size}-${colorScheme}.png`), packed(png));
    }
  }

  /** The colours of the other light are there. A colour that is inherited goes over after the one it comes from. */
  async #hasSettled(): Promise<void> {
    await this.ann.page.evaluate(async () => {
      const under_way = () => document.getAnimations().filter((it) => it instanceof CSSTransition);
      do {
        await Promise.allSettled(under_way().map((it) => it.finished));
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      } while (under_way().length > 0);
    });
  }

  /** By the button: on glass Enter breaks the line. */
  async say(text: string): Promise<void> {
    await this.ann.write(text);
    await this.ann.page.getByRole('button', { name: 'Send' }).click();
    await expect(this.ann.message(text)).toBeVisible();
  }

  get dialog(): Locator {
    return this.ann.page.getByRole('dialog');
  }

  async closeDialog(): Promise<void> {
    await this.dialog.getByRole('button', { name: 'Close' }).click();
    await expect(this.dialog).toHaveCount(0);
  }

  /** On a phone the list is a screen of its own. */
  async toList(): Promise<void> {
    if (this.isPhone) await this.ann.page.getByRole('button', { name: 'Back to chats' }).click();
  }
}

async function firstMinute(tour: Tour): Promise<void> {
  const { ann } = tour;
  const { page } = ann;
  await ann.open();
  await expect(page.getByRole('heading', { name: 'Create account' })).toBeVisible();
  await tour.at('sign-up');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await tour.at('sign-in');
  await ann.signUp('ann', 'Ann Archer');
  await expect(page.getByRole('button', { name: 'Invite somebody' })).toBeVisible();
  await tour.at('first-room');
  await tour.toList();
  if (tour.isPhone) return;
  await page.keyboard.press('Escape');
  await expect(page.getByRole('heading', { name: 'Welcome, Ann Archer' })).toBeVisible();
  await tour.at('welcome');
}

async function chats(tour: Tour, town: Town): Promise<void> {
  const { ann } = tour;
  const { page } = ann;
  await ann.enter('Release 0.2');
  await ann.write('I can, if somebody tells me what');
  await tour.toList();
  await ann.enter('Emil Brandt');
  await expect(ann.message('Did you get the key')).toBeVisible();
  await tour.say('Yes, it hangs by the door 🔑');
  await ann.seesTick('Yes, it hangs');
  await town.read('emil', 'Emil Brandt');
  await expect(ann.message('Yes, it hangs').locator('[data-stage=read]')).toBeVisible();
  await town.type('emil', 'Emil Brandt');
  await expect(page.getByRole('main').getByText('typing…')).toBeVisible();
  await tour.at('direct');
  await tour.toList();
  if (!tour.isPhone) await page.keyboard.press('Escape');
  await expect(ann.room('Saturday hike').getByLabel('2 unread messages')).toBeVisible();
  await expect(ann.room('Release 0.2').getByText('Draft')).toBeVisible();
  await town.type('fatima', 'Fatima Zahra');
  await expect(ann.room('Fatima Zahra').getByText('typing…')).toBeVisible();
  await tour.at('list');
  await ann.enter('general');
  await expect(ann.message('The later one, then.')).toBeVisible();
  await tour.at('unread');
  await tour.say('Good. I bring the map.');
  await ann.seesTick('Good.');
  for (const handle of ['cid', 'fatima']) await town.read(handle, 'general');
  await town.receive('dana', 'general');
  await tour.at('chat');
}

async function aroundTheChat(tour: Tour): Promise<void> {
  const { ann, isPhone } = tour;
  const { page } = ann;
  await page.getByRole('button', { name: 'Emoji' }).click();
  await expect(page.getByRole('textbox', { name: 'Search emoji' })).toBeVisible();
  await tour.at('emoji');
  await page.getByRole('group', { name: 'Emoji' }).getByRole('button', { name: 'Close' }).click();

  await ann.message('Good.').locator('.said').click({ button: 'right' });
  await expect(page.getByRole('menuitem', { name: 'Delete message' })).toBeVisible();
  await tour.at('message-menu');
  await page.getByRole('menuitem', { name: 'Message info' }).click();
  await expect(tour.dialog.getByRole('region', { name: 'Not delivered yet' }).getByText('Emil Brandt')).toBeVisible();
  await tour.at('message-info', isPhone ? undefined : tour.dialog);
  await tour.closeDialog();
  await ann.message('Good.').locator('.said').click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Delete message' }).click();
  await expect(tour.dialog.getByRole('button', { name: 'Cancel' })).toBeVisible();
  await tour.at('delete', isPhone ? undefined : tour.dialog);
  await tour.closeDialog();

  await page.getByRole('button', { name: 'What to do with this chat' }).click();
  await page.getByRole('menuitem', { name: 'Go to a date' }).click();
  await expect(tour.dialog.getByLabel('Date')).toBeVisible();
  await tour.at('go-to-date', isPhone ? undefined : tour.dialog);
  await tour.closeDialog();

  await page.getByRole('button', { name: 'general', exact: true }).click();
  await expect(page.getByRole('complementary').getByText('@fatima')).toBeVisible();
  await tour.at('info');
  await page.getByRole('complementary').getByRole('button', { name: 'Close' }).click();
  await tour.toList();
}

async function dialogs(tour: Tour): Promise<void> {
  const { ann, dialog } = tour;
  const { page } = ann;
  await page.getByRole('button', { name: 'New chat' }).click();
  await expect(dialog.getByLabel('Handle')).toBeVisible();
  await tour.at('new-chat');
  await dialog.getByText('Group', { exact: true }).click();
  await dialog.getByLabel('Name').fill('Book club');
  for (const handle of ['bea', 'fatima']) {
    await dialog.getByLabel('Handle').fill(handle);
    await dialog.getByLabel('Handle').press('Enter');
  }
  await expect(dialog.getByText('Fatima Zahra')).toBeVisible();
  await tour.at('new-group', tour.isPhone ? undefined : dialog);
  await dialog.getByText('Join', { exact: true }).click();
  await expect(dialog.getByText('allotment')).toBeVisible();
  await tour.at('join-channel', tour.isPhone ? undefined : dialog);
  await tour.closeDialog();

  await ann.choose('Invite people');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  await expect(dialog.getByRole('img', { name: 'A code to scan' })).toBeVisible();
  await tour.at('invite');
  await tour.closeDialog();

  await ann.choose('Go to a chat');
  await dialog.getByRole('combobox').fill('e');
  await expect(dialog.getByRole('option', { name: 'Emil Brandt' })).toBeVisible();
  await tour.at('switcher');
  await page.keyboard.press('Escape');
  await ann.choose('Keyboard shortcuts');
  await expect(dialog.getByRole('heading', { name: 'Keyboard shortcuts' })).toBeVisible();
  await tour.at('shortcuts', tour.isPhone ? undefined : dialog);
  await tour.closeDialog();
}

async function settings(tour: Tour): Promise<void> {
  const { ann, dialog, isPhone } = tour;
  await ann.page.getByRole('button', { name: 'Your profile and settings' }).click();
  await expect(dialog).toBeVisible();
  await tour.at('settings');
  const sections = await dialog.getByRole('navigation').locator('[data-section]').allTextContents();
  for (const section of sections.map((it) => it.trim())) {
    await dialog.getByRole('navigation').getByRole('button', { name: section }).click();
    await expect(dialog.getByRole('heading', { name: section, level: 3 })).toBeVisible();
    if (section === 'Devices') await expect(dialog.getByText('You are signed in nowhere else.')).toBeVisible();
    await tour.at(`settings-${section.toLowerCase().replace(' ', '-')}`, isPhone ? undefined : dialog);
    if (isPhone) await dialog.getByRole('button', { name: 'Back to settings' }).click();
  }
  await tour.closeDialog();
}

async function arabic(tour: Tour): Promise<void> {
  const { ann } = tour;
  const { page } = ann;
  await page.getByRole('button', { name: 'Your profile and settings' }).click();
  await tour.dialog.getByRole('navigation').getByRole('button', { name: 'Appearance' }).click();
  await page.getByLabel('Language').selectOption('ar');
  await expect(page.locator('html')).toHaveAttribute('dir', 'rtl');
  await tour.at('arabic-settings', tour.isPhone ? undefined : tour.dialog);
  await page.keyboard.press('Escape');
  await expect(tour.dialog).toHaveCount(0);
  if (tour.isPhone) await tour.at('arabic-list');
  await ann.room('general').click();
  await expect(ann.message('Good. I bring the map.')).toBeVisible();
  await tour.at('arabic');
}

async function withoutConnection(tour: Tour, server: Server, bea: Person): Promise<void> {
  const { ann } = tour;
  const { page } = ann;
  await page.evaluate(() => localStorage.removeItem('chinwag.preferences'));
  await page.reload();
  await ann.seesRoom('general');
  for (const person of [ann, bea]) person.excuse(WITHOUT_SERVER);
  await bea.page.close();
  await server.crash();
  await expect(page.getByRole('status').getByText('No connection.')).toBeVisible();
  await tour.say('I am in the tunnel, this goes out later.');
  await expect(ann.message('I am in the tunnel').locator('[data-stage=waiting]')).toBeVisible();
  await tour.at('offline');
}
