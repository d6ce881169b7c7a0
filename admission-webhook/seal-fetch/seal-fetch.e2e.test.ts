import { once } from 'node:events';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';

import { encodeFetchPlan, sha256, toHex, utf8, type Bytes, type FetchPlan, type SuiId } from '@k3s-daas/core';
import { sealValues, signSealedVersion, type SealConfig } from '@k3s-daas/seal';
import { readPolicy, rotateSecrets, type Account } from '@k3s-daas/sui-client';
import t, { type Test } from 'tap';

import { fetchSecrets, type Opened } from './fetch-secrets.ts';
import { keepFresh, refresh } from './refresh.ts';
import { ready, run } from './run.ts';
import { bytesOf, furnish, mount, planOf, worldIn, writeToken, type SealedSecret } from './test/pod.ts';
import {
  addKeyServer,
  broker,
  chainUrl,
  client,
  closeWorld,
  cluster,
  createPolicy,
  funded,
  keyServers,
  openImpostor,
  openLiar,
  packageId,
  plans,
  relayDoor,
  sealConfig,
  sealConfigOf,
  SUBJECT,
  tlsKeyHash,
  tokenOf,
  type Answer,
} from './test/world.ts';

t.setTimeout(600_000);
t.teardown(closeWorld);

const owner = funded();
const policy = await createPolicy(owner, { usesMax: 1_000n });
const PASSWORD = 'correct horse battery staple';

interface Sealing {
  readonly name?: string;
  readonly under?: SuiId;
  readonly version?: bigint;
  readonly config?: SealConfig;
  readonly subject?: typeof SUBJECT;
  readonly threshold?: number;
}

async function seal(
  values: Record<string, string | Bytes>,
  {
    name = 'db',
    under = policy,
    version = 1n,
    config = sealConfig,
    subject = SUBJECT,
    threshold,
  }: Sealing = {},
): Promise<SealedSecret> {
  const plaintexts = new Map(
    Object.entries(values).map(([key, value]) => [key, typeof value === 'string' ? utf8(value) : value]),
  );
  const identity = { policy: under, cluster, ...subject, version };
  const sealed = await sealValues(config, { identity, secret: name, values: plaintexts, threshold });
  return { name, policy: under, version, values: sealed };
}

let pods = 0;
/** A pod with these Secrets, and its folders. */
function pod(
  t: Test,
  secrets: readonly SealedSecret[],
  changed: Partial<FetchPlan> = {},
): { readonly root: string; readonly uid: string; readonly plan: FetchPlan } {
  pods += 1;
  const uid = `pod-${pods}`;
  const root = t.testdir();
  const plan = planOf(secrets, changed);
  furnish(root, uid, plan, secrets);
  return { root, uid, plan };
}

const out = (root: string, path: string): string => readFileSync(join(root, 'daas/out', path), 'utf8');
const nothingIn = (root: string): boolean => readdirSync(join(root, 'daas/out/all')).length === 0;

const policyState = (id = policy) => readPolicy(client, packageId, id);

/** What `run` printed and returned, and the termination message. */
async function runIn(root: string, plan: string, signal = new AbortController().signal) {
  const lines: string[] = [];
  const code = await run({ plan, root, signal, print: (line) => lines.push(line) });
  return { code, text: lines.join('\n'), message: readFileSync(join(root, 'dev/termination-log'), 'utf8') };
}

const db = await seal({ password: PASSWORD, binary: new Uint8Array([0, 255, 39, 10]) });
const tls = await seal({ 'tls.crt': 'certificate', 'tls.key': 'key\nin lines\n' }, { name: 'tls' });

