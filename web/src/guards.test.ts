/** The checks themselves are checked: a tool that is set up wrongly finds nothing, and says that all is well. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import { expect, test } from 'vitest';

const WEB = fileURLToPath(new URL('..', import.meta.url));

test('a planted type error is found, in a view and in a module', () => {
  const check = ['node_modules/svelte-check/bin/svelte-check', '--workspace', 'planted', '--tsconfig', './tsconfig.json', '--output', 'machine'];
  const { status, stdout } = spawnSync(process.execPath, check, { cwd: WEB, encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stdout).toMatch(/ERROR "Wrong\.svelte" .*'number' is not assignable to type 'string'/);
  expect(stdout).toMatch(/ERROR "wrong\.ts" .*'number \| undefined' is not assignable to type 'number'/);
}, 60_000);

const eslint = new ESLint({ cwd: WEB });

test.each([
  ['src/ui/X.svelte', '<script lang="ts">let { said }: { said: string } = $props();</script>{@html said}', 'svelte/no-at-html-tags'],
  ['src/ui/X.svelte', '<p style="color: red">hi</p>', 'no-restricted-syntax'],
  ['src/ui/x.ts', 'document.body.innerHTML = "x";', 'no-restricted-properties'],
  ['src/api/x.ts', 'export const key = crypto.randomUUID();', 'no-restricted-properties'],
  ['src/sync/x.ts', 'export const now_ms = Date.now();', 'no-restricted-properties'],
  ['src/sync/x.ts', 'setTimeout(() => {}, 1);', 'no-restricted-globals'],
])('in %s the linter refuses %s', async (filePath, code, rule) => {
  const [result] = await eslint.lintText(code, { filePath });
  expect(result?.messages.map((it) => it.ruleId)).toContain(rule);
}, 60_000);
