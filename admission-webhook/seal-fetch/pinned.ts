import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

import { describeError } from '@k3s-daas/core';

import { FetchError } from './errors.ts';

export interface PinnedTarget {
  readonly url: URL;
  /** SHA-256 of the SubjectPublicKeyInfo of the key that the other side must hold, hex. */
  readonly keyHash: string;
  /** For connection and handshake. */
  readonly connectMs: number;
  readonly signal: AbortSignal;
}

/**
 * A TLS 1.3 connection to whoever holds the pinned key. The chain names the key, so no authority is asked: neither the
 * names nor the dates in the certificate say anything. Nothing is sent over it before the key is checked, and TLS 1.3
 * proves in each handshake that the other side holds it.
 * @throws FetchError BROKER_UNREACHABLE, BROKER_FOREIGN
 */
export async function connectPinned({ url, keyHash, connectMs, signal }: PinnedTarget): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const socket = connect({
    host,
    port: url.port === '' ? 443 : Number(url.port),
    ...(isIP(host) === 0 && { servername: host }),
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['http/1.1'],
    // The authority is the chain: requirePin, below, is the check that replaces this one.
    rejectUnauthorized: false,
  });
  const stop = (): void => {
    socket.destroy(new Error('told to stop'));
  };
  signal.addEventListener('abort', stop);
  try {
    await secured(socket, connectMs);
    requirePin(socket, keyHash);
    return socket;
  } catch (error) {
    socket.destroy();
    if (error instanceof FetchError) throw error;
    throw new FetchError('BROKER_UNREACHABLE', `no connection to ${url.host}: ${describeError(error)}`, {
      cause: error,
    });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function secured(socket: TLSSocket, msMax: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no TLS connection within ${msMax} ms`));
    }, msMax);
    // For good: whatever breaks later is told to the request that uses the connection.
    socket.on('error', reject);
    socket.once('close', () => {
      clearTimeout(timer);
      reject(new Error('it was closed'));
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** The key that was used in this very handshake. A resumed session would have shown none. */
function requirePin(socket: TLSSocket, keyHash: string): void {
  const spki = socket.getPeerX509Certificate()?.publicKey.export({ format: 'der', type: 'spki' });
  const shown = spki === undefined ? 'none' : createHash('sha256').update(spki).digest('hex');
  if (shown === keyHash && !socket.isSessionReused()) return;
  throw new FetchError(
    'BROKER_FOREIGN',
    `who answers for the broker has TLS key ${shown}; the chain names ${keyHash}`,
  );
}