await t.test('a pod’s secrets become files and variables', async (t) => {
  const before = await policyState();
  const { root, plan } = pod(t, [db, tls], {
    files: [
      { volume: 'db', path: 'password', mode: 0o440, secret: 'db', key: 'password' },
      { volume: 'db', path: 'nested/binary', mode: 0o400, secret: 'db', key: 'binary' },
      { volume: 'web', path: 'tls.key', mode: 0o644, secret: 'tls', key: 'tls.key' },
      { volume: 'web', path: 'password', mode: 0o644, secret: 'db', key: 'password' },
    ],
    env: [
      { name: 'V0', secret: 'db', key: 'password' },
      { name: 'V1', secret: 'tls', key: 'tls.key' },
    ],
  });
  const text = encodeFetchPlan(plan);
  const probe = () => ready({ plan: text, root, print: () => undefined });
  t.equal(probe(), 1, 'not ready before');
  const { code, text: said, message } = await runIn(root, text);
  t.strictSame([code, message], [0, ''], said);
  t.equal(probe(), 0, 'ready after');
  t.equal(out(root, 'db/password'), PASSWORD);
  t.strictSame(readFileSync(join(root, 'daas/out/db/nested/binary')), Buffer.from([0, 255, 39, 10]));
  t.equal(out(root, 'web/tls.key'), 'key\nin lines\n');
  t.equal(out(root, 'web/password'), PASSWORD);
  t.equal(readlinkSync(join(root, 'daas/out/db/password')), '..data/password');
  t.equal(lstatSync(join(root, 'daas/out/db/..data/password')).mode & 0o777, 0o440);
  t.notOk(existsSync(join(root, 'daas/out/web/tls.crt')), 'what nothing shows stays closed');
  t.equal(readFileSync(join(root, 'daas/env/env'), 'utf8'), `V0='${PASSWORD}'\nV1='key\nin lines\n'\n`);
  t.notMatch(said, /horse|in lines/, 'nothing of it is printed');
  t.match(said, /ciphertext: \d+ ms[^]*enclave: [^]*broker: [^]*relay: [^]*keys: [^]*in place, \d+ ms/);
  const [call] = broker.calls.slice(-1);
  t.strictSame(call?.body.policies, [policy], 'one policy is asked for once');
  t.equal(
    call?.authorization,
    `Bearer ${readFileSync(join(root, 'var/run/secrets/kubernetes.io/serviceaccount/token'), 'utf8')}`,
  );
  t.equal((await policyState()).uses, before.uses + 1n, 'one use for the pod');
  t.comment(said);
});

await t.test('what may pass is waited for', async (t) => {
  const refusal = (status: number, code: string, headers = {}) => ({
    status,
    body: { code, message: 'in a moment', remedy: 'wait' },
    headers,
  });
  await t.test('a busy broker, one that hangs up, and a token that ran out', async (t) => {
    const { root, plan, uid } = pod(t, [db]);
    broker.next.push(
      () => refusal(503, 'BUSY'),
      () => null,
      () => refusal(429, 'RATE_EXCEEDED', { 'retry-after': '7' }),
      () => {
        writeToken(root, tokenOf(uid));
        return refusal(401, 'TOKEN_REFUSED');
      },
    );
    const world = worldIn(root, plan);
    await fetchSecrets(world);
    t.equal(out(root, 'all/db/password'), PASSWORD);
    const failures = world.lines.filter((line) => line.startsWith('BROKER'));
    t.strictSame(failures, ['BROKER_BUSY', 'BROKER_UNREACHABLE', 'BROKER_BUSY', 'BROKER_BUSY']);
    t.strictSame(
      world.pauses.slice(0, 4),
      [187.5, 375, 7_000, 1_500],
      'growing, and as long as was asked for',
    );
  });
  await t.test('a relay whose answer is lost is asked for the same again: no renewal', async (t) => {
    const once = await createPolicy(owner, { usesMax: 1n, renewalsMax: 0n });
    const secret = await seal({ password: PASSWORD }, { under: once });
    const { root, plan } = pod(t, [secret]);
    relayDoor.next.push(async (call) => {
      await call.honest();
      return null;
    });
    const { length } = broker.calls;
    await fetchSecrets(worldIn(root, plan));
    t.equal(out(root, 'all/db/password'), PASSWORD);
    t.equal(broker.calls.length, length + 1, 'the broker is not asked again');
    t.strictSame(relayDoor.calls.at(-1)?.body, relayDoor.calls.at(-2)?.body);
    t.match(await policyState(once), { uses: 1n, charges: { size: 1n } });
  });
  await t.test('a release that is not good any more is asked for anew, with another key', async (t) => {
    const asked = broker.calls.length;
    const { root, plan } = pod(t, [db]);
    relayDoor.next.push(
      () => refusal(403, 'RELEASE_INVALID'),
      () => ({
        status: 403,
        body: { code: 'POLICY_REFUSED', message: 'again', abort: 'EAlreadyGranted' },
      }),
    );
    await fetchSecrets(worldIn(root, plan));
    t.equal(broker.calls.length, asked + 3);
    const recipients = broker.calls.slice(-3).map(({ body }) => body.recipient);
    t.equal(new Set(recipients).size, 3);
  });
  await t.test('key servers: one may be down; two are waited for', async (t) => {
    const { root, plan } = pod(t, [db]);
    await keyServers[0].stop();
    await fetchSecrets(worldIn(root, plan));
    t.equal(out(root, 'all/db/password'), PASSWORD, 'one of three is down');
    await keyServers[1].stop();
    const second = pod(t, [db]);
    const { length } = broker.calls;
    const world = worldIn(second.root, second.plan, {
      paused: (pause) => (pause === 2 ? keyServers[1].start() : undefined),
    });
    await fetchSecrets(world);
    t.equal(out(second.root, 'all/db/password'), PASSWORD, 'and then two of three answer');
    t.ok(world.lines.includes('OPEN_KEY_SERVERS_UNAVAILABLE'), 'said why it waits');
    t.equal(broker.calls.length, length + 1, 'what was granted is kept meanwhile');
    await keyServers[0].start();
  });
  await t.test('for about a minute', async (t) => {
    const { root, plan } = pod(t, [db], { broker: 'https://127.0.0.1:9' });
    const world = worldIn(root, plan);
    await t.rejects(fetchSecrets(world), { code: 'BROKER_UNREACHABLE' });
    const total = world.pauses.reduce((sum, ms) => sum + ms, 0);
    t.ok(total > 40_000 && total < 60_000, `${world.pauses.length} pauses of ${total} ms`);
  });
});

