import { request as httpRequest, type IncomingMessage } from 'node:http';

import { describeError, type Clock } from '@k3s-daas/core';

import type { Attested } from './attest.ts';
import { ProxyError } from './errors.ts';
import { PinnedAgent, unreachable, type Credentials } from './pinned-agent.ts';

/** A request whose body is whole. `headers` are names and values in turn. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export interface Reply {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** A call that brought no reply. */
export class CallFailed extends ProxyError {
  /** Whether the enclave may have seen the request: false only if not a byte of it was sent. */
  readonly reached: boolean;

  constructor(reached: boolean, error: ProxyError) {
    super(error.code, error.message, error.remedy, { cause: error.cause });
    this.reached = reached;
  }
}

/** Connections to one attested enclave. Each of them has shown the attested TLS key before it was used. */
export interface Upstream {
  readonly attested: Attested;
  /** `replyMs` is that of the limits unless given. @throws CallFailed */
  send(call: Call, replyMs?: number): Promise<Reply>;
  /**
   * Looks whether the client certificate was replaced on disk; if so, no connection of before serves another request.
   *
   * @returns when the new one ends, ms; null if it is the same
   * @throws ProxyError if what is on disk cannot be used; the one at hand stays in use
   */
  renew(): Promise<number | null>;
  /** Ends every connection at once, also those in use. */
  close(): void;
}

export interface UpstreamOptions {
  readonly url: string;
  /** What we show the enclave; read for each connection and by `renew`. */
  readonly credentials: () => Promise<Credentials>;
  readonly clock: Clock;
  readonly limits: UpstreamLimits;
}

export interface UpstreamLimits {
  /** Connection, handshake and pin. */
  readonly connectMs: number;
  /** From the request to the end of its reply. */
  readonly replyMs: number;
  readonly replyBytesMax: number;
  readonly connectionsMax: number;
}

/**
 * Opens nothing yet. `lost` is called when a connection ends that nobody here closed: the enclave may have restarted.
 */
export function openUpstream(attested: Attested, options: UpstreamOptions, lost: () => void): Upstream {
  const { limits } = options;
  const agent = new PinnedAgent(attested, { ...options, ...limits }, lost);
  return {
    attested,
    send: (call, replyMs = limits.replyMs) => sendKnown(agent, call, { ...limits, replyMs }),
    renew: () => agent.renew(),
    close: () => {
      agent.close();
    },
  };
}

/**
 * Sends a call, and once more over a new connection if the enclave refuses the certificate that the first one was made
 * with: it has ended, or was of another CA. Such a request was not looked at, so that even a bind may be sent again.
 */
async function sendKnown(agent: PinnedAgent, call: Call, limits: UpstreamLimits): Promise<Reply> {
  const { generation } = agent;
  const reply = await send(agent, call, limits);
  if (certificateRefusal(reply) === null) return reply;
  agent.retire(generation);
  const again = await send(agent, call, limits);
  const refusal = certificateRefusal(again);
  if (refusal === null) return again;
  throw new CallFailed(false, refused(refusal));
}

/** The words with which the enclave refuses the certificate of this connection, or null. */
function certificateRefusal({ status, body }: Reply): string | null {
  const text = status === 403 ? body.toString('utf8', 0, 1_000) : '';
  return /"code":"CLIENT_CERTIFICATE_[A-Z]+"/.test(text) ? text : null;
}

function refused(why: string): ProxyError {
  return new ProxyError(
    'ENCLAVE_REFUSES',
    `the enclave refuses the proxy's client certificate: ${why}`,
    'renew proxy.clientCertFile, of a CA in enclave.clientCaFile; it is taken without a restart',
  );
}

function send(agent: PinnedAgent, call: Call, limits: UpstreamLimits): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let reached = false;
    const { method, path, headers, body } = call;
    const outgoing = httpRequest({
      agent,
      method,
      path,
      // With an array nothing is added: host and length are ours to say.
      headers: ['host', 'enclave', ...headers, 'content-length', String(body.length)],
    });
    const timer = setTimeout(() => {
      outgoing.destroy(
        new ProxyError('ENCLAVE_LATE', `no reply within ${limits.replyMs} ms`, "see the enclave's log"),
      );
    }, limits.replyMs);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(new CallFailed(reached, error instanceof ProxyError ? error : broken(reached, error)));
    };
    outgoing.once('socket', () => {
      reached = true;
    });
    // Also after the first: an error may follow the end of its own connection.
    outgoing.on('error', fail);
    outgoing.once('response', (incoming) => {
      collect(incoming, limits.replyBytesMax).then((collected) => {
        clearTimeout(timer);
        resolve({ status: incoming.statusCode ?? 502, headers: incoming.rawHeaders, body: collected });
      }, fail);
    });
    outgoing.end(body);
  });
}

function collect(incoming: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= bytesMax) return;
      incoming.destroy();
      reject(
        new ProxyError(
          'REPLY_TOO_LARGE',
          `the enclave's reply has more than ${bytesMax} bytes`,
          'ask for less',
        ),
      );
    });
    incoming.once('end', () => {
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size));
    });
    incoming.once('error', reject);
    incoming.once('close', () => {
      reject(new Error('the connection was closed within the reply'));
    });
  });
}

function broken(reached: boolean, cause: unknown): ProxyError {
  const why = describeError(cause);
  if (!reached) return unreachable(why, cause);
  return new ProxyError(
    'ENCLAVE_LOST',
    `the connection to the enclave broke after the request was sent: ${why}`,
    'ask again; a bind may have been done, and the enclave then says so',
    { cause },
  );
}
