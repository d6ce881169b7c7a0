import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import express, { type NextFunction, type Request, type Response } from 'express';

import { AWS_NITRO } from '@k3s-daas/attestation';
import {
  describeError,
  networkOf,
  OpenConnections,
  toBase64,
  toHex,
  type Bytes,
  type EvidenceFormat,
} from '@k3s-daas/core';

import type { EnclaveKeys } from '../boot/keys.ts';
import type { BootProgress } from '../boot/steps.ts';
import { AskLater, EnclaveError, type EnclaveErrorCode } from '../errors.ts';
import { parseNonce, parseSlot } from './fresh-documents.ts';

const CERTIFICATE_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 64;
/** One network must not hold all of them. */
const CONNECTIONS_PER_NETWORK_MAX = 16;
/** Whoever sends nothing must not hold one of few connections for long; Node looks every 30 s unless told otherwise. */
const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 1_000 };

/** What a registrar needs to register this boot on chain. Everything here is public or proves itself. */
export interface AttestationReply {
  /** Of the document; a verifier takes it by this name, if its policy lists it. */
  readonly format: EvidenceFormat;
  /** The attestation document, base64. */
  readonly document: string;
  /** Hex of 32 bytes each; the document's `user_data` binds them. */
  readonly decisionKey: string;
  readonly logKey: string;
  readonly tlsKeyHash: string;
  readonly certificatePem: string;
  readonly csrPem: string;
}

/** What this boot can attest, from its attestation step on. */
export interface Attesting {
  readonly keys: EnclaveKeys;
  readonly standing: () => Bytes;
  /** A document with this nonce, as hex, for somebody of this network, null if that is unknown. @throws EnclaveError */
  readonly fresh: (nonce: string, network: string | null) => Promise<Bytes>;
  /** A document for this slot, as hex; `gone` aborts when nobody waits for it any more. @throws EnclaveError */
  readonly forSlot: (slot: string, gone: AbortSignal) => Promise<Bytes>;
}

export interface BootstrapOptions {
  readonly host: string;
  readonly port: number;
  /** null before the attestation step is done. */
  readonly attesting: () => Attesting | null;
  readonly progress: () => BootProgress;
  /** Why the process is not ready. */
  readonly reasons: () => readonly { readonly code: string; readonly message: string }[];
  /** Why it can never become ready, or null. */
  readonly dead: () => { readonly code: string; readonly message: string } | null;
  /** @throws EnclaveError */
  readonly acceptCertificate: (pem: string) => void;
}

/**
 * The plain HTTP listener, open before the boot begins: its state, the attestation, and where a registrar hands in the
 * Kubernetes client certificate. It needs no secret: the document is signed by the NSM, and a certificate is taken only
 * for the key that was made here.
 */
export async function serveBootstrap(
  options: BootstrapOptions,
): Promise<{ port: number; close: () => Promise<void> }> {
  const app = bootstrapApp(options);
  const asked = new WeakSet<object>();
  const server = createServer(TIMEOUTS, (request, response) => {
    // One request for each connection, which its reply ends. Who asked over and over without reading would fill memory
    // with replies, and hold the connection for good.
    if (asked.has(request.socket)) return;
    asked.add(request.socket);
    app(request, response);
  });
  server.maxConnections = CONNECTIONS_MAX;
  limitNetworks(server);
  await listen(server, options.host, options.port);
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

function limitNetworks(server: Server): void {
  const open = new OpenConnections();
  server.on('connection', (socket) => {
    const network = strangersNetwork(socket.remoteAddress);
    if (network === null) return;
    socket.once('close', () => {
      open.leave(network);
    });
    if (open.enter(network) > CONNECTIONS_PER_NETWORK_MAX) socket.destroy();
  });
}

function bootstrapApp(options: BootstrapOptions): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((_request, response, next) => {
    response.set({ 'cache-control': 'no-store', connection: 'close' });
    next();
  });
  app.get('/livez', (_request, response) => {
    const dead = options.dead();
    if (dead === null) response.type('text').send('ok');
    else response.status(503).json(dead);
  });
  app.get('/readyz', (_request, response) => {
    const reasons = options.reasons();
    const ready = reasons.length === 0;
    response.status(ready ? 200 : 503).json({ ready, reasons, boot: options.progress() });
  });
  app.get('/api/v1/tee/attestation', async (request, response) => {
    response.json(await attestation(options.attesting(), request, response));
  });
  app.put(
    '/api/v1/tee/kubernetes-certificate',
    express.text({ type: 'application/x-pem-file', limit: CERTIFICATE_BYTES_MAX }),
    (request: Request, response: Response) => {
      options.acceptCertificate(typeof request.body === 'string' ? request.body : '');
      response.status(204).end();
    },
  );
  app.use((request, response) => {
    const message = `there is no ${request.method} ${request.path.slice(0, 100)}`;
    response.status(404).json({ code: 'NOT_FOUND', message, remedy: 'see docs/architecture.md' });
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    if (error instanceof AskLater) response.set('retry-after', String(error.retryAfterSeconds));
    if (error instanceof EnclaveError) response.status(STATUS[error.code] ?? 422).json(error);
    else response.status(400).json(malformed(error));
  });
  return app;
}

async function attestation(
  attesting: Attesting | null,
  { query: { nonce, slot }, socket }: Request,
  response: Response,
): Promise<AttestationReply> {
  // Both at once is neither: parseNonce says so.
  const wanted = nonce === undefined ? null : parseNonce(slot === undefined ? nonce : null);
  const forSlot = slot === undefined ? null : parseSlot(slot);
  if (attesting === null) throw notAttested();
  const { keys } = attesting;
  if (wanted !== null)
    return reply(keys, await attesting.fresh(wanted, strangersNetwork(socket.remoteAddress)));
  if (forSlot === null) return reply(keys, attesting.standing());
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  return reply(keys, await attesting.forSlot(forSlot, gone.signal));
}

/** Behind the bridge of an image all come from loopback: there is no telling them apart, and null says so. */
export function strangersNetwork(address: string | undefined): string | null {
  const network = networkOf(address);
  return /^(?:127\.|$)/.test(network) || address === '::1' ? null : network;
}

export function notAttested(): EnclaveError {
  return new EnclaveError(
    'NOT_ATTESTED',
    'this boot has no attestation yet',
    'ask again; /readyz names the step that it waits for',
  );
}

function reply(keys: EnclaveKeys, document: Bytes): AttestationReply {
  return {
    format: AWS_NITRO,
    document: toBase64(document),
    decisionKey: toHex(keys.decision.publicKey),
    logKey: toHex(keys.log.publicKey),
    tlsKeyHash: toHex(keys.tls.keyHash),
    certificatePem: keys.tls.certificatePem,
    csrPem: keys.tls.csrPem,
  };
}

/** Of the other codes: what was sent cannot be used, 422. */
const STATUS: Partial<Record<EnclaveErrorCode, number>> = {
  NONCE_MALFORMED: 400,
  SLOT_MALFORMED: 400,
  SLOT_UNKNOWN: 404,
  ALREADY_REGISTERED: 409,
  RATE_LIMITED: 429,
  NOT_ATTESTED: 503,
  NSM_FAILED: 503,
  CHAIN_UNREADABLE: 503,
  BOOT_FAILED: 503,
};

/** Express' own refusals: a body that is too large, a path that does not decode. */
function malformed(error: unknown): { code: string; message: string; remedy: string } {
  return { code: 'REQUEST_MALFORMED', message: describeError(error), remedy: 'mend the request' };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
