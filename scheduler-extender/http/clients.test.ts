import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import t from 'tap';

import { clients, type Clients } from './clients.ts';
import { HttpError } from './errors.ts';

const T0 = Date.parse('2030-01-01T00:00:00Z');
const NAME = 'k3s-daas:scheduler';

interface Certificate {
  readonly subject: { readonly CN?: string | readonly string[] };
  readonly valid_to: string;
}

function connect(known: Clients, certificate: Certificate, authorized = true): IncomingMessage {
  const socket = { authorized, getPeerCertificate: () => certificate };
  known.connected(socket as unknown as TLSSocket);
  return { socket } as unknown as IncomingMessage;
}

void t.test('a caller is who the certificate of its connection names, for as long as that is valid', (t) => {
  const clock = { ms: T0, now: () => clock.ms };
  const known = clients(clock, 'the list', (...refusal) => new HttpError(...refusal));
  const allowed = new Set([NAME]);
  const valid = { subject: { CN: NAME }, valid_to: 'Jan  1 01:00:00 2030 GMT' };
  const request = connect(known, valid);
  known.authorize(request, allowed);
  t.equal(known.authenticate(request), NAME);
  t.notOk(known.ended(request));

  const refused: [string, Certificate, boolean][] = [
    ['another name', { ...valid, subject: { CN: `${NAME}x` } }, true],
    ['no name', { ...valid, subject: {} }, true],
    ['two names', { ...valid, subject: { CN: [NAME, NAME] } }, true],
    ['one that TLS did not take', valid, false],
  ];
  for (const [name, certificate, authorized] of refused) {
    const other = connect(known, certificate, authorized);
    t.throws(
      () => {
        known.authorize(other, allowed);
      },
      { code: 'CLIENT_NOT_ALLOWED' },
      name,
    );
  }
  const timeless = connect(known, { ...valid, valid_to: 'never' });
  t.throws(() => known.authenticate(timeless), { code: 'CLIENT_CERTIFICATE_EXPIRED' });

  clock.ms = T0 + 3_600_000;
  known.authorize(request, allowed);
  clock.ms += 1;
  t.throws(
    () => known.authenticate(request),
    { code: 'CLIENT_CERTIFICATE_EXPIRED' },
    'within its connection',
  );
  t.ok(known.ended(request));
  clock.ms = T0;
  t.notOk(known.ended(request));
  known.authorityChanged();
  t.ok(known.ended(request));
  t.throws(() => known.authenticate(request), { code: 'CLIENT_CERTIFICATE_OUTDATED' });
  known.authorize(connect(known, valid), allowed);
  t.end();
});
