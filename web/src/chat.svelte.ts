/**
 * The chat of one signed-in user: joins the link, the state machine, the clock, the storage and the
 * other tabs.
 *
 * All that happens comes through [`Chat.#do`] as an [`Input`]: it changes the state, what it returns
 * is said, the other tabs are told, the storage writes it down. A tab without the link takes the
 * same inputs from the one that has it.
 */
import { untrack } from 'svelte';
import { newKey } from './api/key';
import { Link, type Phase } from './api/link';
import { type Rest, SignedOut } from './api/rest';
import type { ClientFrame, Me, ServerFrame, UserName } from './api/types';
import { Account } from './chat/account';
import { Asking } from './chat/asking';
import { adopt, briefOf } from './chat/brief.svelte';
import { Drafts } from './chat/drafts.svelte';
import { Names } from './chat/names';
import { KEPT_EVENTS, Place } from './chat/place.svelte';
import { Presence } from './chat/presence';
import { RoomCommands } from './chat/room-commands';
import { Roster } from './chat/roster.svelte';
import type { Timeline } from './chat/timeline.svelte';
import { Typing } from './chat/typing';
import { Keeper, type Storage } from './store/keeper';
import { type Everything, type KeptDraft, pendingOf, revive } from './store/kept';
import { keepPlace } from './store/place';
import { type Command, enter, type Input, touched } from './sync/input';
import { type RoomState, type State, unread } from './sync/state';
import * as sync from './sync/sync';
import { type Message, Tabs } from './tabs/tabs';

export type ChatOptions = { rest: Rest; me: Me; keeper: Keeper; kept: Everything; tabs: Tabs; signedOut: SignedOutBy };

/** The session is over; `told` by another tab, which has said goodbye to the server and the storage. */
export type SignedOutBy = (by: 'server' | 'tab') => void;

export class Chat {
  readonly rest: Rest;
  readonly state: State;
  /** Of the link, whichever tab has it. */
  phase: Phase = $state('connecting');
  /** When a connection is tried next, while waiting. */
  retry_at_ms: number | null = $state(null);
  /** Whether what is read and written here survives a reload. */
  storage: Storage = $state('kept');
  /** The room that is looked at. */
  readonly place: Place;
  /** What is being written, room by room. */
  readonly drafts: Drafts;
  /** The order of the list, and the count of what is unread. */
  readonly roster: Roster;
  /** What one may do about a room and its members. */
  readonly room: RoomCommands;
  /** What one may do about oneself and the installation. */
  readonly account: Account;

  readonly #me: Me;
  readonly #keeper: Keeper;
  readonly #tabs: Tabs;
  readonly #link: Link;
  readonly #signedOut: SignedOutBy;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #names: Names;
  readonly #presence = new Presence();
  readonly #typing = new Typing((room, on) => this.#say({ type: 'typing.set', room, on }));
  /** The tab whose inputs are taken here. */
  #leader: string | null = null;
  readonly #asking = new Asking();
  #hasLed = false;

  /**
   * Opens what is kept of a user; without a network that is all there is to see. Null where nothing
   * is kept and the id is all that is known.
   */
  static async open(rest: Rest, user: Me | string, signedOut: SignedOutBy): Promise<Chat | null> {
    const userId = typeof user === 'string' ? user : user.id;
    let chat: Chat | null = null;
    const tabs = new Tabs(userId, {
      lead: () => chat?.lead(),
      follow: () => chat?.follow(),
      heard: (message, from) => chat?.heard(message, from),
    });
    const keeper = await Keeper.open(userId, tabs.id);
    const kept = await keeper.load();
    const me = typeof user === 'string' ? kept.self?.me : user;
    if (!me) {
      keeper.close();
      return null;
    }
    // Where each tab has a link of its own, what another one says is not this one's until that one is gone.
    if (!Tabs.canShare()) kept.outbox = [];
    keeper.own(kept.outbox);
    chat = new Chat({ rest, me, keeper, kept, tabs, signedOut });
    return chat;
  }

