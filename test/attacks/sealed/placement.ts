/** Families 5, 6, 12 and 14: past the scheduler and the enclave, with pods that have secrets. */
import { RECEIPT_ANNOTATION } from '@k3s-daas/core';
import { z } from 'zod';

import { healthy, session, stake, STAKE_2, strangerKey } from '../../../admission-webhook/test/world.ts';
import { rows, type Family } from './cases.ts';
import {
  admin,
  APP,
  binding,
  enclave,
  kubelet,
  LOOSE,
  PATCHES,
  plainPod,
  sealedPod,
  STALE_MS,
  tenant,
  until,
  type Person,
  type Pod,
  type PodParts,
  type SealedWorld,
} from './world.ts';

type Row = readonly [string, string, () => Promise<string>];
const PODS = `/api/v1/namespaces/${APP}/pods`;

export const placement: Family = {
  name: 'past the scheduler and the enclave',
  async prepare(world) {
    const [victim, placed] = [
      await world.createPod(sealedPod('victim')),
      await world.bind(await world.createPod(sealedPod('elsewhere'))),
    ];
    const create =
      (parts: PodParts, by: Person = tenant) =>
      () =>
        world.create(by, PODS, sealedPod(world.name('placed'), parts));
    const mirror = (namespace: string, nodeName: string, by: Person) => async () => {
      const { metadata } = uidOf.parse(await world.get(`/api/v1/nodes/${nodeName}`));
      const owner = { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: metadata.uid, controller: true };
      const annotations = { 'kubernetes.io/config.mirror': 'x' };
      const parts = { metadata: { annotations, ownerReferences: [owner] }, spec: { nodeName } };
      return world.create(by, `/api/v1/namespaces/${namespace}/pods`, plainPod(world.name('mirror'), parts));
    };
    return {
      controls: [
        {
          name: 'the binding of the enclave, with its receipt',
          act: () =>
            bindAs(world, enclave, victim, 'n1', world.receipt(targetOf(victim), 'n1'), '?dryRun=All'),
        },
      ],
      attacks: [
        ...rows('placement', [
          ['a preset node', 'POD_NODE_PRESET', create({ spec: { nodeName: 'n1' } })],
          [
            'a preset node, by an administrator',
            'POD_NODE_PRESET',
            create({ spec: { nodeName: 'n1' } }, admin),
          ],
          ['a scheduler of its own', 'POD_SCHEDULER_WRONG', create({ spec: { schedulerName: 'mine' } })],
          [
            'a receipt that it brings',
            'POD_MARKS_FORGED',
            create({
              metadata: { annotations: { [RECEIPT_ANNOTATION]: world.receipt(targetOf(placed), 'n1') } },
            }),
          ],
          [
            'tolerates everything',
            'POD_TOLERATES_EVERYTHING',
            create({ spec: { tolerations: [{ operator: 'Exists' }] } }),
          ],
          [
            'tolerates a node without stake',
            'POD_TOLERATES_UNSTAKED',
            create({ spec: { tolerations: [{ key: 'k3s-daas.io/unstaked', operator: 'Exists' }] } }),
          ],
        ]),
        ...rows('mirror', [
          ['by a tenant', 'POD_MIRROR', mirror(APP, 'n1', tenant)],
          ['by a tenant, where only references count', 'POD_MIRROR', mirror(LOOSE, 'n1', tenant)],
          ['by the node', 'POD_MIRROR', mirror(APP, 'n1', kubelet('n1'))],
          ['by another node', 'NodeRestriction', mirror(APP, 'n1', kubelet('n2'))],
          ['by an administrator', 'POD_MIRROR', mirror(APP, 'n1', admin)],
          [
            'a pod of the node that is none',
            'NodeRestriction',
            () =>
              world.create(kubelet('n1'), PODS, plainPod(world.name('mirror'), { spec: { nodeName: 'n1' } })),
          ],
        ]),
        ...rows('binding', bindings(world, victim, placed)),
        ...rows('node', nodes(world)),
      ],
    };
  },
  async mend(world) {
    const body = { metadata: { annotations: { [STAKE_STATE]: null }, ownerReferences: null } };
    const verdict = await world.patch(controller, '/api/v1/nodes/n1', PATCHES.merge, body);
    // A node that got an owner which is none is soon deleted: by the garbage collector.
    if (verdict === '404 NotFound') await world.createNode('n1');
  },
};

