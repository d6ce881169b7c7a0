import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pino from 'pino';
import t from 'tap';

import { verifyAttestation } from '@k3s-daas/attestation';
import { clientCertificateFromCsr, createAuthority, type Authority } from '@k3s-daas/control-plane';
import {
  configDigest,
  enclaveUserData,
  ENCLAVE_USER,
  fromBase64,
  fromHex,
  generateEd25519,
  parseConfiguration,
  policyDigest,
  sha256,
  systemClock,
  type Bytes,
  type ChainSnapshot,
  type ChainView,
} from '@k3s-daas/core';

import { checkClock } from './boot/clock.ts';
import { activeIdentity, checkKubernetesCertificate, waitForActivation } from './boot/identity.ts';
import { makeKeys } from './boot/keys.ts';
import { BOOT_STEPS, BootRecord } from './boot/steps.ts';
import type { AttestationReply } from './http/bootstrap.ts';
import { createDevelopmentAuthority, developmentNsm, measureEnclave, runEnclave } from './index.ts';

const REPOSITORY = join(import.meta.dirname, '..');
const CLUSTER = `0x${'11'.repeat(32)}`;
const SESSION = `0x${'22'.repeat(32)}`;
const SLOT = `0x${'33'.repeat(32)}`;
const ca: Authority = await createAuthority('test');
const keys = await makeKeys({ host: '127.0.0.1', clock: systemClock });

void t.test(
  'keys are fresh in each boot; the TLS certificate and the request are for the same key',
  async (t) => {
    const again = await makeKeys({ host: '127.0.0.1', clock: systemClock });
    t.notSame(again.decision.publicKey, keys.decision.publicKey);
    t.notSame(again.log.publicKey, keys.log.publicKey);
    t.notSame(again.tls.keyHash, keys.tls.keyHash);
    t.notSame(keys.decision.publicKey, keys.log.publicKey);
    const certificate = new X509Certificate(keys.tls.certificatePem);
    const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
    t.same(sha256(spki), keys.tls.keyHash);
    t.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1');
    const { certPem } = await clientCertificateFromCsr(ca, keys.tls.csrPem, { commonName: ENCLAVE_USER });
    t.same(new X509Certificate(certPem).publicKey.export({ format: 'der', type: 'spki' }), spki);
  },
);

void t.test('a Kubernetes certificate is taken only for our key, our user and by our CA', async (t) => {
  const issue = async (
    csrPem: string,
    subject: { commonName: string; organizations?: string[] },
  ): Promise<string> => (await clientCertificateFromCsr(ca, csrPem, subject)).certPem;
  const good = await issue(keys.tls.csrPem, { commonName: ENCLAVE_USER });
  t.match(checkKubernetesCertificate(good, keys, ca.certPem), /BEGIN CERTIFICATE/);
  const other = await makeKeys({ host: '127.0.0.1', clock: systemClock });
  const foreign = await issue(other.tls.csrPem, { commonName: ENCLAVE_USER });
  t.throws(() => checkKubernetesCertificate(foreign, keys, ca.certPem), { code: 'CERTIFICATE_FOREIGN_KEY' });
  const admin = await issue(keys.tls.csrPem, { commonName: 'admin', organizations: ['system:masters'] });
  t.throws(() => checkKubernetesCertificate(admin, keys, ca.certPem), { code: 'CERTIFICATE_WRONG_USER' });
  const grouped = await issue(keys.tls.csrPem, {
    commonName: ENCLAVE_USER,
    organizations: ['system:masters'],
  });
  t.throws(() => checkKubernetesCertificate(grouped, keys, ca.certPem), { code: 'CERTIFICATE_WRONG_USER' });
  const stranger = await createAuthority('test');
  const { certPem } = await clientCertificateFromCsr(stranger, keys.tls.csrPem, { commonName: ENCLAVE_USER });
  t.throws(() => checkKubernetesCertificate(certPem, keys, ca.certPem), { code: 'CERTIFICATE_FOREIGN_CA' });
  t.match(checkKubernetesCertificate(good, keys, stranger.certPem + ca.certPem), /BEGIN/, 'of a bundle');
  t.throws(() => checkKubernetesCertificate('nonsense', keys, ca.certPem), { code: 'CERTIFICATE_MALFORMED' });
});

