import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  describeError,
  networkOf,
  OpenConnections,
  TokenBuckets,
  type Clock,
  type RelayConfiguration,
} from '@k3s-daas/core';
import type { Logger } from 'pino';

import { RelayError } from './errors.ts';
import type { RelayGauges, RelayMetrics } from './metrics.ts';
import type { Relay } from './relay.ts';
import { BODY_BYTES_MAX, parseBody } from './request.ts';

export interface ServeOptions {
  readonly relay: Pick<Relay, 'access' | 'requireReady' | 'idle' | 'waiting'>;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly budget: Pick<RelayConfiguration['budget'], 'requestsPerAddressAndMinuteMax'>;
  readonly metrics: RelayMetrics;
  readonly gauges: () => Pick<RelayGauges, 'left' | 'balance'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly limits?: Partial<typeof RELAY_LIMITS>;
}

export interface RelayServer {
  readonly url: string;
  /** Stops accepting, lets what is under way finish, and is done within 3 s. */
  close(): Promise<void>;
}

export const RELAY_LIMITS = {
  underWayMax: 256,
  /** The pods of a node may share one address. */
  connectionsPerAddressMax: 256,
  /** Within which a body must have come. */
  bodyMs: 10_000,
  /** Within which a request is answered; what it began goes on, and asking again finds it. */
  answerMs: 15_000,
};

const CONNECTIONS_MAX = 2_048;
const HEADERS_MS = 5_000;
const KEEP_ALIVE_MS = 30_000;
const CLOSE_MS = 3_000;
const ROUTE = '/api/v1/access';

/** Serves `POST /api/v1/access`, and `/livez`, `/readyz`, `/metrics`. */
export async function serveRelay(options: ServeOptions): Promise<RelayServer> {
  const { host, port, relay, log } = options;
  const handler = new Handler(options);
  const server = createServer({
    headersTimeout: Math.min(HEADERS_MS, handler.limits.bodyMs),
    requestTimeout: handler.limits.bodyMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 1_000,
  });
  server.maxConnections = CONNECTIONS_MAX;
  limitAddresses(server, handler.limits.connectionsPerAddressMax);
  server.on('request', (request, response) => void handler.handle(request, response));
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  log.info({ url }, 'relay serving');
  return {
    url,
    async close() {
      handler.close();
      const late = sleep(CLOSE_MS, undefined, { ref: false });
      await Promise.race([Promise.all([closed(server), relay.idle()]), late]);
      server.closeAllConnections();
    },
  };
}

