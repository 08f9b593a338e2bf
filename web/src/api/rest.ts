/**
 * The REST door. The access token lives in memory alone; the refresh token is in a cookie that no
 * script can read.
 */
import type { PageAt } from '../sync/timeline';
import type {
  Addresses,
  ErrorCode,
  Installation,
  Invite,
  InviteCreate,
  Invites,
  Login,
  Me,
  MemberPut,
  MemberReceipts,
  Members,
  MePatch,
  Messages,
  PasswordChange,
  PasswordReset,
  Problem,
  Presences,
  RankPut,
  Register,
  ResetLink,
  Room,
  RoomCreate,
  RoomPatch,
  Rooms,
  Sessions,
  Tokens,
  UserName,
  Users,
} from './types';

/** A request without an answer for this long is given up. */
const ANSWER_WITHIN_MS = 15_000;

/** Whoever asks whether there is an answer waits for it before the next try. */
const PROBE_WITHIN_MS = 3_000;

/** All that is kept of somebody may be long, and the line slow. */
const EXPORT_WITHIN_MS = 10 * 60_000;

/** A token that ends within this time is not used any more. */
const REFRESH_BEFORE_MS = 30_000;

/** The server understood and said no. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: ErrorCode,
    readonly field: string | null,
    readonly retry_after_ms: number | null,
    message: string,
  ) {
    super(message);
  }
}

/** No answer that could be understood: no network, no server, or something between. */
export class Unreachable extends Error {}

/** Nobody is signed in, or no longer. */
export class SignedOut extends Error {}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export class Rest {
  /** Whose the token is. */
  userId: string | null = null;
  #token: { value: string; until_ms: number } | null = null;
  #refresh: Promise<Me> | null = null;

  constructor(private readonly fetch: typeof globalThis.fetch = (...request) => globalThis.fetch(...request)) {}

  installation(): Promise<Installation> {
    return this.#open('GET', '/v1/installation');
  }

  async register(body: Register): Promise<Me> {
    return this.#keep(await this.#open<Tokens>('POST', '/v1/auth/register', body));
  }

  async login(body: Login): Promise<Me> {
    return this.#keep(await this.#open<Tokens>('POST', '/v1/auth/login', body));
  }

  reset(body: PasswordReset): Promise<void> {
    return this.#open('POST', '/v1/auth/reset', body);
  }

  /** Ends this session on the server too. */
  async logout(): Promise<void> {
    await this.#signed('POST', '/v1/auth/logout');
    this.#token = null;
  }

