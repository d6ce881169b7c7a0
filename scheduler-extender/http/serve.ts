import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';

import type { ChainView, Clock, CodedError } from '@k3s-daas/core';
import type { Logger } from 'pino';

import type { Engine } from '../engine.ts';
import { ExtenderError } from '../errors.ts';
import type { WatchedKubeView } from '../kube/view.ts';
import { extenderMetrics, type ExtenderMetrics } from '../metrics.ts';
import type { SessionIdentity } from '../ports.ts';
import { api } from './api.ts';
import { BODY_LIMITS, readJson, type BodyLimits } from './body.ts';
import { clients, type Clients } from './clients.ts';
import { HttpError, publicError, statusOf } from './errors.ts';
import { readiness, type Readiness, type Reason } from './readiness.ts';
import { errorReply, verbs, VERBS, type Verb } from './verbs.ts';

/** PEM of our certificate, its key, and the CA of the clients' certificates. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string;
}

export interface ExtenderServerOptions {
  readonly engine: Engine;
  readonly kube: WatchedKubeView;
  readonly chain: ChainView;
  readonly identity: () => SessionIdentity | null;
  /** What else forbids to decide; its codes are in the readiness. */
  readonly guards?: () => readonly Reason[];
  /** Beyond this age of the chain's snapshot the extender is not ready, ms (policy). */
  readonly stakeSnapshotAgeMsMax: number;
  readonly tls: ServerTls;
  /** Common names that may call the verbs: kube-scheduler. */
  readonly allowedClients: readonly string[];
  /** Common names that may also ask for explanations, lags, metrics and dry runs. */
  readonly allowedReaders: readonly string[];
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly body?: Partial<BodyLimits>;
  /** Longest wait for a bind, ms. */
  readonly bindMsMax?: number;
}

export interface ExtenderServer {
  readonly port: number;
  readiness(): Readiness;
  /** New certificate, key and client CA for new connections; with another CA the old connections are refused. */
  setTls(tls: ServerTls): void;
  /** Stops accepting, lets what is in flight finish, and is done within 3 s. */
  close(): Promise<void>;
}

