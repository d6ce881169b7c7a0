import { setTimeout as sleep } from 'node:timers/promises';

import { sha256, fromBase64, toHex, SEALED_LABEL } from '@k3s-daas/core';
import { pino } from 'pino';
import t, { type Test } from 'tap';

import { Denied } from '../denied.ts';
import { FakeApiServer, type ApiObject } from '../test/api-server.ts';
import { POLICY, sealedSecret, type SecretObject } from '../test/sealing.ts';
import { sealSettings } from '../test/world.ts';
import { startClusterFacts, type WatchedFacts } from './cluster-facts.ts';

const NAMESPACES = '/api/v1/namespaces';
const SECRETS = '/api/v1/secrets';
const secretPath = (name: string): string => `${NAMESPACES}/shop/secrets/${name}`;

t.setTimeout(300_000);

interface World {
  readonly api: FakeApiServer;
  readonly facts: WatchedFacts;
  readonly clock: { ms: number; now(): number };
}

/** Reads may take as long as a busy machine needs, unless a test is about their end. */
async function start(t: Test, readMsMax = 30_000): Promise<World> {
  const { api, kubeConfig } = await FakeApiServer.start();
  const clock = { ms: Date.UTC(2026, 10, 21), now: () => clock.ms };
  api.list(NAMESPACES, [
    { metadata: { name: 'shop', labels: { 'k3s-daas.io/secrets': 'references' } } } as ApiObject,
    { metadata: { name: 'bank' } },
  ]);
  const log = pino({ level: 'silent' });
  const facts = startClusterFacts({ kubeConfig, seal: sealSettings, clock, log, readMsMax });
  t.teardown(async () => {
    await facts.close();
    await api.close();
  });
  return { api, facts, clock };
}

