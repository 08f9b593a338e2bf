/** Whatever people write is text, wherever it is shown. */
import type { Room, Rooms, Tokens } from '../src/api/types';
import { expect, PASSWORD, type Person, test } from './journey';
import { PAYLOADS } from './payloads';
import type { Server } from './server';

test.describe.configure({ timeout: 300_000 });

/** Longest name of a person or a room. */
const NAME_CHARS_MAX = 64;

/** Signs that no name may have; the server refuses them, and so they are shown nowhere. */
const FORBIDDEN_IN_NAMES = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

const NAMES = PAYLOADS.filter((it) => [...it].length <= NAME_CHARS_MAX && !FORBIDDEN_IN_NAMES.test(it) && it.trim() === it);

/** The server takes no control characters but those of lines and columns. */
const TEXTS = PAYLOADS.filter((it) => !/[^\P{Cc}\n\t]/u.test(it));

test('the corpus is large, and none is there twice', () => {
  expect(new Set(PAYLOADS).size).toBe(PAYLOADS.length);
  expect(PAYLOADS.length).toBeGreaterThanOrEqual(150);
  expect(NAMES.length).toBeGreaterThanOrEqual(100);
});

/** Notes what runs, and returns how to ask. */
async function watch({ page }: Person): Promise<() => string[]> {
  const ran: string[] = [];
  await page.exposeFunction('xss', () => void ran.push('xss()'));
  page.on('dialog', (dialog) => {
    ran.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('popup', (popup) => ran.push(`popup ${popup.url()}`));
  return () => ran;
}

/** Nothing that was written became an element, an attribute that runs, or an address of another kind. */
async function seesOnlyText({ page }: Person): Promise<void> {
  const found = await page.evaluate(() => {
    const own = new Set(['SCRIPT', 'LINK', 'META', 'STYLE', 'TITLE', 'NOSCRIPT']);
    const all = [...document.querySelectorAll('*')];
    const strange = all.filter((it) => /^(script|iframe|frame|object|embed|applet|base|math|video|audio|marquee|x|xss|keygen|isindex|noscript)$/i.test(it.localName));
    const bodied = strange.filter((it) => !own.has(it.tagName) || it.closest('#app'));
    const running = all.filter((it) => [...it.attributes].some((attribute) => attribute.name.startsWith('on')));
    const leading = [...document.querySelectorAll('[href], [src], [action]')].filter((it) => {
      const address = it.getAttribute('href') ?? it.getAttribute('src') ?? it.getAttribute('action') ?? '';
      return !/^(https?:\/\/|\/|#)/.test(address);
    });
    return [...bodied, ...running, ...leading].map((it) => `${it.localName} ${[...it.attributes].map(({ name, value }) => `${name}=${value}`).join(' ')}`.slice(0, 160));
  });
  expect(found).toEqual([]);
}

async function account(server: Server, handle: string, display_name: string): Promise<string> {
  const { access_token } = await server.call<Tokens>('POST', '/v1/auth/register', { handle, password: PASSWORD, display_name });
  return access_token;
}

async function generalOf(server: Server, token: string): Promise<string> {
  const { rooms } = await server.call<Rooms>('GET', '/v1/rooms', undefined, token);
  return rooms.find((room) => room.name === 'general')?.id ?? '';
}

test('in messages', async ({ arrive, server }) => {
  const ann = await arrive();
  const ran = await watch(ann);
  await ann.signUp('ann', 'Ann');
  const bea = await account(server, 'bea', 'Bea');
  const general = await generalOf(server, bea);
  for (const text of TEXTS) {
    await server.call('POST', `/v1/rooms/${general}/messages`, { text }, bea);
  }
  const last = TEXTS.at(-1)?.trim() ?? '';
  await expect(ann.messages.last().locator('.said')).toHaveText(last);
  const seen = new Set<string>();
  const pane = ann.page.getByRole('region', { name: 'Messages' });
  const first = ann.message('<script>xss()</script>').first();
  await expect(async () => {
    for (const said of await ann.said()) seen.add(said);
    await seesOnlyText(ann);
    await pane.evaluate((element) => element.scrollTo(0, 0));
    await expect(first).toBeVisible({ timeout: 500 });
    await expect(ann.page.getByText('This is the beginning.')).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 60_000 });
  expect(seen.size).toBeGreaterThan(150);
  expect(ran()).toEqual([]);
});

test('in names of people, and the notices and lists that name them', async ({ arrive, server }) => {
  const ann = await arrive();
  const ran = await watch(ann);
  await ann.signUp('ann', 'Ann');
  const names = NAMES.filter((_, index) => index % 6 === 0);
  for (const [index, name] of names.entries()) {
    const token = await account(server, `user_${index}`, name);
    await server.call('POST', `/v1/rooms/${await generalOf(server, token)}/messages`, { text: `I am ${index}.` }, token);
  }
  await expect(ann.message(`I am ${names.length - 1}.`)).toBeVisible();
  await seesOnlyText(ann);
  await ann.page.getByRole('button', { name: 'general', exact: true }).click();
  const info = ann.page.getByRole('complementary');
  await expect(info.getByRole('listitem')).toHaveCount(names.length + 1);
  await seesOnlyText(ann);
  for (const name of names.slice(0, 5)) await expect(info.getByText(name, { exact: true })).toBeVisible();
  await info.getByRole('button', { name: /What to do with/ }).first().click();
  await seesOnlyText(ann);
  expect(ran()).toEqual([]);
});

test('in names of rooms, in drafts, and in what is looked for', async ({ arrive, server }) => {
  const ann = await arrive();
  const ran = await watch(ann);
  await ann.signUp('ann', NAMES[0] ?? '');
  const { access_token } = await server.call<Tokens>('POST', '/v1/auth/login', { handle: 'ann', password: PASSWORD, refresh: 'body' });
  for (const [index, name] of NAMES.entries()) {
    const { id } = await server.call<Room>('POST', '/v1/rooms', { kind: index % 2 ? 'group' : 'channel', name: 'fine' }, access_token);
    await server.call('PATCH', `/v1/rooms/${id}`, { name }, access_token);
  }
  await expect(ann.page.getByRole('navigation').locator(`[data-room]`).first()).toContainText(NAMES.at(-1) ?? '');

  for (const text of PAYLOADS) await ann.write(text);
  for (const text of PAYLOADS.slice(0, 40)) {
    await ann.page.keyboard.press('Alt+ArrowDown');
    await expect(ann.composer).toBeVisible();
    await ann.write(text);
  }
  await expect(ann.page.getByText('Draft:').first()).toBeVisible();
  await seesOnlyText(ann);

  const search = ann.page.getByRole('textbox', { name: 'Search chats' });
  for (const text of PAYLOADS) await ann.write(text.replace(/[\r\n]/g, ''), search);
  await seesOnlyText(ann);
  await search.fill('');
  await ann.page.keyboard.press('Control+k');
  for (const text of PAYLOADS) await ann.write(text.replace(/[\r\n]/g, ''), ann.page.getByRole('combobox'));
  await seesOnlyText(ann);
  expect(ran()).toEqual([]);
});

test('in addresses that lead here', async ({ arrive }) => {
  const ann = await arrive();
  const ran = await watch(ann);
  for (const text of PAYLOADS.filter((_, index) => index % 8 === 0)) {
    await ann.open(`#invite=${encodeURIComponent(text)}`);
    await expect(ann.page.getByRole('heading', { name: 'Create account' })).toBeVisible();
  }
  await ann.open(`#${PAYLOADS[0]}`);
  await seesOnlyText(ann);
  expect(ran()).toEqual([]);
});
