/** People with a past, so that the pictures show a week and not a minute. */
import type { Page } from '@playwright/test';
import type { Tokens } from '../src/api/types';
import { PASSWORD } from './journey';
import type { Server } from './server';

const PEOPLE = [['bea', 'Bea Martin'], ['cid', 'Cid Okafor'], ['dana', 'Dana Levi'], ['emil', 'Emil Brandt'], ['fatima', 'Fatima Zahra']] as const;

/** Beyond every head: it counts as the head. */
const ALL = Number.MAX_SAFE_INTEGER;

const HOUR_MS = 3_600_000;

/** Who says what; a number is how many hours ago what follows is to have been said. */
type Said = number | [handle: string, text: string];

const GENERAL: Said[] = [
  50,
  ['bea', 'Did anybody see the train times for Saturday?'],
  ['cid', 'There is one at 9:12, and one an hour later. I would take the later one, because the café does not open before ten.'],
  ['cid', 'https://example.org/trains has them all'],
  ['dana', '👍🎉'],
  26,
  ['fatima', 'أنا معكم، سأحضر الشاي 🍵'],
  ['emil', 'Me too. My knee is fine again, thanks for asking, everybody!'],
  ['emil', 'And I have a tent for four, should we want to stay.'],
  3,
  ['cid', 'For the nerds, `trains --from here` prints:\n```\n09:12  platform 4   on time\n10:12  platform 2   on time\n```'],
  ['bea', 'The later one, then.'],
  ['bea', 'See you all at the station!'],
];

export class Town {
  readonly #tokens: Record<string, string> = {};
  readonly #rooms: Record<string, string> = {};
  readonly #ages: Record<string, Age[]> = {};

  constructor(private readonly server: Server) {}

  /** After Ann has made the installation hers. */
  async settle(): Promise<void> {
    for (const [handle, display_name] of PEOPLE) {
      const tokens = await this.server.call<Tokens>('POST', '/v1/auth/register', { handle, password: PASSWORD, display_name });
      this.#tokens[handle] = tokens.access_token;
    }
    const { rooms } = await this.server.call<{ rooms: { id: string; name: string }[] }>('GET', '/v1/rooms', undefined, this.#tokens.bea);
    const general = rooms.find((room) => room.name === 'general')?.id ?? '';
    await this.#make('fatima', 'channel', 'allotment', [], []);
    await this.#make('dana', 'group', 'Saturday hike 🥾', ['ann'], [51, ['dana', 'I packed the stove and the good coffee.'], ['dana', 'Weather looks fine until four.']]);
    await this.#make('emil', 'direct', undefined, ['ann'], [27, ['emil', 'Did you get the key from next door?']], 'Emil Brandt');
    await this.#make('fatima', 'direct', undefined, ['ann'], [25, ['fatima', 'صباح الخير! نلتقي عند العاشرة؟']], 'Fatima Zahra');
    await this.#make('cid', 'group', 'Release 0.2', ['ann'], [4, ['cid', 'The build is green again.'], ['cid', 'Who writes the notes?']]);
    await this.#make('bea', 'direct', undefined, ['ann'], [120, ['bea', 'Thank you for the jam 🍓']], 'Bea Martin');
    this.#rooms.general = general;
    await this.#talk(general, GENERAL);
  }

  /** What the page reads is then as old as the story has it; the server's clock cannot be turned back. */
  async age(page: Page): Promise<void> {
    await page.route(/\/v1\/rooms\/[^/]+\/messages/, async (route) => {
      if (route.request().method() !== 'GET') return route.fallback();
      const response = await route.fetch();
      const json = (await response.json()) as { messages: Told[] };
      for (const message of json.messages) this.#grow(message);
      await route.fulfill({ response, json });
    });
    await page.routeWebSocket(/\/v1\/ws/, (socket) => {
      const server = socket.connectToServer();
      server.onMessage((text) => {
        const frame = JSON.parse(String(text)) as Told & { type: string; rooms?: { last: Told | null }[] };
        for (const told of frame.type === 'event' ? [frame] : (frame.rooms ?? []).map(({ last }) => last)) if (told) this.#grow(told);
        socket.send(JSON.stringify(frame));
      });
    });
  }

  async type(handle: string, room: string): Promise<void> {
    await this.server.call('PUT', `/v1/rooms/${this.#rooms[room]}/typing`, { on: true }, this.#tokens[handle]);
  }

  /** Somebody has read all that was said in a room. */
  async read(handle: string, room: string): Promise<void> {
    await this.server.call('PUT', `/v1/rooms/${this.#rooms[room]}/receipt`, { read: ALL }, this.#tokens[handle]);
  }

  /** Somebody has received it all, and has not looked. */
  async receive(handle: string, room: string): Promise<void> {
    await this.server.call('PUT', `/v1/rooms/${this.#rooms[room]}/receipt`, { delivered: ALL }, this.#tokens[handle]);
  }

  async #make(handle: string, kind: string, name: string | undefined, members: string[], said: Said[], title = name ?? ''): Promise<void> {
    const token = this.#tokens[handle];
    const ids = await Promise.all(members.map((it) => this.server.call<{ users: { id: string }[] }>('GET', `/v1/users?handle=${it}`, undefined, token)));
    const body = { kind, ...(name && { name }), members: ids.flatMap(({ users }) => users.map(({ id }) => id)) };
    const { id } = await this.server.call<{ id: string }>('POST', '/v1/rooms', body, token);
    this.#rooms[title] = id;
    await this.#talk(id, said);
  }

  async #talk(room: string, said: Said[]): Promise<void> {
    const ages: Age[] = (this.#ages[room] = []);
    let age_ms = 0;
    let last = 0;
    for (const it of said) {
      if (typeof it === 'number') {
        age_ms = it * HOUR_MS;
        continue;
      }
      const [handle, text] = it;
      const { seq } = await this.server.call<{ seq: number }>('POST', `/v1/rooms/${room}/messages`, { text }, this.#tokens[handle]);
      if (ages.at(-1)?.age_ms !== age_ms) ages.push({ from: ages.length === 0 ? 1 : seq, age_ms });
      last = seq;
    }
    // What comes from here on is as old as it is.
    ages.push({ from: last + 1, age_ms: 0 });
  }

  #grow(message: Told): void {
    message.at_ms -= this.#ages[message.room]?.findLast(({ from }) => from <= message.seq)?.age_ms ?? 0;
  }
}

/** From this number on a message is so old. */
type Age = { from: number; age_ms: number };

type Told = { room: string; seq: number; at_ms: number };
