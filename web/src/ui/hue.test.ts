import { expect, test } from 'vitest';
import { hueOf } from './hue';

test('ids that differ little have all colours', () => {
  const hues = Array.from({ length: 300 }, (_, index) => hueOf(`0c5t3k8m${String(index).padStart(5, '0')}`));
  expect(new Set(hues).size).toBe(15);
  const most = Math.max(...hues.map((hue) => hues.filter((it) => it === hue).length));
  expect(most).toBeLessThan(60);
});

test('a colour that was chosen is the colour, red too', () => {
  expect([hueOf('ann', 210), hueOf('ann', 0)]).toEqual([210, 0]);
});
