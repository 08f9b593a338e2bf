/** The client in docs/protocol.md, run as it stands there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@playwright/test';
import { Server } from './server';

/** Node 20 has the browser's WebSocket behind a switch, 22 has it without. */
const SWITCHES = typeof WebSocket === 'undefined' ? ['--experimental-websocket'] : [];

/** What a client prints, line by line. */
class Client {
  lines: string[] = [];
  readonly #child: ChildProcess;

  constructor(script: string, url: string, handle: string, room = 'general') {
    const args = [...SWITCHES, script, url, handle, 'correct horse', room];
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.stdout) createInterface(this.#child.stdout).on('line', (line) => this.lines.push(line));
  }

  say(text: string): void {
    this.#child.stdin?.write(`${text}\n`);
  }

  texts(): string[] {
    return this.lines.map((line) => line.slice(line.indexOf(': ') + 2));
  }

  stop(): void {
    this.#child.kill();
  }
}

function published(path: string): void {
  const page = readFileSync(fileURLToPath(new URL('../../docs/protocol.md', import.meta.url)), 'utf8');
  const code = /<!-- client\.mjs.*?-->\n```js\n(.*?)```/s.exec(page)?.[1];
  if (!code) throw new Error('docs/protocol.md has no client');
  writeFileSync(path, code);
}

test('the client of the protocol page talks, and misses nothing over a crash', async ({}, info) => {
  const script = info.outputPath('client.mjs');
  published(script);
  const server = await Server.start();
  for (const handle of ['ann', 'bob']) {
    await server.call('POST', '/v1/auth/register', { handle, password: 'correct horse' });
  }
  const [ann, bob] = [new Client(script, server.url, 'ann'), new Client(script, server.url, 'bob')];
  try {
    // Each begins at the head that it finds, so the first words are said until both hear them.
    await expect(async () => {
      ann.say('is this on?');
      await expect.poll(() => bob.texts().length, { timeout: 1_000 }).toBeGreaterThan(0);
    }).toPass();
    ann.say('before');
    await expect.poll(() => bob.texts().at(-1)).toBe('before');
    await server.crash();
    ann.say('while it was away');
    await server.restart();
    await expect.poll(() => bob.texts().at(-1), { timeout: 20_000 }).toBe('while it was away');
    bob.say('heard you');
    await expect.poll(() => ann.texts().at(-1)).toBe('heard you');
    expect(bob.texts().filter((text) => text === 'while it was away')).toHaveLength(1);
    expect(ann.texts().slice(-3)).toEqual(['before', 'while it was away', 'heard you']);
  } finally {
    ann.stop();
    bob.stop();
    await server.stop();
  }
});

test('the client of the protocol page goes on where its log begins anew', async ({}, info) => {
  const script = info.outputPath('client.mjs');
  published(script);
  const server = await Server.start();
  type Tokens = { access_token: string; user: { id: string } };
  const register = (handle: string) => server.call<Tokens>('POST', '/v1/auth/register', { handle, password: 'correct horse' });
  const [ann, bob] = [await register('ann'), await register('bob')];
  const asAnn = <T>(method: string, path: string, body?: unknown) => server.call<T>(method, path, body, ann.access_token);
  // Beyond the first page of the list.
  const { id } = await asAnn<{ id: string }>('POST', '/v1/rooms', { kind: 'group', name: 'ours', members: [bob.user.id] });
  for (let i = 0; i < 100; i++) await asAnn('POST', '/v1/rooms', { kind: 'group', name: `other ${i}`, members: [bob.user.id] });
  const say = (text: string) => asAnn('POST', `/v1/rooms/${id}/messages`, { text });
  const client = new Client(script, server.url, 'bob', 'ours');
  try {
    await expect(async () => {
      await say('is this on?');
      await expect.poll(() => client.texts().length, { timeout: 1_000 }).toBeGreaterThan(0);
    }).toPass();
    await asAnn('DELETE', `/v1/rooms/${id}/members/${bob.user.id}`);
    await say('not for bob');
    await asAnn('PUT', `/v1/rooms/${id}/members/${bob.user.id}`, {});
    await say('welcome back');
    await expect.poll(() => client.texts().at(-1)).toBe('welcome back');
    client.say('hello again');
    await expect.poll(() => client.texts().at(-1)).toBe('hello again');
    expect(client.texts()).not.toContain('not for bob');
  } finally {
    client.stop();
    await server.stop();
  }
});
