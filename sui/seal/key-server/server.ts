import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { networkOf, TokenBuckets } from '@k3s-daas/core';
import { isValidSuiObjectId, fromHex, normalizeSuiAddress, toBase64 } from '@mysten/sui/utils';
import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';

import { KeyServerError } from './errors.ts';
import { fetchKey, type FetchKeyOptions } from './fetch-key.ts';
import { healthOf, type HealthCheck } from './health.ts';
import { keyServerMetrics, type KeyServerMetrics } from './metrics.ts';
import { BODY_BYTES_MAX, parseFetchKey } from './request.ts';
import { checkSdk } from './sdk-version.ts';

/** What SealClient asks for is 0.4.1 or later; of Seal's own key server 0.6 has this protocol. */
const KEY_SERVER_VERSION = '0.6.7';
const IN_FLIGHT_MAX = 64;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const CLOSE_GRACE_MS = 500;

const REQUESTS_PER_MINUTE = 600;

export interface KeyServerOptions extends Omit<FetchKeyOptions, 'onExtraction'> {
  /** The object on chain that names this server, its URL and its public key. */
  readonly objectId: string;
  /** Loopback unless given. */
  readonly host?: string | undefined;
  /** A free port unless given. */
  readonly port?: number | undefined;
  /** Of one remote address (IPv6: of one /64), and of one user. Default 600. */
  readonly requestsPerClientAndMinuteMax?: number | undefined;
  /** What `/readyz` looks at. */
  readonly readiness?: readonly HealthCheck[] | undefined;
  /** Told of what is the server's own fault; never of a request's contents. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export interface KeyServer {
  readonly url: string;
  /** Stops within a second. */
  close(): Promise<void>;
}

/** Serves Seal's key server protocol: `GET /v1/service`, `POST /v1/fetch_key`. */
export async function serveKeyServer(options: KeyServerOptions): Promise<KeyServer> {
  const { host = '127.0.0.1', port = 0 } = options;
  const server = createServer(
    { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 1_000 },
    application(options),
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () => close(server),
  };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.closeAllConnections();
    }, CLOSE_GRACE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function application(options: KeyServerOptions): Express {
  const objectId = normalizeSuiAddress(options.objectId);
  const service = {
    service_id: objectId,
    pop: toBase64(options.masterKey.provePossession(fromHex(objectId))),
  };
  const state = { inFlight: 0 };
  const metrics = keyServerMetrics(() => state.inFlight);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(openToPages);
  addHealth(app, options, metrics);
  app.get('/v1/service', (req, res) => {
    const { service_id: asked } = req.query;
    if (typeof asked !== 'string' || !isValidSuiObjectId(asked) || normalizeSuiAddress(asked) !== objectId)
      throw new KeyServerError('InvalidServiceId', 'Invalid service ID');
    res.json(service);
  });
  app.post('/v1/fetch_key', ...keyRequests(options, metrics, state));
  app.use((_req, res) => {
    send(res, 404, 'NotFound', 'Only /v1/service, /v1/fetch_key, /livez, /readyz and /metrics are here');
  });
  app.use(onError(options));
  return app;
}

