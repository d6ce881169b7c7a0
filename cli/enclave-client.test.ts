import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t, { type Test } from 'tap';

import { systemClock, toHex } from '@k3s-daas/core';

import { makeKeys, type EnclaveKeys } from '../enclave/boot/keys.ts';
import { EnclaveClient, fetchAttestation } from './enclave-client.ts';

const HOST = '127.0.0.1';
const dir = mkdtempSync(join(tmpdir(), 'daas-enclave-client-'));
t.teardown(() => {
  rmSync(dir, { recursive: true, force: true });
});
const enclave = await makeKeys({ host: HOST, clock: systemClock });
const stranger = await makeKeys({ host: HOST, clock: systemClock });
writeFileSync(join(dir, 'client.crt'), stranger.tls.certificatePem);
writeFileSync(join(dir, 'client.key'), stranger.tls.keyPem);

async function listening(t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A connected client; whoever holds `keys` answers over TLS, and the bootstrap listener tells `certificatePem`. */
async function connect(t: Test, keys: EnclaveKeys, certificatePem: string) {
  const seen: string[] = [];
  const { certificatePem: cert, keyPem: key } = keys.tls;
  const tls = await listening(
    t,
    createTlsServer({ cert, key }, (request, response) => {
      seen.push(request.url ?? '');
      response.end('{"answer":1}');
    }),
  );
  const reply = {
    format: 'aws-nitro',
    document: 'AAAA',
    decisionKey: toHex(enclave.decision.publicKey),
    logKey: toHex(enclave.log.publicKey),
    tlsKeyHash: toHex(enclave.tls.keyHash),
    certificatePem,
    csrPem: enclave.tls.csrPem,
  };
  const bootstrap = await listening(
    t,
    createServer((_request, response) => response.end(JSON.stringify(reply))),
  );
  const config = {
    enclaveUrl: `https://${HOST}:${tls}`,
    bootstrapUrl: `http://${HOST}:${bootstrap}`,
    certFile: 'client.crt',
    keyFile: 'client.key',
    kubeconfig: 'unused',
  };
  const client = EnclaveClient.connect(config, (name) => join(dir, name), enclave.tls.keyHash);
  return { seen, ask: async () => (await client).request('GET', '/api/v1/lags') };
}

void t.test('asks the enclave whose key is on chain', async (t) => {
  const { ask } = await connect(t, enclave, enclave.tls.certificatePem);
  t.same(await ask(), { answer: 1 });
});

void t.test('nobody else is asked', async (t) => {
  const own = enclave.tls.certificatePem;
  const foreign = stranger.tls.certificatePem;
  const cases: [string, string, RegExp][] = [
    ["another's certificate", foreign, /not the one registered on chain/],
    ["the enclave's, while another answers", own, /does not answer/],
    // The bootstrap listener is plain HTTP, and TLS takes every certificate of a text for an authority.
    ["the enclave's with another's behind it", `${own}\n${foreign}`, /more than one certificate/],
    ["the enclave's with another's before it", `${foreign}\n${own}`, /more than one certificate/],
    ['no certificate', 'none', /no certificate/],
  ];
  for (const [name, certificatePem, message] of cases) {
    await t.test(name, async (t) => {
      const { seen, ask } = await connect(t, stranger, certificatePem);
      await t.rejects(ask(), { message });
      t.same(seen, []);
    });
  }
});

void t.test('what a stranger answers commands no terminal', async (t) => {
  const port = await listening(
    t,
    createServer((_request, response) => {
      response.writeHead(503).end('\u001b]0;owned\u0007\u009b2Jline\r\n\u202eesrever');
    }),
  );
  const message = /answered: 503 {1,2}\]0;owned 2Jline esrever$/;
  await t.rejects(fetchAttestation(`http://${HOST}:${port}`), { message });
});

void t.test('an enclave that says "later" is asked again then, within bounds', async (t) => {
  const reply = {
    format: 'aws-nitro',
    document: 'AAAA',
    decisionKey: '11'.repeat(32),
    logKey: '22'.repeat(32),
    tlsKeyHash: '33'.repeat(32),
    certificatePem: 'certificate',
    csrPem: 'request',
  };
  /** Refuses some times, then answers. */
  const asks = async (
    retryAfter: string,
    refusals: number,
    { status = 429, signal }: { status?: number; signal?: AbortSignal } = {},
  ): Promise<{ ms: number; asked: number; answer: unknown }> => {
    let asked = 0;
    const port = await listening(
      t,
      createServer((_request, response) => {
        asked += 1;
        if (asked > refusals) response.end(JSON.stringify(reply));
        else response.writeHead(status, { 'retry-after': retryAfter }).end('{"code":"RATE_LIMITED"}');
      }),
    );
    const startMs = performance.now();
    const answer = await fetchAttestation(
      `http://${HOST}:${port}`,
      { nonce: new Uint8Array(24) },
      signal,
    ).catch((error: unknown) => error);
    return { ms: performance.now() - startMs, asked, answer };
  };
  const refused = { code: 'REQUEST_FAILED', message: /429 .*RATE_LIMITED/ };
  const [twice, unknown, far, words, hasty, never, stopped] = await Promise.all([
    asks('1', 2),
    asks('1', 1, { status: 404 }),
    asks('3600', 1),
    asks('Wed, 21 Oct 2026 07:28:00 GMT', 1),
    asks('0', 1),
    asks('6', 9),
    asks('9', 9, { signal: AbortSignal.timeout(2_500) }),
  ]);
  t.match(twice, { asked: 3, answer: { csrPem: 'request' } });
  t.ok(twice.ms >= 1_990, `${twice.ms} ms`);
  t.match(unknown, { asked: 2, answer: { csrPem: 'request' } });
  t.match(far, { asked: 1, answer: refused }, 'an hour is not waited for');
  t.match(words, { asked: 1, answer: refused });
  t.match(hasty, { asked: 2, answer: { csrPem: 'request' } });
  t.ok(hasty.ms >= 990, 'a stranger makes nobody ask without a pause');
  t.match(never, { asked: 2, answer: refused }, 'ten seconds are enough');
  t.match(stopped, { asked: 1, answer: refused }, 'what was refused is told, not that nobody waited');
  t.ok(stopped.ms < 8_000);
});