  /** A new access token by the cookie. One at a time, in this tab and among all tabs. */
  refresh(): Promise<Me> {
    this.#refresh ??= locked(async () => {
      try {
        return this.#keep(await this.#open<Tokens>('POST', '/v1/auth/refresh', {}));
      } catch (error) {
        throw error instanceof Refused && error.status === 401 ? new SignedOut() : error;
      }
    }).finally(() => (this.#refresh = null));
    return this.#refresh;
  }

  /** An access token that is good for a while yet. */
  async token(): Promise<string> {
    if (!this.#token || this.#token.until_ms - REFRESH_BEFORE_MS < Date.now()) await this.refresh();
    if (!this.#token) throw new SignedOut();
    return this.#token.value;
  }

  /** The server did not take the token that it gave: the next one is a new one. */
  forgetToken(): void {
    this.#token = null;
  }

  /** The one user with this handle. */
  async user(handle: string): Promise<UserName | null> {
    const found = await this.#signed<Users>('GET', `/v1/users?handle=${encodeURIComponent(handle)}`).catch(notFound);
    return found?.users[0] ?? null;
  }

  /** Those of these ids whom one may see, at most 100. */
  async users(ids: string[]): Promise<UserName[]> {
    return (await this.#signed<Users>('GET', `/v1/users?ids=${ids.map(encodeURIComponent).join(',')}`)).users;
  }

  /** Who governs the installation, owners first, each with a `rank`; for those who do. */
  async ranked(): Promise<UserName[]> {
    return (await this.#signed<Users>('GET', '/v1/users?ranked=true')).users;
  }

  me(): Promise<Me> {
    return this.#signed('GET', '/v1/me');
  }

  patchMe(body: MePatch): Promise<Me> {
    return this.#signed('PATCH', '/v1/me', body);
  }

  deleteMe(password: string): Promise<void> {
    return this.#signed('DELETE', '/v1/me', { password });
  }

  /** All that is kept of me, as JSON lines. */
  async export(): Promise<Blob> {
    const answer = await this.#asked('GET', '/v1/me/export', undefined, await this.token(), EXPORT_WITHIN_MS);
    if (!answer.ok) return read(answer);
    return answer.blob().catch((error: unknown) => {
      throw new Unreachable(String(error));
    });
  }

  changePassword(body: PasswordChange): Promise<void> {
    return this.#signed('POST', '/v1/auth/password', body);
  }

  sessions(): Promise<Sessions> {
    return this.#signed('GET', '/v1/sessions');
  }

  endSession(id: string): Promise<void> {
    return this.#signed('DELETE', `/v1/sessions/${encodeURIComponent(id)}`);
  }

  /** A link with which this user sets a new password. */
  resetOf(user: string): Promise<ResetLink> {
    return this.#signed('POST', `/v1/users/${encodeURIComponent(user)}/reset`);
  }

  putRank(user: string, body: RankPut): Promise<void> {
    return this.#signed('PUT', `/v1/users/${encodeURIComponent(user)}/rank`, body);
  }

  invites(): Promise<Invites> {
    return this.#signed('GET', '/v1/invites');
  }

  invite(body: InviteCreate): Promise<Invite> {
    return this.#signed('POST', '/v1/invites', body);
  }

  withdraw(code: string): Promise<void> {
    return this.#signed('DELETE', `/v1/invites/${encodeURIComponent(code)}`);
  }

  /** Under which others reach this server. */
  addresses(): Promise<Addresses> {
    return this.#signed('GET', '/v1/addresses');
  }

  channels(after?: string): Promise<Rooms> {
    return this.#signed('GET', `/v1/rooms?listed=true${after ? `&after=${encodeURIComponent(after)}` : ''}`);
  }

  createRoom(body: RoomCreate): Promise<Room> {
    return this.#signed('POST', '/v1/rooms', body);
  }

  patchRoom(room: string, body: RoomPatch): Promise<void> {
    return this.#done('PATCH', roomPath(room), body);
  }

  joinRoom(room: string, key: string): Promise<void> {
    return this.#done('POST', roomPath(room, '/join'), { key });
  }

  leaveRoom(room: string, key: string): Promise<void> {
    return this.#done('POST', roomPath(room, '/leave'), { key });
  }

  members(room: string, after?: string): Promise<Members> {
    return this.#signed('GET', roomPath(room, `/members${after ? `?after=${encodeURIComponent(after)}` : ''}`));
  }

  /** How far each of the others has come. */
  receipts(room: string): Promise<MemberReceipts> {
    return this.#signed('GET', roomPath(room, '/receipts'));
  }

  /** Who of these is online, and when the others were last seen. */
  presence(users: string[]): Promise<Presences> {
    return this.#signed('GET', `/v1/presence?users=${users.map(encodeURIComponent).join()}`);
  }

  putMember(room: string, user: string, body: MemberPut): Promise<void> {
    return this.#done('PUT', roomPath(room, `/members/${encodeURIComponent(user)}`), body);
  }

  removeMember(room: string, user: string, key: string): Promise<void> {
    return this.#done('DELETE', roomPath(room, `/members/${encodeURIComponent(user)}`), { key });
  }

  /** A page of the timeline; `{ at }` is the one around the first message at or after that time. */
  messages(room: string, where: PageAt | { at: number }, limit: number): Promise<Messages> {
    const [[field, value] = []] = typeof where === 'string' ? [] : Object.entries(where);
    return this.#signed('GET', roomPath(room, `/messages?${field ? `${field}=${value}&` : ''}limit=${limit}`));
  }

  /** What a frame of the socket is by REST. */
  command<T>(method: Method, path: string, body?: unknown): Promise<T> {
    return this.#signed(method, path, body);
  }

  /** Whether the server answers at all, though a WebSocket came to nothing. */
  async answers(): Promise<boolean> {
    const asked = this.#asked('GET', '/v1/installation', undefined, undefined, PROBE_WITHIN_MS);
    return asked.then(
      (answer) => answer.ok,
      () => false,
    );
  }

  /** The answer that does not end. The token is in the body, as on a socket. */
  async stream(hello: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = { 'content-type': 'application/json' };
    const request: RequestInit = { method: 'POST', headers, body: hello, credentials: 'same-origin', cache: 'no-store', signal };
    const answer = await this.fetch('/v1/stream', request).catch((error: unknown) => {
      throw new Unreachable(String(error));
    });
    if (answer.ok && answer.body) return answer.body;
    return read(answer);
  }

  #keep({ access_token, expires_in_s, user }: Tokens): Me {
    this.userId = user.id;
    this.#token = { value: access_token, until_ms: Date.now() + expires_in_s * 1_000 };
    return user;
  }

  async #done(method: Method, path: string, body: unknown): Promise<void> {
    await this.#signed(method, path, body);
  }

  async #signed<T>(method: Method, path: string, body?: unknown): Promise<T> {
    const token = await this.token();
    try {
      return await this.#open<T>(method, path, body, token);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
    }
    this.forgetToken();
    return this.#open(method, path, body, await this.token());
  }

  async #open<T>(method: Method, path: string, body?: unknown, token?: string): Promise<T> {
    return read<T>(await this.#asked(method, path, body, token));
  }

  #asked(method: Method, path: string, body?: unknown, token?: string, within_ms = ANSWER_WITHIN_MS): Promise<Response> {
    const headers: Record<string, string> = {};
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (token) headers.authorization = `Bearer ${token}`;
    const request: RequestInit = {
      method,
      headers,
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.timeout(within_ms),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    };
    return this.fetch(path, request).catch((error: unknown) => {
      throw new Unreachable(String(error));
    });
  }
}

export function roomPath(room: string, rest = ''): string {
  return `/v1/rooms/${encodeURIComponent(room)}${rest}`;
}

async function read<T>(answer: Response): Promise<T> {
  const text = await answer.text().catch(() => '');
  const body = parse(text);
  if (answer.ok && (body !== undefined || text === '')) return body as T;
  if (!isProblem(body)) throw new Unreachable(`status ${answer.status}`);
  throw new Refused(answer.status, body.code, body.field ?? null, body.retry_after_ms ?? null, body.message);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === 'object' && body !== null && 'code' in body;
}

function notFound(error: unknown): null {
  if (error instanceof Refused && error.code === 'not_found') return null;
  throw error;
}

/** Two tabs that refresh at once would each be given a successor. Over plain http there are no Web Locks: then the server's grace covers it. */
function locked<T>(work: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks;
  return locks ? (locks.request('chinwag.refresh', work) as Promise<T>) : work();
}
