/**
 * The figures of the app, taken in Chromium against the real binary: `npm run measure`.
 *
 * `CHINWAG_BIN` names the binary (else ../target/release/chinwag), `CHROMIUM` the browser; arguments
 * choose figures by name (`npm run measure -- scroll switch`), none takes all but `million`, which fills a room for minutes. Each prints a line of a table.
 */
/* eslint no-console: off -- it prints what it measured */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';

const PASSWORD = 'correct horse battery';
const BINARY = process.env.CHINWAG_BIN ?? fileURLToPath(new URL('../../target/release/chinwag', import.meta.url));
const DESKTOP = { width: 1440, height: 900 };

/** Messages of the long room. */
const LONG_ROOM = 20_000;

/** Messages of a room that nobody scrolls through. */
const HUGE_ROOM = 1_000_000;

/** Commands of one connection that may be under way, by the contract. */
const IN_FLIGHT = 64;

/** As many as one user may be in, less `general` and the notes to oneself. */
const LONG_LIST = 9_998;

/** Requests at once while seeding. */
const SEEDERS = 48;

/** Runs of what is quick, for a median. */
const RUNS = 5;

/** Runs through the long room. */
const SCROLLS = 3;

const figures = [];

const wanted = process.argv.slice(2);

async function section(browser, names, work) {
  if (wanted.length > 0 && !names.some((it) => wanted.includes(it))) return;
  const server = await Server.start();
  try {
    await work(server, browser);
  } finally {
    await server.stop();
  }
}

/** What somebody does each day: a dozen rooms, a few hundred messages. */
async function daily(server, browser) {
  const ann = await server.register('ann');
  const bea = await server.register('bea');
  const rooms = [];
  for (let index = 0; index < 12; index += 1) {
    rooms.push(await server.call('POST', '/v1/rooms', { kind: 'group', name: `Room ${letter(index)}`, members: [bea.user.id] }, ann.token));
  }
  const say = (index, { token }) => server.call('POST', `/v1/rooms/${rooms[index % 12].id}/messages`, { text: sentence(index) }, token);
  await inParallel(12 * 120, (index) => say(index, index % 3 ? bea : ann));
  // One's own word says that all above was read, as it is in most rooms on most days.
  await inParallel(12, (index) => say(index, ann));

  const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB' });
  const page = await context.newPage();
  let bytes = 0;
  const sizes = [];
  page.on('response', (response) => {
    if (response.request().resourceType() === 'script') sizes.push(response.request().sizes().then((it) => (bytes += it.responseBodySize)));
  });
  await page.addInitScript(watch);
  await signIn(page, server, 'ann');
  await page.getByText('Room A', { exact: true }).first().click();
  await composer(page).waitFor();
  await Promise.all(sizes);
  figure('weight', 'scripts before the first message can be typed', bytes / 1_000, 'kB', 90);

  const switches = [];
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 12; index += 1) {
      // It begins in the first, and each is another one.
      const took_ms = await switchTo(page, `Room ${letter((index + 1) % 12)}`);
      if (round > 0) switches.push(took_ms);
    }
  }
  figure('switch', 'room switch from cache, click to paint, median', median(switches), 'ms', 50);

  await page.getByText('Room A', { exact: true }).first().click();
  figure('key', 'key press to paint, median', median(await keys(page)), 'ms', 16);
  figure('key', 'layout shift', await page.evaluate(() => globalThis.measured.shift), '', 0);

  const state = await context.storageState();
  const colds = [];
  for (let run = 0; run < RUNS; run += 1) {
    const fresh = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB', storageState: state });
    const first = await fresh.newPage();
    await first.addInitScript(watch);
    await first.addInitScript(() => {
      // The last room is the first of the list: it is opened as soon as it is there, as a finger would.
      new MutationObserver((_, watcher) => {
        const row = [...document.querySelectorAll('nav [data-room], nav li button')][0];
        if (!row) return;
        watcher.disconnect();
        row.click();
      }).observe(document, { childList: true, subtree: true });
    });
    await first.goto(server.url);
    await first.locator('article').first().waitFor();
    colds.push(await first.evaluate(painted));
    Object.assign(state, { cookies: (await fresh.storageState()).cookies });
    await fresh.close();
  }
  figure('cold', 'first paint of the last room, nothing cached, median', median(colds), 'ms', 1_000);

  const kept = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB', storageState: state });
  const again = await kept.newPage();
  await again.addInitScript(watch);
  await again.goto(server.url);
  await again.getByText('Room A', { exact: true }).first().click();
  await again.locator('article').first().waitFor();
  await again.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
    }
  });
  await again.waitForFunction(isKept, rooms[0].id);
  figure('cache', 'first paint of the last room from cache, median', median(await starts(again, server)), 'ms', 300);
  await server.crash();
  figure('offline', 'first paint of the last room offline, median', median(await starts(again, server)), 'ms', 300);
  await kept.close();
  await context.close();
}