await t.test('what cannot pass ends at once, in one line', async (t) => {
  const spent = await createPolicy(owner, { usesMax: 1n });
  const secret = await seal({ password: PASSWORD }, { under: spent });
  const first = pod(t, [secret]);
  await fetchSecrets(worldIn(first.root, first.plan));
  const second = pod(t, [secret]);
  const { length } = relayDoor.calls;
  const { code, text, message } = await runIn(second.root, encodeFetchPlan(second.plan));
  t.equal(code, 1);
  t.match(message, /^POLICY_REFUSED: the relay says POLICY_REFUSED: .*EUsesExhausted.*\(.+\)$/);
  t.ok(text.endsWith(message), 'the last line is the message');
  t.equal(relayDoor.calls.length, length + 1, 'asked once');
  t.ok(nothingIn(second.root));

  broker.next.push(() => ({
    status: 403,
    body: { code: 'NODE_INELIGIBLE', message: 'two\nlines\u0007\u2028', remedy: 'stake more' },
  }));
  const third = pod(t, [db]);
  const refused = await runIn(third.root, encodeFetchPlan(third.plan));
  t.equal(refused.message, 'BROKER_REFUSED: the broker says NODE_INELIGIBLE: two lines  (stake more)');

  const quoted = await seal({ password: "it's" });
  const fourth = pod(t, [quoted], { env: [{ name: 'V0', secret: 'db', key: 'password' }] });
  const { message: named } = await runIn(fourth.root, encodeFetchPlan(fourth.plan));
  t.match(
    named,
    /^VALUE_NOT_ENVIRONMENT: db\/password .*single quote.*\(mount db\/password as a file instead\)$/,
  );
  t.ok(nothingIn(fourth.root), 'nothing is written before that is known');
  t.match((await runIn(fourth.root, '{}')).message, /^PLAN_MALFORMED/);
});

