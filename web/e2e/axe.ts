/** Asks axe what on a page keeps somebody out. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type { AxeResults, RunOptions } from 'axe-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const OPTIONS: RunOptions = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  resultTypes: ['violations'],
};

/** Each violation in a line: the rule, and where. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(source);
  const { violations: found } = await page.evaluate(
    (options) => (globalThis as unknown as { axe: { run: (options: unknown) => Promise<AxeResults> } }).axe.run(options),
    OPTIONS,
  );
  return found.flatMap(({ id, nodes }) => nodes.map((it) => `${id}: ${it.html.slice(0, 160)} ${it.any.map((check) => check.message).join(' ').slice(0, 160)}`));
}
