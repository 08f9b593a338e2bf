import { expect, test } from './journey';

/** Of all scripts together, as they travel. It was 36 kB when this was written. */
const SCRIPT_BYTES_MAX = 90_000;

test('the page is light', async ({ arrive }) => {
  const ann = await arrive();
  const sizes: Promise<number>[] = [];
  ann.page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return;
    expect(response.headers()['content-encoding']).toBe('br');
    expect(response.headers()['cache-control']).toContain('immutable');
    sizes.push(response.request().sizes().then((it) => it.responseBodySize));
  });
  await ann.signUp('ann', 'Ann');
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
});
