/** GET /api/v1/tee/attestation over real HTTP: nonces, slots, cache, limits; and what never leaves the process. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

import t, { type Test } from 'tap';

import { verifyAttestation, type VerifiedAttestation } from '@k3s-daas/attestation';
import { configDigest, enclaveUserData, fromBase64, fromHex, policyDigest, sha256 } from '@k3s-daas/core';

import type { AttestationReply } from './http/bootstrap.ts';
import {
  arrivals,
  ca,
  CHAIN,
  CLUSTER,
  eventually,
  PCRS,
  ROOT,
  TestEnclave,
  type Reply,
} from './test/world.ts';

const ATTESTATION = '/api/v1/tee/attestation';
const NONCE = 'a1'.repeat(20);
const slotOf = (byte: number): string => `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;

async function booting(t: Test): Promise<TestEnclave> {
  const enclave = await TestEnclave.prepare();
  t.teardown(() => enclave.close());
  await enclave.run();
  await enclave.attested();
  enclave.time.hold();
  for (let i = 1; i < 20; i += 1) enclave.grant(slotOf(i));
  enclave.grant(slotOf(0x33));
  return enclave;
}

const withNonce = (enclave: TestEnclave, nonce: string): Promise<Reply> =>
  enclave.get(`${ATTESTATION}?nonce=${nonce}`);
const withSlot = (enclave: TestEnclave, slot: string): Promise<Reply> =>
  enclave.get(`${ATTESTATION}?slot=${slot}`);

/** As a stranger verifies it: image, root, time, and all three keys bound to this cluster. */
function verify(enclave: TestEnclave, { json }: Reply): VerifiedAttestation {
  const reply = json as unknown as AttestationReply;
  const { cluster, policy } = enclave.configuration;
  return verifyAttestation(fromBase64(reply.document), {
    trustAnchor: ROOT,
    time: { mode: 'live', nowMs: enclave.time.nsmClock.now(), ageMsMax: 60_000 },
    policy: {
      pcrs: PCRS,
      publicKey: fromHex(reply.decisionKey),
      userData: enclaveUserData({
        cluster: CLUSTER,
        configDigest: configDigest({
          apiServerCaDigest: sha256(new crypto.X509Certificate(ca.certPem).raw),
          chainId: CHAIN,
          packageId: cluster.package,
          policyDigest: policyDigest(policy),
        }),
        decisionKey: fromHex(reply.decisionKey),
        logKey: fromHex(reply.logKey),
        tlsKeyHash: fromHex(reply.tlsKeyHash),
      }),
    },
  });
}

void t.test('the standing document, one with a nonce, one for a slot', async (t) => {
  const enclave = await booting(t);
  const standing = await enclave.get(ATTESTATION);
  t.equal(standing.json['format'], 'aws-nitro', 'the reply says which verifier reads it');
  t.equal(verify(enclave, standing).nonce, null);
  t.equal(standing.headers.get('cache-control'), 'no-store');
  t.equal((await enclave.get(ATTESTATION)).text, standing.text);
  for (const bytes of [16, 24, 31, 33, 64]) {
    const nonce = 'c4'.repeat(bytes);
    t.same(verify(enclave, await withNonce(enclave, nonce)).nonce, fromHex(nonce), `${bytes} bytes`);
  }
  const forSlot = verify(enclave, await withSlot(enclave, slotOf(0x33)));
  t.same(forSlot.nonce, fromHex('33'.repeat(32)));
});

void t.test(
  'a nonce that is none, above all one of 32 bytes, is refused before the NSM is asked',
  async (t) => {
    const enclave = await booting(t);
    const before = enclave.nsm.calls.length;
    for (const query of [
      `nonce=${'ab'.repeat(32)}`,
      `nonce=${'AB'.repeat(32)}`,
      `nonce=${'ab'.repeat(15)}`,
      `nonce=${'ab'.repeat(65)}`,
      `nonce=${'ab'.repeat(20)}a`,
      `nonce=0x${'ab'.repeat(20)}`,
      `nonce=${'xy'.repeat(20)}`,
      'nonce=',
      `nonce=${NONCE}&nonce=${NONCE}`,
      `nonce[a]=${NONCE}`,
      `nonce=${NONCE}&slot=${slotOf(1)}`,
    ]) {
      const { status, json } = await enclave.get(`${ATTESTATION}?${query}`);
      const isObject = query.startsWith('nonce[');
      // A name in brackets is another name: nobody asked for a nonce.
      t.equal(status, isObject ? 200 : 400, query.slice(0, 40));
      if (!isObject) t.match(json, { code: 'NONCE_MALFORMED', message: /./, remedy: /./ });
    }
    for (const slot of [
      '',
      '0x',
      '33'.repeat(32),
      `0x${'AB'.repeat(32)}`,
      `0x${'33'.repeat(31)}`,
      `${slotOf(1)}&slot=${slotOf(1)}`,
    ]) {
      const { status, json } = await withSlot(enclave, slot);
      t.equal(status, 400, slot.slice(0, 40));
      t.match(json, { code: 'SLOT_MALFORMED', message: /./, remedy: /./ });
    }
    t.equal(enclave.nsm.calls.length, before);
  },
);

