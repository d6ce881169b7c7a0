import { constants } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions } from 'node:tls';

import { describeError, toHex, type Clock } from '@k3s-daas/core';
import { clients, type Clients } from '@k3s-daas/scheduler-extender';
import type { Logger } from 'pino';

import { toJson } from '../output.ts';
import { ProxyError, statusOf } from './errors.ts';
import { FORWARD_LIMITS, Forwarder, type ForwardLimits } from './forward.ts';
import { endToEnd } from './headers.ts';
import type { Link, LinkStatus } from './link.ts';
import { ProxyMetrics } from './metrics.ts';

/** PEM of our certificate, its key, and the CA of the clients' certificates. */
export interface ProxyTls {
  readonly certPem: string;
  readonly keyPem: string;
  readonly clientCaPem: string;
}

export interface ServeOptions {
  readonly link: Link;
  readonly tls: ProxyTls;
  /** Common names that may have their requests forwarded. */
  readonly allowedClients: readonly string[];
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly limits?: Partial<ForwardLimits>;
}

export interface ProxyServer {
  readonly port: number;
  /** New certificates for new connections; with another client CA the old connections are refused. */
  setTls(tls: ProxyTls): void;
  /** Stops accepting, lets what is in flight finish, and is done within 3 s. */
  close(): Promise<void>;
}

/** Go keeps an idle connection 90 s and does not send a POST again: ours must stay open for longer. */
const KEEP_ALIVE_MS = 120_000;
const HEADERS_MS = 125_000;
const HANDSHAKE_MS = 10_000;
const CLOSE_MS = 3_000;
const CONNECTIONS_MAX = 256;
const VERBS_WITH_ERROR = new Set(['/scheduler/filter', '/scheduler/bind']);

/**
 * Serves the extender's paths over mutual TLS 1.3, each answered by the attested enclave or refused with a code, and
 * `/livez`, `/readyz`, `/metrics` of the proxy itself.
 */
export async function serveProxy(options: ServeOptions): Promise<ProxyServer> {
  const { clock, host, log, port } = options;
  const callers = clients(clock, 'proxy.allowedClients', (...refusal) => new ProxyError(...refusal));
  const state = { closing: false, clientCaPem: options.tls.clientCaPem };
  const server = createServer({
    ...secureContext(options.tls),
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: HANDSHAKE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: HEADERS_MS,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true);
    callers.connected(socket);
  });
  server.on('tlsClientError', (error) => {
    log.info({ reason: error.message }, 'TLS handshake refused');
  });
  const handler = new Handler(options, callers, () => state.closing);
  server.on('request', (request, response) => void handler.handle(request, response));
  server.listen(port, host);
  await once(server, 'listening');
  const bound = (server.address() as AddressInfo).port;
  log.info({ host, port: bound }, 'attesting proxy serving');
  return {
    port: bound,
    setTls(tls) {
      server.setSecureContext(secureContext(tls));
      if (tls.clientCaPem !== state.clientCaPem) callers.authorityChanged();
      state.clientCaPem = tls.clientCaPem;
      log.info('TLS certificate replaced');
    },
    async close() {
      state.closing = true;
      await closeWithin(server, CLOSE_MS);
      log.info('attesting proxy stopped');
    },
  };
}

function secureContext({ certPem, keyPem, clientCaPem }: ProxyTls): SecureContextOptions {
  return {
    cert: certPem,
    key: keyPem,
    ca: clientCaPem,
    minVersion: 'TLSv1.3',
    // No resumption: every connection shows a certificate that is checked against the present CA.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

async function closeWithin(server: Server, msMax: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    // Also ends the idle connections; the others end with their reply.
    server.close(() => {
      resolve();
    });
  });
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, msMax);
  await closed;
  clearTimeout(timer);
}

/** Answers one request after the other. */
class Handler {
  readonly #options: ServeOptions;
  readonly #callers: Clients;
  readonly #allowed: ReadonlySet<string>;
  readonly #closing: () => boolean;
  readonly #forwarder: Forwarder;
  readonly #metrics = new ProxyMetrics();

