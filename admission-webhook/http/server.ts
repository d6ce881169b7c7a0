import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket, type SecureContextOptions } from 'node:tls';

import type { ChainView, Clock } from '@k3s-daas/core';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { z } from 'zod';

import { webhookConfigSchema, type WebhookConfig, type WebhookConfigInput } from '../config.ts';
import { Denied, lookupFailed } from '../denied.ts';
import { webhookMetrics, type WebhookMetrics } from '../metrics.ts';
import { mutate, review, subjectOf } from '../review.ts';
import type { ReviewDependencies } from '../rules.ts';
import type { ClusterFacts } from '../sealed/facts.ts';
import { freshSnapshot } from '../snapshot.ts';
import { BODY_BYTES_MAX, decodeReview, ReviewError, type AdmissionRequest } from './decode.ts';
import { allowedResponse, deniedResponse, mutatedResponse, type ReviewResponse } from './response.ts';

export interface WebhookTls {
  readonly certPem: string;
  readonly keyPem: string;
  /** Authorities of client certificates; during a rotation the old and the new one together. */
  readonly clientCaPem: string;
}

export interface WebhookOptions {
  readonly chain: ChainView;
  readonly clock: Clock;
  readonly config: WebhookConfigInput;
  /** What is known of the cluster; `stale` says why it cannot be relied on, if so. */
  readonly facts: ClusterFacts & { stale?(): string | null };
  readonly tls: WebhookTls;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly log: Logger;
  readonly registry?: Registry;
}

export interface Webhook {
  readonly port: number;
  /** What `/metrics` shows; other parts of the process register theirs here. */
  readonly registry: Registry;
  /** Swaps certificate, key and client authorities without dropping a call. */
  setTls(tls: WebhookTls): void;
  /** Reports not ready, answers for `drainMs` more, then closes. */
  close(): Promise<void>;
}

/** Go keeps idle connections for 90 s and does not repeat a POST on one that the server closed meanwhile. */
const KEEP_ALIVE_MS = 120_000;
const CLOSE_MS_MAX = 5_000;

interface Lifecycle {
  draining: boolean;
  /** Connections made before the last change of certificates end after their next answer. */
  retired: WeakSet<object>;
  readonly open: Set<TLSSocket>;
}

/**
 * Serves `POST /validate` and `POST /mutate` to the API server, which must present a client certificate of an allowed
 * name, and `/livez`, `/readyz`, `/metrics` to anyone.
 *
 * @throws ZodError if the config is wrong; Error if the address is taken.
 */