await t.test('who answers is the enclave that all full nodes name', async (t) => {
  const impostor = await openImpostor();
  await t.test('somebody in the middle', async (t) => {
    const { root, plan } = pod(t, [db], { broker: impostor.url });
    await t.rejects(fetchSecrets(worldIn(root, plan)), { code: 'BROKER_FOREIGN' });
    t.equal(impostor.calls.length, 0, 'is told nothing');
    t.ok(nothingIn(root));
  });
  await t.test('a full node that names another TLS key', async (t) => {
    const liar = await openLiar([[tlsKeyHash, impostor.tlsKeyHash]]);
    const lied = pod(t, [db], { chain: { ...planOf([]).chain, urls: [liar] } });
    await t.rejects(fetchSecrets(worldIn(lied.root, lied.plan)), { code: 'BROKER_FOREIGN' });
    for (const urls of [
      [liar, chainUrl],
      [chainUrl, liar],
    ]) {
      const { root, plan } = pod(t, [db], { broker: impostor.url, chain: { ...planOf([]).chain, urls } });
      await t.rejects(fetchSecrets(worldIn(root, plan)), { code: 'CHAIN_DISAGREES' });
    }
    t.equal(impostor.calls.length, 0);
    // Believed alone, it would lead there: why a cluster names more than one.
    const { root, plan } = pod(t, [db], {
      broker: impostor.url,
      chain: { ...planOf([]).chain, urls: [liar] },
    });
    await fetchSecrets(worldIn(root, plan)).catch(() => undefined);
    t.not(impostor.calls.length, 0, 'the lie is a good one');
  });
  await t.test('another chain', async (t) => {
    const chain = { chainId: '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S', urls: [chainUrl] };
    const { root, plan } = pod(t, [db], { chain });
    const world = worldIn(root, plan);
    await t.rejects(fetchSecrets(world), { code: 'CHAIN_FOREIGN' });
    t.strictSame(world.pauses, []);
  });
  await t.test('a chain that stands still', async (t) => {
    const { root, plan } = pod(t, [db]);
    const world = worldIn(root, plan);
    const late = { ...world, clock: { now: () => Date.now() + 121_000 } };
    const { length } = broker.calls;
    await t.rejects(fetchSecrets(late), { code: 'CHAIN_STALE' });
    t.equal(broker.calls.length, length);
  });
});

await t.test('a relay can be late, and no more', async (t) => {
  const first = pod(t, [db]);
  let answered: Answer | null = null;
  relayDoor.next.push(async (call) => (answered = await call.honest()));
  await fetchSecrets(worldIn(first.root, first.plan));
  const rejected = async (code: string, answer: Answer | null): Promise<void> => {
    const { root, plan } = pod(t, [db]);
    relayDoor.next.push(() => answer);
    await t.rejects(fetchSecrets(worldIn(root, plan)), { code }, code);
    t.ok(nothingIn(root));
  };
  await rejected('RELAY_MALFORMED', answered); // another pod's grant
  await rejected('RELAY_MALFORMED', { status: 200, body: { grants: [], transaction: '' } });
  await rejected('RELAY_REFUSED', { status: 400, body: 'no' });
  const { root, plan } = pod(t, [db]);
  broker.next.push(async (call) => {
    const { body, ...answer } = await call.honest();
    return { ...answer, body: { ...(body as object), releases: [] } };
  });
  await t.rejects(fetchSecrets(worldIn(root, plan)), { code: 'BROKER_MALFORMED' });
});

await t.test(
  'the broker releases what is in the pod’s plan, and is asked no second time for more',
  async (t) => {
    const other = await seal(
      { password: 'of another pod' },
      { name: 'other', under: await createPolicy(owner) },
    );
    const { root, uid } = pod(t, [db]);
    const wider = planOf([db, other]);
    mount(root, other.name, bytesOf(other.values));
    const rejected = async (message: RegExp): Promise<void> => {
      const { length } = broker.calls;
      const world = worldIn(root, wider);
      await t.rejects(fetchSecrets(world), { code: 'BROKER_REFUSED', message });
      t.strictSame(world.pauses, [], 'at once');
      t.equal(broker.calls.length, length + 1);
      t.ok(nothingIn(root));
    };
    await rejected(/POLICY_NOT_PLANNED/);
    plans.delete(uid);
    await rejected(/POD_WITHOUT_PLAN/);
    plans.set(uid, wider);
    await fetchSecrets(worldIn(root, wider));
    t.equal(out(root, 'all/other/password'), 'of another pod');
  },
);

