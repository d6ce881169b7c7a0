import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import type { Clock } from '@k3s-daas/core';

interface Client {
  readonly commonName: string | null;
  readonly notAfterMs: number;
  readonly epoch: number;
}

export type ClientRefusalCode =
  'CLIENT_NOT_ALLOWED' | 'CLIENT_CERTIFICATE_EXPIRED' | 'CLIENT_CERTIFICATE_OUTDATED';

/** Makes the error of a server's own layer. */
export type ClientRefusal = (code: ClientRefusalCode, message: string, remedy: string) => Error;

/** Who is at the other end of a connection, by the certificate that TLS has verified. */
export interface Clients {
  /** Notes the certificate of a new connection. */
  connected(socket: TLSSocket): void;
  /** From now on, connections that were made before are refused: their certificates met another CA. */
  authorityChanged(): void;
  /** Whether the connection may not be used any more: its certificate has ended, or met another CA. */
  ended(request: IncomingMessage): boolean;
  /** Common name of a client with a valid certificate. @throws what `refusal` makes */
  authenticate(request: IncomingMessage): string;
  /** The same, for one of `allowed`. @throws what `refusal` makes */
  authorize(request: IncomingMessage, allowed: ReadonlySet<string>): string;
}

/** @param names fields of `daas.yaml` with the names that a server lets in; they are in the remedy. */
export function clients(clock: Clock, names: string, refusal: ClientRefusal): Clients {
  const notAllowed = (message: string): Error =>
    refusal('CLIENT_NOT_ALLOWED', message, `use a certificate of a name in ${names}`);
  const known = new WeakMap<object, Client>();
  let epoch = 0;
  // Not a number: not a time that we can read, and not later than any.
  const isValid = ({ notAfterMs }: Client): boolean => clock.now() <= notAfterMs;
  const authenticate = (request: IncomingMessage): string => {
    const client = known.get(request.socket);
    if (client === undefined || client.commonName === null)
      throw notAllowed('the client certificate has no single common name');
    if (client.epoch !== epoch) {
      throw refusal(
        'CLIENT_CERTIFICATE_OUTDATED',
        'the client CA has changed since this connection was made',
        'connect again',
      );
    }
    // A connection may outlive the certificate it was made with.
    if (!isValid(client)) {
      throw refusal(
        'CLIENT_CERTIFICATE_EXPIRED',
        `the certificate of ${client.commonName.slice(0, 100)} has expired`,
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
    ended(request) {
      const client = known.get(request.socket);
      return client !== undefined && (client.epoch !== epoch || !isValid(client));
    },
    authenticate,
    authorize(request, allowed) {
      const commonName = authenticate(request);
      if (!allowed.has(commonName)) throw notAllowed(`${commonName.slice(0, 100)} may not do this`);
      return commonName;
    },
  };
}