const STAKE_STATE = 'k3s-daas.io/stake-state';
const controller: Person = { user: 'k3s-daas:controller' };

const uidOf = z.object({ metadata: z.object({ uid: z.string() }) });

const targetOf = ({
  metadata: { name, namespace, uid },
}: Pod): { name: string; namespace: string; uid: string } => ({
  name,
  namespace,
  uid,
});

const bindAs = (
  world: SealedWorld,
  by: Person,
  pod: Pod,
  node: string,
  receipt?: string,
  query = '',
): Promise<string> =>
  world.attempt(by, `${PODS}/${pod.metadata.name}/binding${query}`, {
    method: 'POST',
    body: binding(targetOf(pod), node, receipt),
  });

/** The chain is another one for the time of one attack. */
async function during<T>(
  world: SealedWorld,
  state: typeof healthy,
  act: () => Promise<T>,
  ageMs = 0,
): Promise<T> {
  world.setChain(state, ageMs);
  try {
    return await act();
  } finally {
    world.setChain();
  }
}

function bindings(world: SealedWorld, victim: Pod, placed: Pod): Row[] {
  const target = targetOf(victim);
  const good = (): string => world.receipt(target, 'n1');
  const bind =
    (receipt: () => string | undefined, by = enclave, node = 'n1') =>
    () =>
      bindAs(world, by, victim, node, receipt());
  const changed = (change: Parameters<SealedWorld['receipt']>[2]) =>
    bind(() => world.receipt(target, 'n1', change));
  const state = (change: Partial<typeof healthy>) => () =>
    during(world, { ...healthy, ...change }, bind(good));
  const other = `0x${'77'.repeat(32)}`;
  return [
    ['by a tenant', 'BINDING_NOT_BY_ENCLAVE', bind(good, tenant)],
    ['by an administrator', 'BINDING_NOT_BY_ENCLAVE', bind(good, admin)],
    [
      'by the legacy resource',
      'BINDING_LEGACY',
      () => world.create(admin, `/api/v1/namespaces/${APP}/bindings`, binding(target, 'n1', good())),
    ],
    ['without a receipt', 'BINDING_ANNOTATIONS_WRONG', bind(() => undefined)],
    [
      'with the receipt of another pod',
      'RECEIPT_POD_WRONG',
      bind(() => world.receipt(targetOf(placed), 'n1')),
    ],
    ['to another node', 'RECEIPT_NODE_WRONG', bind(good, enclave, 'n2')],
    ['with a receipt of another cluster', 'RECEIPT_CLUSTER_WRONG', changed({ cluster: other })],
    ['with a receipt of another session', 'RECEIPT_SESSION_WRONG', changed({ session: other })],
    ['with a receipt of an earlier term', 'RECEIPT_TERM_WRONG', changed({ term: 2n })],
    [
      'with a receipt that has expired',
      'RECEIPT_EXPIRED',
      bind(() => world.receipt(target, 'n1', {}, { ageMs: 60_000 })),
    ],
    [
      'with a receipt that lives long',
      'RECEIPT_LIFETIME_WRONG',
      changed({ notAfterMs: BigInt(Date.now() + 3_600_000) }),
    ],
    [
      "with a stranger's receipt",
      'RECEIPT_SIGNATURE_WRONG',
      bind(() => world.receipt(target, 'n1', {}, { key: strangerKey })),
    ],
    ["with another node's stake", 'RECEIPT_STAKE_WRONG', changed({ stake: STAKE_2 })],
    ['of a revoked session', 'ENCLAVE_REVOKED', state({ sessions: [{ ...session, revoked: true }] })],
    ['to a node whose stake is gone', 'STAKE_MISSING', state({ stakes: [stake(STAKE_2)] })],
    ['to a node without a claim', 'NODE_NOT_CLAIMED', state({ claims: [] })],
    [
      'while the chain is silent',
      'SNAPSHOT_STALE',
      () => during(world, healthy, bind(good), STALE_MS + 5_000),
    ],
  ];
}