await t.test('only the ciphertext that was admitted is opened', async (t) => {
  const { length } = broker.calls;
  const rejected = async (t: Test, code: string, at: ReturnType<typeof pod>): Promise<void> => {
    const world = worldIn(at.root, at.plan);
    await t.rejects(fetchSecrets(world), { code }, code);
    t.strictSame(world.pauses, [], 'at once');
    t.ok(nothingIn(at.root));
  };
  const altered = (at: ReturnType<typeof pod>, by: (data: Map<string, Bytes>) => void, secret = db) => {
    const data = bytesOf(secret.values);
    by(data);
    mount(at.root, secret.name, data);
    return at;
  };
  const again = await seal({ password: 'another', binary: 'x' });
  await rejected(
    t,
    'CIPHERTEXT_CHANGED',
    altered(pod(t, [db]), (data) => data.set('password', again.values.get('password')?.bytes ?? utf8(''))),
  );
  await rejected(
    t,
    'CIPHERTEXT_MISSING',
    altered(pod(t, [db]), (data) => data.delete('password')),
  );
  const linked = pod(t, [db]);
  mount(linked.root, 'db', new Map());
  await rejected(t, 'CIPHERTEXT_MISSING', linked);

  // A plan that pins what it should not: the webhook was fooled, or the API server is not honest.
  await rejected(
    t,
    'SEALED_NAMESPACE_WRONG',
    pod(t, [await seal({ password: PASSWORD }, { subject: { ...SUBJECT, namespace: 'other' } })]),
  );
  await rejected(
    t,
    'SECRET_VERSION_WRONG',
    pod(t, [await seal({ password: PASSWORD }, { subject: { ...SUBJECT, serviceAccount: 'web' } })]),
  );
  await rejected(t, 'SEALED_PLACE_WRONG', pod(t, [{ ...tls, name: 'db' }]));
  const swapped = new Map([...tls.values].map(([key, value], at, all) => [all[1 - at]?.[0] ?? key, value]));
  await rejected(t, 'SEALED_PLACE_WRONG', pod(t, [{ ...tls, values: swapped }]));
  const foreign = await addKeyServer('foreign');
  const own = await seal({ password: PASSWORD }, { config: sealConfigOf([foreign], 1) });
  await rejected(t, 'SEALED_KEY_SERVER_UNKNOWN', pod(t, [own]));
  const alone = await seal({ password: PASSWORD }, { config: sealConfigOf(keyServers, 1), threshold: 1 });
  await rejected(t, 'SEALED_THRESHOLD_LOW', pod(t, [alone]));
  await rejected(t, 'SECRET_VERSION_WRONG', pod(t, [{ ...db, version: 2n }]));
  const other = await createPolicy(owner);
  await rejected(t, 'SECRET_VERSION_WRONG', pod(t, [{ ...db, policy: other }]));
  const mixed = await seal({ extra: 'x' }, { under: other });
  await rejected(
    t,
    'SEALED_IDENTITIES_DIFFER',
    pod(t, [{ ...db, values: new Map([...db.values, ...mixed.values]) }]),
  );
  const elsewhere = planOf([db], { cluster: `0x${'11'.repeat(32)}` });
  const at = pod(t, [db]);
  await rejected(t, 'SEALED_CLUSTER_WRONG', { ...at, plan: elsewhere });
  const unplanned = { ...at, plan: { ...at.plan, package: `0x${'11'.repeat(32)}` } };
  await rejected(t, 'SEALED_PACKAGE_WRONG', unplanned);
  t.equal(broker.calls.length, length, 'and nobody is asked for anything');
});

