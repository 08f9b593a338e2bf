import { expect, test } from 'vitest';
import { hueOf } from './hue';

test('ids that differ little have all colours', () => {
  const hues = Array.from({ length: 200 }, (_, index) => hueOf(`0c5t3k8m${String(index).padStart(5, '0')}`));
  expect(new Set(hues).size).toBe(8);
  const most = Math.max(...hues.map((hue) => hues.filter((it) => it === hue).length));
  expect(most).toBeLessThan(60);
});
