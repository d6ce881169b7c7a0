/** Root on the staked nodes `a` and, later, `falling`: has the kubelet's certificate. */
import { ANNOTATION_PREFIX, STAKE_STATE_ANNOTATION, UNSTAKED_TAINT } from '@k3s-daas/core';
import { nodeManifest } from '@k3s-daas/control-plane';

import type { Attempts } from './attempts.ts';
import { PATCHES } from './author.ts';
import {
  admin,
  APP,
  controller,
  kubelet,
  podBody,
  receiptOf,
  until,
  type Person,
  type World,
} from './world.ts';

const NODES = '/api/v1/nodes';
const root = kubelet('a');

const manifest = (name: string, metadata: object = {}, spec: object = {}): object => {
  const node = nodeManifest({ name, cpu: '4', memory: '8Gi', pods: '110' });
  return { ...node, metadata: { ...node.metadata, ...metadata }, spec };
};

/** A Node that has no stake behind it, or brings marks with it. */
export async function nodeJoins({ attack }: Attempts, world: World): Promise<void> {
  const join = (by: Person, body: object) => () => world.attempt(by, NODES, { method: 'POST', body });
  await attack('node: joins under another name', 'NodeRestriction', join(root, manifest('ghost')));
  await attack(
    'node: joins under a generated name',
    'NodeRestriction',
    join(root, { ...manifest(''), metadata: { generateName: 'a' } }),
  );
  await attack('node: joins without a claim', 'NODE_NOT_CLAIMED', join(kubelet('ghost'), manifest('ghost')));
  await attack('node: joins without a claim, dry run', 'NODE_NOT_CLAIMED', () =>
    world.attempt(kubelet('ghost'), `${NODES}?dryRun=All`, { method: 'POST', body: manifest('ghost') }),
  );
  await attack('node: the administrator makes a node', 'NODE_NOT_SELF', join(admin, manifest('ghost')));
  const eligible = { annotations: { [STAKE_STATE_ANNOTATION]: 'ELIGIBLE' } };
  await attack(
    'node: joins as eligible',
    'NODE_MARKS_FORGED',
    join(kubelet('ghost'), manifest('ghost', eligible)),
  );
  await attack(
    'node: joins with a label of ours',
    'NODE_MARKS_FORGED',
    join(kubelet('ghost'), manifest('ghost', { labels: { [`${ANNOTATION_PREFIX}x`]: 'y' } })),
  );
  const owner = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'x',
    uid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  };
  await attack(
    'node: joins with an owner',
    'NODE_OWNED',
    join(kubelet('ghost'), manifest('ghost', { ownerReferences: [owner] })),
  );
}

/** `falling` was slashed: its taint and its state stay, whatever its root, an administrator or a thief writes. */
export async function slashedNode({ attack }: Attempts, world: World): Promise<void> {
  const path = `${NODES}/falling`;
  const fallen = kubelet('falling');
  const whole = (await world.get(path)) as { metadata: object; spec: object };
  const annotations = { [STAKE_STATE_ANNOTATION]: 'ELIGIBLE' };
  const bare = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'falling', annotations } };
  const pointer = '/metadata/annotations/k3s-daas.io~1stake-state';
  const patch = (by: Person, sub: string, type: string, body: unknown) => () =>
    world.attempt(by, `${path}${sub}${type === PATCHES.apply ? '?fieldManager=x&force=true' : ''}`, {
      method: 'PATCH',
      type,
      body,
    });
  for (const [who, by] of [
    ['node', fallen],
    ['administrator', admin],
  ] as const) {
    for (const sub of ['', '/status']) {
      const name = `${who}, nodes${sub}: `;
      for (const type of [PATCHES.merge, PATCHES.strategic]) {
        await attack(
          `${name}eligible by ${type}`,
          'NODE_MARKS_CHANGED',
          patch(by, sub, type, { metadata: { annotations } }),
        );
        await attack(
          `${name}state removed by ${type}`,
          'NODE_MARKS_CHANGED',
          patch(by, sub, type, { metadata: { annotations: { [STAKE_STATE_ANNOTATION]: null } } }),
        );
      }
      await attack(
        `${name}eligible by JSON patch`,
        'NODE_MARKS_CHANGED',
        patch(by, sub, PATCHES.json, [{ op: 'replace', path: pointer, value: 'ELIGIBLE' }]),
      );
      await attack(`${name}eligible by apply`, 'NODE_MARKS_CHANGED', patch(by, sub, PATCHES.apply, bare));
      const body = { ...whole, metadata: { ...whole.metadata, annotations, resourceVersion: undefined } };
      await attack(`${name}eligible by PUT`, 'NODE_MARKS_CHANGED', () =>
        world.attempt(by, `${path}${sub}`, { method: 'PUT', body }),
      );
      await attack(
        `${name}a label of ours`,
        'NODE_MARKS_CHANGED',
        patch(by, sub, PATCHES.merge, { metadata: { labels: { [`${ANNOTATION_PREFIX}x`]: 'y' } } }),
      );
    }
  }
  await lifting({ attack }, world, { patch, whole });
}

