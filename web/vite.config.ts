import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import emoji from './scripts/emoji.mjs';

/** Where `npm run dev` finds a running server. */
const server = process.env.CHINWAG_URL ?? 'http://127.0.0.1:8080';

/** The service worker stands beside the page, because it is in charge of what is at and below its own address. */
const WORKER = 'worker.js';

export default defineConfig({
  plugins: [svelte(), emoji(), filesForWorker()],
  // The server finds no page that the build did not name, so that a mistyped address is a 404.
  appType: 'spa',
  build: {
    target: 'es2022',
    // The colours of day and night are pairs, `light-dark()`: these are the first that know it.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    // The polyfill would be an inline script, and an inlined asset a data: URL; the content security policy has neither.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    assetsDir: 'assets',
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: 'index.html', worker: 'src/worker/worker.ts' },
      output: { entryFileNames: ({ name }) => (name === 'worker' ? WORKER : 'assets/[name]-[hash].js') },
    },
  },
  server: {
    proxy: { '/v1': { target: server, ws: true } },
  },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
  },
});

/** Tells the service worker which files there are, and by a hash what is in each. */
function filesForWorker(): Plugin {
  let publicDir = '';
  return {
    name: 'files-for-worker',
    apply: 'build',
    configResolved: (config) => void (publicDir = config.publicDir),
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const built = Object.values(bundle).filter((file) => file.fileName !== WORKER);
        const files = built.map((file): [string, string] => {
          const path = file.fileName === 'index.html' ? '' : file.fileName;
          return [`/${path}`, hash(file.type === 'chunk' ? file.code : file.source)];
        });
        const fixed = readdirSync(publicDir).map((name): [string, string] => [`/${name}`, hash(readFileSync(join(publicDir, name)))]);
        const worker = bundle[WORKER];
        if (worker?.type !== 'chunk') throw new Error(`there is no ${WORKER}`);
        worker.code = `const FILES=${JSON.stringify([...files, ...fixed].sort())};${worker.code}`;
      },
    },
  };
}

function hash(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}
