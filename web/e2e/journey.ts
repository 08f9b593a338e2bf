/** What every journey has: a server, people with browsers of their own, and a watch over both. */
import { type Browser, type BrowserContextOptions, type ConsoleMessage, expect, type Locator, type Page, test as base } from '@playwright/test';
import { Server } from './server';

export { expect } from '@playwright/test';

export const PASSWORD = 'correct horse battery';

/** The ticks of a message that is on disk, however many have it by then. */
export const STORED = '[data-stage=sent], [data-stage=delivered], [data-stage=read]';

/** What the browser itself reports while there is no server to reach. */
export const WITHOUT_SERVER = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|WebSocket connection to/;

/** What the browser itself reports of a request that was refused. */
export const REFUSED = /the server responded with a status of 4\d\d/;

/** A tab that has just come may still be asking for its token when another ends the session. */
export const ASKED_TOO_LATE = /status of 401 .*\/v1\/auth\/refresh/;

type Fixtures = {
  server: Server;
  flags: string[];
  arrive: (options?: BrowserContextOptions) => Promise<Person>;
};

export const test = base.extend<Fixtures>({
  flags: [[], { option: true }],
  server: async ({ flags }, use) => {
    const server = await Server.start(...flags);
    await use(server);
    await server.stop();
  },
  arrive: async ({ browser, server }, use) => {
    const people: Person[] = [];
    await use(async (options) => {
      const person = await Person.arrive(browser, server, options);
      people.push(person);
      return person;
    });
    for (const person of people) person.judge();
    for (const person of people) await person.page.context().close();
  },
});

