import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import type { Clock } from '@k3s-daas/core';

import { HttpError } from './errors.ts';

interface Client {
  readonly commonName: string | null;
  readonly notAfterMs: number;
  readonly epoch: number;
}

/** Who is at the other end of a connection, by the certificate that TLS has verified. */
export interface Clients {
  /** Notes the certificate of a new connection. */
  connected(socket: TLSSocket): void;
  /** From now on, connections that were made before are refused: their certificates met another CA. */
  authorityChanged(): void;
  /** Common name of a client with a valid certificate. @throws HttpError */
  authenticate(request: IncomingMessage): string;
  /** The same, for one of `allowed`. @throws HttpError */
  authorize(request: IncomingMessage, allowed: ReadonlySet<string>): string;
}

export function clients(clock: Clock): Clients {
  const known = new WeakMap<object, Client>();
  let epoch = 0;
  const authenticate = (request: IncomingMessage): string => {
    const client = known.get(request.socket);
    if (client === undefined || client.commonName === null)
      throw notAllowed('the client certificate has no single common name');
    if (client.epoch !== epoch) {
      throw new HttpError(
        'CLIENT_CERTIFICATE_OUTDATED',
        'the client CA has changed since this connection was made',
        'connect again',
      );
    }
    // A connection may outlive the certificate it was made with.
    if (clock.now() > client.notAfterMs) {
      throw new HttpError(
        'CLIENT_CERTIFICATE_EXPIRED',
        `the certificate of ${client.commonName} has expired`,
        'renew it and connect again',
      );
    }
    return client.commonName;
  };
  return {
    connected(socket) {
      if (!socket.authorized) return;
      const { subject, valid_to: validTo } = socket.getPeerCertificate();
      // An array, against @types/node, where a certificate has several: then nobody can say who it is.
      const commonName: unknown = subject.CN;
      known.set(socket, {
        commonName: typeof commonName === 'string' ? commonName : null,
        notAfterMs: Date.parse(validTo),
        epoch,
      });
    },
    authorityChanged() {
      epoch += 1;
    },
    authenticate,
    authorize(request, allowed) {
      const commonName = authenticate(request);
      if (!allowed.has(commonName)) throw notAllowed(`${commonName.slice(0, 100)} may not do this`);
      return commonName;
    },
  };
}

function notAllowed(message: string): HttpError {
  return new HttpError(
    'CLIENT_NOT_ALLOWED',
    message,
    'use a certificate of a name in enclave.allowedClients or enclave.allowedReaders',
  );
}
