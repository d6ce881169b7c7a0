import { createHash } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';

import { describeError, equalBytes, toHex, type Bytes } from '@k3s-daas/core';

import type { Attested } from './attest.ts';
import { ProxyError } from './errors.ts';

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
  /** Ends every connection at once, also those in use. */
  close(): void;
}

export interface UpstreamOptions {
  readonly url: string;
  /** PEM of what we show the enclave; read for each connection, so that a renewed certificate is taken. */
  readonly credentials: () => Promise<{ readonly cert: string; readonly key: string }>;
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
  const agent = new PinnedAgent(attested, options, lost);
  return {
    attested,
    send: (call, replyMs = limits.replyMs) => send(agent, call, { ...limits, replyMs }),
    close: () => {
      agent.close();
    },
  };
}

/** An HTTP agent whose sockets are TLS connections with a pinned key. */
class PinnedAgent extends Agent {
  readonly #attested: Attested;
  readonly #upstream: UpstreamOptions;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #lost: () => void;
  readonly #sockets = new Set<TLSSocket>();
  #closed = false;

  constructor(attested: Attested, upstream: UpstreamOptions, lost: () => void) {
    super({ keepAlive: true, maxFreeSockets: upstream.limits.connectionsMax });
    this.#attested = attested;
    this.#upstream = upstream;
    const { hostname, port } = new URL(upstream.url);
    this.#target = { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : Number(port) };
    this.#lost = lost;
  }

  /** Called by node:http for each connection; what is not pinned never gets to a request. */
  override createConnection(
    _options: object,
    done: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    this.#connect().then(
      (socket) => {
        done(null, socket);
      },
      (error: unknown) => {
        // With an error there is no socket, which the declaration of the callback does not know.
        (done as (error: unknown) => void)(error);
      },
    );
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets) socket.destroy();
    this.destroy();
  }

  async #connect(): Promise<TLSSocket> {
    const { credentials, limits } = this.#upstream;
    let pair;
    try {
      pair = await credentials();
    } catch (cause) {
      throw unreachable(`the proxy's client certificate cannot be read: ${describeError(cause)}`, cause);
    }
    this.#requireOpen();
    const socket = connect({
      ...this.#target,
      ...pair,
      // The certificate that the document vouches for. Its name says nothing, since the key is what is known.
      ca: this.#attested.certificatePem,
      checkServerIdentity: () => undefined,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['http/1.1'],
    });
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
    });
    await secured(socket, limits.connectMs);
    try {
      this.#requireOpen();
      requirePin(socket, this.#attested.tlsKeyHash);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.once('close', () => {
      if (!this.#closed) this.#lost();
    });
    return socket;
  }

  #requireOpen(): void {
    if (this.#closed) throw unreachable('it is not used any more');
  }
}

/** Resolves when the handshake is done. */
function secured(socket: TLSSocket, msMax: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const why: Error[] = [];
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no TLS connection within ${msMax} ms`));
    }, msMax);
    const closed = (): void => {
      clearTimeout(timer);
      // Set when the handshake was fine but the certificate is not the attested one; a string, against @types/node.
      const refused: unknown = socket.authorizationError;
      if (typeof refused === 'string') reject(mismatch(`its certificate is refused: ${refused}`, why[0]));
      else reject(unreachable(describeError(why[0] ?? 'it was closed'), why[0]));
    };
    // For good: whatever breaks later is told to the request that uses the connection.
    socket.on('error', (error: Error) => {
      why.push(error);
    });
    socket.once('close', closed);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('close', closed);
      resolve();
    });
  });
}

/** The key that was used in this very handshake is the attested one. A resumed session would have shown none. */
function requirePin(socket: TLSSocket, tlsKeyHash: Bytes): void {
  const spki = socket.getPeerX509Certificate()?.publicKey.export({ format: 'der', type: 'spki' });
  if (spki === undefined || socket.isSessionReused()) throw mismatch('it shows no certificate');
  const hash = new Uint8Array(createHash('sha256').update(spki).digest());
  if (!equalBytes(hash, tlsKeyHash)) {
    throw mismatch(`its TLS key has hash ${toHex(hash)}, attested is ${toHex(tlsKeyHash)}`);
  }
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

function mismatch(why: string, cause?: unknown): ProxyError {
  return new ProxyError(
    'PIN_MISMATCH',
    `who answers at proxy.enclaveUrl does not have the attested TLS key: ${why}`,
    'see that proxy.enclaveUrl and proxy.bootstrapUrl lead to the same enclave; else somebody is in between',
    { cause },
  );
}

function unreachable(why: string, cause?: unknown): ProxyError {
  return new ProxyError(
    'ENCLAVE_UNREACHABLE',
    `no connection to the enclave: ${why}`,
    'see that proxy.enclaveUrl is the TLS listener of a running enclave',
    { cause },
  );
}
