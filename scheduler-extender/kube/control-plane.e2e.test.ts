import { access, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { RECEIPT_ANNOTATION, toHex } from '@k3s-daas/core';
import {
  ensureControlPlane,
  nodeManifest,
  startControlPlane,
  type Binaries,
  type ControlPlane,
} from '@k3s-daas/control-plane';
import { pino } from 'pino';
import t, { type Test } from 'tap';

import type { Engine } from '../engine.ts';
import { serveExtender } from '../http/serve.ts';
import type { PodFacts } from '../ports.ts';
import { binder } from './binder.ts';
import { kubeClient, type KubeClient } from './client.ts';
import { kubeView, type WatchedKubeView } from './view.ts';

// Against the real kube-apiserver and kube-scheduler, if they have been built: building them takes minutes.
const REPOSITORY = join(import.meta.dirname, '..', '..');

async function builtBinaries(): Promise<Binaries | null> {
  const cache = join(process.env['DAAS_CACHE_DIR'] ?? join(REPOSITORY, '.cache'), 'control-plane');
  const folders = await readdir(cache).catch(() => []);
  const complete: { folder: string; ms: number }[] = [];
  for (const folder of folders.map((name) => join(cache, name))) {
    const whole = await access(join(folder, 'versions.json')).then(
      () => true,
      () => false,
    );
    if (whole) complete.push({ folder, ms: (await stat(folder)).mtimeMs });
  }
  const newest = complete.sort((a, b) => b.ms - a.ms)[0]?.folder;
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? newest;
  if (assets === undefined) return null;
  return ensureControlPlane({ env: { ...process.env, KUBEBUILDER_ASSETS: assets } });
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const clock = { now: () => Date.now() };
const log = pino({ enabled: false });
const podManifest = (name: string, cpu = '100m', priorityClassName?: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'team' },
    spec: {
      schedulerName: 'k3s-daas-scheduler',
      serviceAccountName: 'runner',
      ...(priorityClassName && { priorityClassName }),
      containers: [
        {
          name: 'c',
          image: 'registry.invalid/c:1',
          resources: { requests: { cpu, memory: '64Mi' } },
          readinessProbe: { httpGet: { path: '/<&>', port: 80 } },
        },
      ],
      volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }],
      tolerations: [{ key: 'k', operator: 'Exists', tolerationSeconds: 5, effect: 'NoExecute' }],
    },
  });

interface Setting {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly view: WatchedKubeView;
  readonly create: (manifest: object | string) => Promise<unknown>;
  /** The pod of that name, once the view shows it. */
  readonly pod: (name: string) => Promise<PodFacts>;
}

async function setting(t: Test, binaries: Binaries): Promise<Setting> {
  const dir = await mkdtemp(join(tmpdir(), 'daas-kube-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const plane = await startControlPlane({
    binaries,
    dir,
    controllerManager: false,
    scheduler: false,
    kwok: false,
  });
  t.teardown(() => plane.stop());
  const create = (manifest: object | string): Promise<string> =>
    plane.kubectl(['apply', '-f', '-'], {
      input: typeof manifest === 'string' ? manifest : JSON.stringify(manifest),
    });
  await plane.kubectl(['apply', '-f', join(REPOSITORY, 'manifests', 'base', 'rbac.yaml')]);
  await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } });
  await create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'runner', namespace: 'team' } });
  const client = await clientOf(t, plane, 'k3s-daas:enclave');
  const view = kubeView({ client, clock, random: Math.random, log, limits: { backoffMsMin: 50 } });
  t.teardown(() => view.close());
  return {
    plane,
    client,
    view,
    create,
    async pod(name) {
      const find = (): PodFacts | undefined => [...view.pods()].find((pod) => pod.name === name);
      await until(`pod ${name}`, () => find() !== undefined);
      return find() as PodFacts;
    },
  };
}

async function clientOf(t: Test, plane: ControlPlane, commonName: string): Promise<KubeClient> {
  const { certPem, keyPem } = await plane.issueClient({ commonName });
  const client = kubeClient({
    server: plane.apiServerUrl,
    ca: plane.caPem,
    cert: () => certPem,
    key: keyPem,
  });
  t.teardown(() => {
    client.close();
  });
  return client;
}

const binaries = await builtBinaries();
const skip = binaries === null ? 'no control plane is built: npm run daas -- up builds it' : false;

