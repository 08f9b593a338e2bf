/** A proxy that passes on requests and knows nothing of WebSockets. */
import { Agent, createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server as HttpServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a proxy keeps to itself (RFC 9110, 7.6.1). */
const OF_THE_CONNECTION = ['connection', 'upgrade', 'keep-alive', 'transfer-encoding', 'te', 'proxy-connection'];

export class Proxy {
  readonly #server: HttpServer;
  readonly #agent = new Agent({ keepAlive: true });
  #isCut = false;
  /** The paths that were asked for, without what follows a question mark. */
  readonly asked: string[] = [];

  private constructor(private readonly target: string) {
    this.#server = createServer((came, answer) => this.#pass(came, answer));
  }

  static async start(target: string): Promise<Proxy> {
    const proxy = new Proxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  count(path: string): number {
    return this.asked.filter((it) => it === path).length;
  }

  /** As if the network were gone: what is open ends, and nobody comes through. */
  cut(): void {
    this.#isCut = true;
    this.#server.closeAllConnections();
  }

  mend(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(came: IncomingMessage, answer: ServerResponse): void {
    if (this.#isCut) return void came.socket.destroy();
    this.asked.push((came.url ?? '').split('?')[0] ?? '');
    const { method, url } = came;
    const passed = request(this.target + url, { method, headers: passedOn(came.headers), agent: this.#agent }, (from) => {
      answer.writeHead(from.statusCode ?? 502, passedOn(from.headers));
      from.pipe(answer);
      from.on('error', () => answer.destroy());
    });
    passed.on('error', () => (answer.headersSent ? answer.destroy() : answer.writeHead(502).end()));
    answer.on('close', () => passed.destroy());
    came.pipe(passed);
  }
}

function passedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.includes(name)));
}