async function lifting(
  { attack }: Pick<Attempts, 'attack'>,
  world: World,
  tools: {
    patch: (by: Person, sub: string, type: string, body: unknown) => () => Promise<string>;
    whole: { metadata: object; spec: object };
  },
): Promise<void> {
  const { patch, whole } = tools;
  const path = `${NODES}/falling`;
  const fallen = kubelet('falling');
  const lifted = { spec: { taints: null } };
  const softer = { spec: { taints: [{ key: UNSTAKED_TAINT, effect: 'PreferNoSchedule' }] } };
  await attack('node: lifts its taint', 'NodeRestriction', patch(fallen, '', PATCHES.merge, lifted));
  for (const type of [PATCHES.merge, PATCHES.strategic]) {
    await attack(
      `administrator: lifts the taint by ${type}`,
      'NODE_MARKS_CHANGED',
      patch(admin, '', type, lifted),
    );
  }
  await attack(
    'administrator: lifts one taint by JSON patch',
    'NODE_MARKS_CHANGED',
    patch(admin, '', PATCHES.json, [{ op: 'remove', path: '/spec/taints/0' }]),
  );
  await attack('administrator: lifts the taint by PUT', 'NODE_MARKS_CHANGED', () =>
    world.attempt(admin, path, {
      method: 'PUT',
      body: { ...whole, metadata: { ...whole.metadata, resourceVersion: undefined }, spec: {} },
    }),
  );
  await attack(
    'administrator: softens the taint',
    'NODE_MARKS_CHANGED',
    patch(admin, '', PATCHES.merge, softer),
  );
  await attack(
    'a stolen controller: lifts the taint',
    'STAKE_TOO_SMALL',
    patch(controller, '', PATCHES.merge, lifted),
  );
  await attack(
    'a stolen controller: softens the taint',
    'STAKE_TOO_SMALL',
    patch(controller, '', PATCHES.merge, softer),
  );
  await attack(
    'node: lifts its taint through its status',
    'NodeRestriction',
    patch(fallen, '/status', PATCHES.merge, lifted),
  );
  await attack('administrator: lifts the taint through the status', 'dropped', async () => {
    const verdict = await patch(admin, '/status', PATCHES.merge, lifted)();
    const kept = JSON.stringify(await world.get(path)).includes(UNSTAKED_TAINT);
    return verdict === 'accepted' && kept ? 'dropped' : verdict;
  });

  const owner = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'x',
    uid: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
  };
  const owned = { metadata: { ownerReferences: [owner] } };
  for (const sub of ['', '/status']) {
    await attack(
      `node: gets an owner, nodes${sub}`,
      'NodeRestriction',
      patch(fallen, sub, PATCHES.merge, owned),
    );
    await attack(
      `administrator: gives it an owner, nodes${sub}`,
      'NODE_OWNED',
      patch(admin, sub, PATCHES.merge, owned),
    );
  }
  await attack('node: deletes itself', 'RBAC: delete nodes', () =>
    world.attempt(fallen, path, { method: 'DELETE' }),
  );
  // Somebody deletes it, as a cloud's node controller would: it comes back with clean metadata, or tries to.
  await world.must(path, { method: 'DELETE' });
  await attack('node: comes back clean while slashed', 'STAKE_TOO_SMALL', () =>
    world.attempt(fallen, NODES, { method: 'POST', body: manifest('falling') }),
  );
}

