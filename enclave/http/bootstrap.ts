import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import express, { type NextFunction, type Request, type Response } from 'express';

import { describeError, toBase64, toHex, type Bytes } from '@k3s-daas/core';

import type { EnclaveKeys } from '../boot/keys.ts';
import type { BootProgress } from '../boot/steps.ts';
import { EnclaveError } from '../errors.ts';

const CERTIFICATE_BYTES_MAX = 16_384;

/** What a registrar needs to register this boot on chain. Everything here is public or proves itself. */
export interface AttestationReply {
  /** The attestation document, base64. */
  readonly document: string;
  /** Hex of 32 bytes each; the document's `user_data` binds them. */
  readonly decisionKey: string;
  readonly logKey: string;
  readonly tlsKeyHash: string;
  readonly certificatePem: string;
  readonly csrPem: string;
}

export interface BootstrapOptions {
  readonly host: string;
  readonly port: number;
  readonly keys: EnclaveKeys;
  /** The standing document, or one for a slot (0x and 64 hex digits). */
  readonly document: (slot: string | null) => Promise<Bytes>;
  readonly progress: () => BootProgress;
  readonly readiness: () => readonly string[];
  readonly acceptCertificate: (pem: string) => void;
}

/**
 * The plain HTTP listener of the boot: a registrar fetches the attestation, registers it, and hands in the Kubernetes
 * client certificate. It needs no secret: the document is signed by the NSM, and a certificate is taken only for the
 * key that was made here.
 */
export async function serveBootstrap(
  options: BootstrapOptions,
): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer(bootstrapApp(options));
  server.requestTimeout = 10_000;
  server.maxConnections = 64;
  await listen(server, options.host, options.port);
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

function bootstrapApp(options: BootstrapOptions): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/livez', (_request, response) => void response.type('text').send('ok'));
  app.get('/readyz', (_request, response) => {
    const reasons = options.readiness();
    response
      .status(reasons.length === 0 ? 200 : 503)
      .json({ ready: reasons.length === 0, reasons, boot: options.progress() });
  });
  app.get('/api/v1/tee/attestation', async (request, response) => {
    const { slot } = request.query;
    response.json(attestationReply(options.keys, await options.document(slotOf(slot))));
  });
  app.put(
    '/api/v1/tee/kubernetes-certificate',
    express.text({ type: 'application/x-pem-file', limit: CERTIFICATE_BYTES_MAX }),
    (request: Request, response: Response) => {
      options.acceptCertificate(typeof request.body === 'string' ? request.body : '');
      response.status(204).end();
    },
  );
  app.use((_request, response) => void response.status(404).json({ code: 'NOT_FOUND' }));
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    if (error instanceof EnclaveError) response.status(422).json(error);
    else response.status(400).json({ code: 'REQUEST_MALFORMED', message: describeError(error) });
  });
  return app;
}

function slotOf(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string' && /^0x[0-9a-f]{64}$/.test(value)) return value;
  throw new EnclaveError('SLOT_MALFORMED', 'slot is not an object id', 'send 0x and 64 hex digits');
}

function attestationReply(keys: EnclaveKeys, document: Bytes): AttestationReply {
  return {
    document: toBase64(document),
    decisionKey: toHex(keys.decision.publicKey),
    logKey: toHex(keys.log.publicKey),
    tlsKeyHash: toHex(keys.tls.keyHash),
    certificatePem: keys.tls.certificatePem,
    csrPem: keys.tls.csrPem,
  };
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
