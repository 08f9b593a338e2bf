import type { Messages, Rooms, Tokens } from '../src/api/types';
import { PART_MAX } from '../src/features/timeline/limits';
import { expect, PASSWORD, type Person, test } from './journey';
import type { Server } from './server';

const MINE = 150;
const NEW = 70;

/** More than is read ahead, or stands on the page. */
const FAR = 400;

test('a long room opens at what is new, and reads on in both directions without moving the eye', async ({ arrive, server }) => {
  const ann = await arrive();
  const { page } = ann;
  await ann.signUp('ann', 'Ann Archer');
  await ann.enter('Notes to self');
  const mine = await server.call<Tokens>('POST', '/v1/auth/login', { handle: 'ann', password: PASSWORD, refresh: 'body' });
  const theirs = await server.call<Tokens>('POST', '/v1/auth/register', { handle: 'bea', password: PASSWORD, display_name: 'Bea' });
  const room = await generalOf(server, mine.access_token);
  const say = (text: string, { access_token }: Tokens) =>
    server.call('POST', `/v1/rooms/${room}/messages`, { text }, access_token);
  for (let number = 1; number <= MINE; number += 1) await say(`number ${number}.`, mine);
  for (let number = MINE + 1; number <= MINE + NEW; number += 1) await say(`number ${number}.`, theirs);
  await expect(ann.room('general').getByLabel(`${NEW} unread messages`)).toBeVisible();

  // A fresh page knows none of it. What is new is more than one page of history.
  await page.reload();
  await ann.enter('general');
  await expect(page.getByText('New messages')).toBeInViewport();
  await expect(ann.message(`number ${MINE + 1}.`)).toBeInViewport();
  await expect(ann.message('number 1.')).toHaveCount(0);
  await expect(ann.room('general').getByLabel(`${NEW} unread messages`)).toBeVisible();

  // Up to the first, however often there is a page to be read; the page itself stays small.
  const pane = page.getByRole('region', { name: 'Messages' });
  await pane.hover();
  await expect(async () => {
    await page.mouse.wheel(0, -1_200);
    await expect(ann.message('number 1.')).toHaveCount(1, { timeout: 200 });
  }).toPass();
  expect((await ann.said()).length).toBeLessThanOrEqual(PART_MAX);
  expect((await ann.said()).slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, index) => `number ${index + 1}.`));

  await ann.message('number 90.').scrollIntoViewIfNeeded();
  const place = await ann.message('number 90.').boundingBox();
  await say('one more', theirs);
  await expect(page.getByRole('button', { name: 'To the newest message' })).toContainText(`${NEW + 1}`);
  expect(await ann.message('number 90.').boundingBox()).toEqual(place);

  await page.getByRole('button', { name: 'To the newest message' }).click();
  await expect(ann.message('one more')).toBeInViewport();
  await expect(ann.room('general').getByLabel(/unread/)).toHaveCount(0);
  await say('and another', theirs);
  await expect(ann.message('and another')).toBeInViewport();
});

test('what comes in at an end while the page is scrolled moves nothing but by the hand', async ({ arrive, server }) => {
  const { access_token: token } = await server.call<Tokens>('POST', '/v1/auth/register', { handle: 'ann', password: PASSWORD, display_name: 'Ann' });
  const path = `/v1/rooms/${await generalOf(server, token)}/messages`;
  for (let number = 1; number <= FAR; number += 1) await server.call('POST', path, { text: `number ${number}.\n${'and so on '.repeat(number % 40)}` }, token);
  const ann = await arrive();
  await ann.open();
  await ann.signIn('ann');
  await ann.enter('general');
  await expect(ann.message(`number ${FAR}.`)).toBeInViewport();
  let most_px = 0;
  for (const [step_px, end] of [[-300, 'number 1.'], [300, `number ${FAR}.`]] as const) {
    await expect(async () => {
      most_px = Math.max(most_px, await ann.page.evaluate(scroll, step_px));
      await expect(ann.message(end)).toBeInViewport({ timeout: 200 });
    }).toPass();
  }
  expect(most_px).toBeLessThanOrEqual(1);
});

