import { z } from 'zod';

import type { SealedWorld } from './world.ts';

/** Everything that an attack is after, as the administrator sees it. */
const LISTS = [
  '/api/v1/pods',
  '/api/v1/secrets',
  '/api/v1/namespaces',
  '/api/v1/serviceaccounts',
  '/api/v1/replicationcontrollers',
  '/api/v1/podtemplates',
  '/apis/apps/v1/deployments',
  '/apis/apps/v1/replicasets',
  '/apis/apps/v1/statefulsets',
  '/apis/apps/v1/daemonsets',
  '/apis/batch/v1/jobs',
  '/apis/batch/v1/cronjobs',
  '/apis/rbac.authorization.k8s.io/v1/rolebindings',
  '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
  '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
  '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings',
];

const objects = z.object({
  items: z.array(z.looseObject({ metadata: z.looseObject({ name: z.string() }) })),
});
const nodes = z.object({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({
        name: z.string(),
        uid: z.string(),
        labels: z.record(z.string(), z.string()).default({}),
        annotations: z.record(z.string(), z.string()).default({}),
        ownerReferences: z.array(z.unknown()).default([]),
      }),
    }),
  ),
});

/** What the API server and its controllers move by themselves. */
const MOVING = ['resourceVersion', 'managedFields', 'generation'];

/** All objects but what moves by itself: no status, and of nodes only what is ours to guard. */
export async function stateOf(world: SealedWorld): Promise<Record<string, unknown>> {
  const [nodeList, ...lists] = await Promise.all(['/api/v1/nodes', ...LISTS].map((path) => world.get(path)));
  const state = lists.map((list, index): [string, unknown] => [
    LISTS[index] ?? '',
    objects.parse(list).items.map(({ status: _, metadata, ...rest }) => ({
      ...rest,
      metadata: Object.fromEntries(Object.entries(metadata).filter(([field]) => !MOVING.includes(field))),
    })),
  ]);
  const marks = (entries: Readonly<Record<string, string>>): object =>
    Object.fromEntries(Object.entries(entries).filter(([key]) => key.includes('k3s-daas.io/')));
  return {
    ...Object.fromEntries(state),
    nodes: nodes.parse(nodeList).items.map(({ metadata }) => ({
      name: metadata.name,
      uid: metadata.uid,
      labels: marks(metadata.labels),
      annotations: marks(metadata.annotations),
      owners: metadata.ownerReferences,
    })),
  };
}
