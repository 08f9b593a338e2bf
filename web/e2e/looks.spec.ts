/** Pictures for the eye of a reviewer, in `e2e/screenshots`. */
import type { Tokens } from '../src/api/types';
import { expect, PASSWORD, test } from './journey';

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

for (const colorScheme of ['light', 'dark'] as const) {
  for (const [size, viewport] of Object.entries(SIZES)) {
    test(`${colorScheme} on a ${size}`, async ({ arrive, server }) => {
      const picture = (name: string) => ann.page.screenshot({ path: `e2e/screenshots/${name}-${colorScheme}-${size}.png` });
      const isPhone = size === 'phone';
      const ann = await arrive({ viewport, colorScheme, isMobile: isPhone, hasTouch: isPhone });
      await ann.open();
      await expect(ann.page.getByRole('heading', { name: 'Create account' })).toBeVisible();
      await picture('1-account');

      await ann.signUp('ann', 'Ann Archer');
      const people: Tokens[] = [];
      for (const [handle, display_name] of [['bea', 'Bea Martin'], ['cid', 'Cid Okafor']]) {
        people.push(await server.call<Tokens>('POST', '/v1/auth/register', { handle, password: PASSWORD, display_name }));
      }
      const general = (await server.call<{ rooms: { id: string; name: string }[] }>('GET', '/v1/rooms', undefined, people[0]?.access_token)).rooms.find((room) => room.name === 'general');
      const say = (person: number, text: string) =>
        server.call('POST', `/v1/rooms/${general?.id}/messages`, { text }, people[person]?.access_token);
      await say(0, 'Did anybody see the train times for Saturday?');
      await say(1, 'There is one at 9:12, and one an hour later. I would take the later one, because the café does not open before ten.');
      await say(1, 'https://example.org/trains has them all');
      await ann.room('general').click();
      await ann.composer.fill('The later one, then.\nSee you at the station!');
      await ann.page.getByRole('button', { name: 'Send' }).click();
      await ann.seesTick('The later one');
      await say(0, 'See you there');
      await expect(ann.message('See you there')).toBeVisible();
      await picture('2-room');
      if (isPhone) await ann.page.getByRole('button', { name: 'Back to chats' }).click();
      await picture('3-list');
      await ann.page.getByRole('button', { name: 'New chat' }).click();
      await expect(ann.page.getByRole('dialog')).toBeVisible();
      await picture('4-new-chat');
    });
  }
}
