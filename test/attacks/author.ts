/** Who may create workloads in a namespace: user alice with the ClusterRole `admin` there. */
import { RECEIPT_ANNOTATION, SCHEDULER_NAME } from '@k3s-daas/core';
import { z } from 'zod';

import type { Attempts } from './attempts.ts';
import type { Call } from './http.ts';
import {
  admin,
  alice,
  APP,
  NOWHERE,
  podBody,
  receiptOf,
  until,
  type Person,
  type PodParts,
  type World,
} from './world.ts';

const PODS = `/api/v1/namespaces/${APP}/pods`;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
export const PATCHES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** A pod that brings with it what only the binding may write, or that would get by the scheduler. */
export async function authorCreates({ attack, control }: Attempts, world: World): Promise<void> {
  // A name for each: if one of them passed, the next would be refused for its name only.
  let count = 0;
  const create = (more: PodParts) => () =>
    world.attempt(alice, PODS, { method: 'POST', body: podBody(`mine-${(count += 1)}`, more) });
  const tolerate = (toleration: object) => create({ spec: { tolerations: [toleration] } });
  const cases: readonly (readonly [string, string, () => Promise<string>])[] = [
    ['a preset node', 'POD_NODE_PRESET', create({ spec: { nodeName: 'a' } })],
    ['a preset node that does not exist', 'POD_NODE_PRESET', create({ spec: { nodeName: 'ghost' } })],
    [
      'a receipt',
      'POD_MARKS_FORGED',
      create({ metadata: { annotations: { [RECEIPT_ANNOTATION]: 'AAAA' } } }),
    ],
    [
      'an empty receipt',
      'POD_MARKS_FORGED',
      create({ metadata: { annotations: { [RECEIPT_ANNOTATION]: '' } } }),
    ],
    ['a label of ours', 'POD_MARKS_FORGED', create({ metadata: { labels: { 'k3s-daas.io/x': 'y' } } })],
    ['tolerates everything', 'POD_TOLERATES_EVERYTHING', tolerate({ operator: 'Exists' })],
    [
      'tolerates every eviction',
      'POD_TOLERATES_EVERYTHING',
      tolerate({ operator: 'Exists', effect: 'NoExecute' }),
    ],
    [
      'tolerates unstaked',
      'POD_TOLERATES_UNSTAKED',
      tolerate({ key: 'k3s-daas.io/unstaked', operator: 'Exists' }),
    ],
    [
      'tolerates unstaked for an hour',
      'POD_TOLERATES_UNSTAKED',
      tolerate({
        key: 'k3s-daas.io/unstaked',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 3_600,
      }),
    ],
    ['a scheduler of its own', 'POD_SCHEDULER_WRONG', create({ spec: { schedulerName: 'alice' } })],
    [
      'a mirror pod',
      'POD_MIRROR',
      create({
        metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } },
        spec: { nodeName: 'a' },
      }),
    ],
  ];
  for (const [name, code, act] of cases) await attack(`author: creates ${name}`, code, act);
  const applied = {
    method: 'PATCH',
    type: PATCHES.apply,
    body: podBody('mine', { spec: { nodeName: 'a' } }),
  } as const;
  await attack('author: creates a preset node by server-side apply', 'POD_NODE_PRESET', () =>
    world.attempt(alice, `${PODS}/mine?fieldManager=alice`, applied),
  );
  await attack('author: creates a preset node, dry run', 'POD_NODE_PRESET', () =>
    world.attempt(alice, `${PODS}?dryRun=All`, {
      method: 'POST',
      body: podBody('mine', { spec: { nodeName: 'a' } }),
    }),
  );
  await attack('author: preset node in namespace default, by the administrator', 'POD_NODE_PRESET', () =>
    world.attempt(admin, '/api/v1/namespaces/default/pods', {
      method: 'POST',
      body: podBody('mine', { spec: { nodeName: 'a' } }),
    }),
  );
  await control('the same pod without any of these', () =>
    world.attempt(alice, `${PODS}?dryRun=All`, { method: 'POST', body: podBody('mine') }),
  );
  for (const schedulerName of ['', 'default-scheduler']) {
    await control(`scheduler "${schedulerName}", which becomes ours`, async () => {
      const body = podBody('mine', { spec: { schedulerName } });
      const made = await world.must(`${PODS}?dryRun=All`, { method: 'POST', body });
      const { spec } = z.object({ spec: z.object({ schedulerName: z.string() }) }).parse(made);
      return spec.schedulerName === SCHEDULER_NAME ? 'accepted' : spec.schedulerName;
    });
  }
  await templates({ attack, control }, world);
}

