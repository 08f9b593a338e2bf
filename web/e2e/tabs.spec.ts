/** Two tabs of one person: one link, one truth, and none that hangs on the other. */
import { ASKED_TOO_LATE, expect, type Person, test, WITHOUT_SERVER } from './journey';
import { annAndBea, annAndBeaAlone } from './opening';

test.describe.configure({ timeout: 120_000 });

/** Counts the sockets of a tab that are open. */
function sockets({ page }: Person): () => number {
  let open = 0;
  page.on('websocket', (socket) => {
    open += 1;
    socket.on('close', () => (open -= 1));
  });
  return () => open;
}

/** Over plain http in a network at home there are none. */
async function withoutLocks({ page }: Person): Promise<void> {
  await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }));
}

/** The tests' browser tells each page that it has the focus. Of two that one person has, one has it. */
async function looksAt(tab: Person, away: Person): Promise<void> {
  for (const { page } of [away, tab]) {
    await page.evaluate((hasFocus) => {
      document.hasFocus = () => hasFocus;
      dispatchEvent(new FocusEvent(hasFocus ? 'focus' : 'blur'));
    }, page === tab.page);
  }
}

test('two tabs share one link and one truth, and the second goes on when the first is closed', async ({ arrive }) => {
  const [ann, bea] = [await arrive(), await arrive()];
  const second = await ann.tab();
  const [firstLinks, secondLinks] = [sockets(ann), sockets(second)];
  await ann.signUp('ann', 'Ann Archer');
  await bea.signUp('bea', 'Bea Martin');
  await ann.enter('general');
  await bea.enter('general');
  await second.open();
  await second.enter('general');
  await bea.say('to both of you');
  for (const tab of [ann, second]) await expect(tab.message('to both of you')).toBeVisible();
  expect([firstLinks(), secondLinks()]).toEqual([1, 0]);

  await ann.say('from the first');
  await second.say('from the second');
  for (const tab of [ann, second]) {
    await tab.seesTick('from the first');
    await tab.seesTick('from the second');
  }
  expect(await second.said()).toEqual(await ann.said());

  await ann.page.close();
  await second.say('alone now');
  await second.seesTick('alone now');
  await bea.say('still there?');
  await expect(second.message('still there?')).toBeVisible();
  await expect.poll(secondLinks).toBe(1);
  expect(await second.said()).toEqual(['to both of you', 'from the first', 'from the second', 'alone now', 'still there?']);
  expect(await bea.said()).toEqual(await second.said());
});

test('what a tab says while the one with the link dies is said once', async ({ arrive, server }) => {
  const [ann, bea] = await annAndBeaAlone(arrive);
  const second = await ann.tab();
  await second.open();
  await second.enter('general');
  await ann.say('before');
  await second.seesTick('before');
  await server.crash();
  await ann.say('one');
  await second.say('two');
  await expect(second.message('one')).toBeVisible();
  await expect(ann.message('two')).toBeVisible();
  await ann.page.close();
  await second.say('three');
  await server.restart();
  await second.seesTick('three');
  await expect(bea.message('three')).toBeVisible({ timeout: 35_000 });
  expect(await bea.said()).toEqual(['before', 'one', 'two', 'three']);
  expect(await second.said()).toEqual(['before', 'one', 'two', 'three']);
});

test('a tab that sleeps is relieved by one that is looked at', async ({ arrive }) => {
  const ann = await arrive();
  const second = await ann.tab();
  await ann.signUp('ann', 'Ann Archer');
  await ann.enter('general');
  await second.open();
  await second.enter('general');
  await second.say('awake');
  await second.seesTick('awake');
  // The first hangs as a browser freezes a tab in the background: it hears nothing.
  const woken = ann.page.evaluate(() => {
    const until_ms = Date.now() + 6_000;
    while (Date.now() < until_ms);
  });
  await second.say('is anybody there?');
  await second.seesTick('is anybody there?');
  await woken;
  await ann.say('I slept');
  for (const tab of [ann, second]) await tab.seesTick('I slept');
  expect(await ann.said()).toEqual(['awake', 'is anybody there?', 'I slept']);
  expect(await second.said()).toEqual(await ann.said());
});

test('what is read in one tab is read in the other, and what only lies open is not read', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  const second = await ann.tab();
  await second.open();
  await second.enter('Notes to self');
  await looksAt(second, ann);
  await expect(ann.composer).toBeVisible();
  await bea.say('for whoever looks');
  await expect(ann.message('for whoever looks')).toBeVisible();
  for (const tab of [ann, second]) await expect(tab.page).toHaveTitle('(1) Chinwag');
  await expect(second.room('general').getByLabel('1 unread message')).toBeVisible();

  await looksAt(ann, second);
  for (const tab of [ann, second]) await expect(tab.page).toHaveTitle('Chinwag');
  await expect(ann.page.locator('[data-line]')).toBeVisible();
  await expect(second.room('general').getByLabel('1 unread message')).toHaveCount(0);

  await looksAt(second, ann);
  await bea.say('for the other');
  for (const tab of [ann, second]) await expect(tab.page).toHaveTitle('(1) Chinwag');
  await second.enter('general');
  for (const tab of [ann, second]) await expect(tab.page).toHaveTitle('Chinwag');
  await second.page.reload();
  await expect(second.message('for the other')).toBeVisible();
  for (const tab of [ann, second]) await expect(tab.page).toHaveTitle('Chinwag');
});

test('signing out in one tab signs out all', async ({ arrive }) => {
  const ann = await arrive();
  ann.excuse(ASKED_TOO_LATE);
  const second = await ann.tab();
  await ann.signUp('ann', 'Ann Archer');
  await second.open();
  await second.enter('general');
  await second.signOut();
  await expect(ann.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await ann.page.reload();
  await expect(ann.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test.describe('without locks', () => {
  test('each tab has a link, and what a closed one left unsaid is said once by another', async ({ arrive, server }) => {
    const [ann, bea] = [await arrive(), await arrive()];
    for (const person of [ann, bea]) person.excuse(WITHOUT_SERVER);
    const second = await ann.tab();
    for (const tab of [ann, second]) await withoutLocks(tab);
    const [firstLinks, secondLinks] = [sockets(ann), sockets(second)];
    await ann.signUp('ann', 'Ann Archer');
    await bea.signUp('bea', 'Bea Martin');
    await ann.enter('general');
    await bea.enter('general');
    await second.open();
    await second.enter('general');
    await ann.say('from the first');
    await second.say('from the second');
    for (const tab of [ann, second]) await expect(tab.message('from the second')).toBeVisible();
    expect([firstLinks(), secondLinks()]).toEqual([1, 1]);

    await server.crash();
    await ann.say('left behind');
    await expect(ann.message('left behind')).toBeVisible();
    await ann.page.close({ runBeforeUnload: false });
    await server.restart();
    await expect(bea.message('left behind')).toBeVisible({ timeout: 35_000 });
    await second.page.reload();
    await second.enter('general');
    await second.seesTick('left behind');
    expect(await bea.said()).toEqual(['from the first', 'from the second', 'left behind']);
  });

  test('signing out in one signs out all', async ({ arrive }) => {
    const ann = await arrive();
    ann.excuse(ASKED_TOO_LATE);
    const second = await ann.tab();
    for (const tab of [ann, second]) await withoutLocks(tab);
    await ann.signUp('ann', 'Ann Archer');
    await second.open();
    await second.enter('general');
    await ann.signOut();
    await expect(second.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  });
});
