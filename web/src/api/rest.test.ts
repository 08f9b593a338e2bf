import { expect, test } from 'vitest';
import { Refused, Rest, SignedOut, Unreachable } from './rest';

const ANN = { id: 'ann', handle: 'ann', display_name: 'Ann', rank: 'member', created_at_ms: 0 };

type Asked = { path: string; token: string | null; body: unknown };

/** A server that answers by path, and what it was asked. */
function server(answers: Record<string, () => Response>): { rest: Rest; asked: Asked[] } {
  const asked: Asked[] = [];
  const rest = new Rest(async (input, init) => {
    const headers = new Headers(init?.headers);
    asked.push({ path: String(input), token: headers.get('authorization'), body: init?.body ? JSON.parse(String(init.body)) : undefined });
    const answer = answers[String(input)];
    if (!answer) throw new TypeError('connection refused');
    return answer();
  });
  return { rest, asked };
}

const tokens = (access_token: string, expires_in_s = 600) => () => Response.json({ access_token, expires_in_s, user: ANN });
const problem = (status: number, code: string, more = {}) => () => Response.json({ code, message: code, ...more }, { status });

test('the token of a login goes with the next request', async () => {
  const { rest, asked } = server({ '/v1/auth/login': tokens('a'), '/v1/users?handle=bea': () => Response.json({ users: [{ id: 'bea' }] }) });
  expect(await rest.login({ handle: 'ann', password: 'x' })).toEqual(ANN);
  expect(await rest.user('bea')).toEqual({ id: 'bea' });
  expect(asked.map((it) => it.token)).toEqual([null, 'Bearer a']);
});

test('a token about to end is refreshed first, once for all who wait', async () => {
  const { rest, asked } = server({
    '/v1/auth/login': tokens('old', 20),
    '/v1/auth/refresh': tokens('new'),
    '/v1/rooms?listed=true': () => Response.json({ rooms: [], users: [] }),
  });
  await rest.login({ handle: 'ann', password: 'x' });
  await Promise.all([rest.channels(), rest.channels()]);
  expect(asked.map((it) => it.path)).toEqual(['/v1/auth/login', '/v1/auth/refresh', '/v1/rooms?listed=true', '/v1/rooms?listed=true']);
  expect(asked.at(-1)?.token).toBe('Bearer new');
});

test('a refused token is refreshed and the request made again, once', async () => {
  let first = true;
  const { rest, asked } = server({
    '/v1/auth/login': tokens('old'),
    '/v1/auth/refresh': tokens('new'),
    '/v1/rooms?listed=true': () => {
      const refuse = first;
      first = false;
      return refuse ? problem(401, 'unauthorized')() : Response.json({ rooms: [], users: [] });
    },
  });
  await rest.login({ handle: 'ann', password: 'x' });
  await rest.channels();
  expect(asked.map((it) => it.token)).toEqual([null, 'Bearer old', null, 'Bearer new']);
});

test('without a session the refresh says so', async () => {
  const { rest } = server({ '/v1/auth/refresh': problem(401, 'unauthorized') });
  await expect(rest.refresh()).rejects.toBeInstanceOf(SignedOut);
  await expect(rest.token()).rejects.toBeInstanceOf(SignedOut);
});

test('a problem keeps its code, field and hint', async () => {
  const { rest } = server({ '/v1/auth/login': problem(429, 'rate_limited', { field: 'handle', retry_after_ms: 3_000 }) });
  const error = await rest.login({ handle: 'ann', password: 'x' }).catch((it: unknown) => it);
  expect(error).toBeInstanceOf(Refused);
  expect(error).toMatchObject({ status: 429, code: 'rate_limited', field: 'handle', retry_after_ms: 3_000 });
});

test.each([
  ['no network', {}],
  ['a page of something between', { '/v1/installation': () => new Response('<h1>Bad gateway</h1>', { status: 502 }) }],
  ['a page of a captive portal', { '/v1/installation': () => new Response('<h1>Welcome</h1>') }],
])('%s is unreachable', async (_, answers: Record<string, () => Response>) => {
  await expect(server(answers).rest.installation()).rejects.toBeInstanceOf(Unreachable);
});

test('a handle that nobody has is nobody', async () => {
  const { rest } = server({ '/v1/auth/refresh': tokens('a'), '/v1/users?handle=zoe': problem(404, 'not_found') });
  expect(await rest.user('zoe')).toBeNull();
});

test.each([
  ['newest', '/v1/rooms/r/messages?limit=50'],
  [{ before: 7 }, '/v1/rooms/r/messages?before=7&limit=50'],
  [{ after: 7 }, '/v1/rooms/r/messages?after=7&limit=50'],
  [{ around: 7 }, '/v1/rooms/r/messages?around=7&limit=50'],
  [{ at: 1_800_000_000_000 }, '/v1/rooms/r/messages?at=1800000000000&limit=50'],
] as const)('a page of the timeline is asked for by its place: %j', async (where, path) => {
  const page = { epoch: 'e', messages: [], head_seq: 9 };
  const { rest } = server({ '/v1/auth/refresh': tokens('a'), [path]: () => Response.json(page) });
  expect(await rest.messages('r', where, 50)).toEqual(page);
});

test('an export is what came, and its refusal a refusal', async () => {
  let answer = () => new Response('{"kind":"me"}\n');
  const { rest } = server({ '/v1/auth/refresh': tokens('a'), '/v1/me/export': () => answer() });
  expect(await (await rest.export()).text()).toBe('{"kind":"me"}\n');
  answer = problem(429, 'rate_limited');
  await expect(rest.export()).rejects.toBeInstanceOf(Refused);
});
