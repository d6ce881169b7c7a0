import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';

import { describeError, equalBytes, toHex, type Bytes, type Clock } from '@k3s-daas/core';

import type { Attested } from './attest.ts';
import { ProxyError } from './errors.ts';

/** PEM of what we show the enclave. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

export interface PinnedAgentOptions {
  readonly url: string;
  readonly credentials: () => Promise<Credentials>;
  readonly clock: Clock;
  /** Connection, handshake and pin. */
  readonly connectMs: number;
  readonly connectionsMax: number;
}

interface Shown extends Credentials {
  readonly endMs: number;
}

/**
 * An HTTP agent whose sockets are TLS connections with a pinned key. Each belongs to the generation in which it was made;
 * those of an earlier one finish what they do and serve nothing else.
 */
export class PinnedAgent extends Agent {
  readonly #attested: Attested;
  readonly #upstream: PinnedAgentOptions;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #lost: () => void;
  readonly #sockets = new Map<Duplex, number>();
  /** What new connections show. */
  #shown: Shown | null = null;
  #generation = 0;
  #closed = false;

  /** @param lost is called when a connection ends that nobody here closed */
  constructor(attested: Attested, upstream: PinnedAgentOptions, lost: () => void) {
    super({ keepAlive: true, maxFreeSockets: upstream.connectionsMax });
    this.#attested = attested;
    this.#upstream = upstream;
    const { hostname, port } = new URL(upstream.url);
    this.#target = { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? 443 : Number(port) };
    this.#lost = lost;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Begins another generation, unless that of the caller has passed already. */
  retire(generation: number): void {
    if (generation !== this.#generation) return;
    this.#generation += 1;
    for (const socket of Object.values(this.freeSockets).flat()) socket?.destroy();
  }

  /**
   * Looks whether the credentials were replaced, and makes the next connections with what is there now.
   *
   * @returns when the new certificate ends, ms; null if it is the same as before
   * @throws ProxyError if they cannot be used; then those at hand stay
   */
  async renew(): Promise<number | null> {
    const before = this.#shown;
    const next = await this.#read();
    if (before !== this.#shown || (next.cert === before?.cert && next.key === before.key)) return null;
    this.#shown = next;
    if (before === null) return null;
    this.retire(this.#generation);
    return next.endMs;
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

  /** Called by node:http when a request is done. False ends the connection, against @types/node. */
  override keepSocketAlive(socket: Duplex): boolean {
    super.keepSocketAlive(socket);
    return this.#sockets.get(socket) === this.#generation;
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.keys()) socket.destroy();
    this.destroy();
  }

  async #connect(): Promise<TLSSocket> {
    const { cert, key } = await this.#credentials();
    this.#requireOpen();
    const generation = this.#generation;
    const socket = connect({
      ...this.#target,
      cert,
      key,
      // The certificate that the document vouches for. Its name says nothing, since the key is what is known.
      ca: this.#attested.certificatePem,
      checkServerIdentity: () => undefined,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['http/1.1'],
    });
    socket.setNoDelay(true);
    this.#sockets.set(socket, generation);
    socket.once('close', () => {
      this.#sockets.delete(socket);
    });
    await secured(socket, this.#upstream.connectMs);
    try {
      this.#requireOpen();
      requirePin(socket, this.#attested.tlsKeyHash);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    socket.once('close', () => {
      if (!this.#closed && generation === this.#generation) this.#lost();
    });
    return socket;
  }

  /** A set of files that is being replaced is no reason to do without what was shown until now. */
  async #credentials(): Promise<Credentials> {
    try {
      await this.renew();
    } catch (error) {
      if (this.#shown === null || this.#hasEnded(this.#shown)) throw error;
    }
    if (this.#shown !== null) return this.#shown;
    throw unusable('there is none');
  }

  async #read(): Promise<Shown> {
    let read: Shown;
    try {
      const { cert, key } = await this.#upstream.credentials();
      const certificate = new X509Certificate(cert);
      if (!certificate.checkPrivateKey(createPrivateKey(key))) throw new Error('its key is that of another');
      read = { cert, key, endMs: certificate.validToDate.getTime() };
    } catch (cause) {
      throw unusable(describeError(cause), cause);
    }
    // The enclave would close the connection without a word.
    if (this.#hasEnded(read)) throw unusable(`it ended at ${new Date(read.endMs).toISOString()}`);
    return read;
  }

  #hasEnded({ endMs }: Shown): boolean {
    return endMs <= this.#upstream.clock.now();
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

function unusable(why: string, cause?: unknown): ProxyError {
  return new ProxyError(
    'CERTIFICATE_UNUSABLE',
    `the proxy's client certificate cannot be used: ${why}`,
    'renew proxy.clientCertFile and proxy.clientKeyFile; they are taken without a restart',
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

export function unreachable(why: string, cause?: unknown): ProxyError {
  return new ProxyError(
    'ENCLAVE_UNREACHABLE',
    `no connection to the enclave: ${why}`,
    'see that proxy.enclaveUrl is the TLS listener of a running enclave',
    { cause },
  );
}
