/** The steps of the boot by themselves: keys, certificates, registration, order. */
import { X509Certificate } from 'node:crypto';

import pino from 'pino';
import t from 'tap';

import { clientCertificateFromCsr, createAuthority, type Authority } from '@k3s-daas/control-plane';
import {
  ENCLAVE_USER,
  generateEd25519,
  policyDigest,
  policySchema,
  sha256,
  systemClock,
  utf8,
  type ChainSnapshot,
  type Session,
} from '@k3s-daas/core';

import { checkKubernetesCertificate, KubernetesIdentity } from './boot/kubernetes-identity.ts';
import { makeKeys } from './boot/keys.ts';
import { activeIdentity, ownSession, publicKeys, waitForRegistration } from './boot/registration.ts';
import { BOOT_STEPS, BootRecord } from './boot/steps.ts';
import { EnclaveError } from './errors.ts';
import { TestTime } from './test/time.ts';
import { CLUSTER, SESSION, TestChain } from './test/world.ts';

const ca: Authority = await createAuthority('test');
const keys = await makeKeys({ host: '127.0.0.1', clock: systemClock });
const ours = publicKeys(keys);

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

const issue = async (
  csrPem: string,
  subject: { commonName: string; organizations?: string[]; days?: number },
): Promise<string> => (await clientCertificateFromCsr(ca, csrPem, subject)).certPem;

void t.test('a Kubernetes certificate is taken only for our key, our user and by our CA', async (t) => {
  const good = await issue(keys.tls.csrPem, { commonName: ENCLAVE_USER });
  t.ok(checkKubernetesCertificate(good, keys, ca.certPem));
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
  t.ok(checkKubernetesCertificate(good, keys, stranger.certPem + ca.certPem), 'of a bundle');
  t.throws(() => checkKubernetesCertificate('nonsense', keys, ca.certPem), { code: 'CERTIFICATE_MALFORMED' });
});

void t.test('a newer Kubernetes certificate replaces the present one, an older never', async (t) => {
  let nowMs = Date.now();
  const identity = new KubernetesIdentity({ keys, clock: { now: () => nowMs }, authorityPem: ca.certPem });
  t.equal(identity.pem, '');
  const long = await issue(keys.tls.csrPem, { commonName: ENCLAVE_USER, days: 3 });
  await new Promise((resolve) => setTimeout(resolve, 1_010)); // certificates know no milliseconds
  const short = await issue(keys.tls.csrPem, { commonName: ENCLAVE_USER, days: 1 });
  const trimmed = (): string => identity.pem.trim();
  identity.accept(long);
  await identity.received;
  t.equal(trimmed(), long.trim());
  identity.accept(long);
  identity.accept(short);
  t.equal(trimmed(), short.trim(), 'issued later, though it ends sooner');
  const outdated = { code: 'CERTIFICATE_OUTDATED' };
  t.throws(() => {
    identity.accept(long);
  }, outdated);
  t.equal(trimmed(), short.trim());
  nowMs += 4 * 86_400_000;
  t.throws(
    () => {
      identity.accept(short);
    },
    outdated,
    'one that has ended',
  );
});

const policy = policySchema.parse({ capacity: { cpuMilli: 1, memoryBytes: 1 } });
const configDigest = sha256(utf8('config'));

function snapshotWith(
  change: Partial<Session> = {},
  cluster: Partial<ChainSnapshot['cluster']> = {},
): ChainSnapshot {
  const digest = new Uint8Array(32);
  const session: Session = { id: SESSION, configVersion: 3n, ...ours, revoked: false, ...change };
  return {
    checkpoint: 1n,
    checkpointDigest: digest,
    checkpointTimestampMs: Date.now(),
    cluster: {
      id: CLUSTER,
      configDigest,
      policyDigest: policyDigest(policy),
      configVersion: 3n,
      active: { session: SESSION, term: 7n },
      ...cluster,
    },
    stakes: new Map(),
    claims: new Map(),
    sessions: new Map([[SESSION, session]]),
    digest,
  };
}

const foreign = generateEd25519().publicKey;
const EACH_KEY = ['decisionKey', 'logKey', 'tlsKeyHash'] as const;

void t.test('we are active only if the chain names a session with all three of our keys', (t) => {
  const identity = { cluster: CLUSTER, session: SESSION, term: 7n, configVersion: 3n };
  t.same(activeIdentity(snapshotWith(), ours), identity);
  t.equal(activeIdentity(null, ours), null);
  t.equal(activeIdentity(snapshotWith({}, { active: null }), ours), null);
  t.equal(activeIdentity(snapshotWith({ revoked: true }), ours), null);
  for (const key of EACH_KEY) {
    t.equal(activeIdentity(snapshotWith({ [key]: foreign }), ours), null, `another ${key}`);
    t.equal(ownSession(snapshotWith({ [key]: foreign }), ours), undefined);
  }
  t.equal(ownSession(snapshotWith({ revoked: true }), ours)?.id, SESSION, 'ours, whatever its state');
  t.end();
});

const waiting = (chain: TestChain, signal = new AbortController().signal) =>
  waitForRegistration({ chain, keys: ours, configuration: { policy }, configDigest, signal });