  constructor(options: ServeOptions, callers: Clients, closing: () => boolean) {
    this.#options = options;
    this.#callers = callers;
    this.#allowed = new Set(options.allowedClients);
    this.#closing = closing;
    this.#forwarder = new Forwarder(options.link, { ...FORWARD_LIMITS, ...options.limits });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const start = performance.now();
    const { url = '' } = request;
    try {
      if (url === '/livez' || url === '/readyz' || url === '/metrics') this.#own(url, request, response);
      else await this.#forward(request, response);
    } catch (error) {
      this.#refuse(response, error);
    }
    this.#metrics.request(url, response.statusCode, (performance.now() - start) / 1_000);
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#callers.authorize(request, this.#allowed);
    if (this.#closing()) {
      throw new ProxyError('SHUTTING_DOWN', 'the proxy is stopping', 'none needed: ask again');
    }
    const reply = await this.#forwarder.forward(request, response);
    if (reply === null) return;
    this.#send(response, reply.status, endToEnd(reply.headers), reply.body);
  }

  #own(url: string, request: IncomingMessage, response: ServerResponse): void {
    this.#callers.authenticate(request);
    const status = this.#options.link.status();
    if (url === '/metrics') {
      const text = this.#metrics.text(status, this.#forwarder);
      this.#send(response, 200, ['content-type', 'text/plain; version=0.0.4'], Buffer.from(text));
      return;
    }
    // A proxy that waits for its enclave lives: a supervisor that restarts it would mend nothing.
    const code = url === '/livez' || status.attested !== null ? 200 : 503;
    this.#sendJson(response, code, url === '/livez' ? { status: 'ok' } : readiness(status));
  }

  #refuse(response: ServerResponse, error: unknown): void {
    const shown =
      error instanceof ProxyError
        ? error
        : new ProxyError('INTERNAL', 'the proxy failed', 'see its log', { cause: error });
    const status = statusOf(shown.code);
    this.#metrics.refusal(shown.code);
    const fields = { code: shown.code, reason: shown.message };
    if (status === 500) this.#options.log.error({ ...fields, err: error }, 'request failed');
    else if (status > 500) this.#options.log.warn(fields, 'request not forwarded');
    else this.#options.log.info(fields, 'request refused');
    // kube-scheduler drops the body of any status but 200, and with it the reason; these two verbs have a field for it.
    if (status > 500 && VERBS_WITH_ERROR.has(response.req.url ?? '')) {
      this.#sendJson(response, 200, { Error: describeError(shown), ...shown.toJSON() });
    } else this.#sendJson(response, status, shown);
  }

  #sendJson(response: ServerResponse, status: number, value: object): void {
    const headers = ['content-type', 'application/json', 'cache-control', 'no-store'];
    this.#send(response, status, headers, Buffer.from(toJson(value)));
  }

  /** One write with a length: a body in chunks cost kube-scheduler a new connection for each large reply. */
  #send(response: ServerResponse, status: number, headers: string[], body: Buffer): void {
    if (response.destroyed || response.headersSent) return;
    // A request that was not read to its end leaves a connection of which nobody knows what comes next; and who goes on
    // over one whose certificate has ended would be refused for ever.
    const { req: request } = response;
    if (this.#closing() || !request.complete || this.#callers.ended(request))
      headers.push('connection', 'close');
    headers.push('content-length', String(body.length));
    try {
      response.writeHead(status, headers);
      response.end(body);
    } catch (error) {
      // Headers of the enclave that Node does not write.
      this.#options.log.error({ reason: describeError(error) }, 'reply not written');
      response.destroy();
    }
  }
}

function readiness({ attested, reason }: LinkStatus): object {
  return {
    ready: attested !== null,
    reasons: reason === null ? [] : [reason],
    enclave:
      attested === null
        ? null
        : {
            session: attested.session.id,
            term: attested.term,
            configVersion: attested.session.configVersion,
            pcr0: toHex(attested.pcr0),
            tlsKeyHash: toHex(attested.tlsKeyHash),
            documentMs: attested.documentMs,
            attestedMs: attested.attestedMs,
          },
  };
}
