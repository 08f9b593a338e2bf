import { expect, REFUSED, test } from './journey';
import { annAndBea } from './opening';

test('two people talk, and each sees the other live', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  await expect(ann.page.getByRole('main').getByText('Bea Martin joined')).toBeVisible();

  await ann.say('Hello Bea');
  await ann.seesTick('Hello Bea');
  await expect(bea.message('Hello Bea')).toContainText('Ann Archer');

  await bea.composer.pressSequentially('Hel');
  await expect(ann.page.getByRole('main').getByText('Bea Martin is typing…')).toBeVisible();
  await bea.say('Hello <b>Ann</b> https://example.org/a?b=c');
  await expect(ann.message('Hello <b>Ann</b>')).toBeVisible();
  await expect(ann.message('Hello').getByRole('link')).toHaveAttribute('href', 'https://example.org/a?b=c');
  await expect(ann.page.getByRole('main').getByText('is typing')).toBeHidden();

  await bea.composer.fill('first line');
  await bea.composer.press('Shift+Enter');
  await bea.composer.pressSequentially('second line');
  await bea.composer.press('Enter');
  await expect(ann.message('first line\nsecond line')).toBeVisible();
  expect(await ann.said()).toEqual(await bea.said());
});

test('a direct chat is found by handle, counts what is unread, and shows who is online', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);

  await ann.page.getByRole('button', { name: 'New chat' }).click();
  await ann.page.getByLabel('Handle').fill('bea');
  await ann.page.getByRole('button', { name: 'Find' }).click();
  await expect(ann.page.getByText('@bea')).toBeVisible();
  await ann.page.getByRole('button', { name: 'Start chat' }).click();
  await expect(ann.page.getByRole('main').getByText('online')).toBeVisible();
  await ann.say('Psst');
  await ann.say('Are you there?');

  await expect(bea.room('Ann Archer').getByLabel('2 unread messages')).toBeVisible();
  await expect(bea.page).toHaveTitle('(2) Chinwag');
  await bea.enter('Ann Archer');
  await expect(bea.page.getByText('New messages')).toBeVisible();
  await expect(bea.room('Ann Archer').getByLabel(/unread/)).toHaveCount(0);
  await expect(bea.page).toHaveTitle('Chinwag');
  await bea.say('Yes');
  await expect(ann.message('Yes')).toBeVisible();

  await bea.page.context().close();
  await expect(ann.page.getByRole('main').getByText('online')).toBeHidden({ timeout: 30_000 });
  await expect(ann.page.getByRole('main').getByText('last seen')).toBeVisible();
});

test('a message is deleted for everyone', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  await ann.say('Nobody should read this');
  await expect(bea.message('Nobody should read this')).toBeVisible();
  await bea.message('Nobody should read this').locator('.said').click({ button: 'right' });
  await expect(bea.page.getByRole('menuitem', { name: 'Copy text' })).toBeVisible();
  await expect(bea.page.getByRole('menuitem', { name: 'Delete message' })).toHaveCount(0);
  await bea.page.keyboard.press('Escape');

  await ann.act('Nobody should read this', 'Delete message');
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(bea.message('This message was deleted')).toBeVisible();
  await expect(ann.message('This message was deleted')).toBeVisible();
  await expect(bea.page.getByText('Nobody should read this')).toHaveCount(0);
});

test('what somebody else deletes keeps its height while one reads on below it', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);
  await ann.say(Array.from({ length: 12 }, (_, index) => `line ${index} of a long story`).join('\n'));
  await ann.say('and what came of it');
  // A fresh page, on which nothing was pressed yet.
  await bea.page.reload();
  await expect(bea.message('and what came of it')).toBeInViewport();
  const place = await bea.message('and what came of it').boundingBox();
  await ann.act('a long story', 'Delete message');
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  const deleted = bea.message('This message was deleted');
  await expect(deleted).toBeVisible();
  expect(await bea.message('and what came of it').boundingBox()).toEqual(place);
  const high = await deleted.boundingBox();
  await bea.enter('Notes to self');
  await bea.enter('general');
  await expect(deleted).toBeVisible();
  expect((await deleted.boundingBox())?.height).toBeLessThan((high?.height ?? 0) / 4);
});

test('a group and a channel are made, and a channel joined', async ({ arrive }) => {
  const [ann, bea] = await annAndBea(arrive);

  await ann.page.getByRole('button', { name: 'New chat' }).click();
  await ann.page.getByText('Group', { exact: true }).click();
  await ann.page.getByLabel('Handle').fill('nobody');
  ann.excuse(REFUSED);
  await ann.page.getByRole('button', { name: 'Add' }).click();
  await expect(ann.page.getByText('Nobody has the handle nobody.')).toBeVisible();
  await ann.page.getByLabel('Handle').fill('@Bea');
  await ann.page.getByRole('button', { name: 'Add' }).click();
  await ann.page.getByLabel('Name of the group').fill('Tea');
  await ann.page.getByRole('button', { name: 'Create' }).click();
  await expect(ann.page.getByRole('main').getByText('You added Bea Martin')).toBeVisible();
  await ann.say('Milk first');
  await bea.enter('Tea');
  await expect(bea.message('Milk first')).toBeVisible();

  await bea.page.getByRole('button', { name: 'New chat' }).click();
  await bea.page.getByText('Channel', { exact: true }).click();
  await bea.page.getByLabel('Name of the channel').fill('Books');
  await bea.page.getByRole('button', { name: 'Create' }).click();
  await bea.seesRoom('Books');
  await bea.say('What do you read?');
  await bea.seesTick('What do you read?');

  await ann.page.getByRole('button', { name: 'New chat' }).click();
  await ann.page.getByText('Join', { exact: true }).click();
  await ann.page.getByRole('dialog').getByRole('button', { name: 'Join' }).click();
  await expect(ann.message('What do you read?')).toBeVisible();
  await ann.say('Poems');
  await expect(bea.message('Poems')).toBeVisible();
});