/** Other nodes, pods, rights. */
export async function nodeReaches({ attack, control }: Attempts, world: World): Promise<void> {
  const pods = `/api/v1/namespaces/${APP}/pods`;
  const own = await world.placed('node-pod');
  const node = own.spec.nodeName;
  const self = kubelet(node);
  const other = node === 'a' ? 'b' : 'a';
  const merge =
    (path: string, body: object, by: Person = self) =>
    () =>
      world.attempt(by, path, { method: 'PATCH', type: PATCHES.merge, body });
  await attack(
    'node: writes another node',
    'NodeRestriction',
    merge(`${NODES}/${other}`, { metadata: { labels: { own: 'x' } } }),
  );
  await attack(
    "node: writes another node's status",
    'NodeRestriction',
    merge(`${NODES}/${other}/status`, { metadata: { labels: { own: 'x' } } }),
  );
  const { uid } = ((await world.get(`${NODES}/${node}`)) as { metadata: { uid: string } }).metadata;
  const mirror = {
    metadata: {
      annotations: { 'kubernetes.io/config.mirror': 'x' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid, controller: true }],
    },
    spec: { nodeName: node },
  };
  const create = (body: object) => () => world.attempt(self, pods, { method: 'POST', body });
  await attack('node: a mirror pod', 'POD_MIRROR', create(podBody('mirror', mirror)));
  const stolen = {
    ...mirror,
    metadata: {
      ...mirror.metadata,
      annotations: { ...mirror.metadata.annotations, 'k3s-daas.io/receipt': receiptOf(own) },
    },
  };
  await attack('node: a mirror pod with a receipt', 'POD_MIRROR', create(podBody('mirror', stolen)));
  await attack(
    'node: a pod that is no mirror',
    'NodeRestriction',
    create(podBody('mine', { spec: { nodeName: node } })),
  );
  const mark = { metadata: { annotations: { 'k3s-daas.io/receipt': 'AAAA' } } };
  await attack(
    'node: another receipt on its pod',
    'POD_MARKS_CHANGED',
    merge(`${pods}/node-pod/status`, mark),
  );
  await attack(
    "node: a receipt on another node's pod",
    'NodeRestriction',
    merge(`${pods}/node-pod/status`, mark, kubelet(other)),
  );
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'node-pod' },
    target: { kind: 'Node', name: other },
  };
  await attack('node: binds', 'RBAC: create pods/binding', () =>
    world.attempt(self, `${pods}/node-pod/binding`, { method: 'POST', body: binding }),
  );
  await certificates({ attack, control }, world, self);
  await world.deletePod('node-pod');
}

/** A kubelet may ask for certificates; nobody approves one for another user. */
async function certificates({ attack }: Attempts, world: World, self: Person): Promise<void> {
  const { client } = await world.configuration();
  const reply = await fetch(`${client.bootstrapUrl}/api/v1/tee/attestation`);
  const { csrPem } = (await reply.json()) as { csrPem: string };
  const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const spec = {
    request: Buffer.from(csrPem).toString('base64'),
    usages: ['digital signature', 'key encipherment', 'client auth'],
  };
  const ask = (name: string, signerName: string) =>
    world.attempt(self, path, {
      method: 'POST',
      body: { metadata: { name }, spec: { ...spec, signerName } },
    });
  await attack("node: the enclave's name from the kubelets' signer", 'NodeRestriction', () =>
    ask('own', 'kubernetes.io/kube-apiserver-client-kubelet'),
  );
  await until('the request to be there', async () => {
    const made = await ask('own', 'kubernetes.io/kube-apiserver-client');
    return made === 'accepted' ? true : undefined;
  });
  await attack(
    "node: approves the enclave's name for itself",
    'RBAC: update certificatesigningrequests/approval',
    async () => {
      const request = (await world.get(`${path}/own`)) as Record<string, unknown>;
      const conditions = [{ type: 'Approved', status: 'True', reason: 'x', message: 'x' }];
      return world.attempt(self, `${path}/own/approval`, {
        method: 'PUT',
        body: { ...request, status: { conditions } },
      });
    },
  );
  await attack('node: the enclave has no certificate to give', 'no certificate', async () => {
    const { status } = (await world.get(`${path}/own`)) as { status?: { certificate?: string } };
    return status?.certificate === undefined ? 'no certificate' : 'accepted';
  });
  await world.must(`${path}/own`, { method: 'DELETE' });
}