/** Waits until something holds, of what comes over the network. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error('it did not happen within a minute');
    await sleep(10);
  }
}

async function code(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'answered';
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    return `${error.code} ${error.status}`;
  }
}

const db1 = await sealedSecret();
const db2 = await sealedSecret({ version: 2n });
const digestOf = ({ data }: SecretObject): string => toHex(sha256(fromBase64(data['password'] ?? '')));

void t.test('the watches answer', async (t) => {
  const { api, facts } = await start(t);
  api.list(SECRETS, [db1]);
  t.match(facts.stale(), /namespaces are not listed yet/);
  await until(() => facts.stale() === null);
  t.equal(await facts.mode('shop'), 'references');
  t.equal(await facts.mode('bank'), 'required', 'no label');
  const found = await facts.secret('shop', 'db');
  t.match(found, { namespace: 'shop', name: 'db', policy: POLICY, serviceAccount: 'default', version: 1n });
  t.same([...found.keys], [['password', digestOf(db1)]], 'SHA-256 of the ciphertext');
  t.same(api.reads, [], 'nothing was read');
  const query = (path: string): URLSearchParams | undefined => api.watches.get(path)?.[0]?.query;
  t.equal(
    query(SECRETS)?.get('labelSelector'),
    `${SEALED_LABEL}=true`,
    'plain Secrets do not even come here',
  );
  t.equal(query(SECRETS)?.get('allowWatchBookmarks'), 'true');

  api.tell(NAMESPACES, 'MODIFIED', {
    metadata: { name: 'shop', labels: { 'k3s-daas.io/secrets': 'off' } },
  } as ApiObject);
  await until(async () => (await facts.mode('shop')) === 'required');
  api.tell(SECRETS, 'MODIFIED', db2);
  await until(async () => (await facts.secret('shop', 'db')).version === 2n);
  const { type, ...rest } = db2;
  t.equal(type, 'Opaque');
  api.tell(SECRETS, 'MODIFIED', { ...rest, data: { password: 'aHVudGVyMg==' } } as ApiObject);
  await until(async () => (await code(facts.secret('shop', 'db'))) === 'SECRET_NOT_SEALED 403');
  api.tell(SECRETS, 'DELETED', db2);
  await until(async () => (await code(facts.secret('shop', 'db'))) === 'SECRET_NOT_FOUND 403');
  t.same(api.reads, [secretPath('db')], 'what the watch does not know is read once');
  const metrics = await facts.registry.metrics();
  t.match(metrics, /daas_admission_watch_objects\{kind="namespaces"\} 2/);
  t.match(metrics, /daas_admission_watch_age_seconds\{kind="secrets"\} 0/);
  t.match(metrics, /daas_admission_lookups_total\{kind="secret",source="read"\} 1/);
});

void t.test('what the watch has not brought yet is read', async (t) => {
  const { api, facts } = await start(t);
  await until(() => facts.stale() === null);
  api.objects.set(secretPath('db'), db1);
  t.equal((await facts.secret('shop', 'db')).version, 1n, 'kubectl apply -f secret-and-pod.yaml');
  api.objects.set(`${NAMESPACES}/new`, {
    metadata: { name: 'new', labels: { 'k3s-daas.io/secrets': 'references' } },
  });
  t.equal(await facts.mode('new'), 'references');
  t.equal(await facts.mode('gone'), 'required');
  const copied = { ...db1, metadata: { ...db1.metadata, namespace: 'bank' } };
  api.objects.set(`${NAMESPACES}/bank/secrets/db`, copied);
  t.equal(await code(facts.secret('bank', 'db')), 'SEALED_NAMESPACE_WRONG 403');
  const unlabelled = { ...db1, metadata: { ...db1.metadata, labels: {} } };
  api.objects.set(secretPath('db'), unlabelled);
  t.equal((await facts.secret('shop', 'db')).version, 1n, 'the label is an index, the bytes count');
  api.objects.set(secretPath('plain'), {
    metadata: { name: 'plain', namespace: 'shop' },
    data: { a: 'Yg==' },
  });
  t.equal(await code(facts.secret('shop', 'plain')), 'SECRET_NOT_SEALED 403');

  const reads = api.reads.length;
  for (const name of ['..', '../db', 'a/b', '', 'DB', 'a%2fb', 'db?x=1'])
    t.equal(await code(facts.secret('shop', name)), 'SECRET_NOT_FOUND 403', `"${name}" is no name`);
  t.equal(await facts.pod('shop', '../secrets/db'), null);
  t.equal(await code(facts.mode('../x')), 'LOOKUP_FAILED 503');
  t.equal(api.reads.length, reads, 'and nothing was asked');
});

void t.test('pods are read each time', async (t) => {
  const { api, facts } = await start(t);
  const path = `${NAMESPACES}/shop/pods/web`;
  t.equal(await facts.pod('shop', 'web'), null);
  api.objects.set(path, { metadata: { uid: 'u1' }, spec: { containers: [{ name: 'c' }] } });
  t.same(await facts.pod('shop', 'web'), { uid: 'u1', nodeName: '', sealed: false });
  const initContainers = [{ name: 'seal-fetch' }];
  api.objects.set(path, {
    metadata: { uid: 'u2' },
    spec: { nodeName: 'n1', initContainers, containers: [] },
  });
  t.same(await facts.pod('shop', 'web'), { uid: 'u2', nodeName: 'n1', sealed: true });
  t.equal(api.reads.length, 3);
  api.objects.set(path, { metadata: {}, spec: {} });
  t.equal(await code(facts.pod('shop', 'web')), 'LOOKUP_FAILED 503', 'no UID');
});

void t.test('an API server that does not answer', async (t) => {
  const { api, facts } = await start(t, 200);
  await until(() => facts.stale() === null);
  for (const answer of [500, 403, 401, 429, 503] as const) {
    api.objects.set(secretPath('db'), answer);
    t.equal(await code(facts.secret('shop', 'db')), 'LOOKUP_FAILED 503', `${answer}`);
  }
  api.objects.set(secretPath('db'), 'hangs');
  // It would wait for ever.
  t.equal(await code(facts.secret('shop', 'db')), 'LOOKUP_FAILED 503', 'silence');
  api.objects.set(`${NAMESPACES}/new`, 500);
  t.equal(await code(facts.mode('new')), 'LOOKUP_FAILED 503', 'a mode that is not known is none');
  api.objects.set(`${NAMESPACES}/shop/pods/web`, 500);
  t.equal(await code(facts.pod('shop', 'web')), 'LOOKUP_FAILED 503');
  t.match(await facts.registry.metrics(), /daas_admission_lookups_total\{kind="secret",source="failed"\} 6/);
});

void t.test('a Secret that was just written is read, whatever the watch tells of it', async (t) => {
  const { api, facts, clock } = await start(t);
  api.list(SECRETS, [db1]);
  await until(() => facts.stale() === null);
  api.objects.set(secretPath('db'), db2);
  t.equal((await facts.secret('shop', 'db')).version, 1n, 'remembered');
  facts.expectChange('shop', 'db');
  t.equal((await facts.secret('shop', 'db')).version, 2n, 'read');

  // Of two writes after one another, the news of the first comes after the second was reviewed.
  facts.expectChange('shop', 'db');
  const db3 = await sealedSecret({ version: 3n });
  api.objects.set(secretPath('db'), db3);
  api.tell(SECRETS, 'MODIFIED', db2);
  api.tell(SECRETS, 'MODIFIED', { metadata: { name: 'mark', namespace: 'shop' } });
  await until(async () => (await code(facts.secret('shop', 'mark'))) === 'SECRET_EMPTY 403');
  t.equal((await facts.secret('shop', 'db')).version, 3n, 'news of an earlier write are not of this one');
  clock.ms += 9_999;
  t.equal((await facts.secret('shop', 'db')).version, 3n);
  clock.ms += 1;
  const { length } = api.reads;
  t.equal((await facts.secret('shop', 'db')).version, 2n, 'remembered again, as far as the watch is');
  t.equal(api.reads.length, length, 'a write does not cost reads for ever');
  api.tell(SECRETS, 'MODIFIED', db3);
  await until(async () => (await facts.secret('shop', 'db')).version === 3n);
});

void t.test('watches start again, from where they were', async (t) => {
  const { api, facts, clock } = await start(t);
  api.list(SECRETS, [db1]);
  await until(() => facts.stale() === null);
  const opened = (): readonly URLSearchParams[] => (api.watches.get(SECRETS) ?? []).map(({ query }) => query);
  api.end(SECRETS);
  await until(() => opened().length === 2);
  t.equal(opened()[1]?.get('resourceVersion'), '100', 'the version of the list');
  t.equal(opened()[1]?.get('sendInitialEvents'), null, 'without listing everything again');
  api.tell(SECRETS, 'MODIFIED', db2);
  await until(async () => (await facts.secret('shop', 'db')).version === 2n);
  clock.ms += 1_000;
  api.bookmark(SECRETS);
  const { version } = api;
  const heard = /daas_admission_watch_age_seconds\{kind="secrets"\} 0\n/;
  await until(async () => heard.test(await facts.registry.metrics()));
  api.end(SECRETS, 'broken');
  await until(() => opened().length === 3);
  t.equal(opened()[2]?.get('resourceVersion'), String(version), 'the version of the bookmark');

  await t.test('a version that is too old', async (t) => {
    api.gone = true;
    api.list(SECRETS, []);
    api.end(SECRETS);
    await until(() => opened().at(-1)?.get('sendInitialEvents') === 'true');
    await until(async () => (await code(facts.secret('shop', 'db'))) === 'SECRET_NOT_FOUND 403');
    t.pass('everything is listed anew, and what was deleted meanwhile is gone');
    api.gone = false;
  });

  await t.test('a watch that breaks without a word', async (t) => {
    // Nothing was heard of since the start: the version it has may be the very reason.
    api.end(SECRETS);
    await until(() => opened().at(-1)?.get('sendInitialEvents') === null);
    const before = opened().length;
    api.end(SECRETS, 'broken');
    await until(() => opened().length > before);
    t.equal(opened().at(-1)?.get('sendInitialEvents'), 'true', 'is listed anew');
  });
});

void t.test('silence makes everything be read', async (t) => {
  const { api, facts, clock } = await start(t);
  api.list(SECRETS, [db1]);
  await until(() => facts.stale() === null);
  clock.ms += 45_000;
  t.equal(facts.stale(), null);
  clock.ms += 1;
  t.match(facts.stale(), /nothing was heard of namespaces for 45001 ms/);
  api.objects.set(secretPath('db'), db2);
  t.equal((await facts.secret('shop', 'db')).version, 2n, 'a Secret');
  t.equal(await facts.mode('shop'), 'required', 'a mode: the namespace is gone by now');
  t.match(await facts.registry.metrics(), /daas_admission_watch_age_seconds\{kind="secrets"\} 45\.001/);
  api.bookmark(NAMESPACES);
  api.bookmark(SECRETS);
  await until(() => facts.stale() === null);
  t.equal((await facts.secret('shop', 'db')).version, 1n, 'a bookmark is a sign of life');
  clock.ms += 46_000;
  const watching = (): number[] => [NAMESPACES, SECRETS].map((path) => api.watches.get(path)?.length ?? 0);
  const [namespaces = 0, secrets = 0] = watching();
  api.end(NAMESPACES, 'broken');
  api.end(SECRETS, 'broken');
  // Both are there again, and silent.
  await until(() => watching().every((count, at) => count > ([namespaces, secrets][at] ?? 0)));
  await sleep(100);
  t.not(facts.stale(), null, 'a broken connection is none');
  api.end(NAMESPACES);
  api.end(SECRETS);
  await until(() => facts.stale() === null);
  t.pass('the API server ending a watch in its time is one');
  clock.ms -= 46_000;
  t.match(facts.stale(), /namespaces/, 'a clock that was set back tells no age');
  clock.ms += 46_000;

  clock.ms += 600_001;
  const { length } = api.watches.get(SECRETS) ?? [];
  api.end(SECRETS);
  await until(() => (api.watches.get(SECRETS)?.length ?? 0) > length);
  t.equal(
    api.watches.get(SECRETS)?.at(-1)?.query.get('sendInitialEvents'),
    'true',
    'and once in ten minutes all is listed',
  );
});

void t.test('an API server that refuses watches is asked less and less often, and read', async (t) => {
  const { api, kubeConfig } = await FakeApiServer.start();
  api.refuse = 403;
  api.objects.set(secretPath('db'), db1);
  const clock = { now: () => 0 };
  const log = pino({ level: 'silent' });
  const facts = startClusterFacts({ kubeConfig, seal: sealSettings, clock, log, readMsMax: 30_000 });
  t.equal((await facts.secret('shop', 'db')).version, 1n);
  const asked = (): number[] => (api.watches.get(SECRETS) ?? []).map(({ atMs }) => atMs);
  await until(() => asked().length >= 4);
  t.match(facts.stale(), /not listed yet/);
  const began = performance.now();
  await facts.close();
  t.ok(performance.now() - began < 1_500, 'closes at once, though it would pause for longer');
  // 200 ms, 400 ms, 800 ms: a busy machine makes them longer, but never shorter.
  const pauses = asked().map((atMs, at, all) => atMs - (all[at - 1] ?? 0));
  for (const [at, ms] of [150, 350, 750].entries())
    t.ok((pauses[at + 1] ?? 0) > ms, `pause ${at + 1}: ${Math.round(pauses[at + 1] ?? 0)} ms`);
  await api.close();
});