const workloadStatus = z.object({
  status: z.object({ conditions: z.array(z.object({ type: z.string(), message: z.string() })).default([]) }),
});
const eventList = z.object({ items: z.array(z.object({ message: z.string().default('') })) });

/** Templates are not reviewed; the pods that controllers make of them are. */
async function templates({ attack }: Attempts, world: World): Promise<void> {
  const apps = `/apis/apps/v1/namespaces/${APP}`;
  const template = (name: string, spec: object) => ({
    metadata: { labels: { app: name } },
    spec: {
      schedulerName: SCHEDULER_NAME,
      containers: [{ name: 'main', image: 'registry.example/app:1' }],
      ...spec,
    },
  });
  const workload = (name: string, spec: object): object => ({
    metadata: { name },
    spec: { selector: { matchLabels: { app: name } }, template: template(name, spec) },
  });
  const codeIn = (text: string): string | undefined => /denied the request: ([A-Z_]+): /.exec(text)?.[1];
  await attack('author: a ReplicaSet with a scheduler of its own', 'POD_SCHEDULER_WRONG', async () => {
    const made = await world.attempt(alice, `${apps}/replicasets`, {
      method: 'POST',
      body: workload('stray', { schedulerName: 'alice' }),
    });
    if (made !== 'accepted') return made;
    const code = await until('the ReplicaSet to fail', async () => {
      const { status } = workloadStatus.parse(await world.get(`${apps}/replicasets/stray`));
      return codeIn(status.conditions.find(({ type }) => type === 'ReplicaFailure')?.message ?? '');
    });
    await world.must(`${apps}/replicasets/stray`, { method: 'DELETE' });
    return code;
  });
  await attack('author: a DaemonSet that presets its node', 'POD_NODE_PRESET', async () => {
    const made = await world.attempt(alice, `${apps}/daemonsets`, {
      method: 'POST',
      body: workload('everywhere', { nodeName: 'a' }),
    });
    if (made !== 'accepted') return made;
    const code = await until('the DaemonSet to fail', async () => {
      const path = `/api/v1/namespaces/${APP}/events?fieldSelector=involvedObject.name=everywhere`;
      return eventList
        .parse(await world.get(path))
        .items.map(({ message }) => codeIn(message))
        .find((found) => found !== undefined);
    });
    await world.must(`${apps}/daemonsets/everywhere`, { method: 'DELETE' });
    return code;
  });
}

