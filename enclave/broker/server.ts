import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

import { networkOf, OpenConnections, TokenBuckets } from '@k3s-daas/core';
import { HttpError, readJson, type BodyLimits } from '@k3s-daas/scheduler-extender';
import type { Logger } from 'pino';

import { BrokerError } from './errors.ts';
import { releaser, requireRate, type BrokerParts } from './release.ts';
import { bearerToken } from './token.ts';

export interface BrokerOptions extends BrokerParts {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** PEM of the attested TLS key and of its self-signed certificate: callers pin the key. */
  readonly tls: { readonly cert: string; readonly key: string };
  readonly log: Logger;
}

export interface BrokerServer {
  readonly port: number;
  /** Stops accepting, lets what is in flight finish, and is done within 3 s. */
  close(): Promise<void>;
}

const PATH = '/api/v1/releases';
/** Sixteen policies and a recipient take 1.3 kB. */
const BODY: BodyLimits = { bytesMax: 4_096, depthMax: 4, msMax: 5_000 };
const HANDSHAKE_MS = 5_000;
const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 5_000;
const CLOSE_MS = 3_000;
const CONNECTIONS_MAX = 512;
const CONNECTIONS_PER_REMOTE_MAX = 256;
/** Each may hold a review of a token and the read of a pod at the API server. */
const IN_FLIGHT_MAX = 64;
/** All pods of a node may share its address, and behind the bridge of an image all pods share one. */
const REMOTE_RATE = { amount: 600, periodMs: 6_000 };

/** Serves pods over TLS 1.3, without client certificates: a token says who asks. */
export async function serveBroker(options: BrokerOptions): Promise<BrokerServer> {
  const { host, log, port, tls } = options;
  const state = { closing: false };
  const server = createServer(
    {
      ...tls,
      minVersion: 'TLSv1.3',
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: HANDSHAKE_MS,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 16_384,
    },
    listener(options, () => state.closing),
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(REQUEST_MS + KEEP_ALIVE_MS);
  limitRemotes(server);
  server.on('tlsClientError', (error) => {
    log.debug({ reason: error.message }, 'TLS handshake refused');
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  log.info({ host, port: bound }, 'broker serving');
  return {
    port: bound,
    async close() {
      state.closing = true;
      const closed = once(server, 'close');
      server.close();
      const timer = setTimeout(() => {
        server.closeAllConnections();
      }, CLOSE_MS);
      await closed;
      clearTimeout(timer);
      log.info('broker stopped');
    },
  };
}

/** One remote must not hold all connections. */
function limitRemotes(server: ReturnType<typeof createServer>): void {
  const open = new OpenConnections();
  server.on('connection', (socket: Socket) => {
    const remote = networkOf(socket.remoteAddress);
    socket.once('close', () => {
      open.leave(remote);
    });
    if (open.enter(remote) > CONNECTIONS_PER_REMOTE_MAX) socket.destroy();
  });
}

function listener(options: BrokerOptions, closing: () => boolean): RequestListener {
  const { log, monotonic } = options;
  const release = releaser(options);
  const remotes = new TokenBuckets(REMOTE_RATE, { now: monotonic });
  let inFlight = 0;

  const serve = async (request: IncomingMessage): Promise<object> => {
    if (request.url !== PATH || request.method !== 'POST') {
      throw new BrokerError('ROUTE_UNKNOWN', 'there is no such route');
    }
    const token = bearerToken(request.headers.authorization);
    const json = await readJson(request, BODY);
    requireRate(remotes.take(networkOf(request.socket.remoteAddress)), 'your address');
    if (inFlight >= IN_FLIGHT_MAX) {
      throw new BrokerError('BUSY', `${inFlight} requests are being served`, { waitMs: 1_000 });
    }
    inFlight += 1;
    try {
      const { namespace, pod, reply } = await release(token, json);
      const policies = reply.releases.map(({ policy }) => policy);
      log.info({ namespace, pod, node: reply.node, policies }, 'released');
      return reply;
    } finally {
      inFlight -= 1;
    }
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      send(response, 200, await serve(request), closing());
    } catch (error) {
      const shown = brokerError(error);
      // Neither token nor body: the message of each refusal is made of names.
      const level = shown.code === 'INTERNAL' ? 'error' : 'info';
      log[level](
        { code: shown.code, reason: shown.message, err: level === 'error' ? error : undefined },
        'not released',
      );
      if (shown.retryAfterSeconds !== null) response.setHeader('retry-after', shown.retryAfterSeconds);
      send(response, shown.status, shown, closing());
    }
  };
  return (request, response) => void answer(request, response);
}

/** What a caller is told of any thrown value. What is not one of ours is not shown. */
function brokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  if (error instanceof HttpError) {
    return new BrokerError('REQUEST_MALFORMED', `${error.code}: ${error.message}`, { cause: error });
  }
  return new BrokerError('INTERNAL', 'the broker failed', { cause: error });
}

function send(response: ServerResponse, status: number, value: object, closing: boolean): void {
  if (response.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
    // A request that was not read to its end cannot be followed by another.
    ...((closing || !response.req.complete) && { connection: 'close' }),
  });
  response.end(body);
}
