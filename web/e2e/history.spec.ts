import type { Rooms, Tokens } from '../src/api/types';
import { PART_MAX } from '../src/features/timeline/limits';
import { expect, PASSWORD, test } from './journey';
import type { Server } from './server';

const MINE = 150;
const NEW = 70;

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

async function generalOf(server: Server, token: string): Promise<string | undefined> {
  const { rooms } = await server.call<Rooms>('GET', '/v1/rooms', undefined, token);
  return rooms.find((room) => room.name === 'general')?.id;
}