/** A pending and a placed pod, changed in each way that the API server has. */
export async function authorChanges({ attack, control }: Attempts, world: World): Promise<void> {
  await world.createPod('pending', { spec: NOWHERE });
  const placed = await world.placed('placed');
  const pending = await world.pod('pending');
  const stolen = receiptOf(placed);
  const mark = { metadata: { annotations: { [RECEIPT_ANNOTATION]: stolen } } };
  const patch =
    (name: string, type: string, body: unknown, by: Person = alice, sub = '') =>
    () =>
      world.attempt(
        by,
        `${PODS}/${name}${sub}${type === PATCHES.apply ? '?fieldManager=x&force=true' : ''}`,
        {
          method: 'PATCH',
          type,
          body,
        },
      );
  const bare = (name: string, metadata: object) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
  });
  const pointer = '/metadata/annotations/k3s-daas.io~1receipt';

  // The status by the administrator, since no author may write it: what RBAC lets by, admission stops.
  for (const [by, sub] of [
    [alice, ''],
    [admin, '/status'],
  ] as const) {
    const where = `${by.user}, pods${sub}`;
    for (const type of [PATCHES.merge, PATCHES.strategic]) {
      await attack(
        `receipt of another pod by ${type}: ${where}`,
        'POD_MARKS_CHANGED',
        patch('pending', type, mark, by, sub),
      );
      const gone = { metadata: { annotations: { [RECEIPT_ANNOTATION]: null } } };
      await attack(
        `receipt removed by ${type}: ${where}`,
        'POD_MARKS_CHANGED',
        patch('placed', type, gone, by, sub),
      );
    }
    await attack(
      `receipt of another pod by JSON patch: ${where}`,
      'POD_MARKS_CHANGED',
      patch(
        'pending',
        PATCHES.json,
        [{ op: 'add', path: '/metadata/annotations', value: mark.metadata.annotations }],
        by,
        sub,
      ),
    );
    await attack(
      `receipt removed by JSON patch: ${where}`,
      'POD_MARKS_CHANGED',
      patch('placed', PATCHES.json, [{ op: 'remove', path: pointer }], by, sub),
    );
    await attack(
      `receipt of another pod by apply: ${where}`,
      'POD_MARKS_CHANGED',
      patch('pending', PATCHES.apply, bare('pending', mark.metadata), by, sub),
    );
    const body = {
      ...pending,
      metadata: { ...pending.metadata, ...mark.metadata, resourceVersion: undefined },
    };
    await attack(`receipt of another pod by PUT: ${where}`, 'POD_MARKS_CHANGED', () =>
      world.attempt(by, `${PODS}/pending${sub}`, { method: 'PUT', body }),
    );
  }
  await attack(
    'author: writes pods/status',
    'RBAC: patch pods/status',
    patch('pending', PATCHES.merge, mark, alice, '/status'),
  );

  const tolerate = (toleration: object) =>
    patch('pending', PATCHES.json, [{ op: 'add', path: '/spec/tolerations/-', value: toleration }]);
  await attack(
    'author: tolerates everything, later',
    'POD_TOLERATES_EVERYTHING',
    tolerate({ operator: 'Exists' }),
  );
  await attack(
    'author: tolerates unstaked, later',
    'POD_TOLERATES_UNSTAKED',
    tolerate({ key: 'k3s-daas.io/unstaked', operator: 'Exists' }),
  );
  await attack(
    'author: sets the node, later',
    '422 Invalid',
    patch('pending', PATCHES.merge, { spec: { nodeName: 'a' } }),
  );
  await attack(
    'author: sets the scheduler, later',
    '422 Invalid',
    patch('pending', PATCHES.merge, { spec: { schedulerName: 'alice' } }),
  );
  await control(
    'a label of its own',
    patch('pending', PATCHES.merge, { metadata: { labels: { own: 'x' } } }),
  );
  await subresources({ attack, control }, world, stolen);
  await world.deletePod('pending');
  await world.deletePod('placed');
}

const marked = z.object({
  metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
});

/** The API server puts metadata back on these before it asks: nothing may come of a mark that rides along. */
async function subresources({ attack }: Attempts, world: World, receipt: string): Promise<void> {
  const metadata = { annotations: { [RECEIPT_ANNOTATION]: receipt } };
  const ride = (path: string, body: object) => async (): Promise<string> => {
    const call: Call = { method: 'PATCH', type: PATCHES.strategic, body: { metadata, ...body } };
    const answer = marked.parse(await world.must(`${PODS}/pending/${path}?dryRun=All`, call));
    return answer.metadata.annotations[RECEIPT_ANNOTATION] === undefined ? 'dropped' : 'accepted';
  };
  const debug = { spec: { ephemeralContainers: [{ name: 'debug', image: 'registry.example/debug:1' }] } };
  await attack('a receipt on an ephemeral container', 'dropped', ride('ephemeralcontainers', debug));
  const smaller = { spec: { containers: [{ name: 'main', resources: { requests: { cpu: '50m' } } }] } };
  await attack('a receipt on a resize', 'dropped', ride('resize', smaller));
}

