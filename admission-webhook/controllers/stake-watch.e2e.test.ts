import { KubeConfig } from '@kubernetes/client-node';
import { setTimeout as sleep } from 'node:timers/promises';

import { nodeManifest } from '@k3s-daas/control-plane';
import { nodeEligibility, systemClock, type ChainSnapshot } from '@k3s-daas/core';
import t from 'tap';

import { admin, Cluster, kubelet, SNAPSHOT_AGE_MS_MAX, type ApiCall } from '../test/cluster.ts';
import { decide, healthy, MemoryChain, sign, stake, STAKE_2 } from '../test/world.ts';
import { clusterApi } from './cluster-api.ts';
import { nodePatch } from './node-state.ts';
import { startStakeWatch, type StakeWatch } from './stake-watch.ts';

const SHOP = '/api/v1/namespaces/shop';
const slashed = { ...healthy, stakes: [stake(STAKE_2)] };

t.setTimeout(600_000);
let cluster: Cluster;
let watch: StakeWatch;
const kubeConfig = new KubeConfig();
t.before(async () => {
  cluster = await Cluster.start({ scheduler: false });
  for (const name of ['n1', 'n2']) {
    const body = nodeManifest({ name, cpu: '4', memory: '8Gi', pods: '20' });
    await ok({ ...kubelet(name), method: 'POST', path: '/api/v1/nodes', body });
  }
  await ok({
    ...admin,
    method: 'POST',
    path: '/api/v1/nodes',
    body: nodeManifest({ name: 'cp-1', cpu: '4', memory: '8Gi', pods: '20' }),
  });
  kubeConfig.loadFromFile(await cluster.controlPlane.kubeconfig({ commonName: 'k3s-daas:controller' }));
  watch = startStakeWatch({
    kubeConfig,
    chain: cluster.chain,
    clock: systemClock,
    // Long, so that what is seen here comes from changes of the chain and from retries.
    config: { stakeSnapshotAgeMsMax: SNAPSHOT_AGE_MS_MAX, controlPlaneNodes: ['cp-1'], resyncMs: 3_600_000 },
    log: cluster.log,
  });
});
t.teardown(async () => {
  await watch.close();
  await cluster.stop();
});

async function ok(call: ApiCall): Promise<Record<string, unknown>> {
  const { status, json, text } = await cluster.call(call);
  if (status >= 300) throw new Error(`${call.method} ${call.path}: ${text}`);
  return json;
}

interface Node {
  readonly metadata: { readonly annotations?: Record<string, string>; readonly resourceVersion: string };
  readonly spec: { readonly taints?: readonly { key: string; effect: string }[] };
}

async function stateOf(name: string): Promise<string> {
  const node = (await ok({ ...admin, method: 'GET', path: `/api/v1/nodes/${name}` })) as unknown as Node;
  const taints = (node.spec.taints ?? [])
    .filter(({ key }) => key === 'k3s-daas.io/unstaked')
    .map(({ effect }) => effect);
  return [node.metadata.annotations?.['k3s-daas.io/stake-state'] ?? 'none', ...taints].join(' ');
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 90_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(100);
  }
}

async function runPod(name: string, node: string): Promise<void> {
  const spec = { schedulerName: 'k3s-daas-scheduler', containers: [{ name: 'c', image: 'example.com/i:1' }] };
  const pod = await ok({
    ...admin,
    method: 'POST',
    path: `${SHOP}/pods`,
    body: { metadata: { name }, spec },
  });
  const { uid } = pod['metadata'] as { uid: string };
  const now = Date.now();
  const receipt = sign(decide({ podUid: uid, namespace: 'shop', pod: name, node }, now), now);
  const metadata = { name, namespace: 'shop', uid, annotations: { 'k3s-daas.io/receipt': receipt } };
  const body = { apiVersion: 'v1', kind: 'Binding', metadata, target: { kind: 'Node', name: node } };
  await ok({ user: 'k3s-daas:enclave', method: 'POST', path: `${SHOP}/pods/${name}/binding`, body });
}

async function exists(path: string): Promise<boolean> {
  const { status, json } = await cluster.call({ ...admin, method: 'GET', path });
  const { deletionTimestamp } = (json['metadata'] ?? {}) as { deletionTimestamp?: string };
  return status === 200 && deletionTimestamp === undefined;
}

void t.test('staked nodes are marked eligible, the control plane is left alone', async (t) => {
  cluster.setChain();
  t.equal(await watch.reconcile(), 'done');
  t.equal(await stateOf('n1'), 'ELIGIBLE');
  t.equal(await stateOf('n2'), 'ELIGIBLE');
  t.equal(await stateOf('cp-1'), 'none');
});