function snapshotWith(
  session: Partial<{ decision: Bytes; log: Bytes; tls: Bytes; revoked: boolean }>,
  active = true,
): ChainSnapshot {
  const digest = new Uint8Array(32);
  return {
    checkpoint: 1n,
    checkpointDigest: digest,
    checkpointTimestampMs: Date.now(),
    cluster: {
      id: CLUSTER,
      configDigest: digest,
      policyDigest: digest,
      configVersion: 3n,
      active: active ? { session: SESSION, term: 7n } : null,
    },
    stakes: new Map(),
    claims: new Map(),
    sessions: new Map([
      [
        SESSION,
        {
          id: SESSION,
          configVersion: 3n,
          decisionKey: session.decision ?? keys.decision.publicKey,
          logKey: session.log ?? keys.log.publicKey,
          tlsKeyHash: session.tls ?? keys.tls.keyHash,
          revoked: session.revoked ?? false,
        },
      ],
    ]),
    digest,
  };
}

void t.test('we are active only if the chain names a session with all three of our keys', (t) => {
  const identity = { cluster: CLUSTER, session: SESSION, term: 7n, configVersion: 3n };
  t.same(activeIdentity(snapshotWith({}), keys), identity);
  t.equal(activeIdentity(null, keys), null);
  t.equal(activeIdentity(snapshotWith({}, false), keys), null);
  t.equal(activeIdentity(snapshotWith({ revoked: true }), keys), null);
  const foreign = generateEd25519().publicKey;
  for (const part of ['decision', 'log', 'tls'] as const) {
    t.equal(activeIdentity(snapshotWith({ [part]: foreign }), keys), null, `another ${part} key`);
  }
  t.end();
});

/** A chain whose snapshots the test sets. */
function chainOf(): ChainView & { set(snapshot: ChainSnapshot): void } {
  let current: ChainSnapshot | null = null;
  const listeners = new Set<(snapshot: ChainSnapshot) => void>();
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set(snapshot) {
      current = snapshot;
      for (const listener of [...listeners]) listener(snapshot);
    },
  };
}

void t.test('the boot waits for its own activation and can be cancelled', async (t) => {
  const chain = chainOf();
  const { signal } = new AbortController();
  let done = false;
  const waiting = waitForActivation(chain, keys, signal).then((identity) => {
    done = true;
    return identity;
  });
  chain.set(snapshotWith({}, false));
  chain.set(snapshotWith({ decision: generateEd25519().publicKey }));
  await Promise.resolve();
  t.notOk(done, 'another session is not ours');
  chain.set(snapshotWith({}));
  t.equal((await waiting).term, 7n);
  const cancel = new AbortController();
  const never = waitForActivation(chainOf(), keys, cancel.signal);
  cancel.abort();
  await t.rejects(never, { code: 'BOOT_CANCELLED' });
});

void t.test('steps are done in order, each once', (t) => {
  const seen: string[] = [];
  const boot = new BootRecord({ now: () => 5 }, (step) => seen.push(step));
  t.equal(boot.progress.waitingFor, 'keys');
  t.throws(() => {
    boot.done('serving');
  }, RangeError);
  for (const step of BOOT_STEPS) boot.done(step);
  t.same(seen, BOOT_STEPS);
  t.equal(boot.progress.waitingFor, null);
  t.end();
});

void t.test('a host whose clock is apart from the NSM does not boot', async (t) => {
  const authority = await createDevelopmentAuthority({ clock: systemClock });
  const nsm = await developmentNsm({
    authority,
    pcrs: measureEnclave(REPOSITORY),
    clock: systemClock,
    moduleId: 'i-test-enc1',
  });
  const document = await nsm.attest({});
  const opened = { nsm, trustAnchor: authority.rootCertificateDer };
  checkClock(document, opened, systemClock);
  for (const apartMs of [-60_000, 60_000]) {
    t.throws(
      () => {
        checkClock(document, opened, { now: () => Date.now() + apartMs });
      },
      { code: 'CLOCK_APART' },
    );
  }
});