void t.test('the real API server', { skip }, async (t) => {
  if (binaries === null) return;
  const { plane, client, view, create, pod } = await setting(t, binaries);
  const bind = binder(client);

  await t.test('the view follows it', async (t) => {
    await until('sync', () => view.synced);
    t.ok(view.serviceAccountUid('team', 'runner'));
    await create(nodeManifest({ name: 'n1', cpu: '4', memory: '8Gi', pods: '110' }));
    await until('node', () => view.node('n1') !== undefined);
    const seen = view.nodesVersion;
    await plane.kubectl(['label', 'node', 'n1', 'a=b']);
    await create(podManifest('p1'));
    t.match(await pod('p1'), {
      serviceAccount: 'runner',
      requests: { cpuMilli: 100n, memoryBytes: 67_108_864n },
      nodeName: '',
      phase: 'Pending',
    });
    t.equal(view.nodesVersion, seen, 'a label changes no node');
  });

  await t.test('preconditions of a binding hold; the receipt is copied in the same write', async (t) => {
    const p1 = await pod('p1');
    const request = {
      namespace: 'team',
      pod: 'p1',
      podUid: p1.uid,
      resourceVersion: p1.resourceVersion,
      node: 'n1',
      receipt: 'cmVjZWlwdA==',
    };
    const elsewhere = await bind.bind({ ...request, podUid: '00000000-0000-0000-0000-000000000000' });
    t.match(elsewhere, { kind: 'conflict', message: /UID in precondition/ });
    const stale = await bind.bind({ ...request, resourceVersion: '1' });
    t.match(stale, { kind: 'conflict', message: /ResourceVersion in precondition/ });
    t.equal((await bind.read('team', 'p1', p1.uid))?.nodeName, '', 'still unbound');

    t.same(await bind.bind(request), { kind: 'bound' });
    const bound = await bind.read('team', 'p1', p1.uid);
    t.match(bound, { nodeName: 'n1', receipt: 'cmVjZWlwdA==' });
    t.equal(toHex(bound?.specDigest ?? new Uint8Array()), toHex(p1.specDigest), 'binding changes no digest');
    await until('the view shows it', () => view.pod(p1.uid)?.nodeName === 'n1');
    t.equal(view.pod(p1.uid)?.receipt, 'cmVjZWlwdA==');

    t.match(await bind.bind(request), { kind: 'conflict' }, 'again, with the old version');
    const fresh = { ...request, resourceVersion: bound?.resourceVersion ?? '' };
    t.match(await bind.bind(fresh), { kind: 'conflict', message: /already assigned/ });
    t.match(await bind.bind({ ...request, pod: 'nobody' }), { kind: 'refused', status: 404 });
    t.equal(await bind.read('team', 'nobody', p1.uid), null);
    t.equal(await bind.read('team', 'p1', 'another'), null);
    const proposer = binder(await clientOf(t, plane, 'k3s-daas:scheduler'));
    t.match(await proposer.bind(fresh), { kind: 'refused', status: 403 }, 'kube-scheduler may not bind');
  });

  await t.test('the view survives a restart of the API server', async (t) => {
    const p1 = await pod('p1');
    await plane.restartApiServer();
    await plane.kubectl(['delete', 'pod', '-n', 'team', 'p1', '--grace-period=0', '--force']);
    await create(podManifest('p2'));
    await pod('p2');
    await until('deletion', () => view.pod(p1.uid) === undefined);
    await until('sync', () => view.synced);
    t.ok(view.resources().every(({ connected }) => connected));
  });
});

/** Sends every pod to n2; binds as the enclave does, with a fixed receipt. */
function toSecond({ client, view }: Setting, seen: PodFacts[]): Engine {
  const bind = binder(client);
  const not = (name: string): never => {
    throw new Error(`${name} is not asked here`);
  };
  return {
    filter(pod, names) {
      seen.push(pod);
      const rejected = names
        .filter((name) => name !== 'n2' || pod.name.startsWith('nowhere'))
        .map((node) => ({
          node,
          code: 'NODE_NOT_CLAIMED',
          message: `nobody claims ${node}`,
          unresolvable: true,
        }));
      return { names: names.filter((name) => !rejected.some(({ node }) => node === name)), rejected };
    },
    prioritize: (_, names) => names.map((node) => ({ node, score: 5 })),
    eligibleForPreemption: (_, names) => names.filter((name) => name === 'n2'),
    async bind({ namespace, pod, podUid, node }) {
      const resourceVersion = view.pod(podUid)?.resourceVersion ?? '';
      const result = await bind.bind({ namespace, pod, podUid, node, resourceVersion, receipt: 'cg==' });
      if (result.kind === 'bound') return { bound: true, sequence: 1n, receipt: 'cg==' };
      return { bound: false, code: 'BINDING_REFUSED', message: result.message };
    },
    adopt: () => not('adoption'),
    dryRun: () => not('dry run'),
    explain: () => null,
    exportReceipt: () => null,
    lags: () => [],
    reconcile: () => Promise.resolve(),
    status: () => ({ records: 0n, lastSequence: 0n, unsettled: 0, maxLag: 0n }),
    close: () => Promise.resolve(),
  };
}