/** Alive: it answers. Ready: what it needs answers, too, and says what is expected. */
function addHealth(
  app: Express,
  { readiness = [], clock }: KeyServerOptions,
  metrics: KeyServerMetrics,
): void {
  const health = healthOf(readiness, clock);
  app.get(['/health', '/livez'], (_req, res) => void res.type('text').send('ok'));
  app.get('/readyz', async (_req, res) => {
    const { ok, text } = await health();
    res
      .status(ok ? 200 : 503)
      .type('text')
      .send(text);
  });
  app.get('/metrics', async (_req, res) => {
    res.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}

/** Counted before its body is read, bounded in number, measured. */
function keyRequests(
  options: KeyServerOptions,
  metrics: KeyServerMetrics,
  state: { inFlight: number },
): RequestHandler[] {
  const amount = options.requestsPerClientAndMinuteMax ?? REQUESTS_PER_MINUTE;
  // Clients are told apart by remote address and, once its signature was seen, by the user's address: whoever asks in
  // another's name costs him nothing.
  const buckets = new TokenBuckets({ amount, periodMs: 60_000 }, options.clock);
  const answering = { ...options, onExtraction: metrics.extraction };
  const answer = async (req: Request, res: Response): Promise<void> => {
    if (state.inFlight >= IN_FLIGHT_MAX) throw new KeyServerError('Failure', 'Too many requests at a time');
    state.inFlight += 1;
    try {
      checkSdk(req.headers);
      const body = parseFetchKey(typeof req.body === 'string' ? req.body : '');
      const limitUser = (user: string): void => {
        takeRate(buckets, 'user', user);
      };
      const keys = await fetchKey(answering, body, limitUser);
      metrics.keys(keys.decryption_keys.length);
      res.json(keys);
    } finally {
      state.inFlight -= 1;
    }
  };
  return [
    (req, res, next) => {
      const startedMs = performance.now();
      res.once('close', () => {
        const outcome: unknown = res.locals['outcome'];
        const seconds = (performance.now() - startedMs) / 1_000;
        metrics.request(
          typeof outcome === 'string' ? outcome : res.writableFinished ? 'ok' : 'aborted',
          seconds,
        );
      });
      takeRate(buckets, 'address', networkOf(req.socket.remoteAddress));
      next();
    },
    express.text({ type: () => true, limit: BODY_BYTES_MAX, inflate: false }),
    answer,
  ];
}

/** @throws KeyServerError TooManyRequests, with the seconds after which it is worth trying again */
function takeRate(buckets: TokenBuckets, kind: 'address' | 'user', client: string): void {
  const waitMs = buckets.take(`${kind} ${client}`);
  if (waitMs === 0) return;
  throw new KeyServerError('TooManyRequests', `Too many requests of this ${kind}`, {
    retryAfterSeconds: Math.ceil(waitMs / 1_000),
  });
}

/** Decryption happens in web pages; a request carries all its authority in its body. */
function openToPages(req: Request, res: Response, next: NextFunction): void {
  res.setHeader('x-keyserver-version', KEY_SERVER_VERSION);
  res.setHeader('cache-control', 'no-store');
  res.setHeader('access-control-allow-origin', '*');
  res.setHeader('access-control-expose-headers', 'x-keyserver-version, request-id');
  const id = req.headers['request-id'];
  if (typeof id === 'string' && /^[\w-]{1,64}$/.test(id)) res.setHeader('request-id', id);
  if (req.method !== 'OPTIONS') {
    next();
    return;
  }
  res.setHeader('access-control-allow-methods', 'GET, POST');
  res.setHeader('access-control-allow-headers', req.headers['access-control-request-headers'] ?? '*');
  res.setHeader('access-control-max-age', '86400');
  res.status(204).end();
}

function onError({ onFailure }: KeyServerOptions): ErrorRequestHandler {
  return (error: unknown, _req, res, _next) => {
    const known = error instanceof KeyServerError ? error : bodyError(error);
    if (known === null || known.code === 'Failure') onFailure?.(error);
    const refusal = known ?? new KeyServerError('Failure', 'Internal server error');
    const { status, code, message, retryAfterSeconds } = refusal;
    res.locals['outcome'] = code;
    if (retryAfterSeconds !== null) res.setHeader('retry-after', String(retryAfterSeconds));
    send(res, status, code, message);
  };
}

/** What express.text refuses. */
function bodyError(error: unknown): KeyServerError | null {
  const { type, status } = error as { type?: unknown; status?: unknown };
  if (type === 'entity.too.large')
    return new KeyServerError('RequestTooLarge', `The body is larger than ${BODY_BYTES_MAX} bytes`);
  return typeof status === 'number' && status < 500
    ? new KeyServerError('InvalidRequest', 'The request cannot be read')
    : null;
}

function send(res: Response, status: number, error: string, message: string): void {
  res.status(status).json({ error, message });
}
