import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';
import config from './svelte.config.js';

const browser = ['window', 'document'];

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/api/types.ts', 'e2e/screenshots', 'test-results'] },
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig: config } },
  },
  {
    rules: {
      eqeqeq: 'error',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_$', argsIgnorePattern: '^_$' }],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { property: 'innerHTML', message: 'Text is never HTML.' },
        { property: 'outerHTML', message: 'Text is never HTML.' },
        { property: 'insertAdjacentHTML', message: 'Text is never HTML.' },
        { object: 'crypto', property: 'randomUUID', message: 'It is absent over plain http: use api/key.ts.' },
      ],
      'svelte/no-at-html-tags': 'error',
      // The `style:` directive sets the one property from a script, which the content security policy allows.
      'no-restricted-syntax': ['error', { selector: 'SvelteAttribute[key.name="style"]', message: 'The content security policy refuses it: use style:name.' }],
      'svelte/block-lang': ['error', { script: 'ts' }],
    },
  },
  {
    // The state machine is pure, so that it runs in any test and in any order.
    files: ['src/sync/**/*.ts'],
    ignores: ['src/sync/**/*.test.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...[...browser, 'fetch', 'WebSocket', 'setTimeout', 'setInterval', 'localStorage', 'performance', 'crypto'].map(
          (name) => ({ name, message: 'sync/ has no I/O, no clock and no randomness: they come as arguments.' }),
        ),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'The time comes as an argument.' },
        { object: 'Math', property: 'random', message: 'Randomness comes as an argument.' },
      ],
    },
  },
);
