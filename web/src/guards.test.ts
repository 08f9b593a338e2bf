/** The checks themselves are checked: a tool that is set up wrongly finds nothing, and says that all is well. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
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

/** Where nothing hovers, as on glass, what was pressed last stays as if something did. */
function hovering(source: string): string[] {
  const [, style = source] = /<style>([^]*)<\/style>/.exec(source) ?? [];
  return style.replaceAll(/@media \(hover: hover\) \{[^]*?\n\s*\}\n\s*\}/g, '').match(/.*:hover.*/g) ?? [];
}

test('what shows under a pointer alone is for those who have one', () => {
  const sources = readdirSync(`${WEB}/src`, { recursive: true, encoding: 'utf8' }).filter((it) => /\.(svelte|css)$/.test(it));
  const read = (file: string) => readFileSync(`${WEB}/src/${file}`, 'utf8');
  expect(sources.filter((file) => read(file).includes(':hover')).length).toBeGreaterThan(10);
  expect(sources.flatMap((file) => hovering(read(file)).map((rule) => `${file}: ${rule}`))).toEqual([]);
  expect(hovering('<style>\n  a:hover {\n    color: red;\n  }\n</style>')).toEqual(['  a:hover {']);
});

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