/** A room of 20,000 messages, read from the newest to the oldest as fast as the wheel turns, each time by a fresh browser. */
async function scroll(server, browser) {
  const ann = await server.register('ann');
  const room = await server.call('POST', '/v1/rooms', { kind: 'group', name: 'Long', members: [] }, ann.token);
  await say(server, browser, ann, room, LONG_ROOM);
  const runs = [];
  for (let run = 0; run < SCROLLS; run += 1) runs.push(await scrollOnce(server, browser));
  const all = (name) => runs.map((it) => it[name]);
  figure('scroll', '20,000 messages: time to the beginning, median', median(all('took_s')), 's');
  figure('scroll', '20,000 messages: longest task, median', median(all('longest')), 'ms', 50);
  figure('scroll', '20,000 messages: longest task by the processor’s time, median', median(all('busiest')), 'ms', 50);
  figure('scroll', '20,000 messages: tasks over 50 ms, most in a run', Math.max(...all('tasks')), '');
  figure('scroll', '20,000 messages: messages in the page at once, most', Math.max(...all('peak')), '', 200);
  figure('scroll', '20,000 messages: memory at the beginning, most', Math.max(...all('whole')) / 1e6, 'MB');
  figure('scroll', '20,000 messages: memory there over memory half-way', Math.max(...runs.map((it) => it.whole / it.half)), '', 1.1);
  figure('scroll', '20,000 messages: layout shift', Math.max(...all('shift')), '', 0);
}

async function scrollOnce(server, browser) {
  const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB' });
  const page = await context.newPage();
  await page.addInitScript(watch);
  await signIn(page, server, 'ann');
  await page.getByText('Long', { exact: true }).first().click();
  await page.locator('article').first().waitFor();
  await page.mouse.move(900, 450);
  await page.evaluate(() => Object.assign(globalThis.measured, { tasks: [], shift: 0 }));
  const tasks = [];
  let [half, peak, busiest] = [0, 0, 0];
  const begun_ms = Date.now();
  await browser.startTracing(page, { categories: ['toplevel'] });
  for (let turn = 1; ; turn += 1) {
    await page.mouse.wheel(0, -2_000);
    if (turn % 50 > 0) continue;
    peak = Math.max(peak, await page.locator('article').count());
    const first = Number.parseInt(await page.locator('article .said').first().textContent(), 10);
    if (first === 0) break;
    if (half === 0 && first < LONG_ROOM / 2) {
      tasks.push(...(await page.evaluate(() => globalThis.measured.tasks.splice(0))));
      busiest = busiestTask(await browser.stopTracing());
      half = await heap(page);
      // To clean up for the measurement is no task of the app's.
      await page.waitForTimeout(200);
      await page.evaluate(() => globalThis.measured.tasks.splice(0));
      await browser.startTracing(page, { categories: ['toplevel'] });
    }
    if (Date.now() - begun_ms > 120_000) throw new Error(`after two minutes one was at message ${first}`);
  }
  const took_s = (Date.now() - begun_ms) / 1_000;
  const measured = await page.evaluate(() => globalThis.measured);
  tasks.push(...measured.tasks);
  busiest = Math.max(busiest, busiestTask(await browser.stopTracing()));
  const whole = await heap(page);
  await context.close();
  return { took_s, longest: Math.max(0, ...tasks), busiest, tasks: tasks.length, shift: measured.shift, half, whole, peak };
}

/** What the longest task of a page took of the processor, in milliseconds: what else the machine does meanwhile is not in it. */
function busiestTask(trace) {
  const { traceEvents } = JSON.parse(String(trace));
  const isMain = new Set(traceEvents.filter((it) => it.name === 'thread_name' && it.args?.name === 'CrRendererMain').map((it) => `${it.pid} ${it.tid}`));
  const tasks = traceEvents.filter((it) => it.tdur !== undefined && it.name.endsWith('RunTask') && isMain.has(`${it.pid} ${it.tid}`));
  return tasks.reduce((most, { tdur }) => Math.max(most, tdur / 1_000), 0);
}

