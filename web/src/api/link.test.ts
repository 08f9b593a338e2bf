import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Link, type Phase } from './link';
import type { ClientFrame, ServerFrame } from './types';

/** A socket whose other end is the test. */
class Socket {
  static readonly OPEN = 1;
  readyState = 0;
  said: ClientFrame[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  send(text: string): void {
    this.said.push(JSON.parse(text));
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.readyState = Socket.OPEN;
    this.onopen?.();
  }

  say(frame: Partial<ServerFrame>): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  cut(code = 1006): void {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

type World = {
  link: Link;
  sockets: Socket[];
  phases: Phase[];
  heard: ServerFrame[];
  closed: number;
  forgotten: number;
  random: number;
  tokenFails: Error | null;
};

let world: World;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', Socket);
  world = { sockets: [], phases: [], heard: [], closed: 0, forgotten: 0, random: 1, tokenFails: null } as unknown as World;
  world.link = new Link(
    {
      connect: () => {
        const socket = new Socket();
        world.sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      token: async () => {
        if (world.tokenFails) throw world.tokenFails;
        return `token-${world.sockets.length}`;
      },
      forgetToken: () => (world.forgotten += 1),
      random: () => world.random,
    },
    {
      opened: (token) => ({ type: 'hello', token }),
      frame: (frame) => world.heard.push(frame),
      closed: () => (world.closed += 1),
      phase: (phase) => world.phases.push(phase),
      failed: (error) => (error as Error).message === 'no network',
    },
  );
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** The newest socket, once the token is there. */
async function socket(): Promise<Socket> {
  await vi.advanceTimersByTimeAsync(0);
  const newest = world.sockets.at(-1);
  if (!newest) throw new Error('no socket was opened');
  return newest;
}

async function connect(): Promise<Socket> {
  const newest = await socket();
  newest.open();
  newest.say({ type: 'ready' });
  return newest;
}

test('it says hello first, and passes on what it hears', async () => {
  world.link.start();
  const first = await connect();
  first.say({ type: 'lagged', room: 'r', head_seq: 4 });
  expect(first.said).toEqual([{ type: 'hello', token: 'token-0' }]);
  expect(world.heard.map((it) => it.type)).toEqual(['ready', 'lagged']);
  expect(world.phases).toEqual(['connecting', 'open']);
});

test('the wait doubles up to thirty seconds, and a good connection resets it', async () => {
  world.link.start();
  for (const wait_ms of [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    const count = world.sockets.length;
    (await socket()).cut();
    await vi.advanceTimersByTimeAsync(wait_ms - 1);
    expect(world.sockets.length, `before ${wait_ms}`).toBe(Math.max(count, 1));
    await vi.advanceTimersByTimeAsync(1);
  }
  (await connect()).cut();
  const count = world.sockets.length;
  await vi.advanceTimersByTimeAsync(500);
  expect(world.sockets.length).toBe(count + 1);
});

test('the wait has full jitter', async () => {
  world.random = 0.1;
  world.link.start();
  (await connect()).cut();
  await vi.advanceTimersByTimeAsync(50);
  expect(world.sockets.length).toBe(2);
});

test('it asks a silent server for a sign of life, and takes any as one', async () => {
  world.link.start();
  const first = await connect();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(first.said.at(-1)).toEqual({ type: 'ping' });
  first.say({ type: 'pong' });
  await vi.advanceTimersByTimeAsync(19_999);
  expect(first.said.filter((it) => it.type === 'ping').length).toBe(1);
});

test('thirty seconds of silence are death', async () => {
  world.link.start();
  await connect();
  await vi.advanceTimersByTimeAsync(29_999);
  expect(world.closed).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(world.closed).toBe(1);
  await vi.advanceTimersByTimeAsync(500);
  expect(world.sockets.length).toBe(2);
});

test('a connection that slept is doubted, and given up where it does not answer', async () => {
  world.link.start();
  const first = await connect();
  world.link.hurry();
  expect(first.said.at(-1)).toEqual({ type: 'ping' });
  first.say({ type: 'pong' });
  await vi.advanceTimersByTimeAsync(5_000);
  expect(world.closed).toBe(0);
  world.link.hurry();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(world.closed).toBe(1);
});

test('a socket that never opens is given up too', async () => {
  world.link.start();
  await socket();
  await vi.advanceTimersByTimeAsync(30_500);
  expect(world.sockets.length).toBe(2);
});

test('on drain it comes back within the time it was given', async () => {
  world.random = 0.5;
  world.link.start();
  const first = await connect();
  first.say({ type: 'drain', within_ms: 4_000 });
  await vi.advanceTimersByTimeAsync(1_999);
  expect(world.sockets.length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(world.sockets.length).toBe(2);
  expect(world.closed).toBe(1);
});

test('that time holds also where the server closes first, as it does', async () => {
  world.random = 0.5;
  world.link.start();
  const first = await connect();
  first.say({ type: 'drain', within_ms: 4_000 });
  await vi.advanceTimersByTimeAsync(10);
  first.cut(1012);
  await vi.advanceTimersByTimeAsync(1_989);
  expect(world.sockets.length).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(world.sockets.length).toBe(2);
});

test('a refused token is not used again', async () => {
  world.link.start();
  (await connect()).cut(4401);
  expect(world.forgotten).toBe(1);
  await vi.advanceTimersByTimeAsync(250);
  expect(world.sockets.length).toBe(2);
});

test('without a network it waits for one, without a session it stops', async () => {
  world.tokenFails = new Error('no network');
  world.link.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(world.phases.at(-1)).toBe('waiting');
  world.tokenFails = new Error('signed out');
  world.link.hurry();
  await vi.advanceTimersByTimeAsync(0);
  expect(world.phases.at(-1)).toBe('stopped');
});

test('what an older socket says is not heard', async () => {
  world.link.start();
  const first = await connect();
  first.cut();
  await vi.advanceTimersByTimeAsync(500);
  const heard = world.heard.length;
  first.say({ type: 'lagged', room: 'r', head_seq: 4 });
  expect(world.heard.length).toBe(heard);
});

test('after stop nothing is tried again', async () => {
  world.link.start();
  const first = await connect();
  world.link.stop();
  expect(first.readyState).toBe(3);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(world.sockets.length).toBe(1);
});
