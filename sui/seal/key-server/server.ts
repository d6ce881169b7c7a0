import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { isValidSuiObjectId, fromHex, normalizeSuiAddress, toBase64 } from '@mysten/sui/utils';
import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type Response,
} from 'express';

import { KeyServerError } from './errors.ts';
import { fetchKey, type FetchKeyOptions } from './fetch-key.ts';
import { BODY_BYTES_MAX, parseFetchKey } from './request.ts';
import { checkSdk } from './sdk-version.ts';

/** What SealClient asks for is 0.4.1 or later; of Seal's own key server 0.6 has this protocol. */
const KEY_SERVER_VERSION = '0.6.7';
const IN_FLIGHT_MAX = 64;
const HEADERS_MS = 10_000;
const REQUEST_MS = 30_000;
const CLOSE_GRACE_MS = 500;

export interface KeyServerOptions extends FetchKeyOptions {
  /** The object on chain that names this server, its URL and its public key. */
  readonly objectId: string;
  /** Loopback unless given. */
  readonly host?: string | undefined;
  /** A free port unless given. */
  readonly port?: number | undefined;
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
  let inFlight = 0;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(openToPages);
  app.get('/health', (_req, res) => void res.type('text').send('ok'));
  app.get('/v1/service', (req, res) => {
    const { service_id: asked } = req.query;
    if (typeof asked !== 'string' || !isValidSuiObjectId(asked) || normalizeSuiAddress(asked) !== objectId)
      throw new KeyServerError('InvalidServiceId', 'Invalid service ID');
    res.json(service);
  });
  app.post(
    '/v1/fetch_key',
    express.text({ type: () => true, limit: BODY_BYTES_MAX, inflate: false }),
    async (req: Request, res: Response) => {
      if (inFlight >= IN_FLIGHT_MAX) throw new KeyServerError('Failure', 'Too many requests at a time');
      inFlight += 1;
      try {
        checkSdk(req.headers);
        res.json(await fetchKey(options, parseFetchKey(typeof req.body === 'string' ? req.body : '')));
      } finally {
        inFlight -= 1;
      }
    },
  );
  app.use((_req, res) => {
    send(res, 404, 'NotFound', 'Only /v1/service and /v1/fetch_key are here');
  });
  app.use(onError(options));
  return app;
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
    const { status, code, message } = known ?? new KeyServerError('Failure', 'Internal server error');
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
