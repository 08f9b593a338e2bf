/** The real binary on a free port and in a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A start takes milliseconds; this is for a machine that is busy with something else. */
const READY_WITHIN_MS = 30_000;

/** The start lines come first; what follows is a log. */
const SAID_LINES_MAX = 100;

export class Server {
  #child: ChildProcess | null = null;
  /** What it said at its last start. */
  said: string[] = [];

  private constructor(
    private readonly port: number,
    private readonly folder: string,
    private readonly flags: string[],
  ) {}

  static async start(...flags: string[]): Promise<Server> {
    const server = new Server(await freePort(), mkdtempSync(join(tmpdir(), 'chinwag-e2e-')), flags);
    await server.restart();
    return server;
  }

  /** Where people reach it, if not itself. */
  front: string | null = null;

  get url(): string {
    return this.front ?? `http://localhost:${this.port}`;
  }

  /** Starts it again on the same port and data. Done when it answers. */
  async restart(): Promise<void> {
    const fixed = ['--listen', `127.0.0.1:${this.port}`, '--data', join(this.folder, 'data'), '--rate-limits', 'off'];
    const child = spawn(binary(), [...fixed, ...this.flags], { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.said = [];
    await ready(child, this.said);
  }

  /** As a power cut would: nothing is flushed, nobody is told. */
  async crash(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Calls the REST door, for what a journey needs and no page of it offers. */
  async call<T>(method: string, path: string, body?: unknown, token?: string): Promise<T> {
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (token) headers.authorization = `Bearer ${token}`;
    const answer = await fetch(this.url + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
}

/** What `CHINWAG_BIN` names, else the build that was made last. */
function binary(): string {
  if (process.env.CHINWAG_BIN) return process.env.CHINWAG_BIN;
  const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target/', import.meta.url));
  const builds = ['release', 'debug'].map((profile) => join(target, profile, 'chinwag')).filter(existsSync);
  const [newest] = builds.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  if (newest === undefined) throw new Error('there is no chinwag to test: cargo build, or CHINWAG_BIN=path');
  return newest;
}

function ready(child: ChildProcess, said: string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`the server ${why}:\n${said.join('\n')}`));
    const timer = setTimeout(() => fail('did not become ready'), READY_WITHIN_MS);
    child.once('exit', (code) => fail(`ended with ${code}`));
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface(stream).on('line', (line) => {
        if (said.length < SAID_LINES_MAX) said.push(line);
        if (!/"message":\s*"ready"/.test(line)) return;
        clearTimeout(timer);
        resolve();
      });
    }
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
