/**
 * The service worker of the page: it keeps the app itself, so that it opens without a network. A new
 * version waits until somebody asks for it.
 *
 * Over plain http there are no service workers: then the app comes from the server each time.
 */

/** How often a page that stays open asks for a new version. */
const ASK_EVERY_MS = 60 * 60_000;

/** A name of its own among the trusted types, which the content security policy lists. */
const POLICY = 'chinwag-worker';

const SCRIPT = '/worker.js';

type Factory = { createPolicy: (name: string, rules: { createScriptURL: (url: string) => string }) => { createScriptURL: (url: string) => string } };

export class Update {
  /** A newer version is on this device, and waits. */
  available = $state(false);
  #waiting: ServiceWorker | null = null;
  #isAsked = false;

  /** Where service workers are, once the page is at rest. */
  async start(): Promise<void> {
    const workers = globalThis.navigator?.serviceWorker;
    if (!import.meta.env.PROD || !workers) return;
    // The first worker takes over a page that has the same version; a later one has another.
    let isFirst = workers.controller === null;
    workers.addEventListener('controllerchange', () => {
      if (!isFirst || this.#isAsked) location.reload();
      isFirst = false;
    });
    const registration = await workers.register(trusted(SCRIPT), { updateViaCache: 'none' }).catch(() => null);
    if (registration) this.#watch(registration);
  }

  /** Takes the newer version, in all tabs. */
  apply(): void {
    this.#isAsked = true;
    this.#waiting?.postMessage('take over');
  }

  #watch(registration: ServiceWorkerRegistration): void {
    this.#found(registration.waiting);
    registration.addEventListener('updatefound', () => {
      const worker = registration.installing;
      worker?.addEventListener('statechange', () => this.#found(registration.waiting));
    });
    setInterval(() => void registration.update().catch(() => {}), ASK_EVERY_MS);
  }

  #found(worker: ServiceWorker | null): void {
    // Without one in charge it is the first, and does not wait for anybody.
    if (!worker || !navigator.serviceWorker.controller) return;
    this.#waiting = worker;
    this.available = true;
  }
}

/** Under trusted types the address of a script is no mere string. */
function trusted(url: string): string {
  const factory = (globalThis as { trustedTypes?: Factory }).trustedTypes;
  return factory ? factory.createPolicy(POLICY, { createScriptURL: (it) => it }).createScriptURL(url) : url;
}
