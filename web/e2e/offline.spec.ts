/** Without a network: the app opens, what was read is there, and what is said goes out later. */
import { expect, PASSWORD, type Person, REFUSED, test, WITHOUT_SERVER } from './journey';
import { annAndBeaAlone } from './opening';

/** The longest wait between two tries, and a little. */
const BACK_WITHIN_MS = 35_000;

test.describe.configure({ timeout: 120_000 });

/** The service worker has all files, and is in charge. */
async function isInstalled({ page }: Person): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller) return;
    await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
  });
}

/** All that changed lies in the database: what a page does when it is left. */
async function isPutAside({ page }: Person): Promise<void> {
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide')));
  await expect.poll(() => page.evaluate(kept)).toMatchObject({ timelines: true });
}

/** What lies in the database of whoever is signed in. */
async function kept(): Promise<{ names: string[]; timelines: boolean; unsent: number }> {
  const names = (await indexedDB.databases()).flatMap((it) => it.name ?? []).filter((it) => it.startsWith('chinwag.'));
  const [name] = names;
  if (name === undefined) return { names, timelines: false, unsent: 0 };
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const count = (store: string) =>
    new Promise<number>((resolve, reject) => {
      const request = database.transaction(store).objectStore(store).count();
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const found = { names, timelines: (await count('timelines')) > 0, unsent: await count('outbox') };
  database.close();
  return found;
}

test('a cold start without a server shows the list and what was read, and sends what is written when it is back', async ({ arrive, server }) => {
  const [ann, bea] = await annAndBeaAlone(arrive);
  await bea.say('the kettle is on');
  await expect(ann.message('the kettle is on')).toBeVisible();
  await ann.say('coming');
  await ann.seesTick('coming');
  await isInstalled(ann);
  await isPutAside(ann);

  await server.crash();
  await ann.page.goto('about:blank');
  await ann.open();
  // The room that was open last is painted again, with nobody to ask.
  await expect(ann.message('the kettle is on')).toBeVisible();
  await expect(ann.message('coming')).toBeVisible();
  await expect(ann.room('general')).toBeVisible();
  await ann.say('written in a tunnel');
  await expect.poll(async () => (await ann.page.evaluate(kept)).unsent).toBe(1);

  await ann.page.goto('about:blank');
  await server.restart();
  await ann.open();
  await ann.seesTick('written in a tunnel');
  await expect(bea.message('written in a tunnel')).toBeVisible({ timeout: BACK_WITHIN_MS });
  expect(await bea.said()).toEqual(['the kettle is on', 'coming', 'written in a tunnel']);
  expect(await ann.said()).toEqual(['the kettle is on', 'coming', 'written in a tunnel']);
  await expect.poll(async () => (await ann.page.evaluate(kept)).unsent).toBe(0);
});

test('who leaves at once, time after time, has what was read without a server all the same', async ({ arrive, server }) => {
  const [ann, bea] = await annAndBeaAlone(arrive);
  await bea.say('the kettle is on');
  await expect(ann.message('the kettle is on')).toBeVisible();
  await isInstalled(ann);
  // A picture as a page makes the browser look for an icon of its own.
  ann.excuse(REFUSED);
  const elsewhere = `${server.url}/favicon.svg`;
  await ann.page.goto(elsewhere);
  await ann.page.evaluate(async () => {
    // As on the first day, and from now on the page goes as soon as the first message is there.
    const names = (await indexedDB.databases()).flatMap((it) => it.name ?? []);
    for (const name of names) await new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = resolve));
    localStorage.setItem('visits', '5');
  });
  await ann.page.addInitScript(() => {
    const visits = Number(localStorage.getItem('visits'));
    if (visits === 0 || location.pathname !== '/') return;
    new MutationObserver((_, watcher) => {
      if (!document.querySelector('article')) return;
      watcher.disconnect();
      localStorage.setItem('visits', String(visits - 1));
      if (visits > 1) location.reload();
      else location.replace('/favicon.svg');
    }).observe(document, { childList: true, subtree: true });
  });
  await ann.page.goto(server.url, { waitUntil: 'commit' });
  await ann.page.waitForURL(elsewhere);
  expect(await ann.page.evaluate(kept)).toMatchObject({ timelines: true });

  await server.crash();
  await ann.open();
  await expect(ann.message('the kettle is on')).toBeVisible();
  await expect(ann.room('general')).toBeVisible();
});