void t.test('the real kube-scheduler', { skip }, async (t) => {
  if (binaries === null) return;
  const here = await setting(t, binaries);
  const { plane, view, create, pod } = here;
  await until('sync', () => view.synced);
  for (const name of ['n1', 'n2', 'n3'])
    await create(nodeManifest({ name, cpu: '64', memory: '64Gi', pods: '110' }));
  const seen: PodFacts[] = [];
  const own = await plane.ca.issue({ commonName: 'e', usages: ['server'], ips: ['127.0.0.1'], days: 1 });
  const server = await serveExtender({
    engine: toSecond(here, seen),
    // Knows no pod: so the facts are those that kube-scheduler sent.
    kube: { ...view, pod: () => undefined },
    chain: { current: () => null, onChange: () => () => undefined },
    identity: () => null,
    stakeSnapshotAgeMsMax: 1_000,
    tls: { cert: own.certPem, key: own.keyPem, clientCa: plane.caPem },
    allowedClients: ['k3s-daas:scheduler'],
    allowedReaders: [],
    host: '127.0.0.1',
    port: 0,
    clock,
    log,
  });
  t.teardown(() => server.close());
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const identity = await plane.issueClient({ commonName: 'k3s-daas:scheduler' });
  await plane.startScheduler({
    name: 'daas-scheduler',
    kubeconfig: await plane.kubeconfig({ commonName: 'k3s-daas:scheduler' }),
    config: {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      profiles: [{ schedulerName: 'k3s-daas-scheduler' }],
      extenders: [
        {
          urlPrefix: `https://127.0.0.1:${server.port}/scheduler`,
          filterVerb: 'filter',
          prioritizeVerb: 'prioritize',
          preemptVerb: 'preempt',
          bindVerb: 'bind',
          weight: 10,
          enableHTTPS: true,
          nodeCacheCapable: true,
          ignorable: false,
          tlsConfig: {
            caData: base64(plane.caPem),
            certData: base64(identity.certPem),
            keyData: base64(identity.keyPem),
          },
        },
      ],
    },
  });

  await Promise.all(['a', 'b', 'c', 'nowhere'].map((name) => create(podManifest(name))));
  for (const name of ['a', 'b', 'c']) {
    const { uid } = await pod(name);
    await until(`${name} is bound`, () => view.pod(uid)?.nodeName !== '');
    const bound = view.pod(uid);
    t.match(bound, { nodeName: 'n2', receipt: 'cg==' }, name);
    const sent = seen.find((each) => each.uid === uid);
    t.equal(
      toHex(sent?.specDigest ?? new Uint8Array()),
      toHex(bound?.specDigest ?? new Uint8Array()),
      'kube-scheduler and the API server write the same spec',
    );
    t.same(sent?.requests, bound?.requests);
  }
  // n1 and n3 have room, but only n2 is eligible: kube-scheduler must accept our choice of victims there.
  await create({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name: 'high' },
    value: 1_000,
  });
  await create(podManifest('low', '60'));
  const low = await pod('low');
  await until('low is bound', () => view.pod(low.uid)?.nodeName === 'n2');
  await create(podManifest('high', '50', 'high'));
  const high = await pod('high');
  await until('high is nominated', () => view.pod(high.uid)?.nominatedNode === 'n2');
  await until('low makes room', () => view.pod(low.uid)?.deleting !== false);
  t.not(view.pod((await pod('a')).uid)?.deleting, true, 'who is small enough stays');

  const nowhere = await pod('nowhere');
  let condition = '';
  await until('a condition', async () => {
    const path = ['get', 'pod', '-n', 'team', 'nowhere', '-o', 'jsonpath={.status.conditions[0].message}'];
    condition = await plane.kubectl(path);
    return condition !== '';
  });
  t.match(
    condition,
    /0\/3 nodes are available: .*NODE_NOT_CLAIMED: nobody claims n1/,
    'the user sees the reason',
  );
  t.match(view.pod(nowhere.uid), { nodeName: '', receipt: '' });
  const annotations = await plane.kubectl([
    'get',
    'pod',
    '-n',
    'team',
    'a',
    '-o',
    'jsonpath={.metadata.annotations}',
  ]);
  t.equal((JSON.parse(annotations) as Record<string, string>)[RECEIPT_ANNOTATION], 'cg==');
});
