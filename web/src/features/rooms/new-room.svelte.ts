/** Making a room, or joining one. */
import { newKey } from '../../api/key';
import type { Room, RoomCreate, UserName } from '../../api/types';
import type { Chat } from '../../chat.svelte';
import { text } from '../../text';
import { find, handleOf } from '../handle';
import { explain, Unusable } from '../work.svelte';

export type Kind = 'direct' | 'group' | 'channel' | 'join';

/** Pages of channels that are read; a search comes before there are more. */
const CHANNEL_PAGES_MAX = 10;

export class NewRoom {
  kind: Kind = $state('direct');
  handle = $state('');
  name = $state('');
  /** Whom the handle named, and who will be members. */
  members: UserName[] = $state([]);
  channels: Room[] | null = $state(null);
  wrong: string | null = $state(null);
  isBusy = $state(false);
  /** Of the room that is being made: trying again makes no second one. */
  #key = newKey();
  /** The last look-up: the next follows it, so that who types fast loses nobody. */
  #looking: Promise<void> = Promise.resolve();

  constructor(
    private readonly chat: Chat,
    private readonly done: () => void,
  ) {}

  turn(kind: Kind): void {
    Object.assign(this, { kind, wrong: null, members: [], handle: '' });
    this.#key = newKey();
    if (kind === 'join') void this.#try(() => this.#listChannels());
  }

  /** Looks up the handle in the field and puts its user among the members; back in the field with one that is none. */
  find(): Promise<void> {
    const { handle } = this;
    this.handle = '';
    this.#looking = this.#looking.then(async () => {
      const isFound = await this.#try(() => this.#take(handleOf(handle)));
      if (!isFound && this.handle === '') this.handle = handle;
    });
    return this.#looking;
  }

  async #take(handle: string): Promise<void> {
    if (handle === '') return;
    if (handle === this.chat.me.handle) throw new Unusable(text.newRoom.yourself);
    const user = await find(this.chat.rest, handle);
    if (this.kind === 'direct') this.members = [user];
    else if (!this.members.some((it) => it.id === user.id)) this.members.push(user);
    this.#key = newKey();
  }

  remove(userId: string): void {
    this.members = this.members.filter((it) => it.id !== userId);
    this.#key = newKey();
  }

  /** The name counts as part of what is made. */
  rename(): void {
    this.#key = newKey();
  }

  get canCreate(): boolean {
    return this.kind === 'direct' ? this.members.length === 1 : this.name.trim() !== '';
  }

  async create(): Promise<void> {
    await this.#try(async () => {
      const { kind, members } = this;
      const body: RoomCreate = { key: this.#key, kind, members: members.map((it) => it.id) };
      const room = await this.chat.rest.createRoom(kind === 'direct' ? body : { ...body, name: this.name.trim() });
      this.#show(room.id);
    });
  }

  async join(roomId: string): Promise<void> {
    await this.#try(async () => {
      await this.chat.rest.joinRoom(roomId, newKey());
      this.#show(roomId);
    });
  }

  #show(roomId: string): void {
    this.chat.show(roomId);
    this.done();
  }

  async #listChannels(): Promise<void> {
    const rooms: Room[] = [];
    let after: string | undefined;
    for (let page = 0; page < CHANNEL_PAGES_MAX; page += 1) {
      const { rooms: more, next } = await this.chat.rest.channels(after);
      rooms.push(...more.filter((room) => room.role === null && !this.chat.state.rooms[room.id]));
      after = next;
      if (after === undefined) break;
    }
    this.channels = rooms;
  }

  /** Returns whether it was done. */
  async #try(work: () => Promise<void>): Promise<boolean> {
    if (this.isBusy) return false;
    this.isBusy = true;
    this.wrong = null;
    try {
      await work();
    } catch (error) {
      this.wrong = explain(error);
    } finally {
      this.isBusy = false;
    }
    return this.wrong === null;
  }
}