/** One address must not hold all connections. */
function limitAddresses(server: Server, max: number): void {
  const open = new OpenConnections();
  server.on('connection', (socket: Socket) => {
    const network = networkOf(socket.remoteAddress);
    socket.once('close', () => {
      open.leave(network);
    });
    if (open.enter(network) > max) socket.destroy();
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

const READY = [200, { status: 'ok' }] as const;

class Handler {
  readonly limits: typeof RELAY_LIMITS;
  readonly #options: ServeOptions;
  readonly #addresses: TokenBuckets;
  #underWay = 0;
  #closing = false;

  constructor(options: ServeOptions) {
    this.#options = options;
    this.limits = { ...RELAY_LIMITS, ...options.limits };
    const { requestsPerAddressAndMinuteMax: amount } = options.budget;
    this.#addresses = new TokenBuckets({ amount, periodMs: 60_000 }, options.clock);
  }

  close(): void {
    this.#closing = true;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [pathname = ''] = (request.url ?? '').split('?');
    if (pathname !== ROUTE) {
      this.#own(pathname, request, response);
      return;
    }
    const startMs = performance.now();
    let outcome = 'granted';
    try {
      send(response, 200, await this.#access(request));
    } catch (error) {
      const refused = this.#refusal(error);
      outcome = refused.code;
      sendError(response, refused);
    }
    this.#options.metrics.request(outcome, (performance.now() - startMs) / 1_000);
  }

  async #access(request: IncomingMessage): Promise<object> {
    if (request.method !== 'POST') throw new RelayError('METHOD_NOT_ALLOWED', `${ROUTE} takes POST`);
    if (this.#closing)
      throw new RelayError('SHUTTING_DOWN', 'the relay is stopping', { retryAfterMs: 1_000 });
    this.#takeRate(request.socket.remoteAddress ?? '');
    // Whoever holds a body back takes up his connection and nobody's turn.
    const body = parseBody(await readBody(request));
    if (this.#underWay >= this.limits.underWayMax)
      throw new RelayError('RELAY_BUSY', 'too many requests at a time', { retryAfterMs: 1_000 });
    this.#underWay += 1;
    try {
      return await this.#withinDeadline(this.#options.relay.access(body));
    } finally {
      this.#underWay -= 1;
    }
  }

  /** Counted before the body is read: what is not granted costs its sender, too. */
  #takeRate(address: string): void {
    const waitMs = this.#addresses.take(networkOf(address));
    if (waitMs > 0)
      throw new RelayError('RATE_EXCEEDED', 'your address has asked as often as it may', {
        retryAfterMs: waitMs,
      });
  }

  async #withinDeadline<T>(answer: Promise<T>): Promise<T> {
    const stop = new AbortController();
    const late = sleep(this.limits.answerMs, undefined, { signal: stop.signal, ref: false }).then(() => {
      throw new RelayError('CHAIN_UNAVAILABLE', 'the chain has not answered yet', { retryAfterMs: 1_000 });
    });
    late.catch(() => undefined);
    try {
      return await Promise.race([answer, late]);
    } finally {
      stop.abort();
    }
  }

  #own(pathname: string, request: IncomingMessage, response: ServerResponse): void {
    const { metrics, gauges, relay } = this.#options;
    try {
      if (!['/livez', '/readyz', '/metrics'].includes(pathname))
        throw new RelayError('ROUTE_UNKNOWN', 'there is no such route');
      if (request.method !== 'GET') throw new RelayError('METHOD_NOT_ALLOWED', `${pathname} takes GET`);
      if (pathname === '/metrics') {
        const text = metrics.text({ ...gauges(), waiting: relay.waiting, underWay: this.#underWay });
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(text);
        return;
      }
      const [status, body] = pathname === '/readyz' ? this.#readiness() : READY;
      send(response, status, body);
    } catch (error) {
      sendError(response, this.#refusal(error));
    }
  }

  #readiness(): readonly [number, object] {
    try {
      if (this.#closing) throw new RelayError('SHUTTING_DOWN', 'the relay is stopping');
      this.#options.relay.requireReady();
      return READY;
    } catch (error) {
      if (!(error instanceof RelayError)) throw error;
      return [503, error.toJSON()];
    }
  }

  #refusal(error: unknown): RelayError {
    const { log } = this.#options;
    if (error instanceof RelayError) {
      if (error.status >= 500) log.warn({ err: describeError(error.cause ?? error) }, 'request not granted');
      return error;
    }
    log.warn({ err: describeError(error) }, 'request failed');
    return new RelayError('INTERNAL', 'the relay failed', { cause: error });
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request) {
      length += (chunk as Buffer).length;
      if (length > BODY_BYTES_MAX)
        throw new RelayError('BODY_TOO_LARGE', `a body has at most ${BODY_BYTES_MAX} bytes`);
      chunks.push(chunk as Buffer);
    }
  } catch (cause) {
    if (cause instanceof RelayError) throw cause;
    throw new RelayError('MALFORMED', 'the body did not come whole', { cause });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function sendError(response: ServerResponse, error: RelayError): void {
  if (error.retryAfterMs !== null)
    response.setHeader('retry-after', Math.max(1, Math.ceil(error.retryAfterMs / 1_000)));
  // What is left of a body that was refused is not read.
  if (!response.req.complete) response.setHeader('connection', 'close');
  send(response, error.status, error.toJSON());
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}
