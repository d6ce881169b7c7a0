import { request } from 'node:https';
import { text } from 'node:stream/consumers';

import { z } from 'zod';

/** PEM of who asks; nothing for somebody without a certificate. */
export interface Credentials {
  readonly certPem?: string;
  readonly keyPem?: string;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON unless it is a string. */
  readonly body?: unknown;
  /** Content type; `application/json` unless given. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxVersion?: 'TLSv1.2';
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

const TIMEOUT_MS = 20_000;

/** One HTTPS request over a connection of its own, since a connection keeps the certificate it was made with. */
export function send(url: string, caPem: string, by: Credentials, call: Call): Promise<Answer> {
  const { method, body, type = 'application/json', headers = {}, maxVersion } = call;
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method,
        agent: false,
        ca: caPem,
        ...(by.certPem !== undefined && { cert: by.certPem }),
        ...(by.keyPem !== undefined && { key: by.keyPem }),
        ...(maxVersion !== undefined && { maxVersion }),
        headers: { 'content-type': type, ...headers },
        timeout: TIMEOUT_MS,
      },
      (incoming) => {
        text(incoming).then((answer) => {
          resolve({ status: incoming.statusCode ?? 0, text: answer });
        }, reject);
      },
    );
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer from ${url}`)));
    outgoing.once('error', reject);
    outgoing.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  });
}

const tlsError = z.object({ code: z.string().regex(/^(ERR_SSL_TLSV1|EPROTO$|ECONNRESET$|EPIPE$)/) });

/** Runs a request that may fail in the handshake: then the server has refused the certificate, or the version. */
export async function refusedByTls(attempt: () => Promise<string>): Promise<string> {
  try {
    return await attempt();
  } catch (error) {
    if (tlsError.safeParse(error).success) return 'TLS';
    throw error;
  }
}

const statusSchema = z.object({ message: z.string(), reason: z.string().default('') });

/**
 * What the API server made of a request: `accepted`; the code of our webhook; `RBAC: VERB RESOURCE`;
 * `RBAC: escalation`; `NodeRestriction`; or the HTTP status and its reason.
 */
export function verdictOf({ status, text: answer }: Answer): string {
  if (status < 300) return 'accepted';
  const parsed = statusSchema.safeParse(JSON.parse(answer));
  if (!parsed.success) return `${status}`;
  const { message, reason } = parsed.data;
  const webhook = /admission webhook "[a-z-]+\.k3s-daas\.io" denied the request: ([A-Z_]+): /.exec(message);
  if (webhook !== null) return webhook[1] ?? '';
  const rbac = /cannot (\w+) resource "([^"]+)" in API group/.exec(message);
  if (rbac !== null) return `RBAC: ${rbac[1] ?? ''} ${rbac[2] ?? ''}`;
  if (/cannot impersonate/.test(message)) return 'RBAC: impersonate';
  if (message.includes('attempting to grant RBAC permissions not currently held')) return 'RBAC: escalation';
  if (/ is forbidden: .*(\bnode\b|is not allowed)/.test(message)) return 'NodeRestriction';
  return `${status} ${reason === '' ? (message.split(':')[0] ?? '') : reason}`;
}

const coded = z.object({ code: z.string() });

/** The code in an error of our own parts: `{"code": …}` or `CODE: …`. */
export function codeOf({ status, text: answer }: Answer): string {
  if (status < 300) return 'accepted';
  if (answer.startsWith('{')) return coded.parse(JSON.parse(answer)).code;
  return /^([A-Z_]+): /.exec(answer)?.[1] ?? `${status}`;
}
