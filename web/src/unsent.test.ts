import { expect, test } from 'vitest';
import type { Pending } from './sync/state';
import { Unsent } from './unsent';

/** A storage as the browser has it: its entries are its own properties. */
function storage(): Storage {
  const methods = {
    getItem(this: Record<string, string>, name: string) {
      return this[name] ?? null;
    },
    setItem(this: Record<string, string>, name: string, value: string) {
      this[name] = value;
    },
    removeItem(this: Record<string, string>, name: string) {
      delete this[name];
    },
  };
  return Object.create(methods) as Storage;
}

function pending(key: string, stage: Pending['stage'] = 'waiting', code: Pending['code'] = null): Pending {
  return { key, room: 'r', at_ms: 1, what: { text: key }, stage, ref: 7, said_ms: 3, retry_ms: null, seq: null, code };
}

test('what was not stored is there after a reload, in order, to be said again', () => {
  const disk = storage();
  new Unsent('ann', disk).save([pending('b', 'sending'), pending('a'), pending('c', 'failed', 'forbidden')]);
  const loaded = new Unsent('ann', disk).load();
  expect(loaded.map((it) => [it.key, it.stage, it.ref])).toEqual([
    ['a', 'waiting', null],
    ['b', 'waiting', null],
    ['c', 'failed', null],
  ]);
});

test('what was stored or given up is gone', () => {
  const disk = storage();
  const unsent = new Unsent('ann', disk);
  unsent.save([pending('a'), pending('b')]);
  unsent.save([pending('a', 'sent'), pending('b')]);
  expect(new Unsent('ann', disk).load().map((it) => it.key)).toEqual(['b']);
});

test('a tab forgets only what it knew of', () => {
  const disk = storage();
  const [one, two] = [new Unsent('ann', disk), new Unsent('ann', disk)];
  one.save([pending('a')]);
  two.save([pending('b')]);
  two.save([]);
  expect(new Unsent('ann', disk).load().map((it) => it.key)).toEqual(['a']);
});

test('users do not see one another', () => {
  const disk = storage();
  new Unsent('ann', disk).save([pending('a')]);
  expect(new Unsent('bea', disk).load()).toEqual([]);
});

test('an entry that is broken is left out', () => {
  const disk = storage();
  disk.setItem('chinwag.unsent.ann.x', '{"key":');
  disk.setItem('chinwag.unsent.ann.y', '{"key":5}');
  expect(new Unsent('ann', disk).load()).toEqual([]);
});

test('without a storage nothing fails', () => {
  const unsent = new Unsent('ann', null);
  unsent.save([pending('a')]);
  expect(unsent.load()).toEqual([]);
});