/** In the page: a hand that moves the pane before each of a hundred frames. Returns by how much at most a message moved else than the hand did, which an end of the page may stop. */
async function scroll(step_px: number): Promise<number> {
  const pane = document.querySelector('main [role=region]');
  let most_px = 0;
  for (let frame = 0; pane && frame < 100; frame += 1) {
    const seen = document.elementFromPoint(innerWidth / 2, innerHeight / 2)?.closest('section')?.querySelectorAll('article') ?? [];
    const row = [...seen].find((it) => it.getBoundingClientRect().top > innerHeight / 3);
    const before_px = row?.getBoundingClientRect().top ?? 0;
    pane.scrollTop += step_px;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const moved_px = row?.isConnected ? row.getBoundingClientRect().top - before_px : -step_px;
    const [least, greatest] = [Math.min(0, -step_px), Math.max(0, -step_px)];
    most_px = Math.max(most_px, least - moved_px, moved_px - greatest);
  }
  return most_px;
}

test.describe('going to a date', () => {
  /** As in a place where the day began with this message. */
  async function dayBeginsAt({ page }: Person, at_ms: number): Promise<void> {
    await page.addInitScript((midnight_ms) => {
      const Native = Date;
      globalThis.Date = new Proxy(Native, {
        construct: (date, given: unknown[]) => Reflect.construct(date, given.length === 3 ? [midnight_ms] : given) as Date,
      });
    }, at_ms);
  }

  async function goToToday({ page }: Person): Promise<void> {
    await page.getByRole('button', { name: 'What to do with this chat' }).click();
    await page.getByRole('menuitem', { name: 'Go to a date' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Go there' }).click();
  }

  /** Somebody whose day began in the middle of a long room, and the first message of it. */
  async function someone(arrive: () => Promise<Person>, server: Server): Promise<[Person, string]> {
    const { access_token: token } = await server.call<Tokens>('POST', '/v1/auth/register', { handle: 'ann', password: PASSWORD, display_name: 'Ann' });
    const path = `/v1/rooms/${await generalOf(server, token)}/messages`;
    for (let number = 1; number <= FAR; number += 1) await server.call('POST', path, { text: `number ${number}.` }, token);
    const { messages } = await server.call<Messages>('GET', `${path}?before=${FAR / 2}`, undefined, token);
    const at_ms = messages.at(-1)?.at_ms ?? 0;
    const first = messages.find((it) => it.at_ms === at_ms);
    const ann = await arrive();
    await dayBeginsAt(ann, at_ms);
    await ann.open();
    await ann.signIn('ann');
  return [ann, String(first?.body?.text)];
  }

  async function hasLanded(ann: Person, first: string): Promise<void> {
    await expect(ann.message(first)).toBeFocused();
    await expect(ann.message(first)).toBeInViewport();
  }

  test('lands on the first message of that day, from wherever one is', async ({ arrive, server }) => {
    const [ann, first] = await someone(arrive, server);
    await ann.enter('general');
    await expect(ann.message(`number ${FAR}.`)).toBeInViewport();
    await expect(ann.message(first)).toHaveCount(0);
    // From where nothing of that day is known, from there, and back from the end.
    await goToToday(ann);
    await hasLanded(ann, first);
    await goToToday(ann);
    await hasLanded(ann, first);
    await ann.page.getByRole('button', { name: 'To the newest message' }).click();
    await expect(ann.message(`number ${FAR}.`)).toBeInViewport();
    await goToToday(ann);
    await hasLanded(ann, first);
  });

  test('lands there too where the room has not been shown yet', async ({ arrive, server }) => {
    const [ann, first] = await someone(arrive, server);
    let go = () => {};
    const gone = new Promise<void>((resolve) => (go = resolve));
    const isDate = (url: URL) => url.pathname.endsWith('/messages') && url.searchParams.has('at');
    await ann.page.route((url) => url.pathname.endsWith('/messages') && !isDate(url), async (route) => {
      await gone;
      await route.continue();
    });
    await ann.enter('general');
    await goToToday(ann);
    await hasLanded(ann, first);
    // What the room began with comes late, and moves nobody.
    const late = ann.page.waitForResponse((answer) => !isDate(new URL(answer.url())) && answer.url().includes('/messages?'));
    go();
    await (await late).finished();
    await hasLanded(ann, first);
  });
});

async function generalOf(server: Server, token: string): Promise<string | undefined> {
  const { rooms } = await server.call<Rooms>('GET', '/v1/rooms', undefined, token);
  return rooms.find((room) => room.name === 'general')?.id;
}
