/** Families 4 and 7: a good pod, and what is made of it afterwards. */
import { RECEIPT_ANNOTATION } from '@k3s-daas/core';

import { rows, type Family } from './cases.ts';
import {
  admin,
  APP,
  mainContainer,
  fromSecret,
  PATCHES,
  sealedPod,
  tenant,
  type Person,
  type Pod,
  type SealedWorld,
} from './world.ts';

type Row = readonly [string, string, () => Promise<string>];
const PODS = `/api/v1/namespaces/${APP}/pods`;
const EVIL = `registry.example/evil@sha256:${'ee'.repeat(32)}`;

export const updates: Family = {
  name: 'a pod with secrets, changed afterwards',
  async prepare(world) {
    const { bound, pending } = await twoPods(world);
    const at = (pod: Pod): string => `${PODS}/${pod.metadata.name}`;
    return {
      controls: [
        {
          name: 'a label of its own',
          act: () => world.patch(tenant, at(bound), PATCHES.merge, { metadata: { labels: { own: 'x' } } }),
        },
        {
          name: 'another image while the pod is not placed',
          act: () => world.patch(tenant, `${at(pending)}?dryRun=All`, PATCHES.strategic, image('main', EVIL)),
        },
        {
          name: 'a deadline while the pod is not placed',
          act: () =>
            world.patch(tenant, `${at(pending)}?dryRun=All`, PATCHES.merge, {
              spec: { activeDeadlineSeconds: 9_000 },
            }),
        },
      ],
      attacks: [
        ...rows('image', images(world, bound, pending)),
        ...rows('resize', resizes(world, `${at(bound)}/resize`)),
        ...rows('spec', specs(world, at(bound))),
        ...rows('marks', marks(world, bound, pending)),
      ],
    };
  },
  async mend(world) {
    for (const name of ['bound', 'pending']) await world.must(`${PODS}/${name}`, { method: 'DELETE' });
    await twoPods(world);
  },
};

async function twoPods(world: SealedWorld): Promise<{ bound: Pod; pending: Pod }> {
  const spec = {
    initContainers: [mainContainer({ name: 'init' })],
    containers: [
      mainContainer({ env: [fromSecret()] }),
      { name: 'free', image: EVIL.replace('evil', 'free') },
    ],
  };
  const bound = await world.bind(await world.createPod(sealedPod('bound', { spec })));
  return { bound, pending: await world.createPod(sealedPod('pending')) };
}

const image = (name: string, to: string, list = 'containers'): object => ({
  spec: { [list]: [{ name, image: to }] },
});

function images(world: SealedWorld, bound: Pod, pending: Pod): Row[] {
  const path = `${PODS}/${bound.metadata.name}`;
  const json = (pointer: string): object[] => [{ op: 'replace', path: pointer, value: EVIL }];
  const put = (change: (spec: Pod['spec']) => Pod['spec']) => async () => {
    const now = await world.pod(bound.metadata.name);
    const body = { ...now, spec: change(now.spec) };
    return world.attempt(tenant, path, { method: 'PUT', body });
  };
  const evil = <T extends { name: string }>(list: readonly T[], name: string): T[] =>
    list.map((each) => (each.name === name ? { ...each, image: EVIL } : each));
  const CHANGED = 'POD_IMAGE_CHANGED';
  return [
    ['by strategic patch', CHANGED, () => world.patch(tenant, path, PATCHES.strategic, image('main', EVIL))],
    [
      'by JSON patch',
      CHANGED,
      () => world.patch(tenant, path, PATCHES.json, json('/spec/containers/0/image')),
    ],
    ['by PUT', CHANGED, put((spec) => ({ ...spec, containers: evil(spec.containers, 'main') }))],
    [
      'by apply',
      CHANGED,
      () =>
        world.patch(tenant, path, PATCHES.apply, { apiVersion: 'v1', kind: 'Pod', ...image('main', EVIL) }),
    ],
    ['by an administrator', CHANGED, () => world.patch(admin, path, PATCHES.strategic, image('main', EVIL))],
    [
      'of a container without secrets',
      CHANGED,
      () => world.patch(tenant, path, PATCHES.strategic, image('free', EVIL)),
    ],
    [
      'of an initContainer',
      CHANGED,
      () => world.patch(tenant, path, PATCHES.strategic, image('init', EVIL, 'initContainers')),
    ],
    [
      'of seal-fetch',
      CHANGED,
      () => world.patch(tenant, path, PATCHES.strategic, image('seal-fetch', EVIL, 'initContainers')),
    ],
    [
      'of seal-fetch before the pod is placed',
      CHANGED,
      () =>
        world.patch(
          tenant,
          `${PODS}/${pending.metadata.name}`,
          PATCHES.strategic,
          image('seal-fetch', EVIL, 'initContainers'),
        ),
    ],
    [
      'of seal-fetch by JSON patch, before the pod is placed',
      CHANGED,
      () =>
        world.patch(
          tenant,
          `${PODS}/${pending.metadata.name}`,
          PATCHES.json,
          json('/spec/initContainers/0/image'),
        ),
    ],
    [
      'the plan',
      '422 Invalid',
      () =>
        world.patch(tenant, path, PATCHES.json, [
          { op: 'replace', path: '/spec/initContainers/0/env/0/value', value: '{}' },
        ]),
    ],
    [
      'the command of seal-fetch',
      '422 Invalid',
      () =>
        world.patch(tenant, path, PATCHES.json, [
          { op: 'replace', path: '/spec/initContainers/0/command', value: ['/x'] },
        ]),
    ],
  ].map(([name, expected, act]) => [name, expected, act] as Row);
}

