/** Family 2: ways out of the gate by labels and by the choice of a namespace. */
import { SECRETS_MODE_LABEL } from '@k3s-daas/core';
import { z } from 'zod';

import { rows, type Family } from './cases.ts';
import { admin, APP, LOOSE, PATCHES, plainPod, sealedPod, tenant, type SealedWorld } from './world.ts';

const NAMESPACES = '/api/v1/namespaces';
const NAMESPACE = `${NAMESPACES}/${APP}`;

export const namespaces: Family = {
  name: 'ways out by labels and namespaces',
  prepare: (world) => {
    const plain =
      (namespace: string, by = tenant, metadata: object = {}) =>
      () =>
        world.create(by, `${NAMESPACES}/${namespace}/pods`, plainPod(world.name('out'), { metadata }));
    const labelled = (label: string, value: string) => plain(APP, tenant, { labels: { [label]: value } });
    const settled = mode('references');
    return Promise.resolve({
      controls: [
        { name: 'a plain pod where only references count', act: plain(LOOSE) },
        {
          name: "any other label of one's namespace",
          act: () =>
            world.patch(tenant, `${NAMESPACE}?dryRun=All`, PATCHES.merge, {
              metadata: { labels: { team: 'b' } },
            }),
        },
        {
          name: 'an administrator sets the mode',
          act: () => world.patch(admin, `${NAMESPACE}?dryRun=All`, PATCHES.merge, settled),
        },
      ],
      attacks: [
        ...rows('way out', [
          ['the label of the mode, on a pod', 'POD_MARKS_FORGED', labelled(SECRETS_MODE_LABEL, 'references')],
          ['the label of a mesh', 'SECRETS_REQUIRED', labelled('sidecar.istio.io/inject', 'false')],
          [
            'the label of an exempt namespace',
            'SECRETS_REQUIRED',
            labelled('kubernetes.io/metadata.name', 'kube-system'),
          ],
          ['the namespace default', 'SECRETS_REQUIRED', plain('default', admin)],
          ['kube-system', 'RBAC: create pods', plain('kube-system')],
          ['kube-public', 'RBAC: create pods', plain('kube-public')],
          [
            'a Secret of kube-system',
            'RBAC: list secrets',
            () => world.attempt(tenant, `${NAMESPACES}/kube-system/secrets`, { method: 'GET' }),
          ],
          [
            'a dry run',
            'SECRETS_REQUIRED',
            () => world.create(tenant, `${NAMESPACE}/pods?dryRun=All`, plainPod('dry')),
          ],
          [
            'a generated name',
            'SECRETS_REQUIRED',
            () => {
              const body = plainPod('', { metadata: { name: undefined, generateName: 'out-' } });
              return world.create(tenant, `${NAMESPACE}/pods`, body);
            },
          ],
          [
            'server-side apply',
            'SECRETS_REQUIRED',
            () => world.patch(tenant, `${NAMESPACE}/pods/applied`, PATCHES.apply, plainPod('applied')),
          ],
          ['the namespace is renamed by its label', 'kept', renamed(world)],
        ]),
        ...rows('mode', relabellings(world)),
      ],
    });
  },
  async mend(world) {
    await world.patch(admin, NAMESPACE, PATCHES.merge, mode(null));
    await world.patch(admin, `${NAMESPACES}/${LOOSE}`, PATCHES.merge, mode('references'));
  },
};

const mode = (value: string | null): object => ({ metadata: { labels: { [SECRETS_MODE_LABEL]: value } } });
const labels = z.looseObject({ metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }) });

/** The API server keeps the label that selectors go by equal to the name; a pod that comes then is judged as before. */
function renamed(world: SealedWorld): () => Promise<string> {
  return async () => {
    const change = { metadata: { labels: { 'kubernetes.io/metadata.name': 'kube-system' } } };
    await world.patch(tenant, NAMESPACE, PATCHES.merge, change);
    const { metadata } = labels.parse(await world.get(NAMESPACE));
    const pod = await world.create(tenant, `${NAMESPACE}/pods`, plainPod(world.name('out')));
    return metadata.labels['kubernetes.io/metadata.name'] === APP && pod === 'SECRETS_REQUIRED'
      ? 'kept'
      : pod;
  };
}

function relabellings(world: SealedWorld): (readonly [string, string, () => Promise<string>])[] {
  const pointer = `/metadata/labels/${SECRETS_MODE_LABEL.replace('/', '~1')}`;
  const set = [{ op: 'add', path: pointer, value: 'references' }];
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: APP, ...labelsOf('references') } };
  const put = (sub: string) => async () => {
    const now = labels.parse(await world.get(NAMESPACE));
    const body = {
      ...now,
      metadata: { ...now.metadata, labels: { ...now.metadata.labels, [SECRETS_MODE_LABEL]: 'references' } },
    };
    return world.attempt(tenant, `${NAMESPACE}${sub}`, { method: 'PUT', body });
  };
  const ways: (readonly [string, () => Promise<string>])[] = ['', '/status'].flatMap((sub) => {
    const path = `${NAMESPACE}${sub}`;
    return [
      [`merge patch${sub}`, () => world.patch(tenant, path, PATCHES.merge, mode('references'))] as const,
      [
        `strategic patch${sub}`,
        () => world.patch(tenant, path, PATCHES.strategic, mode('references')),
      ] as const,
      [`JSON patch${sub}`, () => world.patch(tenant, path, PATCHES.json, set)] as const,
      [`apply${sub}`, () => world.patch(tenant, path, PATCHES.apply, object)] as const,
      [`PUT${sub}`, put(sub)] as const,
    ];
  });
  ways.push(['PUT/finalize', put('/finalize')]);
  return [
    ...ways.map(
      ([name, act]) =>
        [`a tenant loosens its namespace by ${name}`, 'NAMESPACE_MODE_FORBIDDEN', act] as const,
    ),
    [
      'a tenant takes the label away',
      'NAMESPACE_MODE_FORBIDDEN',
      () => world.patch(tenant, `${NAMESPACES}/${LOOSE}`, PATCHES.merge, mode(null)),
    ],
    [
      'a tenant makes a loose namespace',
      'NAMESPACE_MODE_FORBIDDEN',
      () => world.create(tenant, NAMESPACES, { metadata: { name: 'mine', ...labelsOf('references') } }),
    ],
    [
      'an administrator switches it off',
      'NAMESPACE_MODE_WRONG',
      () => world.patch(admin, NAMESPACE, PATCHES.merge, mode('off')),
    ],
    [
      'a plain pod after all of this',
      'SECRETS_REQUIRED',
      () => world.create(tenant, `${NAMESPACE}/pods`, plainPod(world.name('out'))),
    ],
    [
      'a sealed pod for a namespace that is not there',
      '404 NotFound',
      () => world.create(admin, `${NAMESPACES}/ghost/pods`, sealedPod('ghost')),
    ],
  ];
}

const labelsOf = (value: string): object => ({ labels: { [SECRETS_MODE_LABEL]: value } });
