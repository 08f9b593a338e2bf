import { ASKED_TOO_LATE, expect, STORED, test } from './journey';
import { annAndBea, annAndBeaAlone } from './opening';

/** The longest wait between two tries, and a little. */
const BACK_WITHIN_MS = 35_000;

test.describe.configure({ timeout: 120_000 });

test('a reload keeps all', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  for (const text of ['one', 'two', 'three']) await ann.say(text);
  await bea.say('four');
  await expect(ann.message('four')).toBeVisible();
  await ann.seesTick('three');
  const before = await ann.said();

  await ann.page.reload();
  await ann.enter('general');
  await expect(ann.message('four')).toBeVisible();
  expect(await ann.said()).toEqual(before);
  await bea.say('five');
  await expect(ann.message('five')).toBeVisible();
});

test('a reload right after signing up comes back to the room, and each tab to its own', async ({ arrive }) => {
  const ann = await arrive();
  ann.excuse(ASKED_TOO_LATE);
  await ann.signUp('ann', 'Ann Archer');
  await ann.page.reload();
  await ann.seesRoom('general');
  const second = await ann.tab();
  await second.open();
  await second.enter('Notes to self');
  await second.page.reload();
  await second.seesRoom('Notes to self');
  await ann.page.reload();
  await ann.seesRoom('general');
  await ann.signOut();
  expect(await ann.page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
});

test('the server dies in the middle: nothing ticked is lost, and what was unsent goes out once', async ({ arrive, server }) => {
  const [ann, bea] = await annAndBeaAlone(arrive);
  const before = Array.from({ length: 10 }, (_, index) => `before ${index}.`);
  for (const text of before) await ann.say(text);
  await ann.seesTick('before 4.');
  await server.crash();
  const during = Array.from({ length: 5 }, (_, index) => `during ${index}.`);
  for (const text of during) await ann.say(text);
  await expect(ann.message('during 4.').locator('[data-stage=waiting], [data-stage=sending]')).toBeVisible();
  await expect(ann.page.getByRole('status').getByText('No connection.')).toBeVisible();

  await server.restart();
  // Nobody presses anything: both come back by themselves, within the longest wait.
  await expect(ann.message('during 4.').locator(STORED)).toBeVisible({ timeout: BACK_WITHIN_MS });
  await expect(bea.message('during 4.')).toBeVisible({ timeout: BACK_WITHIN_MS });
  await ann.say('after');
  await expect(bea.message('after')).toBeVisible();

  const all = [...before, ...during, 'after'];
  expect(await ann.said()).toEqual(all);
  expect(await bea.said()).toEqual(all);
  await bea.page.reload();
  await bea.enter('general');
  await expect(bea.message('after')).toBeVisible();
  expect(await bea.said()).toEqual(all);
});

test('what was unsent survives a reload and goes out once', async ({ arrive, server }) => {
  const [ann, bea] = await annAndBeaAlone(arrive);
  // In a room that does not fill the page, what was said before a word that still waits comes in above it.
  ann.excuseShift(/^[\d.]+: article\.\S+ mine [^“]*“ You: written on a train/);
  await ann.say('before');
  await ann.seesTick('before');

  await server.crash();
  await ann.say('written on a train');
  await expect(ann.message('written on a train').locator('[data-stage=waiting], [data-stage=sending]')).toBeVisible();
  await ann.page.goto('about:blank');
  await server.restart();
  await ann.open();
  await ann.enter('general');
  await ann.seesTick('written on a train');
  await expect(bea.message('written on a train')).toBeVisible({ timeout: BACK_WITHIN_MS });
  expect(await bea.said()).toEqual(['before', 'written on a train']);
  expect(await ann.said()).toEqual(['before', 'written on a train']);
  await ann.page.reload();
  await ann.enter('general');
  await expect(ann.message('written on a train')).toBeVisible();
  expect(await ann.said()).toEqual(['before', 'written on a train']);
});