const resized = (name: string, requests: string, limits: string, list = 'containers'): object => ({
  spec: { [list]: [{ name, resources: { requests: { cpu: requests }, limits: { cpu: limits } } }] },
});

function resizes(world: SealedWorld, path: string): Row[] {
  const to =
    (body: unknown, type: string = PATCHES.strategic, by = tenant) =>
    () =>
      world.patch(by, path, type, body);
  const memory = (kind: string, value: string): object => ({
    spec: { containers: [{ name: 'main', resources: { [kind]: { memory: value } } }] },
  });
  return [
    ['a larger request', 'POD_GROWN', to(resized('main', '200m', '200m'))],
    ['a larger limit', 'POD_GROWN', to(resized('main', '100m', '2'))],
    ['a larger limit, in other units', 'POD_GROWN', to(resized('main', '100m', '0.201'))],
    ['more memory', 'POD_GROWN', to(memory('limits', '1Gi'))],
    ['more memory, by a request', 'POD_GROWN', to(memory('requests', '128Mi'))],
    [
      'by JSON patch',
      'POD_GROWN',
      to([{ op: 'replace', path: '/spec/containers/0/resources/limits/cpu', value: '4' }], PATCHES.json),
    ],
    ['by an administrator', 'POD_GROWN', to(resized('main', '100m', '2'), PATCHES.strategic, admin)],
  ];
}

/** What the API server lets be changed of a placed pod: its receipt is then of another spec, and it gets no secrets again. */
function specs(world: SealedWorld, path: string): Row[] {
  const to =
    (
      body: unknown,
      { type = PATCHES.merge, by = tenant, sub = '' }: { type?: string; by?: Person; sub?: string } = {},
    ) =>
    () =>
      world.patch(by, `${path}${sub}`, type, body);
  const less = resized('main', '50m', '100m');
  const CHANGED = 'POD_SPEC_CHANGED';
  const strategic = { type: PATCHES.strategic, sub: '/resize' };
  return [
    ['less of everything', CHANGED, to(less, strategic)],
    ['less of everything, by an administrator', CHANGED, to(less, { ...strategic, by: admin })],
    ['a deadline', CHANGED, to({ spec: { activeDeadlineSeconds: 9_000 } })],
    [
      'a deadline, by an administrator',
      CHANGED,
      to({ spec: { activeDeadlineSeconds: 9_000 } }, { by: admin }),
    ],
    [
      'a harmless toleration more',
      CHANGED,
      to([{ op: 'add', path: '/spec/tolerations/-', value: { key: 'gpu', operator: 'Exists' } }], {
        type: PATCHES.json,
      }),
    ],
    [
      'longer tolerated',
      CHANGED,
      to([{ op: 'replace', path: '/spec/tolerations/0/tolerationSeconds', value: 301 }], {
        type: PATCHES.json,
      }),
    ],
  ];
}

function marks(world: SealedWorld, bound: Pod, pending: Pod): Row[] {
  const annotate = (pod: Pod, value: string | null) => () =>
    world.patch(tenant, `${PODS}/${pod.metadata.name}`, PATCHES.merge, {
      metadata: { annotations: { [RECEIPT_ANNOTATION]: value } },
    });
  const tolerate = (toleration: object) => () =>
    world.patch(tenant, `${PODS}/${pending.metadata.name}`, PATCHES.json, [
      { op: 'add', path: '/spec/tolerations/-', value: toleration },
    ]);
  return [
    ['the receipt is taken away', 'POD_MARKS_CHANGED', annotate(bound, null)],
    ['a receipt before the placement', 'POD_MARKS_CHANGED', annotate(pending, 'AAAA')],
    [
      'the label of sealed Secrets',
      'POD_MARKS_CHANGED',
      () =>
        world.patch(tenant, `${PODS}/${bound.metadata.name}`, PATCHES.merge, {
          metadata: { labels: { 'k3s-daas.io/sealed': 'true' } },
        }),
    ],
    [
      'a mark by way of the status',
      'POD_MARKS_CHANGED',
      () =>
        world.patch(tenant, `${PODS}/${bound.metadata.name}/status`, PATCHES.merge, {
          metadata: { labels: { 'k3s-daas.io/sealed': 'true' } },
        }),
    ],
    ['tolerates everything, later', 'POD_TOLERATES_EVERYTHING', tolerate({ operator: 'Exists' })],
    [
      'tolerates a node without stake, later',
      'POD_TOLERATES_UNSTAKED',
      tolerate({ key: 'k3s-daas.io/unstaked', operator: 'Exists' }),
    ],
    [
      'becomes a mirror pod',
      '422 Invalid',
      () =>
        world.patch(tenant, `${PODS}/${pending.metadata.name}`, PATCHES.merge, {
          metadata: { annotations: { 'kubernetes.io/config.mirror': 'x' } },
        }),
    ],
    [
      'shares its processes, later',
      '422 Invalid',
      () =>
        world.patch(tenant, `${PODS}/${pending.metadata.name}`, PATCHES.merge, {
          spec: { shareProcessNamespace: true },
        }),
    ],
  ];
}