  constructor({ rest, me, keeper, kept, tabs, signedOut }: ChatOptions) {
    this.rest = rest;
    this.#me = me;
    this.#keeper = keeper;
    this.#tabs = tabs;
    this.#signedOut = signedOut;
    const first = revive(kept);
    const state = $state(first);
    this.state = state;
    keeper.plain = (value) => $state.snapshot(value) as typeof value;
    keeper.trouble = (storage) => (this.storage = storage);
    this.storage = keeper.storage;
    this.roster = new Roster(state, first);
    this.drafts = new Drafts(
      state,
      {
        say: (room, text) => this.#command({ do: 'draft', room, text, key: newKey() }),
        keep: (draft: KeptDraft) => keeper.draft(draft),
        tell: (draft: KeptDraft) => tabs.tell({ say: 'draft', draft }),
      },
      kept.drafts,
    );
    this.drafts.reconcile(Object.values(first.rooms).flatMap(({ room }) => (room.draft === undefined ? [] : room.id)));
    this.room = new RoomCommands(rest);
    this.account = new Account(rest, (me) => this.#learnMe(me));
    const failed = (error: unknown) => void this.#failed(error);
    this.#names = new Names(state, (ids) => rest.users(ids), (users) => users.forEach((it) => this.#learn(it)), failed);
    this.place = new Place(state, keeper, rest, me.id, failed, { openId: kept.self?.open ?? null, timeline: kept.timeline });
    this.#link = this.#newLink();
  }

  start(): void {
    this.#tabs.start();
    addEventListener('online', this.hurry);
    addEventListener('pagehide', this.#gone);
    document.addEventListener('visibilitychange', this.#looked);
  }

  /** For a page that goes: what is known stays on this device. */
  stop(): void {
    this.#end();
    void this.#keeper.flush().then(() => this.#keeper.close());
  }

  /** Signed out here: nothing stays behind, in no tab. With `isUnsentKept` what was not sent waits for the next time. */
  async forget(isUnsentKept = false): Promise<void> {
    this.#tabs.tell({ say: 'left' });
    this.#end();
    keepPlace(this.#me.id, null);
    await this.#keeper.erase(isUnsentKept);
  }

  /** Signed out in another tab, which erases what was kept. */
  leave(): void {
    this.#end();
    keepPlace(this.#me.id, null);
    this.#keeper.close();
  }

  #end(): void {
    this.#tabs.stop();
    this.#link.stop();
    this.drafts.stop();
    clearTimeout(this.#timer);
    removeEventListener('online', this.hurry);
    removeEventListener('pagehide', this.#gone);
    document.removeEventListener('visibilitychange', this.#looked);
  }

  /** Who I am, as I was called last. */
  get me(): Me {
    return this.state.me ?? this.#me;
  }

  readonly hurry = (): void => {
    if (this.#isSpeaker) this.#link.hurry();
    else this.#tabs.ask({ say: 'hurry' });
  };

  get openId(): string | null {
    return this.place.openId;
  }

  get timeline(): Timeline | null {
    return this.place.timeline;
  }

  /** The room that is looked at, once it is known. */
  get open(): RoomState | null {
    return this.place.open;
  }

  /** All rooms, the most recent first. */
  get rooms(): RoomState[] {
    return this.roster.order.flatMap((id) => this.state.rooms[id] ?? []);
  }

  get unread(): number {
    return this.roster.unread;
  }

  show(roomId: string | null): void {
    if (roomId !== this.openId) untrack(() => this.#turn(roomId));
  }

  send(roomId: string, text: string): void {
    this.stopTyping();
    this.drafts.delete(roomId);
    const key = newKey();
    if (!this.#isSpeaker) {
      this.state.now_ms = Date.now();
      sync.guess(this.state, roomId, text, key);
      this.#keeper.say(this.state.outbox);
    }
    this.#command({ do: 'send', room: roomId, text, key });
  }

  erase(roomId: string, target: number): void {
    this.#command({ do: 'erase', room: roomId, target, key: newKey() });
  }

  retry(key: string): void {
    this.#command({ do: 'resend', key });
  }

  discard(key: string): void {
    this.#command({ do: 'discard', key });
  }

  /** The newest message is on the screen, and somebody looks. */
  markRead(roomId: string): void {
    const known = this.state.rooms[roomId];
    if (known && unread(known.room) > 0) this.#command({ do: 'read', room: roomId, seq: known.cursor });
  }

  type(roomId: string): void {
    if (this.state.ready) this.#typing.type(roomId, Date.now());
  }

  stopTyping(): void {
    this.#typing.stop();
  }

  /** These users are on the screen: tell whether they are online. */
  watch(users: string[]): void {
    const most = untrack(() => this.state.limits.watch);
    if (this.#presence.want(users.slice(0, most))) untrack(() => this.#watch());
  }

  async learnNames(ids: string[]): Promise<void> {
    await this.#names.find(ids);
  }

  /** This tab has the link from now on. */
  lead(): void {
    this.#leader = null;
    this.#hasLed = true;
    this.#keeper.follow(this.state);
    this.#do({ do: 'disconnected' });
    for (const command of this.#asking.takeAll()) this.#do(command);
    if (this.#tabs.role === 'alone') void this.#claim();
    this.#link.start();
  }

  /** Another tab has it, or took it. */
  follow(): void {
    clearTimeout(this.#timer);
    // A tab that slept may have taken something that the other one never heard.
    if (this.#hasLed) this.#asking.addUnsaid(this.state.outbox);
    this.#keeper.unfollow();
    this.#link.stop();
  }

  heard(message: Message, from: string): void {
    switch (message.say) {
      case 'left':
        return this.#signedOut('tab');
      case 'draft':
        return this.drafts.heard(message.draft);
      case 'gone':
        if (this.#presence.left(from)) this.#watch();
        if (this.#tabs.role === 'alone') void this.#claim();
        return;
      default:
        if (this.#tabs.role === 'leader') this.#served(message, from);
        else if (this.#tabs.role === 'follower') this.#told(message, from);
    }
  }

  /** What a tab without the link wants of this one. */
  #served(message: Message, from: string): void {
    switch (message.say) {
      case 'join':
        return this.#tabs.tell({ say: 'state', to: from, state: briefOf(this.state), phase: this.phase, retry_at_ms: this.retry_at_ms });
      case 'ask':
        return this.#do(message.command);
      case 'frames':
        return this.#link.send(message.frames);
      case 'watch':
        this.#presence.wantedBy(from, message.users);
        return this.#watch();
      case 'hurry':
        return this.#link.hurry();
    }
  }

  /** What the tab with the link tells this one. */
  #told(message: Message, from: string): void {
    switch (message.say) {
      case 'lead':
        return this.#tabs.ask({ say: 'join' });
      case 'state':
        if (message.to === this.#tabs.id) this.#adopt(message.state, from);
        break;
      case 'input':
        if (from === this.#leader) this.#follow(message.input, message.now_ms);
        return;
      case 'phase':
        break;
      default:
        return;
    }
    Object.assign(this, { phase: message.phase, retry_at_ms: message.retry_at_ms });
  }

  /** Takes the state of the tab with the link, with what only this tab has. */
  #adopt(told: State, from: string): void {
    adopt(this.state, told, this.openId, KEPT_EVENTS);
    this.#leader = from;
    this.roster.renew();
    this.drafts.reconcile(Object.keys(this.state.rooms));
    this.place.comeBack();
    this.#watch();
    for (const command of this.#asking.open) this.#tabs.ask({ say: 'ask', command });
  }

  /** True where this tab has a link. */
  get #isSpeaker(): boolean {
    return this.#tabs.role === 'leader' || this.#tabs.role === 'alone';
  }

  /** An effect may ask for it, and must not depend on what that looks at. */
  #command(command: Command): void {
    if (this.#isSpeaker) return untrack(() => this.#do(command));
    this.#asking.add(command);
    this.#tabs.ask({ say: 'ask', command });
  }

  /** What the tab with the link did, this one does after it. */
  #follow(input: Input, now_ms: number): void {
    this.#take(input, now_ms);
    this.#asking.heard(input);
  }

  /** Takes an input, and does what follows from it. */
  #do(input: Input, now_ms = Date.now()): void {
    const frames = this.#take(input, now_ms);
    this.#tabs.tell({ say: 'input', input, now_ms });
    this.#link.send(frames);
    this.#keeper.say(this.state.outbox);
    this.#schedule();
  }

  /** Changes the state, and what is derived from it. */
  #take(input: Input, now_ms: number): ClientFrame[] {
    const changed = touched(this.state, input);
    const wasOpen = this.open !== null;
    const isNewHistory = input.do === 'frame' && input.frame.type === 'ready' && this.#isNewHistory(input.frame);
    const frames = enter(this.state, input, now_ms);
    if (isNewHistory && this.#isSpeaker) this.#keeper.reset();
    if (isNewHistory) this.roster.renew();
    const rooms = isNewHistory ? Object.keys(this.state.rooms) : changed;
    this.roster.update(rooms);
    this.drafts.reconcile(rooms);
    if (this.#isSpeaker) this.#keeper.touch(rooms, input.do === 'frame' && ('users' in input.frame || input.frame.type === 'signal'));
    if (input.do === 'frame' && input.frame.type === 'ready') this.#ready();
    if (wasOpen && this.open === null && !this.state.listing) queueMicrotask(() => this.#lose());
    return frames;
  }

  /** The room that was looked at was taken away. */
  #lose(): void {
    if (this.open === null) this.#turn(null);
  }

  #isNewHistory(frame: ServerFrame & { type: 'ready' }): boolean {
    return frame.reset || frame.epoch !== this.state.epoch || this.state.named === null;
  }

  #ready(): void {
    // After what the caller does with its frames, which were decided on before.
    queueMicrotask(() => {
      this.place.comeBack();
      this.#watch();
      this.drafts.resume();
      if (this.#tabs.role === 'alone') void this.#claim();
      if (this.#isSpeaker) void this.place.readAhead(this.roster.order);
    });
  }

  #turn(roomId: string | null): void {
    this.stopTyping();
    this.drafts.restAll();
    this.place.turn(roomId);
  }

  /** Says what was left unsaid by tabs that are no more, where each tab has a link of its own. Twice is once, by the key. */
  async #claim(): Promise<void> {
    const others = await this.#tabs.others();
    const kept = await this.#keeper.outbox().catch(() => []);
    const isKnown = (key: string) => this.state.outbox.some((it) => it.key === key);
    const orphans = kept.filter((it) => !isKnown(it.key) && !others.has(it.tab));
    if (orphans.length === 0 || this.#tabs.role !== 'alone') return;
    this.#keeper.own(orphans);
    this.state.outbox.push(...orphans.map(pendingOf));
    this.#do({ do: 'tick' });
  }

  #learnMe(me: Me): void {
    if (this.state.me) Object.assign(this.state.me, me);
    this.#learn(me);
  }

  #learn(user: UserName): void {
    sync.name(this.state, [user]);
    this.#keeper.touch([], true);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const due_ms = sync.tickDue(this.state);
    if (due_ms === null) return;
    this.#timer = setTimeout(() => this.#do({ do: 'tick' }), Math.max(0, due_ms - Date.now()));
  }

  #say(frame: { type: 'typing.set'; room: string; on: boolean }): void {
    if (this.#isSpeaker) this.#link.send([frame]);
    else this.#tabs.tell({ say: 'frames', frames: [frame] });
  }

  /** Tells whose presence is to be told, in all tabs together. */
  #watch(): void {
    if (!this.#isSpeaker) return this.#tabs.tell({ say: 'watch', users: this.#presence.here });
    if (this.state.ready) this.#link.send([{ type: 'presence.watch', users: this.#presence.all(this.state.limits.watch) }]);
  }

  #newLink(): Link {
    return new Link(
      {
        connect: (subprotocol) => new WebSocket(new URL('/v1/ws', location.href.replace(/^http/, 'ws')), subprotocol),
        token: () => this.#token(),
        forgetToken: () => this.rest.forgetToken(),
        random: Math.random,
      },
      {
        opened: (token) => {
          const now_ms = Date.now();
          this.#tabs.tell({ say: 'input', input: { do: 'connected', token: '' }, now_ms });
          this.state.now_ms = now_ms;
          return sync.connected(this.state, token);
        },
        frame: (frame) => this.#do({ do: 'frame', frame }),
        // A tab that was relieved says no more: the other one has told the rest already.
        closed: () => this.#isSpeaker && this.#do({ do: 'disconnected' }),
        phase: (phase, retry_at_ms) => {
          if (!this.#isSpeaker) return;
          Object.assign(this, { phase, retry_at_ms });
          if (phase !== 'stopped') this.#tabs.tell({ say: 'phase', phase, retry_at_ms });
        },
        failed: (error) => this.#failed(error),
      },
    );
  }

  /** A session that is not this user's any more is none. */
  async #token(): Promise<string> {
    const token = await this.rest.token();
    if (this.rest.userId !== this.#me.id) throw new SignedOut();
    return token;
  }

  readonly #looked = (): void => {
    if (document.visibilityState === 'visible') {
      this.#tabs.doubt();
      if (this.#isSpeaker) this.#link.hurry();
    } else this.#hidden();
  };

  /** The page may be gone in a moment. */
  readonly #hidden = (): void => {
    this.drafts.restAll();
    void this.#keeper.flush();
  };

  readonly #gone = (): void => {
    this.#hidden();
    this.#tabs.tell({ say: 'gone' });
  };

  #failed(error: unknown): boolean {
    if (error instanceof SignedOut) this.#signedOut('server');
    return !(error instanceof SignedOut);
  }
}
