/** Behind a proxy that knows nothing of WebSockets the app takes the event stream by itself, and all is as it was. */
import type { BrowserContextOptions } from '@playwright/test';
import { expect, type Person, test as base, WITHOUT_SERVER } from './journey';
import { annAndBea } from './opening';
import { Proxy } from './proxy';

/** The longest wait between two tries, and a little. */
const BACK_WITHIN_MS = 35_000;

/** What the browser itself reports of an answer that was cut, and of a proxy without a server. */
const CUT_OFF = /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_ABORTED|ERR_CONNECTION_CLOSED|status of 50[234]/;

const test = base.extend<{ front: Proxy; arrive: (options?: BrowserContextOptions) => Promise<Person> }>({
  front: async ({ server }, use) => {
    const proxy = await Proxy.start(server.url);
    server.front = proxy.url;
    await use(proxy);
    await proxy.stop();
  },
  arrive: async ({ arrive, front: _ }, use) => {
    await use(async (options) => {
      const person = await arrive(options);
      for (const pattern of [WITHOUT_SERVER, CUT_OFF]) person.excuse(pattern);
      return person;
    });
  },
});

test.describe.configure({ timeout: 120_000 });

test('two people talk, though no WebSocket comes through', async ({ arrive, front }) => {
  const [ann, bea] = await annAndBea(arrive);
  await ann.say('Hello Bea');
  await ann.seesTick('Hello Bea');
  await expect(bea.message('Hello Bea')).toContainText('Ann Archer');
  expect(front.count('/v1/ws'), 'each tried twice').toBe(4);
  expect(front.count('/v1/stream')).toBe(2);

  await bea.composer.pressSequentially('Hel');
  await expect(ann.page.getByRole('main').getByText('Bea Martin is typing…')).toBeVisible();
  await bea.say('Hello Ann');
  await expect(ann.message('Hello Ann')).toBeVisible();

  await ann.page.getByRole('button', { name: 'New chat' }).click();
  await ann.page.getByLabel('Handle').fill('bea');
  await ann.page.getByRole('button', { name: 'Find' }).click();
  await ann.page.getByRole('button', { name: 'Start chat' }).click();
  await expect(ann.page.getByRole('main').getByText('online')).toBeVisible();
  await ann.say('Psst');
  await expect(bea.room('Ann Archer').getByLabel('1 unread message')).toBeVisible();
  await bea.page.context().close();
  await expect(ann.page.getByRole('main').getByText('online')).toBeHidden({ timeout: 30_000 });
});

test('what is said without a network, and over a restart of the server, arrives once and in order', async ({ arrive, front, server }) => {
  const [ann, bea] = await annAndBea(arrive);
  await ann.say('one');
  await expect(bea.message('one')).toBeVisible();

  front.cut();
  await ann.say('two, in a tunnel');
  await ann.say('three, in the same');
  front.mend();
  await ann.seesTick('three, in the same');
  await expect(bea.message('three, in the same')).toBeVisible({ timeout: BACK_WITHIN_MS });

  await server.crash();
  await ann.say('four, to nobody');
  await server.restart();
  await expect(bea.message('four, to nobody')).toBeVisible({ timeout: BACK_WITHIN_MS });
  await bea.say('five');
  await expect(ann.message('five')).toBeVisible({ timeout: BACK_WITHIN_MS });
  const all = ['one', 'two, in a tunnel', 'three, in the same', 'four, to nobody', 'five'];
  expect(await ann.said()).toEqual(all);
  expect(await bea.said()).toEqual(all);
  expect(front.count('/v1/stream')).toBeGreaterThanOrEqual(6);
});
