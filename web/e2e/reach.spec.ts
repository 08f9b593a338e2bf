/** For those who see little, or hit little: large letters, a narrow page, targets that can be hit. */
import type { Page } from '@playwright/test';
import { expect, test } from './journey';

/** WCAG 2.2, success criterion 2.5.8. */
const TARGET_PX_MIN = 24;

/** Of what can be pressed and is seen: what is smaller than it may be. A link in a sentence may be as high as its line. */
async function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate((least) => {
    const all = [...document.querySelectorAll<HTMLElement>('button, select, input:not(.unseen), [role=option]')];
    const seen = all.filter((it) => it.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && it.tabIndex >= -1);
    const small = seen.filter((it) => {
      const { width, height } = it.getBoundingClientRect();
      const isInline = getComputedStyle(it).display === 'inline';
      return width > 0 && !isInline && (width < least || height < least) && !it.closest('h1');
    });
    return small.map((it) => `${it.className} ${it.textContent} ${it.getBoundingClientRect().width}×${it.getBoundingClientRect().height}`);
  }, TARGET_PX_MIN);
}

async function fits(page: Page): Promise<void> {
  const { wide, room } = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, room: innerWidth }));
  expect(wide).toBeLessThanOrEqual(room);
}

/** A desktop at 200 % and at 400 %, which is the narrowest phone there is. */
for (const viewport of [{ width: 720, height: 450 }, { width: 320, height: 256 * 2 }]) {
  test(`at ${viewport.width} px all is there, and nothing is cut off`, async ({ arrive }) => {
    const ann = await arrive({ viewport });
    const { page } = ann;
    await ann.signUp('ann', 'Ann Archer');
    await ann.say(`A long word: ${'x'.repeat(300)} and \`\`\`${'y'.repeat(300)}\`\`\``);
    await ann.seesTick('A long word');
    await fits(page);
    expect(await tooSmall(page)).toEqual([]);
    await page.keyboard.press('Alt+i');
    await expect(page.getByRole('complementary').getByText('@ann')).toBeVisible();
    await fits(page);
    expect(await tooSmall(page)).toEqual([]);
    await page.keyboard.press('Escape');
    for (const key of ['Control+,', 'Alt+n', 'Alt+Shift+i', 'Control+k']) {
      await page.keyboard.press(key);
      await expect(page.getByRole('dialog')).toBeVisible();
      await fits(page);
      expect(await tooSmall(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
    }
  });
}

test('who wants no motion gets none', async ({ arrive }) => {
  const ann = await arrive({ reducedMotion: 'reduce' });
  await ann.signUp('ann', 'Ann');
  const moving = await ann.page.evaluate(() => {
    const slow = (it: Element) => {
      const { animationDuration, transitionDuration } = getComputedStyle(it);
      return [animationDuration, transitionDuration].some((all) => all.split(',').some((one) => parseFloat(one) > 0.001));
    };
    return [...document.querySelectorAll('*')].filter(slow).length;
  });
  expect(moving).toBe(0);
});

test('who listens hears what others say, and what was done', async ({ arrive }) => {
  const [ann, bea] = [await arrive(), await arrive()];
  await ann.signUp('ann', 'Ann');
  await bea.signUp('bea', 'Bea Martin');
  await bea.say('Can you hear me?');
  await expect(ann.page.locator('[aria-live=polite]')).toHaveText('Bea Martin: Can you hear me?');
  await ann.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await ann.act('Can you hear me?', 'Copy text');
  await expect(ann.page.getByRole('status').getByText('Copied')).toBeVisible();
  expect(await ann.page.evaluate(() => navigator.clipboard.readText())).toBe('Can you hear me?');
});