/** Runs in the page: tells what moves by itself, by the browser's own measure (Layout Instability). */
function watchShifts(): void {
  type Shift = PerformanceEntry & { value: number; hadRecentInput: boolean; sources: { node: Node | null; previousRect: DOMRect; currentRect: DOMRect }[] };
  const tell = (globalThis as unknown as { shifted: (what: string) => void }).shifted;
  const place = ({ x, y, width, height }: DOMRect) => [x, y, width, height].map(Math.round).join(' ');
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as Shift[]) {
      if (entry.hadRecentInput || entry.value === 0) continue;
      const moved = entry.sources.map(({ node, previousRect, currentRect }) => {
        const element = node instanceof Element ? node : (node?.parentElement ?? null);
        return `${element?.localName}.${element?.className} “${element?.textContent?.slice(0, 40)}” from ${place(previousRect)} to ${place(currentRect)}`;
      });
      tell(`${entry.value.toFixed(4)}: ${moved.join('; ')}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

/** Somebody at a browser. */
export class Person {
  readonly #complaints: string[] = [];
  readonly #excused: RegExp[] = [];
  readonly #excusedShifts: RegExp[] = [];
  readonly #tabs: Person[] = [];

  private constructor(
    readonly page: Page,
    private readonly server: Server,
    /** What moved on the page though nobody had touched it. */
    private readonly shifts: string[],
  ) {
    page.on('console', (message) => this.#heard(message));
    page.on('pageerror', (error) => this.#complaints.push(`page error: ${error.stack ?? error.message}`));
    page.on('request', (request) => this.#asked(request.url()));
  }

  static async arrive(browser: Browser, server: Server, options?: BrowserContextOptions): Promise<Person> {
    const context = await browser.newContext(options);
    const shifts: string[] = [];
    await context.exposeBinding('shifted', (_, what: string) => void shifts.push(what));
    await context.addInitScript(watchShifts);
    return new Person(await context.newPage(), server, shifts);
  }

  /** Another tab of the same browser. */
  async tab(): Promise<Person> {
    const tab = new Person(await this.page.context().newPage(), this.server, this.shifts);
    for (const pattern of this.#excused) tab.excuse(pattern);
    this.#tabs.push(tab);
    return tab;
  }

  /** A console message that this journey brings about on purpose. */
  excuse(pattern: RegExp): void {
    this.#excused.push(pattern);
  }

  /** A movement that cannot be spared, with the reason beside it. */
  excuseShift(pattern: RegExp): void {
    this.#excusedShifts.push(pattern);
  }

  /** Fails where the console complained, a policy was violated, a request left the origin, or something moved that nobody had touched. */
  judge(): void {
    expect.soft(this.#complaints, 'console, policy and origin').toEqual([]);
    const shifts = this.shifts.filter((it) => !this.#excusedShifts.some((pattern) => pattern.test(it)));
    expect.soft(shifts, 'layout shift').toEqual([]);
    for (const tab of this.#tabs) tab.judge();
  }

  async open(hash = ''): Promise<void> {
    await this.page.goto(`${this.server.url}/${hash}`);
  }

  /** Makes an account by the page. */
  async signUp(handle: string, name: string): Promise<void> {
    const { page } = this;
    await this.open();
    const isSignIn = await page.getByRole('heading', { name: 'Sign in' }).or(page.getByRole('heading', { name: 'Create account' })).first().textContent();
    if (isSignIn === 'Sign in') await page.getByRole('button', { name: 'Create account' }).click();
    await this.fillAccount(handle, name);
    await page.getByRole('button', { name: 'Create account' }).click();
    // A new account lands where the others are.
    await this.seesRoom('general');
  }

  async fillAccount(handle: string, name: string): Promise<void> {
    await this.page.getByLabel('Handle').fill(handle);
    await this.page.getByLabel('Your name').fill(name);
    await this.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  }

  async signIn(handle: string, password = PASSWORD): Promise<void> {
    await this.page.getByLabel('Handle').fill(handle);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  room(name: string): Locator {
    return this.page.getByRole('navigation').getByRole('button', { name: new RegExp(`\\b${name}\\b`) });
  }

  async enter(name: string): Promise<void> {
    await this.room(name).click();
    await this.seesRoom(name);
  }

  async seesRoom(name: string): Promise<void> {
    await expect(this.page.getByRole('main').getByRole('heading', { name, level: 1 })).toBeVisible();
    await expect(this.composer).toBeVisible();
  }

  /** Chooses in the menu behind the three dots above the list. */
  async choose(action: string): Promise<void> {
    await this.page.getByRole('button', { name: 'Menu', exact: true }).click();
    await this.page.getByRole('menuitem', { name: action }).click();
  }

  async signOut(): Promise<void> {
    await this.choose('Sign out');
    await expect(this.page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  }

  /** Chooses in the menu of a message. */
  async act(text: string, action: string): Promise<void> {
    await this.message(text).hover();
    await this.message(text).getByRole('button', { name: 'What to do with this message' }).click();
    await this.page.getByRole('menuitem', { name: action }).click();
  }

  get composer(): Locator {
    return this.page.getByLabel('Message', { exact: true });
  }

  /** A key comes first, as with fingers: what then moves under them is no shift. */
  async write(text: string, field = this.composer): Promise<void> {
    await field.press('End');
    await field.fill(text);
  }

  async say(text: string): Promise<void> {
    await this.write(text);
    await this.composer.press('Enter');
  }

  /** All messages on the screen, from the oldest. */
  get messages(): Locator {
    return this.page.getByRole('article');
  }

  message(text: string): Locator {
    return this.messages.filter({ has: this.page.locator('.said', { hasText: text }) });
  }

  /** Waits until the message has its tick: it is on disk. */
  async seesTick(text: string): Promise<void> {
    await expect(this.message(text).locator(STORED)).toBeVisible();
  }

  /** What was said, in the order of the screen. */
  async said(): Promise<string[]> {
    return (await this.messages.locator('.said').allTextContents()).map((it) => it.trim());
  }

  #heard(message: ConsoleMessage): void {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const line = `${message.type()}: ${message.text()} ${message.location().url}`;
    if (!this.#excused.some((pattern) => pattern.test(line))) this.#complaints.push(line);
  }

  #asked(url: string): void {
    const { protocol, origin } = new URL(url);
    const isOwn = origin === this.server.url || protocol === 'data:' || protocol === 'blob:';
    if (!isOwn) this.#complaints.push(`a request left the origin: ${url}`);
  }
}