/** A room of a million messages: opened, and gone through to its first day. */
async function million(server, browser) {
  const ann = await server.register('ann');
  const room = await server.call('POST', '/v1/rooms', { kind: 'group', name: 'Huge', members: [] }, ann.token);
  const other = await server.call('POST', '/v1/rooms', { kind: 'group', name: 'Other', members: [] }, ann.token);
  await say(server, browser, ann, room, HUGE_ROOM);
  await say(server, browser, ann, other, 1);
  const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB' });
  const page = await context.newPage();
  await page.addInitScript(watch);
  await signIn(page, server, 'ann');
  await page.getByRole('navigation').getByText('Other', { exact: true }).first().click();
  await page.locator('article').first().waitFor();
  figure('million', '1,000,000 messages: opened, click to paint', await switchTo(page, 'Huge'), 'ms');
  await page.getByRole('button', { name: 'What to do with this chat' }).click();
  await page.getByRole('menuitem', { name: 'Go to a date' }).click();
  const begun_ms = Date.now();
  await page.getByRole('dialog').getByRole('button', { name: 'Go there' }).click();
  await page.locator('article .said').getByText(/^0: /).waitFor();
  figure('million', '1,000,000 messages: to the first of them, by its date', Date.now() - begun_ms, 'ms');
  figure('million', '1,000,000 messages: memory', (await heap(page)) / 1e6, 'MB');
  figure('million', '1,000,000 messages: layout shift', await page.evaluate(() => globalThis.measured.shift), '', 0);
  await context.close();
}

/** A list of 10,000 rooms. */
async function list(server, browser) {
  const ann = await server.register('ann');
  await inParallel(LONG_LIST, (index) => server.call('POST', '/v1/rooms', { kind: 'group', name: `Room ${index}`, members: [] }, ann.token));
  const context = await browser.newContext({ viewport: DESKTOP, locale: 'en-GB' });
  const page = await context.newPage();
  await page.addInitScript(watch);
  await signIn(page, server, 'ann');
  await page.getByRole('navigation').getByText(/^Room \d+$/).first().waitFor();
  await page.waitForFunction(() => globalThis.measured.rows !== null);
  const { ready, rows } = await page.evaluate(() => globalThis.measured);
  figure('list', '10,000 rooms: list painted after `ready`', rows - ready, 'ms', 200);
  await page.waitForFunction((most) => globalThis.measured.listed > most, LONG_LIST, { timeout: 120_000 });
  const { tasks, listedAt, shift } = await page.evaluate(() => globalThis.measured);
  figure('list', '10,000 rooms: all known after `ready`', listedAt - ready, 'ms');
  figure('list', '10,000 rooms: longest task until then', Math.max(0, ...tasks), 'ms');
  figure('list', '10,000 rooms: layout shift', shift, '', 0);
  await page.evaluate(() => (globalThis.measured.tasks = []));
  await page.mouse.move(200, 450);
  for (let turn = 0; turn < 300; turn += 1) await page.mouse.wheel(0, 800);
  figure('list', '10,000 rooms: longest task while scrolling', await page.evaluate(() => Math.max(0, ...globalThis.measured.tasks)), 'ms', 50);
  await page.waitForTimeout(2_000);
  await page.goto('about:blank');
  await page.goto(server.url);
  await page.waitForFunction(() => globalThis.measured.rows !== null);
  figure('list', '10,000 rooms: list painted from cache', await page.evaluate(() => globalThis.measured.rows), 'ms');
  await context.close();
}