/** Go keeps an idle connection 90 s and does not send a POST again: ours must stay open for longer. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_MS = 125_000;
const HANDSHAKE_MS = 10_000;
const BIND_MS = 15_000;
const CLOSE_MS = 3_000;
const CONNECTIONS_MAX = 256;
const PREFIX = '/scheduler/';

/** Serves the verbs of kube-scheduler and the API of the extender over mutual TLS 1.3. */
export async function serveExtender(options: ExtenderServerOptions): Promise<ExtenderServer> {
  const { clock, host, log, port } = options;
  const names = 'enclave.allowedClients or enclave.allowedReaders';
  const known = clients(clock, names, (...refusal) => new HttpError(...refusal));
  const metrics = extenderMetrics(options);
  const state = { closing: false, clientCa: options.tls.clientCa };
  const ready = (): Readiness => readiness({ ...options, closing: () => state.closing });
  const server = createServer(
    {
      ...secureContext(options.tls),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HANDSHAKE_MS,
    },
    listener(options, known, metrics, ready, () => state.closing),
  );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = HEADERS_MS;
  server.maxConnections = CONNECTIONS_MAX;
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true);
    known.connected(socket);
    metrics.connection();
  });
  server.on('tlsClientError', (error) => {
    log.info({ reason: error.message }, 'TLS handshake refused');
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  log.info({ host, port: bound }, 'extender serving');
  return {
    port: bound,
    readiness: ready,
    setTls(tls) {
      server.setSecureContext(secureContext(tls));
      if (tls.clientCa !== state.clientCa) known.authorityChanged();
      state.clientCa = tls.clientCa;
      log.info('TLS certificate replaced');
    },
    async close() {
      state.closing = true;
      const closed = new Promise<void>((resolve) => {
        // close() also ends the idle connections; the others end with their reply.
        server.close(() => {
          resolve();
        });
      });
      const timer = setTimeout(() => {
        server.closeAllConnections();
      }, CLOSE_MS);
      await closed;
      clearTimeout(timer);
      metrics.close();
      log.info('extender stopped');
    },
  };
}

/** @throws Error if a part is missing */
function secureContext({ cert, key, clientCa }: ServerTls): SecureContextOptions {
  // Node leaves out an empty part without a word, and takes the world's authorities for a missing one of clients.
  for (const [part, pem] of Object.entries({ cert, key, clientCa }))
    if (pem.trim() === '') throw new Error(`the extender's ${part} is empty`);
  return {
    cert,
    key,
    ca: clientCa,
    minVersion: 'TLSv1.3',
    // No resumption: every connection shows a certificate that is checked against the present CA. Connections are
    // kept alive, so it would save nothing.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function listener(
  options: ExtenderServerOptions,
  known: Clients,
  metrics: ExtenderMetrics,
  ready: () => Readiness,
  closing: () => boolean,
): RequestListener {
  const { log } = options;
  const body = { ...BODY_LIMITS, ...options.body };
  const failed = (error: CodedError): void => {
    const { code } = error;
    const status = statusOf(error);
    if (status === 500) log.error({ code, err: error }, 'request failed');
    else if (status > 500) log.warn({ code, reason: error.message }, 'request not served');
    else log.info({ code, reason: error.message }, 'request refused');
  };
  const app = api({
    ...options,
    clients: known,
    readers: new Set([...options.allowedClients, ...options.allowedReaders]),
    metrics,
    readiness: ready,
    body,
    failed,
  });
  const callers = new Set(options.allowedClients);
  const send = (response: ServerResponse, status: number, value: object): void => {
    // After the reply the connection ends, if nobody may use it any more or the request was not read to its end.
    if (closing() || !response.req.complete) response.setHeader('connection', 'close');
    reply(response, status, value);
  };
  const handlers = verbs({ ...options, bindMsMax: options.bindMsMax ?? BIND_MS, attempt: metrics.attempt });

  // The verbs do without Express: its routing and JSON middleware cost 0.03 ms of 0.15 ms a call at 500 names, and the
  // middleware's own errors would bypass the one form in which kube-scheduler shows a reason.
  const call = async (verb: Verb, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const start = process.hrtime.bigint();
    try {
      known.authorize(request, callers);
      requirePost(request);
      const json = await readJson(request, body);
      if (closing()) throw shuttingDown();
      send(response, 200, await handlers[verb](json));
    } catch (error) {
      const shown = publicError(error);
      failed(shown);
      const status = statusOf(shown);
      const told = status === 403 || status === 405 ? null : errorReply(verb, shown);
      if (told !== null) metrics.attempt({ result: 'error', reason: shown.code });
      send(response, told === null ? status : 200, told ?? shown);
    } finally {
      metrics.observe(verb, Number(process.hrtime.bigint() - start) / 1e9);
    }
  };

  return (request, response) => {
    // Who renews its certificate and goes on over an old connection would be refused for ever.
    if (closing() || known.ended(request)) response.setHeader('connection', 'close');
    const verb = verbOf(request.url ?? '');
    if (verb === undefined) app(request, response);
    else void call(verb, request, response);
  };
}

function verbOf(url: string): Verb | undefined {
  return url.startsWith(PREFIX) ? VERBS.find((verb) => verb === url.slice(PREFIX.length)) : undefined;
}

function requirePost({ method }: IncomingMessage): void {
  if (method !== 'POST')
    throw new HttpError('METHOD_NOT_ALLOWED', 'the verbs are called by POST', 'use POST');
}

function shuttingDown(): ExtenderError {
  return new ExtenderError(
    'SHUTTING_DOWN',
    'the extender is stopping',
    'none needed: kube-scheduler tries again',
  );
}

/** One write with a length: a body in chunks cost a new connection for each large reply. */
function reply(response: ServerResponse, status: number, value: object): void {
  if (response.destroyed) return;
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length });
  response.end(body);
}