void t.test('the same nonce gets the same bytes for five seconds, by one call of the NSM', async (t) => {
  const enclave = await booting(t);
  const { calls } = enclave.nsm;
  const before = calls.length;
  const gate = Promise.withResolvers<undefined>();
  enclave.nsm.before = () => gate.promise;
  const asked = [NONCE, NONCE.toUpperCase(), NONCE, NONCE].map((nonce) => withNonce(enclave, nonce));
  await eventually('the call', () => calls.length > before);
  gate.resolve(undefined);
  const texts = (await Promise.all(asked)).map(({ text }) => text);
  t.equal(new Set(texts).size, 1);
  t.equal(calls.length, before + 1, 'those who ask at once share one call');
  enclave.time.advance(4_000);
  t.equal((await withNonce(enclave, NONCE)).text, texts[0]);
  t.equal(calls.length, before + 1);
  enclave.time.advance(1_001);
  const later = await withNonce(enclave, NONCE);
  t.not(later.text, texts[0]);
  t.equal(calls.length, before + 2);
  t.ok(verify(enclave, later));
});

void t.test('an NSM that fails is told as it is, and nothing of it is kept', async (t) => {
  const enclave = await booting(t);
  enclave.nsm.before = () => Promise.reject(new Error('EIO'));
  const failed = await withNonce(enclave, NONCE);
  t.equal(failed.status, 503);
  t.match(failed.json, { code: 'NSM_FAILED', message: /EIO/, remedy: /./ });
  t.equal((await enclave.get(ATTESTATION)).status, 200, 'the standing document is there');
  enclave.nsm.before = () => undefined;
  t.equal((await withNonce(enclave, NONCE)).status, 200);
});

void t.test('strangers cause few calls of the NSM; slots have a bucket of their own', async (t) => {
  const enclave = await booting(t);
  const { calls } = enclave.nsm;
  const before = calls.length;
  const nonces = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(4, '0').repeat(10));
  const replies: Reply[] = [];
  for (const nonce of nonces) replies.push(await withNonce(enclave, nonce));
  const limited = replies.filter(({ status }) => status === 429);
  t.equal(replies.filter(({ status }) => status === 200).length, 10);
  t.equal(limited.length, 30);
  t.equal(calls.length, before + 10);
  t.match(limited[0]?.json, { code: 'RATE_LIMITED', message: /./, remedy: /./ });
  t.equal(limited[0]?.headers.get('retry-after'), '1');
  t.equal((await withNonce(enclave, nonces[0] ?? '')).status, 200, 'what is cached costs nothing');

  for (let i = 1; i <= 5; i += 1) t.equal((await withSlot(enclave, slotOf(i))).status, 200, 'a registrar');
  const after = async (kind: typeof withSlot, ids: string[]): Promise<number[]> => {
    const asked = ids.map((id) => kind(enclave, id));
    return (await Promise.all(asked)).map(({ status }) => status).sort();
  };
  // By then one more lookup may be made; it serves all that wait.
  const arrived = arrivals(3);
  const waiting = after(withSlot, [slotOf(6), slotOf(7), slotOf(8)]);
  await arrived;
  enclave.time.advance(1_000);
  t.same(await waiting, [200, 429, 429], 'one a second');
  t.same(await after(withNonce, nonces.slice(30, 33)), [200, 200, 429], 'two a second');
});