/** What an author would need instead: rights. */
export async function authorRights({ attack, control }: Attempts, world: World): Promise<void> {
  const pod = await world.createPod('rights', { spec: NOWHERE });
  const post =
    (path: string, body: object, by: Person = alice, headers: Record<string, string> = {}) =>
    () =>
      world.attempt(by, path, { method: 'POST', body, headers });
  const binding = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name: 'rights', namespace: APP, uid: pod.metadata.uid },
    target: { kind: 'Node', name: 'a' },
  };
  await attack('author: binds', 'RBAC: create pods/binding', post(`${PODS}/rights/binding`, binding));
  await attack(
    'author: binds by the legacy resource',
    'RBAC: create bindings',
    post(`/api/v1/namespaces/${APP}/bindings`, binding),
  );
  await attack(
    'author: a pod in kube-system',
    'RBAC: create pods',
    post('/api/v1/namespaces/kube-system/pods', podBody('mine')),
  );
  await attack(
    'author: a namespace',
    'RBAC: create namespaces',
    post('/api/v1/namespaces', { metadata: { name: 'mine' } }),
  );
  await attack('author: relabels the namespace', 'RBAC: patch namespaces', () =>
    world.attempt(alice, `/api/v1/namespaces/${APP}`, {
      method: 'PATCH',
      type: PATCHES.merge,
      body: { metadata: { labels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
    }),
  );
  const webhooks = '/apis/admissionregistration.k8s.io/v1';
  for (const kind of [
    'validatingwebhookconfigurations',
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
  ]) {
    await attack(
      `author: creates ${kind}`,
      `RBAC: create ${kind}`,
      post(`${webhooks}/${kind}`, { metadata: { name: 'mine' } }),
    );
  }
  await attack('author: deletes our webhooks', 'RBAC: delete validatingwebhookconfigurations', () =>
    world.attempt(alice, `${webhooks}/validatingwebhookconfigurations/k3s-daas`, { method: 'DELETE' }),
  );
  const rule = { apiGroups: [''], resources: ['pods/binding'], verbs: ['create'] };
  await attack(
    'author: a Role that may bind',
    'RBAC: escalation',
    post(`${RBAC}/namespaces/${APP}/roles`, { metadata: { name: 'binder' }, rules: [rule] }),
  );
  const granted = (kind: string, name: string) => ({
    metadata: { name: 'escalated' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: alice.user }],
  });
  await attack(
    "author: the enclave's role in its namespace",
    'RBAC: escalation',
    post(`${RBAC}/namespaces/${APP}/rolebindings`, granted('ClusterRole', 'k3s-daas:enclave')),
  );
  await attack(
    'author: cluster-admin',
    'RBAC: create clusterrolebindings',
    post(`${RBAC}/clusterrolebindings`, granted('ClusterRole', 'cluster-admin')),
  );
  for (const user of ['k3s-daas:enclave', 'k3s-daas:controller', 'system:node:a']) {
    await attack(
      `author: as ${user}, impersonated`,
      'RBAC: impersonate',
      post(`${PODS}/rights/binding`, binding, alice, { 'impersonate-user': user }),
    );
  }
  const request = {
    spec: { request: 'AAAA', signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] },
  };
  await attack(
    'author: a certificate',
    'RBAC: create certificatesigningrequests',
    post('/apis/certificates.k8s.io/v1/certificatesigningrequests', {
      metadata: { name: 'mine' },
      ...request,
    }),
  );
  await control('reading its own pods', () => world.attempt(alice, PODS, { method: 'GET' }));
  await attack('anonymous: binds', '401 Unauthorized', () =>
    world.attempt({}, `${PODS}/rights/binding`, { method: 'POST', body: binding }),
  );
  await attack('anonymous: reads pods', '401 Unauthorized', () => world.attempt({}, PODS, { method: 'GET' }));

  // Even the administrator: the label by which a namespace is guarded cannot be changed.
  await world.must(`/api/v1/namespaces/${APP}`, {
    method: 'PATCH',
    type: PATCHES.merge,
    body: { metadata: { labels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
  });
  await attack(
    'a preset node after the administrator relabelled the namespace',
    'POD_NODE_PRESET',
    post(PODS, podBody('mine', { spec: { nodeName: 'a' } }), admin),
  );
  await world.deletePod('rights');
}