void t.test(
  'the process serves an attestation of its keys and is not ready before it is registered',
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'daas-enclave-'));
    t.teardown(() => {
      rmSync(dir, { recursive: true, force: true });
    });
    const { configuration, root } = await configure(dir);
    const { enclave } = configuration;
    if (enclave === undefined) throw new Error('the configuration has an enclave');
    const cancel = new AbortController();
    const running = await runEnclave({
      configuration,
      enclave,
      path: (relative) => join(dir, relative),
      repository: REPOSITORY,
      clock: systemClock,
      log: pino({ level: 'silent' }),
      signal: cancel.signal,
    });
    const url = (path: string): string => `http://127.0.0.1:${running.bootstrapPort}${path}`;

    const reply = (await (
      await fetch(url(`/api/v1/tee/attestation?slot=${SLOT}`))
    ).json()) as AttestationReply;
    const pcrs = measureEnclave(REPOSITORY);
    const pcr = (index: number): Bytes => pcrs.get(index) ?? new Uint8Array();
    const verified = verifyAttestation(fromBase64(reply.document), {
      trustAnchor: root,
      time: { mode: 'live', nowMs: Date.now(), ageMsMax: 60_000 },
      policy: {
        pcrs: { 0: pcr(0), 1: pcr(1), 2: pcr(2) },
        nonce: fromHex(SLOT.slice(2)),
        publicKey: fromHex(reply.decisionKey),
        userData: enclaveUserData({
          cluster: CLUSTER,
          configDigest: configDigest({
            apiServerCaDigest: sha256(new X509Certificate(ca.certPem).raw),
            chainId: 'chain',
            packageId: configuration.cluster.package,
            policyDigest: policyDigest(configuration.policy),
          }),
          decisionKey: fromHex(reply.decisionKey),
          logKey: fromHex(reply.logKey),
          tlsKeyHash: fromHex(reply.tlsKeyHash),
        }),
      },
    });
    t.ok(verified.checked.length > 5);

    t.equal((await fetch(url('/livez'))).status, 200);
    const ready = await fetch(url('/readyz'));
    t.equal(ready.status, 503);
    t.match(await ready.json(), { ready: false, reasons: ['waiting for registration'] });

    const put = (body: string, type = 'application/x-pem-file'): Promise<Response> =>
      fetch(url('/api/v1/tee/kubernetes-certificate'), {
        method: 'PUT',
        body,
        headers: { 'content-type': type },
      });
    t.match(await (await put('nonsense')).json(), { code: 'CERTIFICATE_MALFORMED' });
    t.equal((await put('x'.repeat(20_000))).status, 400, 'too large');
    t.equal((await put('{}', 'application/json')).status, 422, 'another content type');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const foreignPem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
    const { certPem } = await ca.issueFor(foreignPem, {
      commonName: ENCLAVE_USER,
      usages: ['client'],
      days: 1,
    });
    t.match(await (await put(certPem)).json(), { code: 'CERTIFICATE_FOREIGN_KEY' });
    const own = await clientCertificateFromCsr(ca, reply.csrPem, { commonName: ENCLAVE_USER });
    t.equal((await put(own.certPem)).status, 204);
    t.equal((await fetch(url('/nowhere'))).status, 404);

    cancel.abort();
    await t.rejects(running.ready, { code: 'BOOT_CANCELLED' });
    await running.close();
    await t.rejects(fetch(url('/livez')), 'nothing listens any more');
  },
);

/** A configuration whose chain and API server do not answer: the boot gets as far as its attestation. */
async function configure(dir: string) {
  const authority = await createDevelopmentAuthority({ clock: systemClock });
  writeFileSync(join(dir, 'ca.crt'), ca.certPem);
  writeFileSync(
    join(dir, 'authority.json'),
    JSON.stringify({
      rootCertificateDer: Buffer.from(authority.rootCertificateDer).toString('base64'),
      rootKeyPkcs8: Buffer.from(authority.rootKeyPkcs8).toString('base64'),
    }),
  );
  const configuration = parseConfiguration({
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'DaaSConfiguration',
    cluster: { id: CLUSTER, package: `0x${'44'.repeat(32)}`, chainId: 'chain' },
    chain: { network: 'embedded', url: 'http://127.0.0.1:1' },
    kubernetes: { server: 'https://127.0.0.1:1', caFile: 'ca.crt' },
    policy: { capacity: { cpuMilli: 1000, memoryBytes: 1000 } },
    enclave: {
      listen: { host: '127.0.0.1', port: 0 },
      bootstrap: { host: '127.0.0.1', port: 0 },
      dataDir: 'data',
      clientCaFile: 'ca.crt',
      nsm: { kind: 'development', authorityFile: 'authority.json' },
    },
  });
  return { configuration, root: authority.rootCertificateDer };
}
