import { expect, test } from 'vitest';
import { Ways } from './way';

test('a stream is taken where two WebSockets failed and the server answers', () => {
  const ways = new Ways();
  expect(ways.next(0)).toBe('socket');
  ways.failed('socket', true);
  expect(ways.next(0)).toBe('socket');
  ways.failed('socket', false);
  expect(ways.next(0), 'nobody was there').toBe('socket');
  ways.failed('socket', true);
  expect(ways.next(0)).toBe('stream');
  ways.ready('stream');
  expect(ways.next(299_999), 'known to be broken').toBe('stream');
});

test('a WebSocket is tried again after a while, and once is enough then', () => {
  const ways = new Ways();
  for (const _ of [1, 2]) {
    ways.next(0);
    ways.failed('socket', true);
  }
  ways.ready('stream');
  expect(ways.next(300_000)).toBe('socket');
  ways.failed('socket', true);
  expect(ways.next(300_000)).toBe('stream');
  ways.failed('stream', false);
  expect(ways.next(300_000), 'the stream does no better').toBe('socket');
  ways.ready('socket');
  ways.failed('socket', true);
  expect(ways.next(300_000), 'it works after all').toBe('socket');
});
