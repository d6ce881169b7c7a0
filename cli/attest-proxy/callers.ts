import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import type { Clock } from '@k3s-daas/core';

import { ProxyError } from './errors.ts';

interface Caller {
  readonly commonName: string | null;
  readonly notAfterMs: number;
  readonly authority: number;
}

/**
 * Who is at the other end of a connection, by the certificate that TLS has verified. The enclave only sees the proxy's
 * own certificate, so nobody else can ask this.
 */
export class Callers {
  readonly #allowed: ReadonlySet<string>;
  readonly #clock: Clock;
  readonly #known = new WeakMap<object, Caller>();
  #authority = 0;

  constructor(allowed: readonly string[], clock: Clock) {
    this.#allowed = new Set(allowed);
    this.#clock = clock;
  }

  /** Notes the certificate of a new connection. */
  connected(socket: TLSSocket): void {
    if (!socket.authorized) return;
    const { subject, valid_to: validTo } = socket.getPeerCertificate();
    // An array, against @types/node, where a certificate has several names: then nobody can say who it is.
    const commonName: unknown = subject.CN;
    this.#known.set(socket, {
      commonName: typeof commonName === 'string' ? commonName : null,
      notAfterMs: Date.parse(validTo),
      authority: this.#authority,
    });
  }

  /** From now on, connections made before are refused: their certificates met another CA. */
  authorityChanged(): void {
    this.#authority += 1;
  }

  /** Any client whose certificate TLS took and that is still valid. @throws ProxyError */
  authenticate({ socket }: IncomingMessage): string {
    const caller = this.#known.get(socket);
    if (caller === undefined || caller.commonName === null) {
      throw notAllowed('the client certificate has no single common name');
    }
    if (caller.authority !== this.#authority) {
      throw new ProxyError(
        'CLIENT_CERTIFICATE_OUTDATED',
        'the client CA has changed since this connection was made',
        'connect again',
      );
    }
    // A connection may outlive the certificate it was made with. Not a number: not a time that we can read.
    if (!(this.#clock.now() <= caller.notAfterMs)) {
      throw new ProxyError(
        'CLIENT_CERTIFICATE_EXPIRED',
        `the certificate of ${caller.commonName.slice(0, 100)} has expired`,
        'renew it and connect again',
      );
    }
    return caller.commonName;
  }

  /** The same, for one of the allowed names. @throws ProxyError */
  authorize(request: IncomingMessage): void {
    const commonName = this.authenticate(request);
    if (!this.#allowed.has(commonName)) throw notAllowed(`${commonName.slice(0, 100)} may not do this`);
  }
}

function notAllowed(message: string): ProxyError {
  return new ProxyError('CLIENT_NOT_ALLOWED', message, 'use a certificate of a name in proxy.allowedClients');
}
