import { X509Certificate } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import {
  describeError,
  equalBytes,
  fromHex,
  sha256,
  toHex,
  type Bytes,
  type ClientConfiguration,
  type SuiId,
} from '@k3s-daas/core';

import { readText } from './files.ts';
import { CliError } from './errors.ts';
import { exchange } from './reply.ts';

const TIMEOUT_MS = 10_000;
/** How long to come back to an enclave that says "later". */
const LATER_MS_MAX = 10_000;
/** A document has at most 12,288 bytes (NSM), a certificate and a request a few hundred. */
const ATTESTATION_BYTES_MAX = 128 << 10;

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);

const attestationReply = z.strictObject({
  format: z.string().min(1).max(64),
  document: z.base64().max(65_536),
  decisionKey: hex32,
  logKey: hex32,
  tlsKeyHash: hex32,
  certificatePem: z.string().max(16_384),
  csrPem: z.string().max(16_384),
});

export interface EnclaveAttestation {
  /** Name of the document's format, as the enclave says. */
  readonly format: string;
  readonly document: Bytes;
  readonly decisionKey: Bytes;
  readonly logKey: Bytes;
  readonly tlsKeyHash: Bytes;
  readonly certificatePem: string;
  readonly csrPem: string;
}

/**
 * What the enclave's bootstrap listener serves: its standing document, or a fresh one with a nonce of the caller's
 * (16 to 64 bytes, but not the 32 of a slot) or for a slot. Nothing of it is believed before it is verified. Refused with
 * Retry-After, it asks again then, until `signal` aborts, for ten seconds at most.
 *
 * @throws CliError REQUEST_FAILED, with the last refusal
 */
export async function fetchAttestation(
  bootstrapUrl: string,
  fresh: { readonly nonce: Bytes } | { readonly slot: SuiId } | null = null,
  signal?: AbortSignal,
): Promise<EnclaveAttestation> {
  const url = new URL('/api/v1/tee/attestation', bootstrapUrl);
  if (fresh !== null && 'nonce' in fresh) url.searchParams.set('nonce', toHex(fresh.nonce));
  if (fresh !== null && 'slot' in fresh) url.searchParams.set('slot', fresh.slot);
  const reply = attestationReply.safeParse(parseJson(await answeredInTime(url, signal)));
  if (!reply.success) throw unexpected(bootstrapUrl, z.prettifyError(reply.error));
  const { format, document, decisionKey, logKey, tlsKeyHash, certificatePem, csrPem } = reply.data;
  return {
    format,
    document: new Uint8Array(Buffer.from(document, 'base64')),
    decisionKey: fromHex(decisionKey),
    logKey: fromHex(logKey),
    tlsKeyHash: fromHex(tlsKeyHash),
    certificatePem,
    csrPem,
  };
}

/** Hands the enclave the client certificate that was issued for its key. */
export async function putKubernetesCertificate(
  bootstrapUrl: string,
  pem: string,
  signal?: AbortSignal,
): Promise<void> {
  const url = new URL('/api/v1/tee/kubernetes-certificate', bootstrapUrl);
  const headers = { 'content-type': 'application/x-pem-file' };
  await answered(url, { method: 'PUT', headers, body: pem }, [204], signal);
}

/** GET or POST to the enclave's TLS listener, with its TLS key pinned to the hash that the chain holds. */
export class EnclaveClient {
  readonly #url: string;
  readonly #tls: { ca: string; cert: string; key: string };

  private constructor(url: string, tls: { ca: string; cert: string; key: string }) {
    this.#url = url;
    this.#tls = tls;
  }

  /** @throws CliError if the certificate that the enclave shows is not for the key registered on chain. */
  static async connect(
    config: ClientConfiguration,
    path: (relative: string) => string,
    registeredTlsKeyHash: Bytes,
  ): Promise<EnclaveClient> {
    const { certificatePem } = await fetchAttestation(config.bootstrapUrl);
    assertKeyHash(certificatePem, registeredTlsKeyHash);
    const [cert, key] = await Promise.all([readText(path(config.certFile)), readText(path(config.keyFile))]);
    return new EnclaveClient(config.enclaveUrl, { ca: certificatePem, cert, key });
  }

  async request(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    return JSON.parse(await this.text(method, path, body)) as unknown;
  }

  /** The same, for an answer that is not JSON. */
  async text(method: 'GET' | 'POST', path: string, body?: unknown): Promise<string> {
    const { status, text } = await this.#send(method, path, body === undefined ? '' : JSON.stringify(body));
    if (status === 200) return text;
    throw unexpected(path, text, status);
  }

