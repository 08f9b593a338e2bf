import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/** Where `npm run dev` finds a running server. */
const server = process.env.CHINWAG_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  // The server finds no page that the build did not name, so that a mistyped address is a 404.
  appType: 'spa',
  build: {
    target: 'es2022',
    // The polyfill would be an inline script, and an inlined asset a data: URL; the content security policy has neither.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    assetsDir: 'assets',
    reportCompressedSize: false,
  },
  server: {
    proxy: { '/v1': { target: server, ws: true } },
  },
  test: {
    include: ['src/**/*.test.ts'],
    environment: 'node',
  },
});
