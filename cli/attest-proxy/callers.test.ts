import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import t from 'tap';

import { Callers } from './callers.ts';
import { endToEnd } from './headers.ts';

const T0 = Date.parse('2030-01-01T00:00:00Z');
const NAME = 'k3s-daas:scheduler';

interface Certificate {
  readonly subject: { readonly CN?: string | readonly string[] };
  readonly valid_to: string;
}

function connect(callers: Callers, certificate: Certificate, authorized = true): IncomingMessage {
  const socket = { authorized, getPeerCertificate: () => certificate };
  callers.connected(socket as unknown as TLSSocket);
  return { socket } as unknown as IncomingMessage;
}

void t.test('a caller is who the certificate of its connection names, for as long as that is valid', (t) => {
  const clock = { ms: T0, now: () => clock.ms };
  const callers = new Callers([NAME], clock);
  const valid = { subject: { CN: NAME }, valid_to: 'Jan  1 01:00:00 2030 GMT' };
  const request = connect(callers, valid);
  callers.authorize(request);
  t.equal(callers.authenticate(request), NAME);

  const refused: [string, Certificate, boolean][] = [
    ['another name', { ...valid, subject: { CN: `${NAME}x` } }, true],
    ['no name', { ...valid, subject: {} }, true],
    ['two names', { ...valid, subject: { CN: [NAME, NAME] } }, true],
    ['one that TLS did not take', valid, false],
  ];
  for (const [name, certificate, authorized] of refused) {
    const other = connect(callers, certificate, authorized);
    t.throws(
      () => {
        callers.authorize(other);
      },
      { code: 'CLIENT_NOT_ALLOWED' },
      name,
    );
  }
  const timeless = connect(callers, { ...valid, valid_to: 'never' });
  t.throws(() => callers.authenticate(timeless), { code: 'CLIENT_CERTIFICATE_EXPIRED' });

  clock.ms = T0 + 3_600_000;
  callers.authorize(request);
  clock.ms += 1;
  t.throws(
    () => callers.authenticate(request),
    { code: 'CLIENT_CERTIFICATE_EXPIRED' },
    'within its connection',
  );
  clock.ms = T0;
  callers.authorityChanged();
  t.throws(() => callers.authenticate(request), { code: 'CLIENT_CERTIFICATE_OUTDATED' });
  callers.authorize(connect(callers, valid));
  t.end();
});

void t.test('headers of this hop only are not passed on', (t) => {
  const own = ['Host', 'h', 'Content-Length', '3', 'Expect', '100-continue'];
  const hop = [
    'Connection',
    'close, X-Mine',
    'X-MINE',
    '1',
    'Keep-Alive',
    't',
    'TE',
    'trailers',
    'Trailer',
    'x',
  ];
  const more = [
    'Transfer-Encoding',
    'chunked',
    'Upgrade',
    'h2c',
    'Proxy-Authorization',
    's',
    'Proxy-Connection',
    'c',
  ];
  const kept = ['X-A', '1', 'x-a', '2', 'Accept', '*/*', 'Set-Cookie', 'a', 'Set-Cookie', 'b'];
  t.same(endToEnd([...own, ...kept, ...hop, ...more]), kept);
  t.same(endToEnd([]), []);
  t.end();
});