  async #send(method: string, path: string, body: string): Promise<{ status: number; text: string }> {
    const headers =
      body === '' ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const options = { method, ...this.#tls, timeout: TIMEOUT_MS, headers };
    try {
      return await exchange(httpsRequest(new URL(path, this.#url), options), body);
    } catch (cause) {
      const why = describeError(cause);
      throw new CliError('REQUEST_FAILED', `the enclave does not answer: ${why}`, 'is it running?', {
        cause,
      });
    }
  }
}

/** It is one certificate, and the SHA-256 of its SubjectPublicKeyInfo is the given one. @throws CliError */
export function assertKeyHash(certificatePem: string, expected: Bytes): void {
  // X509Certificate reads the first of several, TLS takes them all for authorities: a stranger's behind the enclave's
  // own would let the stranger answer in its place.
  if (certificatePem.split('-----BEGIN ').length > 2) {
    throw new CliError(
      'VERIFICATION_FAILED',
      'the enclave shows more than one certificate',
      'do not use this address: somebody has added a certificate to that of the enclave',
    );
  }
  if (equalBytes(keyHash(certificatePem), expected)) return;
  throw new CliError(
    'VERIFICATION_FAILED',
    'the enclave shows a TLS key that is not the one registered on chain',
    'do not use this address: it is not the attested enclave, or it restarted and is not registered yet',
  );
}

function keyHash(certificatePem: string): Bytes {
  try {
    return sha256(new X509Certificate(certificatePem).publicKey.export({ format: 'der', type: 'spki' }));
  } catch (cause) {
    throw new CliError(
      'VERIFICATION_FAILED',
      'what the enclave shows is no certificate',
      'do not use this address: it is not the attested enclave',
      { cause },
    );
  }
}

/** The answer to a GET, if need be not the first one. */
async function answeredInTime(url: URL, signal?: AbortSignal): Promise<string> {
  const deadlineMs = performance.now() + LATER_MS_MAX;
  for (;;) {
    try {
      return await answered(url, {}, [200], signal);
    } catch (error) {
      const waitMs = error instanceof Later ? error.waitMs : Infinity;
      if (performance.now() + waitMs > deadlineMs) throw error;
      await sleep(waitMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
      if (signal?.aborted === true) throw error;
    }
  }
}

/** A refusal with Retry-After. */
class Later extends CliError {
  readonly waitMs: number;

  constructor(refusal: CliError, waitMs: number) {
    super(refusal.code, refusal.message, refusal.remedy);
    this.waitMs = waitMs;
  }
}

/** In seconds, the only form that the enclave sends; it waits a second at least, whatever a stranger says. */
function retryAfterMs({ headers }: Response): number | null {
  const text = headers.get('retry-after') ?? '';
  return /^\d{1,4}$/.test(text) ? Math.max(1, Number(text)) * 1_000 : null;
}

/**
 * The body of an answer with one of the statuses. Whoever answers there is a stranger until its document is verified:
 * bounded in time and size, no redirects.
 */
async function answered(
  url: URL,
  init: RequestInit,
  statuses: readonly number[],
  signal?: AbortSignal,
): Promise<string> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let status: number;
  let text: string | null;
  let laterMs: number | null;
  try {
    const response = await fetch(url, {
      ...init,
      redirect: 'error',
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    status = response.status;
    laterMs = retryAfterMs(response);
    text = await boundedText(response);
  } catch (cause) {
    throw new CliError('REQUEST_FAILED', `${url.href} does not answer`, 'is the enclave running?', { cause });
  }
  if (text === null) throw unexpected(url.href, `more than ${ATTESTATION_BYTES_MAX} bytes`, status);
  if (statuses.includes(status)) return text;
  const refusal = unexpected(url.href, text, status);
  throw laterMs === null ? refusal : new Later(refusal, laterMs);
}

/** The body, or null if it is larger than an attestation can be. */
async function boundedText({ body }: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > ATTESTATION_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** undefined for what is no JSON, which no schema takes. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unexpected(where: string, what: string, status?: number): CliError {
  const said = status === undefined ? what : `${status} ${what}`;
  return new CliError(
    'REQUEST_FAILED',
    // A stranger's words may end in a terminal: they must not command it.
    `${where} answered: ${said.slice(0, 500).replace(/[\p{Cc}\p{Cf}]+/gu, ' ')}`,
    'see the log of the enclave',
  );
}
