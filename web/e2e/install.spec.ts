/** The app on a home screen: what an installer asks for, what is kept, and how a new version comes. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Page } from '@playwright/test';
import { expect, type Person, test } from './journey';

/** The worker of this page is in charge. */
async function isInstalled({ page }: Person): Promise<void> {
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller) return;
    await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
  });
}

/** What the caches hold, without the hashes. */
function cached(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const paths: string[] = [];
    for (const name of await caches.keys()) {
      for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
    }
    return paths.sort();
  });
}

/** Stands between browser and server, and can let the worker be that of a later build. */
class Between {
  word = '';
  readonly #proxy = createServer((asked, answer) => this.#pass(asked, answer));

  static async start(): Promise<Between> {
    const between = new Between();
    between.#proxy.on('connect', tunnel);
    await new Promise<void>((resolve) => between.#proxy.listen(0, '127.0.0.1', resolve));
    return between;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#proxy.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#proxy.close();
    this.#proxy.closeAllConnections();
  }

  #pass(asked: IncomingMessage, answer: ServerResponse): void {
    const url = new URL(asked.url ?? '');
    const isWorker = url.pathname === '/worker.js' && this.word !== '';
    // Of a later build the browser has nothing: what it has must not be called fresh.
    const { 'if-none-match': _, ...others } = asked.headers;
    const headers = isWorker ? { ...others, 'accept-encoding': 'identity' } : asked.headers;
    const passed = request(url, { method: asked.method, headers }, (given) => {
      const { 'content-length': _, ...shorter } = given.headers;
      answer.writeHead(given.statusCode ?? 502, isWorker ? shorter : given.headers);
      if (isWorker) answer.write(`/* ${this.word} */`);
      given.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  }
}

/** The socket goes through as it is. */
function tunnel(asked: IncomingMessage, near: Duplex): void {
  const { hostname, port } = new URL(`http://${asked.url}`);
  const far = connect(Number(port), hostname, () => {
    near.write('HTTP/1.1 200 OK\r\n\r\n');
    near.pipe(far).pipe(near);
  });
  for (const [one, other] of [[near, far], [far, near]] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
}

test('it can be installed: a manifest, and icons of the sizes that it names', async ({ arrive, server }) => {
  const ann = await arrive();
  await ann.open();
  const address = await ann.page.locator('link[rel=manifest]').getAttribute('href');
  const manifest = (await (await fetch(new URL(address ?? '', server.url))).json()) as { name: string; start_url: string; display: string; icons: { src: string; sizes: string; type: string; purpose?: string }[] };
  expect(manifest).toMatchObject({ name: 'Chinwag', start_url: '/', display: 'standalone' });
  expect(manifest.icons.map((it) => it.sizes)).toEqual(expect.arrayContaining(['192x192', '512x512']));
  expect(manifest.icons.some((it) => it.purpose === 'maskable')).toBe(true);
  const touch = await ann.page.locator('link[rel=apple-touch-icon]').getAttribute('href');
  for (const { src, sizes } of [...manifest.icons, { src: touch ?? '', sizes: '180x180' }]) {
    if (sizes === 'any') continue;
    const [width, height] = await ann.page.evaluate(async (address) => {
      const image = new Image();
      image.src = address;
      await image.decode();
      return [image.naturalWidth, image.naturalHeight];
    }, src);
    expect(`${width}x${height}`, src).toBe(sizes);
  }
});

test('the app itself is kept, and nothing that the server says about people', async ({ arrive }) => {
  const ann = await arrive();
  await ann.signUp('ann', 'Ann Archer');
  await ann.enter('general');
  await ann.say('not for the cache');
  await ann.seesTick('not for the cache');
  await isInstalled(ann);
  await ann.page.reload();
  await ann.enter('general');
  await expect(ann.message('not for the cache')).toBeVisible();
  const paths = await cached(ann.page);
  expect(paths).toContain('/');
  expect(paths.some((it) => it.startsWith('/assets/') && it.endsWith('.js'))).toBe(true);
  expect(paths.filter((it) => it.startsWith('/v1'))).toEqual([]);
  const scripts = await ann.page.evaluate(() => performance.getEntriesByType('resource').filter((it) => it.name.endsWith('.js')).map((it) => (it as PerformanceResourceTiming).transferSize));
  // What the worker gives out did not travel.
  expect(scripts.every((bytes) => bytes === 0)).toBe(true);
});

test('a new version waits for a click, and then all tabs have it', async ({ arrive }) => {
  const between = await Between.start();
  const ann = await arrive({ proxy: { server: between.address } });
  await ann.signUp('ann', 'Ann Archer');
  await isInstalled(ann);
  const second = await ann.tab();
  await second.open();
  await second.enter('general');
  await second.say('before');
  await second.seesTick('before');
  await second.composer.fill('half a word');

  between.word = 'a later build';
  await ann.page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  const button = ann.page.getByRole('button', { name: 'Reload' });
  await expect(button).toBeVisible();
  const reloads = second.page.waitForEvent('load');
  await ann.page.evaluate(() => Object.assign(globalThis, { isOld: true }));
  await expect(second.message('before')).toBeVisible();
  await button.click();
  await reloads;
  await expect.poll(() => ann.page.evaluate(() => 'isOld' in globalThis)).toBe(false);
  await expect(ann.page.getByRole('button', { name: 'Reload' })).toHaveCount(0);
  await expect(second.message('before')).toBeVisible();
  await expect(second.composer).toHaveValue('half a word');
  expect(await second.page.evaluate(async () => (await caches.keys()).length)).toBe(1);
  between.stop();
});

test('where there are no service workers all works', async ({ arrive }) => {
  const ann = await arrive();
  await ann.page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined }));
  await ann.signUp('ann', 'Ann Archer');
  await ann.enter('general');
  await ann.say('by the server each time');
  await ann.seesTick('by the server each time');
  await ann.page.reload();
  await ann.enter('general');
  await expect(ann.message('by the server each time')).toBeVisible();
});