void t.test('a slashed node loses its pods, and gets new ones when it is staked again', async (t) => {
  for (const namespace of [SHOP, '/api/v1/namespaces/kube-system'])
    await until('service account', () => exists(`${namespace}/serviceaccounts/default`));
  cluster.setChain();
  await runPod('on-n1', 'n1');
  await runPod('on-n2', 'n2');
  // What was let in before the webhook came, or in another way: it tolerates the taint for ever.
  await ok({
    ...admin,
    method: 'DELETE',
    path: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/k3s-daas',
  });
  const stubborn = {
    nodeName: 'n1',
    tolerations: [{ operator: 'Exists' }],
    containers: [{ name: 'c', image: 'example.com/i:1' }],
  };
  await until('the webhook is forgotten', async () => {
    const { status } = await cluster.call({
      ...admin,
      method: 'POST',
      path: `${SHOP}/pods`,
      body: { metadata: { name: 'stubborn' }, spec: stubborn },
    });
    return status < 300;
  });
  await ok({
    ...admin,
    method: 'POST',
    path: '/api/v1/namespaces/kube-system/pods',
    body: { metadata: { name: 'daemon' }, spec: stubborn },
  });
  await cluster.controlPlane.kubectl(['apply', '-k', `${cluster.dir}/overlay`]);

  cluster.setChain(slashed);
  await until('taint', async () => (await stateOf('n1')) === 'STAKE_MISSING NoSchedule NoExecute');
  t.equal(await stateOf('n2'), 'ELIGIBLE');
  await until('eviction by the taint manager', async () => !(await exists(`${SHOP}/pods/on-n1`)));
  await until('deletion by the controller', async () => !(await exists(`${SHOP}/pods/stubborn`)));
  t.ok(await exists(`${SHOP}/pods/on-n2`), 'the other node keeps its pod');
  t.ok(await exists('/api/v1/namespaces/kube-system/pods/daemon'), 'exempt namespaces are left alone');
  const events = await ok({
    ...admin,
    method: 'GET',
    path: '/api/v1/namespaces/default/events?fieldSelector=reason%3DStakeGone',
  });
  t.match(events['items'], [{ involvedObject: { kind: 'Node', name: 'n1' }, message: /^STAKE_MISSING: / }]);

  cluster.setChain();
  await until('taint lifted', async () => (await stateOf('n1')) === 'ELIGIBLE');
});

void t.test('on a stale snapshot nothing is changed', async (t) => {
  cluster.setChain(slashed, SNAPSHOT_AGE_MS_MAX + 1_000);
  t.equal(await watch.reconcile(), 'stale');
  t.equal(await stateOf('n1'), 'ELIGIBLE', 'not tainted on old news');
  cluster.setChain(slashed);
  await until('taint', async () => (await stateOf('n1')) === 'STAKE_MISSING NoSchedule NoExecute');
  cluster.setChain(healthy, SNAPSHOT_AGE_MS_MAX + 1_000);
  t.equal(await watch.reconcile(), 'stale');
  t.equal(await stateOf('n1'), 'STAKE_MISSING NoSchedule NoExecute', 'nor freed');
  cluster.chain.forget();
  t.equal(await watch.reconcile(), 'stale');
  cluster.setChain();
  await until('taint lifted', async () => (await stateOf('n1')) === 'ELIGIBLE');
});

void t.test('it survives a restart of the API server', async (t) => {
  const restarted = cluster.controlPlane.restartApiServer();
  await sleep(300);
  cluster.setChain(slashed);
  await restarted;
  await until(
    'taint after the restart',
    async () => (await stateOf('n1')) === 'STAKE_MISSING NoSchedule NoExecute',
  );
  cluster.setChain();
  await until('taint lifted', async () => (await stateOf('n1')) === 'ELIGIBLE');
  t.pass();
});

void t.test('changes of others are neither lost nor waited for', async (t) => {
  // Somebody writes the node all the time; each of our patches applies to exactly what it has read.
  const writing = new AbortController();
  const writer = (async () => {
    for (let i = 0; !writing.signal.aborted; i++) {
      const body = { metadata: { annotations: { [`example.com/${i}`]: '1' } } };
      const { status } = await cluster.call({
        ...admin,
        method: 'PATCH',
        path: '/api/v1/nodes/n1',
        type: 'application/merge-patch+json',
        body,
      });
      if (status >= 300) return i;
      await sleep(50);
    }
    return 0;
  })();
  for (const state of [slashed, healthy, slashed, healthy]) {
    cluster.setChain(state);
    const expected = state === healthy ? 'ELIGIBLE' : 'STAKE_MISSING NoSchedule NoExecute';
    await until(expected, async () => (await stateOf('n1')) === expected);
  }
  writing.abort();
  t.equal(await writer, 0, 'no write of the other one failed');
});

void t.test('a patch applies to exactly what was read', async (t) => {
  const api = clusterApi(kubeConfig);
  const seen = await api.node('n2');
  if (seen === null) throw new Error('n2 is gone');
  const stale = nodePatch(seen, nodeEligibility(slashedSnapshot(), 'n1'), new Date());
  if (stale === null) throw new Error('nothing to change');
  const body = { spec: { taints: [{ key: 'example.com/busy', effect: 'NoSchedule' }] } };
  await ok({
    ...admin,
    method: 'PATCH',
    path: '/api/v1/nodes/n2',
    type: 'application/merge-patch+json',
    body,
  });
  t.equal(await api.patchNode('n2', stale), 'conflict', 'the node has changed since');
  t.match(await api.node('n2'), { stakeState: 'ELIGIBLE', taints: [{ key: 'example.com/busy' }] });
  t.equal(await api.patchNode('n8', stale), 'gone');
  t.equal(await api.node('n8'), null);

  await ok({ ...admin, method: 'DELETE', path: '/api/v1/nodes/n2' });
  const again = nodeManifest({ name: 'n2', cpu: '4', memory: '8Gi', pods: '20' });
  await ok({ ...kubelet('n2'), method: 'POST', path: '/api/v1/nodes', body: again });
  t.equal(await api.patchNode('n2', stale), 'conflict', 'another node of the name');
});

function slashedSnapshot(): ChainSnapshot {
  const chain = new MemoryChain();
  chain.set(slashed, Date.now());
  const snapshot = chain.current();
  if (snapshot === null) throw new Error('no snapshot');
  return snapshot;
}