function nodes(world: SealedWorld): Row[] {
  const patch =
    (by: Person, node: string, body: object, sub = '') =>
    () =>
      world.patch(by, `/api/v1/nodes/${node}${sub}`, PATCHES.merge, body);
  const annotation = { metadata: { annotations: { [STAKE_STATE]: 'ELIGIBLE' } } };
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n2', uid: '0f8fad5b-d9cb-469f-a165-70867728950e' };
  return [
    ['writes its own stake', 'NODE_MARKS_CHANGED', patch(kubelet('n1'), 'n1', annotation)],
    [
      'writes its own stake by its status',
      'NODE_MARKS_CHANGED',
      patch(kubelet('n1'), 'n1', annotation, '/status'),
    ],
    [
      'takes an owner, to be deleted and come back',
      'NODE_OWNED',
      patch(controller, 'n1', { metadata: { ownerReferences: [owner] } }),
    ],
    ['writes another node', 'NodeRestriction', patch(kubelet('n1'), 'n2', annotation)],
    [
      'registers another node',
      'NodeRestriction',
      () =>
        world.create(kubelet('n1'), '/api/v1/nodes', {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name: 'n3' },
        }),
    ],
    [
      'registers without a claim',
      'NODE_NOT_CLAIMED',
      () =>
        world.create(kubelet('n3'), '/api/v1/nodes', {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name: 'n3' },
        }),
    ],
  ];
}

/** Family 11 and 14: what is not known is not allowed. */
export const lookups: Family = {
  name: 'what cannot be looked up',
  async prepare(world) {
    const victim = await world.bind(await world.createPod(sealedPod('unknown')));
    const binding = '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/k3s-daas:webhook';
    const pods = '/apis/rbac.authorization.k8s.io/v1/clusterroles/k3s-daas:webhook';
    await world.must(binding, { method: 'DELETE' });
    await until('the rights of the webhook to be gone', async () => {
      const verdict = await world.attempt(
        tenant,
        `${PODS}/${victim.metadata.name}/exec?command=id&stdout=true`,
        { method: 'POST' },
      );
      return verdict === 'LOOKUP_FAILED' ? true : undefined;
    });
    const env = (secretKeyRef: object): object => ({
      containers: [{ name: 'main', image: 'i', env: [{ name: 'X', valueFrom: { secretKeyRef } }] }],
    });
    const create = (spec: object) => () =>
      world.create(tenant, PODS, sealedPod(world.name('unknown'), { spec }));
    const bound = { kind: 'Pod', apiVersion: 'v1', name: victim.metadata.name, uid: victim.metadata.uid };
    const template = {
      metadata: { labels: { a: 'b' } },
      spec: { serviceAccountName: 'api', ...env({ name: 'ghost', key: 'x' }) },
    };
    return {
      controls: [
        {
          name: 'the role itself is still there',
          act: async () =>
            (await world.attempt(admin, pods, { method: 'GET' })) === 'accepted' ? 'accepted' : 'gone',
        },
      ],
      attacks: rows('unknown', [
        [
          'exec',
          'LOOKUP_FAILED',
          () =>
            world.attempt(tenant, `${PODS}/${victim.metadata.name}/exec?command=id&stdout=true`, {
              method: 'POST',
            }),
        ],
        [
          'a token of the node',
          'LOOKUP_FAILED',
          () =>
            world.create(kubelet('n1'), `/api/v1/namespaces/${APP}/serviceaccounts/api/token`, {
              apiVersion: 'authentication.k8s.io/v1',
              kind: 'TokenRequest',
              spec: { audiences: ['k3s-daas.io/broker'], boundObjectRef: bound },
            }),
        ],
        ['a Secret that may be there', 'LOOKUP_FAILED', create(env({ name: 'ghost', key: 'x' }))],
        [
          'an optional Secret that may be plain',
          'LOOKUP_FAILED',
          create(env({ name: 'old', key: 'password', optional: true })),
        ],
        [
          'a template with a Secret that may be plain',
          'LOOKUP_FAILED',
          () =>
            world.create(tenant, `/apis/apps/v1/namespaces/${APP}/deployments`, {
              metadata: { name: world.name('unknown') },
              spec: { selector: { matchLabels: { a: 'b' } }, template },
            }),
        ],
      ]),
    };
  },
  async restore(world) {
    await world.register();
    await until('the rights of the webhook to be back', async () => {
      const verdict = await world.create(
        tenant,
        `${PODS}?dryRun=All`,
        sealedPod('back', {
          spec: {
            containers: [
              {
                name: 'main',
                image: 'i',
                env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 'ghost', key: 'x' } } }],
              },
            ],
          },
        }),
      );
      return verdict === 'SECRET_NOT_FOUND' ? true : undefined;
    });
  },
};