await t.test('new versions', async (t) => {
  const under = await createPolicy(owner);
  const versionOf = (
    version: bigint,
    values: Record<string, string> = { password: `${PASSWORD} ${version}` },
  ) => seal(values, { under, version });
  const first = await versionOf(1n);
  for (const signer of [owner, owner])
    await rotateSecrets({ client, signer, packageId }, { cluster, policy: under });
  const stranger = funded();
  async function signed(
    secret: SealedSecret,
    by: Account = owner,
    changed: Partial<SealedSecret> = {},
  ): Promise<Map<string, Bytes>> {
    const { name, policy, version, values } = { ...secret, ...changed };
    const digests = new Map([...values].map(([key, { digest }]) => [key, digest]));
    const about = { cluster, policy, namespace: SUBJECT.namespace, secret: name, version, digests };
    return bytesOf(secret.values).set('daas.signature', await signSealedVersion(by, about));
  }
  async function running(t: Test) {
    const at = pod(t, [first], { refreshSeconds: 60, env: [{ name: 'V0', secret: 'db', key: 'password' }] });
    const world = worldIn(at.root, at.plan);
    return { ...at, world, opened: await fetchSecrets(world) };
  }
  type Running = Awaited<ReturnType<typeof running>>;
  const looked = ({ world }: Running, opened: Opened) => refresh(world, opened);

  await t.test('that the owner has signed are taken', async (t) => {
    const at = await running(t);
    t.equal(await looked(at, at.opened), at.opened.sets, 'the same again is nothing new');
    const second = await versionOf(2n);
    mount(at.root, 'db', await signed(second));
    const sets = await looked(at, at.opened);
    t.equal(out(at.root, 'all/db/password'), `${PASSWORD} 2`);
    t.equal(readFileSync(join(at.root, 'daas/env/env'), 'utf8'), `V0='${PASSWORD} 2'\n`);
    t.ok(at.world.lines.includes('db is now version 2'));
    mount(at.root, 'db', await signed(first));
    await t.rejects(looked(at, { ...at.opened, sets }), {
      code: 'ROTATION_REFUSED',
      message: /version 1, in use is 2/,
    });
    t.equal(out(at.root, 'all/db/password'), `${PASSWORD} 2`, 'there is no way back');
  });
  await t.test('also by a sidecar that starts again after the rotation', async (t) => {
    const at = await running(t);
    const again = () => fetchSecrets(worldIn(at.root, at.plan));
    const second = await versionOf(2n);
    mount(at.root, 'db', await signed(second));
    const { sets } = await again();
    t.equal(sets[0]?.version, 2n);
    t.equal(out(at.root, 'all/db/password'), `${PASSWORD} 2`);
    mount(at.root, 'db', await signed(second, stranger));
    await t.rejects(again(), { code: 'ROTATION_REFUSED', message: /not that of the policy/ });
    mount(at.root, 'db', bytesOf((await versionOf(1n)).values));
    await t.rejects(again(), { code: 'ROTATION_REFUSED', message: /version 1, in use is 1/ });
    mount(at.root, 'db', await signed(second));
    const once = { ...at.plan, refreshSeconds: 0 };
    await t.rejects(fetchSecrets(worldIn(at.root, once)), { code: 'CIPHERTEXT_CHANGED' }, 'no sidecar');
  });
  await t.test('others are not', async (t) => {
    const at = await running(t);
    const second = await versionOf(2n);
    const refused = async (data: Map<string, Bytes>, code: string, message: RegExp) => {
      mount(at.root, 'db', data);
      await t.rejects(looked(at, at.opened), { code, message }, String(message));
      t.equal(out(at.root, 'all/db/password'), `${PASSWORD} 1`);
    };
    const no = 'ROTATION_REFUSED';
    const { length } = broker.calls;
    await refused(bytesOf(second.values), no, /has no daas.signature/);
    await refused(await signed(second, stranger), no, /not that of the policy/);
    await refused(
      (await signed(second)).set('daas.signature', utf8('nonsense')),
      no,
      /not that of the policy/,
    );
    await refused(await signed(second, owner, { version: 3n }), no, /not that of the policy/);
    await refused(await signed(second, owner, { name: 'tls' }), no, /not that of the policy/);
    await refused(await signed(second, owner, { values: first.values }), no, /not that of the policy/);
    await refused(await signed(await versionOf(1n)), no, /version 1, in use is 1/);
    const more = await versionOf(2n, { password: 'x', extra: 'y' });
    const unsigned = await signed(more, owner, { values: second.values });
    await refused(unsigned, no, /not that of the policy/);
    await refused(
      await signed(await versionOf(2n, { other: 'x' })),
      no,
      /key password, which the pod uses, is gone/,
    );
    await refused(
      await signed(await seal({ password: 'x' }, { under: policy, version: 2n })),
      no,
      /it is of policy/,
    );
    const own = await seal(
      { password: 'x' },
      { under, version: 2n, config: sealConfigOf([await addKeyServer('theirs')], 1) },
    );
    await refused(await signed(own), 'SEALED_KEY_SERVER_UNKNOWN', /key server/);
    t.equal(broker.calls.length, length, 'none of them is even asked for');
    // A full node that names somebody else as the policy's owner.
    const [mine, theirs] = [owner, stranger].map((account) =>
      Buffer.from(account.toSuiAddress().slice(2), 'hex'),
    );
    const liar = await openLiar([[mine ?? utf8(''), theirs ?? utf8('')]]);
    mount(at.root, 'db', await signed(second, stranger));
    const lied = worldIn(at.root, { ...at.plan, chain: { ...at.plan.chain, urls: [chainUrl, liar] } });
    await t.rejects(refresh(lied, at.opened), { code: 'CHAIN_DISAGREES' });
    t.equal(out(at.root, 'all/db/password'), `${PASSWORD} 1`);
  });
  await t.test('while it runs: failures are told and waited out, and it ends when told to', async (t) => {
    const at = await running(t);
    const ended = new AbortController();
    const bad = await signed(await versionOf(2n), stranger);
    const good = await signed(await versionOf(3n));
    const steps: (() => void)[] = [
      () => undefined,
      () => {
        mount(at.root, 'db', bad);
      },
      () => {
        t.ok(at.world.lines.includes('ROTATION_REFUSED'), 'the refusal is told');
        mount(at.root, 'db', good);
      },
      () => {
        t.equal(out(at.root, 'all/db/password'), `${PASSWORD} 3`);
        ended.abort();
      },
    ];
    const pauses: number[] = [];
    await keepFresh(
      {
        ...at.world,
        signal: ended.signal,
        random: () => 0,
        sleep: (ms) => {
          if (ms > 50_000) {
            pauses.push(ms);
            steps.shift()?.();
          }
          return Promise.resolve();
        },
      },
      at.opened,
    );
    t.strictSame(pauses, [54_000, 54_000, 54_000, 54_000], 'every minute, ten percent less at the least');
  });
  await t.test('`run` stays, and SIGTERM ends it at once', async (t) => {
    const { root, plan } = pod(t, [first], { refreshSeconds: 60 });
    const ended = new AbortController();
    const running = runIn(root, encodeFetchPlan(plan), ended.signal);
    const probe = () => ready({ plan: encodeFetchPlan(plan), root, print: () => undefined });
    while (probe() !== 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const before = performance.now();
    ended.abort();
    t.match(await running, { code: 0, message: '' });
    t.ok(performance.now() - before < 5_000, 'it would wait for a minute');
  });
});

await t.test('told to stop, it stops at once and leaves nothing half-written', async (t) => {
  const { root, plan } = pod(t, [db]);
  const ended = new AbortController();
  const held = Promise.withResolvers<null>();
  let before = 0;
  broker.next.push(() => {
    before = performance.now();
    ended.abort();
    return held.promise;
  });
  const { code, message } = await runIn(root, encodeFetchPlan(plan), ended.signal);
  t.ok(performance.now() - before < 3_000);
  held.resolve(null);
  t.equal(code, 1);
  t.match(message, /^ENDED/);
  t.ok(nothingIn(root));
});

await t.test('also while a full node keeps it waiting', async (t) => {
  const mute = createServer().listen(0, '127.0.0.1');
  t.teardown(() => mute.close());
  const ended = new AbortController();
  let before = 0;
  mute.on('connection', (socket) => {
    t.teardown(() => socket.destroy());
    before ||= performance.now();
    ended.abort();
  });
  await once(mute, 'listening');
  const urls = [`http://127.0.0.1:${(mute.address() as AddressInfo).port}`];
  const { root, plan } = pod(t, [db], { chain: { ...planOf([]).chain, urls } });
  const { message } = await runIn(root, encodeFetchPlan(plan), ended.signal);
  t.match(message, /^ENDED/);
  t.ok(performance.now() - before < 3_000, 'it would wait for five seconds');
});

await t.test('the token says where the pod is', async (t) => {
  const { root, plan, uid } = pod(t, [db]);
  writeToken(root, 'nonsense');
  const world = worldIn(root, plan, {
    paused: () => {
      writeToken(root, tokenOf(uid));
    },
  });
  await fetchSecrets(world);
  t.equal(world.lines[0], 'TOKEN_UNREADABLE', 'one that the kubelet has not written yet is waited for');
  t.equal(toHex(sha256(utf8(out(root, 'all/db/password')))), toHex(sha256(utf8(PASSWORD))));
  writeFileSync(join(root, 'dev/termination-log'), '');
});
