import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { LedgerError } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';
import { adminRoutes, type AdminOptions } from './admin.ts';
import { executionService } from './execution-service.ts';
import { faucetRoutes } from './faucet.ts';
import { contentTypeOf, dataFrame, formatOf, readRequest, trailerFrame, type Format } from './grpc-web.ts';
import { BodyTooLargeError, readBody } from './body.ts';
import { answerJson, isLoopbackHost, type JsonRoute } from './json-route.ts';
import { ledgerService } from './ledger-service.ts';
import { Status, statusOf, type Method } from './method.ts';
import { packageService } from './package-service.ts';
import { stateService } from './state-service.ts';
import { subscriptionService } from './subscription-service.ts';

export interface ServeOptions {
  /** Loopback unless given. */
  readonly host?: string | undefined;
  /** A free port unless given. */
  readonly port?: number | undefined;
  /** Serves what steers the chain, too (see admin.ts); on loopback only, and not unless given. */
  readonly admin?: AdminOptions | undefined;
}

export interface LedgerServer {
  /** Base URL for SuiGrpcClient. */
  readonly url: string;
  /** Stops within a second; calls that still run are cut off then. Does not close the ledger. */
  close(): Promise<void>;
}

const METHODS: ReadonlyMap<string, Method> = new Map(
  [...ledgerService, ...stateService, ...executionService, ...packageService, ...subscriptionService].map(
    (method) => [`/${method.path}`, method],
  ),
);

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const CLOSE_GRACE_MS = 500;

/** Serves a ledger over HTTP: Sui's gRPC API as grpc-web, the faucet, and admin routes if asked for. */
export async function serveLedger(ledger: Ledger, options: ServeOptions = {}): Promise<LedgerServer> {
  const { host = '127.0.0.1', port = 0, admin } = options;
  const loopback = isLoopbackHost(host);
  if (admin !== undefined && !loopback)
    throw new LedgerError('ADMIN_NOT_LOCAL', `The admin routes are not served on ${host}.`);
  const routes = new Map([...faucetRoutes(ledger), ...(admin ? adminRoutes(ledger, admin) : [])]);
  const stopping = new AbortController();
  const server = createServer((request, response) => {
    handle({ ledger, routes, loopback }, request, response, stopping.signal).catch(() => {
      // The response had begun, so the client learns of the failure by the cut connection.
      response.destroy();
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
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
  readonly ledger: Ledger;
  /** By path. */
  readonly routes: ReadonlyMap<string, JsonRoute>;
  readonly loopback: boolean;
}

async function handle(
  { ledger, routes, loopback }: Served,
  request: IncomingMessage,
  response: ServerResponse,
  stopping: AbortSignal,
): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://ledger').pathname;
  if (request.method !== 'POST') {
    response.writeHead(405, { allow: 'POST' }).end();
    return;
  }
  let body: Buffer;
  try {
    body = await readBody(request, BODY_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    response.writeHead(413, { connection: 'close' }).end();
    return;
  }
  const route = routes.get(path);
  if (route !== undefined) {
    await answerJson(route, request, body, response, loopback);
    return;
  }
  const format = formatOf(request.headers['content-type']);
  if (format === null) {
    response.writeHead(415).end();
    return;
  }
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  await handleCall(ledger, path, body, format, response, AbortSignal.any([gone.signal, stopping]));
}

async function handleCall(
  ledger: Ledger,
  path: string,
  body: Buffer,
  format: Format,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  response.writeHead(200, { 'content-type': contentTypeOf(format), 'cache-control': 'no-store' });
  // A stream may have nothing to say for a while; the client must see that it was accepted.
  response.flushHeaders();
  try {
    const method = METHODS.get(path);
    if (method === undefined)
      throw new LedgerError('UNSUPPORTED', `method ${path.slice(1)} is not implemented`);
    for await (const message of method.call(ledger, readRequest(body, format), signal)) {
      response.write(dataFrame(message, format));
    }
    response.end(trailerFrame(Status.ok, '', format));
  } catch (error) {
    const { status, message } = statusOf(error);
    response.end(trailerFrame(status, message, format));
  }
}