void t.test(
  'no document for a slot once the chain shows a session with our keys, whatever its state',
  async (t) => {
    for (const change of [
      {},
      { cluster: { active: null } },
      { session: { revoked: true }, cluster: { active: null } },
    ]) {
      const enclave = await booting(t);
      const reply = await enclave.attested();
      enclave.register(reply, { session: { logKey: new Uint8Array(32) }, cluster: { active: null } });
      t.equal((await withSlot(enclave, slotOf(1))).status, 200, 'the session of another');
      enclave.register(reply, change);
      await new Promise((resolve) => setTimeout(resolve, 30));
      const refused = await withSlot(enclave, slotOf(2));
      const { failure } = { failure: 'session' in change };
      t.equal(refused.status, failure ? 503 : 409);
      t.match(refused.json, {
        code: failure ? 'BOOT_FAILED' : 'ALREADY_REGISTERED',
        message: /./,
        remedy: /./,
      });
      t.equal((await withSlot(enclave, slotOf(1))).status, refused.status, 'not even one that is cached');
      t.equal((await withNonce(enclave, NONCE)).status, 200, 'nonces as before');
    }
  },
);

void t.test('no private key in the log or in a reply', async (t) => {
  // Every key that the process makes passes here, as node:crypto made it.
  const made: KeyObject[] = [];
  const { generateKeyPairSync } = crypto;
  const exportKey = crypto.subtle.exportKey.bind(crypto.subtle);
  const exported: Buffer[] = [];
  crypto.generateKeyPairSync = ((...args: Parameters<typeof generateKeyPairSync>) => {
    const pair = generateKeyPairSync(...args) as unknown as { privateKey: KeyObject };
    made.push(pair.privateKey);
    return pair;
  }) as never;
  crypto.subtle.exportKey = (async (...args: Parameters<typeof exportKey>) => {
    const bytes = await exportKey(...args);
    if (args[0] === 'pkcs8') exported.push(Buffer.from(bytes));
    return bytes;
  }) as never;
  syncBuiltinESMExports();
  t.teardown(() => {
    crypto.generateKeyPairSync = generateKeyPairSync;
    crypto.subtle.exportKey = exportKey;
    syncBuiltinESMExports();
  });

  const enclave = await TestEnclave.prepare();
  t.teardown(() => enclave.close());
  exported.length = 0; // the key of the test's API server
  await enclave.runToReady();
  const reply = await enclave.attested();
  for (const path of ['/readyz', '/livez', ATTESTATION, `${ATTESTATION}?nonce=${NONCE}`, '/nowhere'])
    await enclave.get(path);
  for (const path of ['/readyz', '/api/v1/health', '/api/v1/lags']) await enclave.tls(path);
  await enclave.refusal();
  enclave.nsm.before = () => Promise.reject(new Error('EIO'));
  enclave.time.advance(11 * 60_000);
  await eventually('a failure in the log', () => enclave.logged.includes('guard objects'));
  enclave.register(reply, { session: { revoked: true } });
  await enclave.get('/livez');

  const ed25519 = made.filter(({ asymmetricKeyType }) => asymmetricKeyType === 'ed25519');
  t.equal(ed25519.length, 2, 'decision key and log key');
  const p256 = exported.filter((der) => {
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const spki = crypto.createPublicKey(key).export({ format: 'der', type: 'spki' });
    return Buffer.from(sha256(spki)).toString('hex') === reply.tlsKeyHash;
  });
  t.equal(p256.length, 1, 'TLS key');
  const secrets = [
    ...ed25519,
    ...p256.map((der) => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })),
  ].map((key) => Buffer.from(key.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const shown = enclave.logged + enclave.answered;
  t.ok(enclave.logged.length > 1_000 && enclave.answered.length > 5_000);
  t.ok(shown.includes(reply.decisionKey), 'the search finds what is there');
  for (const secret of secrets) {
    t.equal(secret.length, 32);
    for (const encoding of ['hex', 'base64', 'base64url', 'latin1'] as const) {
      const text = secret.toString(encoding).replace(/=+$/, '');
      t.notOk(shown.includes(text), encoding);
      t.notOk(shown.toLowerCase().includes(text.toLowerCase()));
    }
    t.notOk(shown.includes([...secret].join(',')), 'as an array of numbers');
  }
  // Base64 of the whole DER has the key at another phase.
  for (const key of [...ed25519.map((each) => each.export({ format: 'der', type: 'pkcs8' })), ...p256]) {
    const text = key.toString('base64').replace(/=+$/, '');
    for (let at = 24; at + 24 <= text.length; at += 8) t.notOk(shown.includes(text.slice(at, at + 24)));
  }
  t.notOk(shown.includes('PRIVATE KEY'));
});
