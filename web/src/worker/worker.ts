/**
 * The service worker: keeps the app's own files, named by what is in them, and gives them out with or
 * without a network. It never touches what the server says about people (`/v1`).
 */

/** The files of this build with a hash of each, put here by the build. */
declare const FILES: [path: string, hash: string][];

/** What a worker sees of the world; the library of types for pages knows it otherwise. */
type Scope = {
  addEventListener(type: 'install' | 'activate', listener: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
  addEventListener(type: 'fetch', listener: (event: { request: Request; respondWith(answer: Promise<Response>): void }) => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
};

const scope = globalThis as unknown as Scope;

const PREFIX = 'chinwag.app.';
const CACHE = PREFIX + version();
const PAGE = '/';

scope.addEventListener('install', (event) => event.waitUntil(install()));
scope.addEventListener('activate', (event) => event.waitUntil(activate()));
scope.addEventListener('message', ({ data }) => void (data === 'take over' && scope.skipWaiting()));
scope.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== scope.location.origin || url.pathname.startsWith('/v1/')) return;
  const path = url.pathname === '/index.html' ? PAGE : url.pathname;
  if (FILES.some(([known]) => known === path)) event.respondWith(give(path, event.request));
});

/** All files or none. What an older version had already is not fetched again. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(FILES.map(([path, hash]) => keep(cache, path, hash)));
}

async function keep(cache: Cache, path: string, hash: string): Promise<void> {
  const old = await caches.match(keyOf(path, hash));
  const answer = old ?? (await fetch(path, { cache: 'no-cache' }));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  await cache.put(keyOf(path, hash), answer);
}

async function activate(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await scope.clients.claim();
}

async function give(path: string, request: Request): Promise<Response> {
  const hash = FILES.find(([known]) => known === path)?.[1] ?? '';
  const cache = await caches.open(CACHE);
  return (await cache.match(keyOf(path, hash))) ?? fetch(request);
}

/** A file's name in the cache says what is in it. */
function keyOf(path: string, hash: string): string {
  return `${path}?${hash}`;
}

/** Of all files together: FNV-1a, 32 bits, over their names and hashes. */
function version(): string {
  let sum = 0x811c9dc5;
  for (const letter of FILES.flat().join()) sum = Math.imul(sum ^ letter.charCodeAt(0), 0x01000193);
  return (sum >>> 0).toString(16);
}