test('what was said and deleted while one was away is so after a return from the cache', async ({ arrive, server }) => {
  const [ann, bea] = await annAndBeaAlone(arrive);
  await bea.say('a secret');
  await bea.say('an open word');
  await expect(ann.message('an open word')).toBeVisible();
  await isPutAside(ann);

  await ann.page.goto('about:blank');
  const { access_token: token } = await server.call<{ access_token: string }>('POST', '/v1/auth/login', { handle: 'bea', password: PASSWORD });
  const { rooms } = await server.call<{ rooms: { id: string; name: string | null }[] }>('GET', '/v1/rooms', undefined, token);
  const room = rooms.find((it) => it.name === 'general')?.id;
  const { messages } = await server.call<{ messages: { seq: number; body: { text?: string } | null }[] }>('GET', `/v1/rooms/${room}/messages`, undefined, token);
  const secret = messages.find((it) => it.body?.text === 'a secret');
  await server.call('DELETE', `/v1/rooms/${room}/messages/${secret?.seq}`, {}, token);
  await bea.say('what was that?');

  await ann.open();
  await expect(ann.message('what was that?')).toBeVisible();
  await expect(ann.message('a secret')).toHaveCount(0);
});

test('a restored server has another history: the cache goes, what is unsent stays', async ({ arrive, server }) => {
  const ann = await arrive();
  ann.excuse(WITHOUT_SERVER);
  // Of the other history nothing is known but the word that waits: what was said before it comes in above.
  ann.excuseShift(/^[\d.]+: article\.\S+ mine [^“]*“ You: still to come/);
  await ann.signUp('ann', 'Ann Archer');
  await ann.enter('general');
  await ann.say('as it was');
  await ann.seesTick('as it was');
  await isInstalled(ann);
  await isPutAside(ann);
  await server.crash();
  await ann.say('still to come');
  await expect.poll(async () => (await ann.page.evaluate(kept)).unsent).toBe(1);
  // A page of the same origin that is not the app, which would write down what it knows.
  await ann.page.goto(`${server.url}/favicon.svg`);
  await ann.page.evaluate(async () => {
    const [{ name } = { name: '' }] = await indexedDB.databases();
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open(name ?? '');
      request.onsuccess = () => resolve(request.result);
    });
    const store = database.transaction('self', 'readwrite').objectStore('self');
    const self = await new Promise<{ epoch: string }>((resolve) => {
      const request = store.get('self');
      request.onsuccess = () => resolve(request.result as { epoch: string });
    });
    // As if the database of the server had been another one when this was read.
    const epoch = self.epoch.slice(0, -1) + (self.epoch.endsWith('0') ? '1' : '0');
    await new Promise((resolve) => (store.put({ ...self, epoch }).onsuccess = resolve));
    database.close();
  });
  await server.restart();
  await ann.open();
  await ann.enter('general');
  await ann.seesTick('still to come');
  expect(await ann.said()).toEqual(['as it was', 'still to come']);
});

test('signing out erases what was kept', async ({ arrive }) => {
  const ann = await arrive();
  await ann.signUp('ann', 'Ann Archer');
  await ann.enter('general');
  await ann.say('between us');
  await ann.seesTick('between us');
  await isPutAside(ann);
  expect((await ann.page.evaluate(kept)).names).toHaveLength(1);
  await ann.signOut();
  await expect.poll(async () => (await ann.page.evaluate(kept)).names).toEqual([]);
});

test('without a database all works, and nothing is kept', async ({ arrive }) => {
  const ann = await arrive();
  await ann.page.addInitScript(() => {
    Object.defineProperty(globalThis, 'indexedDB', {
      get() {
        throw new DOMException('not here', 'SecurityError');
      },
    });
  });
  await ann.signUp('ann', 'Ann Archer');
  await expect(ann.page.getByText('This browser keeps nothing for this page.')).toBeVisible();
  await ann.enter('general');
  await ann.say('for now');
  await ann.seesTick('for now');
  await ann.page.reload();
  await ann.enter('general');
  await expect(ann.message('for now')).toBeVisible();
});
