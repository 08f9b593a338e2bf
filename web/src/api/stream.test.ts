import { expect, test } from 'vitest';
import { Refused, SignedOut, Unreachable } from './rest';
import { Events, EventStream } from './stream';
import type { ClientFrame } from './types';

const READY = '{"type":"ready","stream":"0-1-2"}';

/** A stream whose server is the test: what it was asked by REST, and what it told the link. */
class World {
  asked: string[] = [];
  told: unknown[] = [];
  closed: number[] = [];
  answer: (line: string) => unknown = () => undefined;
  say: (text: string) => void = () => {};
  end: () => void = () => {};
  readonly stream: EventStream;

  constructor(refusal?: Error) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.say = (text) => controller.enqueue(new TextEncoder().encode(text));
        this.end = () => controller.close();
      },
    });
    this.stream = new EventStream({
      stream: async (hello) => {
        this.asked.push(hello);
        if (refusal) throw refusal;
        return body;
      },
      command: async <T>(method: string, path: string, body?: unknown) => {
        const line = `${method} ${path}${body === undefined ? '' : ` ${JSON.stringify(body)}`}`;
        this.asked.push(line);
        return (await this.answer(line)) as T;
      },
    });
    this.stream.onmessage = ({ data }) => this.told.push(JSON.parse(data));
    this.stream.onclose = ({ code }) => this.closed.push(code);
  }

  async open(): Promise<void> {
    await settled();
    this.stream.send('{"type":"hello","token":"t"}');
    this.say(`data: ${READY}\n\n`);
    await settled();
  }

  send(frame: ClientFrame): void {
    this.stream.send(JSON.stringify(frame));
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

test('events are read wherever they are cut', () => {
  const text = ':\n\ndata: {"a":"ä: b"}\r\n\r\nevent: close\ndata: {"code":1012}\n\n';
  const whole = [
    { name: '', data: '{"type":"pong"}' },
    { name: '', data: '{"a":"ä: b"}' },
    { name: 'close', data: '{"code":1012}' },
  ];
  for (let cut = 0; cut <= text.length; cut += 1) {
    const events = new Events();
    expect([...events.take(text.slice(0, cut)), ...events.take(text.slice(cut))]).toEqual(whole);
  }
});

test('it opens, hears and closes as a WebSocket does', async () => {
  const world = new World();
  let opened = 0;
  world.stream.onopen = () => (opened += 1);
  await world.open();
  world.say(':\n\n');
  world.say('event: close\ndata: {"code":1012,"reason":"come back"}\n\n');
  await settled();
  expect(opened).toBe(1);
  expect(world.asked).toEqual(['{"type":"hello","token":"t"}']);
  expect(world.told).toEqual([JSON.parse(READY), { type: 'pong' }]);
  expect(world.closed).toEqual([1012]);
});

test('commands go by REST, one after the other, and their answers come as frames', async () => {
  const world = new World();
  let release = () => {};
  world.answer = (line) => {
    if (line.startsWith('POST /v1/rooms')) return new Promise((resolve) => (release = () => resolve({ seq: 7, n: 3, id: 'r-7', at_ms: 5 })));
    if (line.startsWith('GET')) return { epoch: 'e', events: [{ room: 'r', seq: 8 }], head_seq: 9 };
    return undefined;
  };
  await world.open();
  world.send({ type: 'message.send', ref: 1, room: 'r', key: 'k', text: 'hi' });
  world.send({ type: 'room.sync', ref: 2, room: 'r', after: 7 });
  world.send({ type: 'typing.set', room: 'r', on: true });
  world.send({ type: 'presence.watch', users: ['u'] });
  world.send({ type: 'ping' });
  await settled();
  expect(world.asked.slice(1)).toEqual(['POST /v1/rooms/r/messages {"key":"k","text":"hi"}']);
  release();
  await settled();
  expect(world.asked.slice(2)).toEqual([
    'GET /v1/rooms/r/events?after=7',
    'PUT /v1/rooms/r/typing {"on":true}',
    'PUT /v1/stream/0-1-2/watch {"users":["u"]}',
    'POST /v1/stream/0-1-2/ping',
  ]);
  expect(world.told.slice(1)).toEqual([
    { type: 'reply', ref: 1, seq: 7, n: 3, id: 'r-7', at_ms: 5 },
    { type: 'event', room: 'r', seq: 8 },
    { type: 'reply', ref: 2, head_seq: 9, more: true },
  ]);
});

test('a refusal is an error frame, and no answer is the end of the connection', async () => {
  const world = new World();
  world.answer = () => {
    throw new Refused(403, 'forbidden', null, null, 'no');
  };
  await world.open();
  world.send({ type: 'message.send', ref: 1, room: 'r', key: 'k', text: 'hi' });
  await settled();
  expect(world.told.slice(1)).toEqual([{ type: 'error', ref: 1, code: 'forbidden', message: 'no' }]);
  world.answer = () => {
    throw new Unreachable('no network');
  };
  world.send({ type: 'message.send', ref: 2, room: 'r', key: 'l', text: 'hi' });
  world.send({ type: 'message.send', ref: 3, room: 'r', key: 'm', text: 'hi' });
  await settled();
  expect(world.closed).toEqual([1006]);
  expect(world.asked.some((line) => line.includes('"m"'))).toBe(false);
});

test('a session that is over closes as it does on a WebSocket', async () => {
  const refused = new World(new Refused(401, 'unauthorized', null, null, 'over'));
  await refused.open();
  expect(refused.closed).toEqual([4401]);
  const world = new World();
  world.answer = () => {
    throw new SignedOut();
  };
  await world.open();
  world.send({ type: 'room.get', ref: 1, room: 'r' });
  await settled();
  expect(world.closed).toEqual([4401]);
});

test('a stream that ends without a word was cut, and one that was closed says nothing more', async () => {
  const cut = new World();
  await cut.open();
  cut.end();
  await settled();
  expect(cut.closed).toEqual([1006]);
  const closed = new World();
  await closed.open();
  closed.stream.close();
  closed.say('data: {"type":"pong"}\n\n');
  await settled();
  expect([closed.told.length, closed.closed]).toEqual([1, []]);
});