/** In the page: what is painted when, long tasks, layout shift, what the socket said. */
function watch() {
  const measured = { tasks: [], shift: 0, article: null, rows: null, ready: null, listed: 0, listedAt: null };
  globalThis.measured = measured;
  const observe = (type, seen) => new PerformanceObserver((entries) => entries.getEntries().forEach(seen)).observe({ type, buffered: true });
  observe('longtask', (entry) => measured.tasks.push(entry.duration));
  observe('layout-shift', (entry) => (measured.shift += entry.hadRecentInput ? 0 : entry.value));
  // A frame is on the screen when the task after it begins.
  const afterPaint = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => then(performance.now());
      port2.postMessage(null);
    });
  globalThis.afterPaint = afterPaint;
  new MutationObserver(() => {
    if (measured.article === null && document.querySelector('article')) {
      measured.article = 0;
      afterPaint((at) => (measured.article = at));
    }
    if (measured.rows === null && document.querySelectorAll('nav [data-room], nav li button').length >= 8) {
      measured.rows = 0;
      afterPaint((at) => (measured.rows = at));
    }
  }).observe(document, { childList: true, subtree: true });
  const Native = WebSocket;
  globalThis.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => {
        if (data.startsWith('{"type":"ready"')) {
          measured.ready = performance.now();
          measured.listed = JSON.parse(data).rooms.length;
        } else if (data.startsWith('{"type":"reply"') && data.includes('"rooms":[')) {
          measured.listed += JSON.parse(data).rooms.length;
          measured.listedAt = performance.now();
        }
      });
    }
  };
}

/** When the first message was on the screen, since the page was asked for. */
function painted() {
  return new Promise((resolve) => {
    const look = () => (globalThis.measured.article > 0 ? resolve(globalThis.measured.article) : setTimeout(look, 5));
    look();
  });
}

/** In the page: the newest of a room lies in the database. */
async function isKept(roomId) {
  const [{ name } = {}] = (await indexedDB.databases()).filter((it) => it.name.startsWith('chinwag.'));
  if (!name) return false;
  const answer = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
  const database = await answer(indexedDB.open(name));
  try {
    return (await answer(database.transaction('timelines').objectStore('timelines').count(roomId))) > 0;
  } finally {
    database.close();
  }
}

async function starts(page, server) {
  const found = [];
  for (let run = 0; run < RUNS; run += 1) {
    await page.goto('about:blank');
    await page.goto(server.url);
    await page.locator('article').first().waitFor();
    found.push(await page.evaluate(painted));
  }
  return found;
}

/** From the click until the last message of the other room is painted. */
async function switchTo(page, name) {
  const row = page.getByRole('navigation').getByText(name, { exact: true }).first();
  await row.scrollIntoViewIfNeeded();
  const box = await row.boundingBox();
  await page.evaluate(
    (title) => {
      globalThis.switched = new Promise((resolve, reject) => {
        setTimeout(() => reject(new Error(`${title} did not open`)), 10_000);
        addEventListener(
          'pointerdown',
          ({ timeStamp }) => {
            const look = () => {
              const isThere = document.querySelector('main h1')?.textContent?.trim() === title && document.querySelector('main article');
              if (!isThere) return false;
              globalThis.afterPaint((at) => resolve(at - timeStamp));
              return true;
            };
            const watcher = new MutationObserver(() => look() && watcher.disconnect());
            watcher.observe(document, { childList: true, subtree: true, characterData: true });
          },
          { once: true, capture: true },
        );
      });
    },
    name,
  );
  await page.mouse.click(box.x + 20, box.y + 5);
  return page.evaluate(() => globalThis.switched);
}

/** From each key until the frame with it is done. */
async function keys(page) {
  await composer(page).focus();
  await page.evaluate(() => {
    globalThis.pressed = [];
    addEventListener('keydown', ({ timeStamp }) => globalThis.afterPaint((at) => globalThis.pressed.push(at - timeStamp)), { capture: true });
  });
  for (const key of 'the quick brown fox jumps over the lazy dog again and again') {
    await page.keyboard.press(key === ' ' ? 'Space' : key);
    // A finger does not keep time with the screen.
    await page.waitForTimeout(20 + Math.random() * 33);
  }
  return page.evaluate(() => globalThis.pressed);
}

async function heap(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return usedSize;
}

async function signIn(page, server, handle) {
  await page.goto(server.url);
  await page.getByLabel('Handle').fill(handle);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

function composer(page) {
  return page.getByLabel('Message', { exact: true });
}

async function inParallel(count, work) {
  let next = 0;
  const run = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: SEEDERS }, run));
}

/** Says so many things in a room, as fast as one connection may. A browser does it: not every Node has a WebSocket. */
async function say({ url }, browser, { token }, room, count) {
  const page = await browser.newPage();
  await page.addInitScript({ content: `globalThis.sentence = ${sentence}; globalThis.newKey = ${newKey};` });
  await page.goto(`${url}/favicon.svg`);
  await page.evaluate(sayAll, { token, room: room.id, count, most: IN_FLIGHT });
  await page.close();
}

