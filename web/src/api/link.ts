/**
 * The socket: connects, says `hello`, comes back by itself.
 *
 * It knows frames and time, and nothing of rooms; see `sync/` for those.
 */
import type { ClientFrame, ServerFrame } from './types';

/** The wait before the first retry; it doubles with each. */
const BACK_OFF_MS = 500;

/** The wait does not grow beyond this. */
const BACK_OFF_MAX_MS = 30_000;

/** After so long without a word of the server it is asked for one. */
const PING_AFTER_MS = 20_000;

/** After so long without a word of the server the connection is dead. */
const DEAD_AFTER_MS = 30_000;

/** A connection that is doubted must answer within this time. */
const PROBE_WITHIN_MS = 5_000;

const SUBPROTOCOL = 'chinwag.v1';

/** The server does not take the token, or took it back. */
const CLOSED_UNAUTHORIZED = 4401;

/** The server restarts: come back. */
const CLOSED_RESTART = 1012;

export type Phase = 'connecting' | 'open' | 'waiting' | 'stopped';

/** What the link needs of the world. */
export type Wires = {
  connect: (subprotocol: string) => WebSocket;
  /** A good access token; fails with what [`Events.failed`] is told. */
  token: () => Promise<string>;
  /** The token that was given last is no good. */
  forgetToken: () => void;
  /** From 0 up to 1. */
  random: () => number;
};

export type Events = {
  /** A socket is open: the first frame, for this token. */
  opened: (token: string) => ClientFrame;
  frame: (frame: ServerFrame) => void;
  /** The connection that was opened is gone. */
  closed: () => void;
  phase: (phase: Phase, retry_at_ms: number | null) => void;
  /** No token can be had. Returns true where trying again makes sense. */
  failed: (error: unknown) => boolean;
};

export class Link {
  #socket: WebSocket | null = null;
  #attempts = 0;
  /** Grows with each socket, so that what is left of an older one is ignored. */
  #generation = 0;
  #stopped = true;
  /** When to come back to a node that leaves, however soon it closes the socket. */
  #returnAtMs: number | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly wires: Wires,
    private readonly events: Events,
  ) {}

  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#attempts = 0;
    void this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#drop();
    this.events.phase('stopped', null);
  }

  /**
   * The network is back, or the page is looked at again: comes back at once where it would have
   * waited, and doubts a connection that may have died in its sleep.
   */
  hurry(): void {
    if (this.#stopped) return;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#probe(PROBE_WITHIN_MS);
    else if (!this.#socket && this.#timer) void this.#connect();
  }

  /** Says the frames, in order. Where that is not possible the connection is lost, and reported. */
  send(frames: ClientFrame[]): void {
    if (frames.length === 0) return;
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    for (const frame of frames) socket.send(JSON.stringify(frame));
  }

  async #connect(): Promise<void> {
    this.#drop();
    const generation = this.#generation;
    this.events.phase('connecting', null);
    try {
      const token = await this.wires.token();
      if (generation !== this.#generation || this.#stopped) return;
      this.#open(token, generation);
    } catch (error) {
      if (generation !== this.#generation || this.#stopped) return;
      if (this.events.failed(error)) this.#wait(this.#backOff());
      else this.stop();
    }
  }

  #open(token: string, generation: number): void {
    const socket = this.wires.connect(SUBPROTOCOL);
    const isCurrent = () => generation === this.#generation;
    this.#socket = socket;
    this.#listen();
    socket.onopen = () => {
      if (!isCurrent()) return;
      socket.send(JSON.stringify(this.events.opened(token)));
      this.#listen();
    };
    socket.onmessage = ({ data }: MessageEvent) => {
      if (isCurrent()) this.#hear(data);
    };
    socket.onclose = ({ code }: CloseEvent) => {
      if (isCurrent()) this.#lost(code);
    };
  }

  #hear(data: unknown): void {
    this.#listen();
    const frame = parse(data);
    if (!frame) return;
    if (frame.type === 'ready') {
      this.#attempts = 0;
      this.events.phase('open', null);
    }
    if (frame.type === 'drain') return this.#leave(frame.within_ms);
    this.events.frame(frame);
  }

  /** The node is leaving: all its clients come back elsewhere, not all at one moment. */
  #leave(within_ms: number): void {
    const wait_ms = this.wires.random() * within_ms;
    this.#returnAtMs = Date.now() + wait_ms;
    this.#timer = setTimeout(() => void this.#connect(), wait_ms);
  }

  #lost(code: number): void {
    if (code === CLOSED_UNAUTHORIZED) this.wires.forgetToken();
    const returnAtMs = this.#returnAtMs;
    this.#drop();
    if (this.#stopped) return;
    if (returnAtMs !== null) return this.#wait(Math.max(0, returnAtMs - Date.now()));
    // A restart is soon over, and a refused token is renewed: the first try is at once, but spread.
    const isExpected = code === CLOSED_RESTART || code === CLOSED_UNAUTHORIZED;
    this.#wait(isExpected && this.#attempts === 0 ? this.#backOff() / 2 : this.#backOff());
  }

  #wait(wait_ms: number): void {
    this.#timer = setTimeout(() => void this.#connect(), wait_ms);
    this.events.phase('waiting', Date.now() + wait_ms);
  }

  /** Full jitter: any wait up to the bound, so that clients of one server do not march in step. */
  #backOff(): number {
    const bound_ms = Math.min(BACK_OFF_MAX_MS, BACK_OFF_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    return this.wires.random() * bound_ms;
  }

  /** Any word of the server is a sign of life. A socket that does not open is as dead as a silent one. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#probe(DEAD_AFTER_MS - PING_AFTER_MS), PING_AFTER_MS);
  }

  #probe(within_ms: number): void {
    clearTimeout(this.#silence);
    this.send([{ type: 'ping' }]);
    this.#silence = setTimeout(() => this.#lost(0), within_ms);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#silence);
    this.#timer = undefined;
    this.#returnAtMs = null;
    this.#generation += 1;
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onclose = null;
    socket.close();
    this.events.closed();
  }
}

function parse(data: unknown): ServerFrame | null {
  if (typeof data !== 'string') return null;
  try {
    const frame: unknown = JSON.parse(data);
    return typeof frame === 'object' && frame !== null && 'type' in frame ? (frame as ServerFrame) : null;
  } catch {
    return null;
  }
}
