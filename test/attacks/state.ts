import { ANNOTATION_PREFIX, toHex } from '@k3s-daas/core';
import { readClaim, readCluster, readPosition, readSession } from '@k3s-daas/sui-client';
import { z } from 'zod';

import { send } from './http.ts';
import { scheduler, type World } from './world.ts';

const strings = z.record(z.string(), z.string()).default({});
const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string(),
  generation: z.number().default(0),
  labels: strings,
  annotations: strings,
  ownerReferences: z.array(z.unknown()).default([]),
});
const podSpec = z.object({
  nodeName: z.string().default(''),
  schedulerName: z.string(),
  tolerations: z.array(z.unknown()).default([]),
  containers: z.array(z.object({ name: z.string(), image: z.string(), resources: z.unknown() })),
  ephemeralContainers: z.array(z.unknown()).default([]),
});
const nodeSpec = z.object({
  taints: z.array(z.object({ key: z.string(), effect: z.string() })).default([]),
});
const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });
const pods = list(z.object({ metadata, spec: podSpec }));
const nodes = list(z.object({ metadata, spec: nodeSpec }));
const named = list(z.object({ metadata }));

/** Lists whose members, and their versions of what they ask for, must not change. */
const GUARDS = [
  '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  '/apis/rbac.authorization.k8s.io/v1/rolebindings',
  '/apis/rbac.authorization.k8s.io/v1/roles',
  '/api/v1/namespaces',
];

const ours = (entries: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(entries).filter(([key]) => key.startsWith(ANNOTATION_PREFIX)));

/** Everything that an attack is after: placements, marks, guards, the chain's objects, what the enclave has signed. */
export async function stateOf(world: World, chainAnswers: boolean): Promise<Record<string, unknown>> {
  const [kubernetes, chain, signed] = await Promise.all([
    kubernetesState(world),
    chainAnswers ? chainState(world) : null,
    lastSequence(world),
  ]);
  return { ...kubernetes, chain, signed };
}

async function kubernetesState(world: World): Promise<Record<string, unknown>> {
  const [podList, nodeList, ...guards] = await Promise.all([
    world.get('/api/v1/pods'),
    world.get('/api/v1/nodes'),
    ...GUARDS.map((path) => world.get(path)),
  ]);
  return {
    // Not their generation: the kubelet's part moves it.
    pods: pods.parse(podList).items.map(({ metadata: meta, spec }) => ({ ...meta, generation: 0, spec })),
    nodes: nodes.parse(nodeList).items.map(({ metadata: meta, spec }) => ({
      name: meta.name,
      uid: meta.uid,
      owners: meta.ownerReferences,
      labels: meta.labels,
      annotations: ours(meta.annotations),
      taints: spec.taints.filter(({ key }) => key.startsWith(ANNOTATION_PREFIX)),
    })),
    guards: guards.map((guard) => named.parse(guard).items.map((item) => item.metadata)),
  };
}

async function chainState(world: World): Promise<unknown> {
  const { chain, packageId, owned } = world.stack.world;
  const cluster = await readCluster(chain.client, packageId, owned.cluster);
  const [session, ...stakes] = await Promise.all([
    readSession(chain.client, packageId, world.stack.enclave.session),
    ...[...world.nodes.values()].map(async ({ name, position }) => ({
      position: await readPosition(chain.client, packageId, position),
      claim: await readClaim(chain.client, packageId, cluster, name).catch(() => null),
    })),
  ]);
  return plain({ cluster, session, stakes });
}

const health = z.object({ engine: z.object({ lastSequence: z.string() }) });

/** A refused bind must not even have been signed. */
async function lastSequence(world: World): Promise<string> {
  const { client } = await world.configuration();
  const url = `${client.enclaveUrl}/api/v1/health`;
  const by = await world.credentials(scheduler);
  const { text } = await send(url, world.stack.enclave.certificatePem, by, { method: 'GET' });
  return health.parse(JSON.parse(text)).engine.lastSequence;
}

/** A copy that tap can compare and print. */
function plain(value: unknown): unknown {
  const text = JSON.stringify(value, (_key, field: unknown) => {
    if (typeof field === 'bigint') return field.toString();
    return field instanceof Uint8Array ? toHex(field) : field;
  });
  return JSON.parse(text) as unknown;
}
