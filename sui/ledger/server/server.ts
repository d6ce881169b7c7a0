import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { LedgerError } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';
import { adminRoutes, type AdminOptions } from './admin.ts';
import { BodyTooLargeError, readBody } from './body.ts';
import { CallHandler } from './call.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { executionService } from './execution-service.ts';
import { faucetRoutes } from './faucet.ts';
import { formatOf } from './grpc-web.ts';
import { answerJson, isLocalOrigin, isLoopbackHost, type JsonRoute } from './json-route.ts';
import { ledgerService } from './ledger-service.ts';
import { DEFAULT_SERVER_LIMITS, type ServerLimits } from './limits.ts';
import { listService } from './list-service.ts';
import type { Method } from './method.ts';
import { nameService } from './name-service.ts';
import { packageService } from './package-service.ts';
import { signatureService } from './signature-service.ts';
import { stateService } from './state-service.ts';
import { subscriptionService } from './subscription-service.ts';

export interface ServeOptions {
  /** Loopback unless given. */
  readonly host?: string | undefined;
  /** A free port unless given. */
  readonly port?: number | undefined;
  /** Serves what steers the chain, too (see admin.ts); on loopback only, and not unless given. */
  readonly admin?: AdminOptions | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
}

export interface LedgerServer {
  /** Base URL for SuiGrpcClient. */
  readonly url: string;
  /** Stops within a second; calls that still run are cut off then. Does not close the ledger. */
  close(): Promise<void>;
}

const METHODS: ReadonlyMap<string, Method> = new Map(
  [
    ...ledgerService,
    ...listService,
    ...stateService,
    ...executionService,
    ...packageService,
    ...subscriptionService,
    ...signatureService,
    ...nameService,
  ].map((method) => [`/${method.path}`, method]),
);

const JSON_BYTES_MAX = 64 * 1024;
/** How often Node looks for requests that take too long. */
const CHECK_MS = 1_000;
/** After which a silent connection is probed, so that one whose client vanished does not stay. */
const TCP_PROBE_MS = 30_000;
const IDLE_MS = 60_000;
const CLOSE_GRACE_MS = 500;

/** Serves a ledger over HTTP: Sui's gRPC API as grpc-web, the faucet, and admin routes if asked for. */
export async function serveLedger(ledger: Ledger, options: ServeOptions = {}): Promise<LedgerServer> {
  const { host = '127.0.0.1', port = 0, admin } = options;
  const loopback = isLoopbackHost(host);
  if (admin !== undefined && !loopback)
    throw new LedgerError('ADMIN_NOT_LOCAL', `The admin routes are not served on ${host}.`);
  const routes = new Map([...faucetRoutes(ledger), ...(admin ? adminRoutes(ledger, admin) : [])]);
  const limits = { ...DEFAULT_SERVER_LIMITS, ...options.limits };
  const stopping = new AbortController();
  const calls = new CallHandler(ledger, METHODS, limits, stopping.signal);
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(CHECK_MS, limits.headersMs),
      keepAliveTimeout: IDLE_MS,
      keepAlive: true,
      keepAliveInitialDelay: TCP_PROBE_MS,
    },
    (request, response) => {
      handle({ calls, routes, loopback }, request, response).catch(() => {
        // The request or the response was cut; there is nobody to tell.
        response.destroy();
      });
    },
  );
  server.maxConnections = limits.connectionsMax;
  await listen(server, port, host);
  const { port: bound } = server.address() as AddressInfo;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${bound}`;
  return { url, close: () => close(server, stopping) };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server, stopping: AbortController): Promise<void> {
  return new Promise((resolve) => {
    stopping.abort();
    server.close(() => {
      resolve();
    });
    server.closeIdleConnections();
    setTimeout(() => {
      server.closeAllConnections();
    }, CLOSE_GRACE_MS).unref();
  });
}

interface Served {
  readonly calls: CallHandler;
  /** By path. */
  readonly routes: ReadonlyMap<string, JsonRoute>;
  readonly loopback: boolean;
}

async function handle(
  { calls, routes, loopback }: Served,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const route = routes.get(path);
  if (route !== undefined) {
    await handleRoute(route, request, response, loopback);
    return;
  }
  if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined) {
    response.writeHead(204, preflightHeaders(request)).end();
    return;
  }
  // Status codes as tonic-web gives them.
  const format = formatOf(request.headers['content-type']);
  if (format === null) {
    refuse(response, 400, 'This is the gRPC-web API of a Sui ledger.');
  } else if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    refuse(response, 405, 'Calls are made with POST.');
  } else {
    await calls.handle(request, response, format, corsHeaders(request));
  }
}

async function handleRoute(
  route: JsonRoute,
  request: IncomingMessage,
  response: ServerResponse,
  loopback: boolean,
): Promise<void> {
  const { origin } = request.headers;
  const isOpen = route.pages === 'local' && origin !== undefined && isLocalOrigin(origin);
  if (request.method === 'OPTIONS') {
    response.writeHead(isOpen ? 204 : 403, isOpen ? preflightHeaders(request) : {}).end();
    return;
  }
  if (request.method !== 'POST') {
    response.setHeader('allow', 'POST');
    refuse(response, 405, 'This route takes POST.');
    return;
  }
  if (isOpen) response.setHeader('access-control-allow-origin', '*');
  let body: Buffer;
  try {
    body = await readBody(request, JSON_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    response.setHeader('connection', 'close');
    refuse(response, 413, `The body is larger than ${JSON_BYTES_MAX} bytes.`);
    return;
  }
  await answerJson(route, request, body, response, loopback);
}

function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
