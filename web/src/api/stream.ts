/**
 * An event stream in a WebSocket's place: it opens, tells what comes and closes as one does, and what is
 * said on it goes by REST, one thing after the other.
 */
import { Refused, type Rest, SignedOut } from './rest';
import { answered, refOf, refused, saying } from './say';
import type { ClientFrame, ServerFrame } from './types';

/** An event that is longer is none of this server's. */
const EVENT_CHARS_MAX = 16 * 1024 * 1024;

const OPEN = 1;
const CLOSED = 3;

/** As a WebSocket that was cut. */
const CUT = 1006;
const UNAUTHORIZED = 4401;

/** As good as the answer to a ping. */
const SIGN_OF_LIFE = '{"type":"pong"}';

type Doors = Pick<Rest, 'stream' | 'command'>;

export class EventStream {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly #abort = new AbortController();
  /** Under which its client speaks about it. */
  #name: string | null = null;
  #said: Promise<void> = Promise.resolve();

  constructor(private readonly doors: Doors) {
    // There is nothing to open before the first word.
    queueMicrotask(() => {
      if (this.readyState !== 0) return;
      this.readyState = OPEN;
      this.onopen?.();
    });
  }

  send(text: string): void {
    const frame = JSON.parse(text) as ClientFrame;
    if (frame.type === 'hello') void this.#listen(text);
    else this.#said = this.#said.then(() => this.#say(frame));
  }

  close(): void {
    this.readyState = CLOSED;
    this.#abort.abort();
  }

  async #listen(hello: string): Promise<void> {
    try {
      const body = await this.doors.stream(hello, this.#abort.signal);
      const [events, decoder, reader] = [new Events(), new TextDecoder(), body.getReader()];
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        for (const { name, data } of events.take(decoder.decode(part.value, { stream: true }))) {
          if (name === 'close') return this.#ended((JSON.parse(data) as { code: number }).code);
          this.#hear(data);
        }
      }
      this.#ended(CUT);
    } catch (error) {
      this.#failed(error);
    }
  }

  #hear(data: string): void {
    if (this.readyState !== OPEN) return;
    if (this.#name === null && data.startsWith('{"type":"ready"')) this.#name = (JSON.parse(data) as { stream?: string }).stream ?? null;
    this.onmessage?.({ data });
  }

  async #say(frame: ClientFrame): Promise<void> {
    if (this.readyState !== OPEN) return;
    const what = saying(frame, this.#name);
    if (!what) return;
    try {
      this.#tell(answered(what, refOf(frame), await this.doors.command(what.method, what.path, what.body)));
    } catch (error) {
      if (error instanceof Refused && error.status !== 401) this.#tell(refused(error, refOf(frame)));
      else this.#failed(error);
    }
  }

  #tell(frames: ServerFrame[]): void {
    for (const frame of frames) this.#hear(JSON.stringify(frame));
  }

  /** What has no answer is said again on the next connection, under the same key. */
  #failed(error: unknown): void {
    const isOver = error instanceof SignedOut || (error instanceof Refused && error.status === 401);
    this.#ended(isOver ? UNAUTHORIZED : CUT);
  }

  #ended(code: number): void {
    if (this.readyState === CLOSED) return;
    this.close();
    this.onclose?.({ code });
  }
}

/** Reads an event stream (HTML, 9.2.6), cut anywhere. A comment is a sign of life. */
export class Events {
  #rest = '';
  #name = '';
  #data = '';

  take(part: string): { name: string; data: string }[] {
    const lines = (this.#rest + part).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length + this.#data.length > EVENT_CHARS_MAX) throw new RangeError('an event has no end');
    return lines.flatMap((line) => this.#line(line.endsWith('\r') ? line.slice(0, -1) : line));
  }

  #line(line: string): { name: string; data: string }[] {
    if (line === '') {
      const event = { name: this.#name, data: this.#data };
      this.#name = this.#data = '';
      return event.data === '' ? [] : [event];
    }
    if (line.startsWith(':')) return [{ name: '', data: SIGN_OF_LIFE }];
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') this.#name = value;
    if (field === 'data') this.#data += value;
    return [];
  }
}