/** In the page. */
function sayAll({ token, room, count, most }) {
  const { sentence, newKey } = globalThis;
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/ws`, 'chinwag.v1');
  let [said, answered] = [0, 0];
  const next = () => {
    socket.send(JSON.stringify({ type: 'message.send', ref: said + 1, room, key: newKey(), text: sentence(said) }));
    said += 1;
  };
  socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', token }));
  return new Promise((resolve, reject) => {
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code} after ${answered} of ${count}`));
    socket.onmessage = ({ data }) => {
      if (data.startsWith('{"type":"error"')) reject(new Error(data));
      if (data.startsWith('{"type":"ready"')) while (said < Math.min(count, most)) next();
      if (!data.startsWith('{"type":"reply"')) return;
      answered += 1;
      if (answered === count) resolve();
      else if (said < count) next();
    };
  });
}

/** A UUIDv7. */
function newKey() {
  const time = Date.now().toString(16).padStart(12, '0');
  const bits = [...crypto.getRandomValues(new Uint8Array(9))].map((it) => it.toString(16).padStart(2, '0')).join('');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${bits.slice(0, 3)}-8${bits.slice(3, 6)}-${bits.slice(6)}`;
}

function letter(index) {
  return String.fromCharCode(65 + index);
}

/** As long as people write: from one word to a few lines. */
function sentence(index) {
  const words = ['tea', 'rain', 'the', 'kettle', 'is', 'on', 'we', 'walked', 'home', 'late', 'and', 'nobody', 'knew', 'why', 'so', 'it', 'goes'];
  const length = 1 + ((index * 7919) % 40);
  return `${index}: ${Array.from({ length }, (_, at) => words[(index * 31 + at * 5) % words.length]).join(' ')}`;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function figure(name, what, value, unit, most) {
  if (wanted.length > 0 && !wanted.includes(name)) return;
  figures.push({ what, value, unit, most });
  console.error(`${what}: ${shown(value)} ${unit}`);
}

function shown(value) {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 1);
}

function table(rows) {
  const line = ({ what, value, unit, most }) => {
    const verdict = most === undefined ? '' : value <= most ? 'met' : 'MISSED';
    return `| ${what} | ${shown(value)} ${unit} | ${most === undefined ? '' : `${most} ${unit}`} | ${verdict} |`;
  };
  return ['| figure | measured | at most | |', '| --- | --- | --- | --- |', ...rows.map(line)].join('\n');
}

/** The real binary on a free port, in a folder of its own. */
class Server {
  static async start() {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), 'chinwag-measure-'));
    server.url = `http://localhost:${(server.port = await freePort())}`;
    server.child = spawn(BINARY, ['--listen', `127.0.0.1:${server.port}`, '--data', join(server.folder, 'data'), '--rate-limits', 'off'], {
      cwd: server.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await new Promise((resolve, reject) => {
      server.child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
      for (const stream of [server.child.stdout, server.child.stderr]) {
        createInterface(stream).on('line', (line) => /"message":\s*"ready"/.test(line) && resolve());
      }
    });
    return server;
  }

  async call(method, path, body, token) {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await fetch(this.url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    if (answer.status === 503) {
      // Nothing changed: a queue was full.
      const { retry_after_ms = 200 } = await answer.json();
      await new Promise((resolve) => setTimeout(resolve, retry_after_ms));
      return this.call(method, path, body, token);
    }
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  }

  async register(handle) {
    const { access_token: token, user } = await this.call('POST', '/v1/auth/register', { handle, password: PASSWORD });
    return { token, user };
  }

  crash() {
    return this.end('SIGKILL');
  }

  async stop() {
    await this.end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  async end(signal) {
    const { child } = this;
    this.child = null;
    if (!child) return;
    child.removeAllListeners('exit');
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill(signal);
    await ended;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--enable-precise-memory-info'],
});
try {
  await section(browser, ['weight', 'cold', 'cache', 'offline', 'switch', 'key'], daily);
  await section(browser, ['scroll'], scroll);
  if (wanted.includes('million')) await section(browser, ['million'], million);
  await section(browser, ['list'], list);
} finally {
  await browser.close();
}
console.log(table(figures));