export async function serveWebhook(options: WebhookOptions): Promise<Webhook> {
  const config = webhookConfigSchema.parse(options.config);
  const metrics = webhookMetrics(options.chain, options.clock, options.registry);
  const lifecycle: Lifecycle = { draining: false, retired: new WeakSet(), open: new Set() };
  const server = createServer(
    {
      ...secureContext(options.tls),
      requestCert: true,
      // The gate is requireApiServer, which names who was refused; probes and scrapers have no certificate.
      rejectUnauthorized: false,
      requestTimeout: 10_000,
      headersTimeout: 5_000,
      connectionsCheckingInterval: 5_000,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    application(options, config, metrics, lifecycle),
  );
  server.maxConnections = 1_024;
  server.on('secureConnection', (socket) => {
    lifecycle.open.add(socket);
    socket.once('close', () => lifecycle.open.delete(socket));
  });
  await listen(server, options.port, options.host);
  const { port } = server.address() as AddressInfo;
  options.log.info({ host: options.host, port }, 'admission webhook serves');
  return {
    port,
    registry: metrics.registry,
    setTls(tls) {
      server.setSecureContext(secureContext(tls));
      lifecycle.retired = new WeakSet(lifecycle.open);
      options.log.info('certificates changed');
    },
    close: () => drain(server, config.drainMs, lifecycle),
  };
}

/** @throws Error if a part is missing or does not belong to the others. */
function secureContext(tls: WebhookTls): SecureContextOptions {
  // As of a file that is being written. Node leaves such a part out without a word, and takes the world's authorities
  // for a missing one of clients.
  for (const part of ['certPem', 'keyPem', 'clientCaPem'] as const)
    if (tls[part].trim() === '') throw new Error(`${part} is empty`);
  return { cert: tls.certPem, key: tls.keyPem, ca: tls.clientCaPem, minVersion: 'TLSv1.3' };
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

async function drain(server: Server, drainMs: number, lifecycle: Lifecycle): Promise<void> {
  lifecycle.draining = true;
  await sleep(drainMs);
  const closed = new Promise<void>((resolve) =>
    server.close(() => {
      resolve();
    }),
  );
  server.closeIdleConnections();
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, CLOSE_MS_MAX);
  await closed;
  clearTimeout(timer);
}

function application(
  options: WebhookOptions,
  config: WebhookConfig,
  metrics: WebhookMetrics,
  lifecycle: Lifecycle,
): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((req, res, next) => {
    if (lifecycle.draining || lifecycle.retired.has(req.socket)) res.setHeader('connection', 'close');
    next();
  });
  app.get('/livez', (_req, res) => void res.type('text').send('ok'));
  app.get('/readyz', (_req, res) => {
    ready(res, options, config, lifecycle);
  });
  app.get('/metrics', async (_req, res) => {
    res.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  app.use(requireApiServer(config.allowedClients, options.log, metrics));
  const body = express.raw({ type: 'application/json', limit: BODY_BYTES_MAX, inflate: false });
  const { chain, clock, facts, log } = options;
  const deps: ReviewDependencies = { chain, clock, config, facts };
  app.post('/validate', body, (req, res) =>
    answer(req, res, { log, metrics, lookupMsMax: config.lookupMsMax, kind: '' }, async (request) => {
      const { warnings } = await review(request, deps);
      return allowedResponse(request.uid, warnings);
    }),
  );
  app.post('/mutate', body, (req, res) =>
    answer(req, res, { log, metrics, lookupMsMax: config.lookupMsMax, kind: 'mutate ' }, async (request) =>
      mutatedResponse(request.uid, await mutate(request, deps)),
    ),
  );
  app.use((_req, res) => {
    refuse(res, 404, 'ROUTE_UNKNOWN: only POST /validate and /mutate are here', 'route', metrics);
  });
  app.use(onError(options.log, metrics));
  return app;
}

/** Not ready while draining, without a fresh snapshot or the cluster's news. Reviews are answered all the same. */
function ready(
  res: Response,
  { chain, clock, facts }: WebhookOptions,
  config: WebhookConfig,
  { draining }: Lifecycle,
): void {
  if (draining) {
    res.status(503).type('text').send('DRAINING: the webhook is closing');
    return;
  }
  try {
    freshSnapshot({ chain, clock, stakeSnapshotAgeMsMax: config.stakeSnapshotAgeMsMax });
    const stale = facts.stale?.() ?? null;
    if (stale !== null) throw lookupFailed(stale);
    res.type('text').send('ok');
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    res.status(503).type('text').send(`${error.code}: ${error.message}; ${error.remedy}`);
  }
}

const peerNames = new WeakMap<TLSSocket, unknown>();

/** Common name of the verified peer; parsed once for a connection, of which the API server keeps few. */
function peerName(socket: TLSSocket): unknown {
  if (!socket.authorized) return undefined;
  if (peerNames.has(socket)) return peerNames.get(socket);
  // Several CNs come as an array, which is never an API server's certificate.
  const name: unknown = socket.getPeerCertificate().subject.CN;
  peerNames.set(socket, name);
  return name;
}

/** Whoever may ask could probe what would pass, and send bodies of any shape: only the API server may (ADR 0005). */
function requireApiServer(allowed: readonly string[], log: Logger, metrics: WebhookMetrics): RequestHandler {
  return (req, res, next) => {
    const { socket } = req;
    const name = socket instanceof TLSSocket ? peerName(socket) : undefined;
    if (typeof name === 'string' && allowed.includes(name)) {
      next();
      return;
    }
    log.warn({ client: name, remote: socket.remoteAddress }, 'refused a caller that is not the API server');
    const message =
      'CLIENT_UNKNOWN: only the API server may call; it presents a client certificate through its ' +
      '--admission-control-config-file (see manifests/README.md)';
    refuse(res.setHeader('connection', 'close'), 401, message, 'client', metrics);
  };
}

interface AnswerOptions {
  readonly log: Logger;
  readonly metrics: WebhookMetrics;
  readonly lookupMsMax: number;
  /** Goes before the subject in the metrics. */
  readonly kind: string;
}

async function answer(
  req: Request,
  res: Response,
  { log, metrics, lookupMsMax, kind }: AnswerOptions,
  decide: (request: AdmissionRequest) => Promise<ReviewResponse>,
): Promise<void> {
  if (!Buffer.isBuffer(req.body)) {
    refuse(res, 415, 'CONTENT_TYPE_WRONG: send application/json, not compressed', 'content-type', metrics);
    return;
  }
  const request = decodeReview(req.body);
  const subject = kind + subjectOf(request);
  const stop = metrics.seconds.startTimer({ subject });
  try {
    const response = await within(lookupMsMax, decide(request));
    metrics.reviews.inc({ subject, code: '' });
    res.json(response);
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    const { namespace, name, user } = request;
    log.info({ subject, namespace, name, user: user.name, code: error.code }, 'denied');
    metrics.reviews.inc({ subject, code: error.code });
    res.json(deniedResponse(request.uid, error));
  } finally {
    stop();
  }
}

/** The API server waits 5 s; who waits for it must hear why in time. */
async function within<T>(ms: number, verdict: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(lookupFailed(`nothing was answered within ${ms} ms`));
    }, ms);
  });
  try {
    return await Promise.race([verdict, late]);
  } finally {
    clearTimeout(timer);
  }
}

function refuse(
  res: Response,
  status: number,
  message: string,
  reason: string,
  metrics: WebhookMetrics,
): void {
  metrics.rejectedCalls.inc({ reason });
  res.status(status).type('text').send(message);
}

/** Errors of the body parser carry a status below 500; everything else is a defect, and any non-200 denies. */
function onError(log: Logger, metrics: WebhookMetrics): ErrorRequestHandler {
  return (error: unknown, _req, res: Response, next) => {
    if (res.headersSent) {
      next(error);
      return;
    }
    if (error instanceof ReviewError) {
      refuse(res, 400, `${error.code}: ${error.message}; ${error.remedy}`, 'body', metrics);
      return;
    }
    const status = statusOf(error);
    if (status === 500) log.error({ err: error }, 'review failed');
    const code = status === 413 ? 'BODY_TOO_LARGE' : 'REVIEW_FAILED';
    refuse(res, status, `${code}: the review failed`, status === 500 ? 'defect' : 'body', metrics);
  };
}

const httpErrorSchema = z.object({ status: z.number().int().min(400).max(499) });

function statusOf(error: unknown): number {
  const result = httpErrorSchema.safeParse(error);
  return result.success ? result.data.status : 500;
}
