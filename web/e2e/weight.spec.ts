import { expect, test } from './journey';

/** Of all scripts before the first message, as they travel. It was 62 kB when this was written. */
const SCRIPT_BYTES_MAX = 90_000;

test('the page is light', async ({ arrive }) => {
  const ann = await arrive();
  const sizes: Promise<number>[] = [];
  ann.page.on('response', (response) => {
    // The worker hands on unpacked what it has.
    if (!new URL(response.url()).pathname.endsWith('.js') || !response.url().includes('/assets/') || response.fromServiceWorker()) return;
    const headers = response.headers();
    // What fits a packet travels as it is.
    expect(headers['content-encoding'] === 'br' || Number(headers['content-length']) < 512, response.url()).toBe(true);
    expect(headers['cache-control']).toContain('immutable');
    sizes.push(response.request().sizes().then((it) => it.responseBodySize));
  });
  await ann.signUp('ann', 'Ann');
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
});