void t.test('the boot waits for its own activation and can be cancelled', async (t) => {
  const chain = new TestChain();
  let done = false;
  const registered = waiting(chain).then((identity) => {
    done = true;
    return identity;
  });
  chain.set(snapshotWith({}, { active: null }));
  for (const key of EACH_KEY) chain.set(snapshotWith({ [key]: foreign }));
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.notOk(done, 'another session is not ours');
  chain.set(snapshotWith());
  t.equal((await registered).term, 7n);
  t.equal((await waiting(chain)).session, SESSION, 'active already');
  const cancel = new AbortController();
  const never = waiting(new TestChain(), cancel.signal);
  cancel.abort();
  await t.rejects(never, { code: 'BOOT_CANCELLED' });
});

void t.test('a cluster that is another one, and a session that is revoked, end the boot', async (t) => {
  for (const [code, snapshot] of [
    ['CONFIG_DIGEST_DIFFERS', snapshotWith({}, { configDigest: foreign, active: null })],
    ['POLICY_DIFFERS', snapshotWith({}, { policyDigest: foreign, active: null })],
    ['SESSION_REVOKED', snapshotWith({ revoked: true }, { active: null })],
  ] as const) {
    const chain = new TestChain();
    const registered = waiting(chain);
    chain.set(snapshot);
    chain.set(snapshotWith());
    await t.rejects(registered, { code }, 'and no later snapshot helps');
  }
});

void t.test('steps run in order, each once, and none after one that failed', async (t) => {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'info' },
    { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  const time = new TestTime();
  t.teardown(() => {
    time.close();
  });
  time.hold();
  const atMs = time.clock.now();
  const record = new BootRecord(time, log);
  t.equal(record.progress.waitingFor, 'entropy');
  await t.rejects(
    record.run('broker', () => 1),
    RangeError,
  );
  for (const step of BOOT_STEPS.slice(0, -1)) {
    t.equal(
      await record.run(step, () => Promise.resolve(`it ${step}`), { detail: (text) => text }),
      `it ${step}`,
    );
  }
  t.same(record.progress.done[2], { step: 'keys', atMs, detail: 'it keys' });
  t.equal(record.progress.waitingFor, 'broker');
  const refused = new EnclaveError('NSM_FAILED', 'no', 'mend it');
  await t.rejects(
    record.run('broker', () => Promise.reject(refused)),
    refused,
  );
  t.same(record.failure, { step: 'broker', code: 'NSM_FAILED', message: 'no', remedy: 'mend it' });
  await t.rejects(
    record.run('broker', () => 1),
    RangeError,
    'no second attempt',
  );
  t.same(
    lines.map(({ step, msg }) => `${String(step)} ${String(msg)}`),
    [
      ...BOOT_STEPS.slice(0, -1).flatMap((step) => [`${step} boot step begun`, `${step} boot step done`]),
      'broker boot step begun',
      'broker boot failed',
    ],
  );
  const other = new BootRecord(time, log);
  await t.rejects(other.run('entropy', () => Promise.reject(new Error('what it was'))));
  t.match(other.failure, { code: 'BOOT_FAILED', message: 'what it was' });
});

void t.test('a step that waits says in the log for what, and again only when that changes', async (t) => {
  const lines: { msg: string; waiting?: string }[] = [];
  const log = pino({}, { write: (line) => lines.push(JSON.parse(line) as { msg: string }) });
  const told = (): string[] =>
    lines.splice(0).map(({ msg, waiting }) => (waiting === undefined ? msg : `${msg}: ${waiting}`));
  const time = new TestTime();
  t.teardown(() => {
    time.close();
  });
  time.hold();
  const pass = async (seconds: number): Promise<string[]> => {
    for (let second = 0; second < seconds; second += 1) {
      time.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    return told();
  };
  const record = new BootRecord(time, log);
  const waiting = { reason: '', message: '' };
  const gate = Promise.withResolvers<undefined>();
  const running = record.run('entropy', () => gate.promise, { waiting: () => waiting });
  t.same(told(), ['boot step begun']);
  t.same(await pass(3), [], 'a reason that is not known is not told');
  Object.assign(waiting, { reason: 'OLD', message: '1000 ms old' });
  t.same(await pass(5), ['boot step waits: 1000 ms old']);
  Object.assign(waiting, { reason: 'OLD', message: '2000 ms old' });
  t.same(await pass(5), [], 'another number is no other reason');
  t.equal(record.waiting, '2000 ms old', 'though whoever asks gets it');
  Object.assign(waiting, { reason: 'AWAY', message: 'nobody answers' });
  t.same(await pass(3), ['boot step waits: nobody answers']);
  Object.assign(waiting, { reason: 'OLD', message: 'old again' });
  t.same(await pass(3), ['boot step waits: old again']);
  gate.resolve(undefined);
  await running;
  t.same(told(), ['boot step done']);
  Object.assign(waiting, { reason: 'LATER', message: 'later' });
  t.same(await pass(3), [], 'nothing of a step that is done');

  const failing = new BootRecord(time, log);
  await t.rejects(
    failing.run('entropy', () => Promise.reject(new Error('EIO')), {
      waiting: () => waiting,
    }),
  );
  t.same(told(), ['boot step begun', 'boot failed']);
  t.same(await pass(3), [], 'nor of one that failed');
});
