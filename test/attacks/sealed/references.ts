/** Family 3: every way by which a container may come to a Secret, sealed and plain. */
import { gzipSync } from 'node:zlib';

import { rows, type Family } from './cases.ts';
import {
  ACCOUNT,
  APP,
  fromSecret,
  IMAGE,
  LOOSE,
  mainContainer,
  plainPod,
  sealedPod,
  tenant,
  type SealedWorld,
} from './world.ts';

type Row = readonly [string, string, () => Promise<string>];

export const references: Family = {
  name: 'every way to a Secret',
  async prepare(world) {
    await machineSecrets(world);
    const create =
      (spec: object, namespace = APP, metadata: object = {}) =>
      () =>
        world.create(
          tenant,
          `/api/v1/namespaces/${namespace}/pods`,
          plainPod(world.name('ref'), { metadata, spec: { serviceAccountName: ACCOUNT, ...spec } }),
        );
    const volumes = (source: object): object => ({ volumes: [{ name: 'v', ...source }] });
    return {
      controls: [
        { name: 'a variable', act: create({ containers: [mainContainer({ env: [fromSecret()] })] }) },
        { name: 'a volume', act: create(volumes({ secret: { secretName: 'db' } })) },
        {
          name: 'a projected volume of Secrets',
          act: create(volumes({ projected: { sources: [{ secret: { name: 'db' } }] } })),
        },
        {
          name: 'all variables, in a sidecar',
          act: create({
            initContainers: [
              {
                name: 'side',
                image: IMAGE,
                restartPolicy: 'Always',
                envFrom: [{ secretRef: { name: 'db' } }],
              },
            ],
          }),
        },
        {
          name: 'a missing Secret that is optional, beside a sealed one',
          act: create({
            containers: [
              mainContainer({
                env: [fromSecret()],
                envFrom: [{ secretRef: { name: 'ghost', optional: true } }],
              }),
            ],
          }),
        },
        { name: 'nothing, where only references count', act: create({}, LOOSE) },
      ],
      attacks: [
        ...rows('plain Secret', plainReferences(create)),
        ...rows('wrong Secret', wrongReferences(world, create)),
        ...rows('credential', credentials(create, volumes)),
      ],
    };
  },
};

/** Secrets that machines keep: let in, and never handed to pods. */
async function machineSecrets(world: SealedWorld): Promise<void> {
  const post = (body: object): Promise<unknown> =>
    world.must(`/api/v1/namespaces/${APP}/secrets`, { method: 'POST', body });
  await post({
    metadata: { name: 'sh.helm.release.v1.web.v1' },
    type: 'helm.sh/release.v1',
    // As Helm writes it.
    stringData: { release: gzipSync('{}').toString('base64') },
  });
  await post({
    metadata: { name: 'token', annotations: { 'kubernetes.io/service-account.name': ACCOUNT } },
    type: 'kubernetes.io/service-account-token',
  });
}

type Create = (spec: object, namespace?: string, metadata?: object) => () => Promise<string>;

function plainReferences(create: Create): Row[] {
  const env = [fromSecret('old')];
  const envFrom = [{ secretRef: { name: 'old' } }];
  const init = (more: object): object => ({ initContainers: [{ name: 'init', image: IMAGE, ...more }] });
  const ways: readonly (readonly [string, object])[] = [
    ['a variable', { containers: [mainContainer({ env })] }],
    ['all variables', { containers: [mainContainer({ envFrom })] }],
    [
      'all variables with a prefix',
      { containers: [mainContainer({ envFrom: [{ ...envFrom[0], prefix: 'X_' }] })] },
    ],
    ['a variable of an initContainer', init({ env })],
    ['all variables of an initContainer', init({ envFrom })],
    ['all variables of a sidecar', init({ envFrom, restartPolicy: 'Always' })],
    ['a volume', { volumes: [{ name: 'v', secret: { secretName: 'old' } }] }],
    [
      'a volume of one key',
      { volumes: [{ name: 'v', secret: { secretName: 'old', items: [{ key: 'password', path: 'p' }] } }] },
    ],
    [
      'a projected volume',
      { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 'old' } }] } }] },
    ],
    [
      'a variable that is optional',
      {
        containers: [
          mainContainer({
            env: [
              { name: 'X', valueFrom: { secretKeyRef: { name: 'old', key: 'password', optional: true } } },
            ],
          }),
        ],
      },
    ],
    [
      'a variable beside sealed ones',
      { containers: [mainContainer({ env: [fromSecret(), { ...fromSecret('old'), name: 'OLD' }] })] },
    ],
    [
      'a volume that no container mounts, beside sealed ones',
      {
        containers: [mainContainer({ env: [fromSecret()] })],
        volumes: [{ name: 'v', secret: { secretName: 'old' } }],
      },
    ],
  ];
  return [
    ...ways.map(([name, spec]): Row => [name, 'SECRET_NOT_SEALED', create(spec)]),
    [
      'a variable, where only references count',
      'SECRET_NOT_SEALED',
      create({ containers: [mainContainer({ env })] }, LOOSE),
    ],
  ];
}

function wrongReferences(world: SealedWorld, create: Create): Row[] {
  const env = (name: string, key?: string): object => ({
    containers: [mainContainer({ env: [fromSecret(name, key)] })],
  });
  const items = (path: string): object => ({
    volumes: [{ name: 'v', secret: { secretName: 'db', items: [{ key: 'password', path }] } }],
  });
  const account = (serviceAccountName: string) => () =>
    world.create(
      tenant,
      `/api/v1/namespaces/${APP}/pods`,
      sealedPod(world.name('ref'), { spec: { serviceAccountName } }),
    );
  const refresh = (seconds: string): (() => Promise<string>) =>
    create(env('db'), APP, { annotations: { 'seal.k3s-daas.io/refresh-seconds': seconds } });
  return [
    ['one that is not there', 'SECRET_NOT_FOUND', create(env('ghost'))],
    ['a key that is not there', 'SECRET_KEY_NOT_FOUND', create(env('db', 'ghost'))],
    ["the owner's signature", 'SECRET_KEY_NOT_FOUND', create(env('db', 'daas.signature'))],
    ["a service account's token", 'SECRET_TYPE_WRONG', create(env('token', 'token'))],
    ['a record of Helm', 'SECRET_TYPE_WRONG', create(env('sh.helm.release.v1.web.v1', 'release'))],
    ['for another service account', 'SEALED_SERVICE_ACCOUNT_WRONG', account('default')],
    ['for the default service account, unsaid', 'SEALED_SERVICE_ACCOUNT_WRONG', account('')],
    ['files above the volume', 'SECRET_PATH_WRONG', create(items('../../etc/passwd'))],
    ['files at an absolute path', 'SECRET_PATH_WRONG', create(items('/etc/passwd'))],
    ["files at the writer's own link", 'SECRET_PATH_WRONG', create(items('..data'))],
    ['refreshed all the time', 'REFRESH_MALFORMED', refresh('0')],
    ['refreshed as a list', 'REFRESH_MALFORMED', refresh('60,5')],
  ];
}

function credentials(create: Create, volumes: (source: object) => object): Row[] {
  const reference = { name: 'old' };
  const drivers: readonly (readonly [string, object])[] = [
    ['csi', { driver: 'x.example', nodePublishSecretRef: reference }],
    ['flexVolume', { driver: 'x/y', secretRef: reference }],
    ['cephfs', { monitors: ['m'], secretRef: reference }],
    [
      'iscsi',
      {
        targetPortal: '1.2.3.4',
        iqn: 'iqn.2016-04.x:y',
        lun: 0,
        chapAuthSession: true,
        secretRef: reference,
      },
    ],
    ['rbd', { monitors: ['m'], image: 'i', secretRef: reference }],
    ['scaleIO', { gateway: 'g', system: 's', volumeName: 'v', secretRef: reference }],
    ['storageos', { volumeName: 'v', secretRef: reference }],
    ['cinder', { volumeID: 'v', secretRef: reference }],
    ['azureFile', { shareName: 's', secretName: 'old' }],
  ];
  const mixed = [
    { secret: { name: 'db' } },
    { downwardAPI: { items: [{ path: 'n', fieldRef: { fieldPath: 'metadata.name' } }] } },
  ];
  return [
    ['imagePullSecrets', 'IMAGE_PULL_SECRETS_REFUSED', create({ imagePullSecrets: [reference] })],
    [
      'imagePullSecrets, where only references count',
      'IMAGE_PULL_SECRETS_REFUSED',
      create({ imagePullSecrets: [reference] }, LOOSE),
    ],
    [
      'imagePullSecrets of a sealed Secret',
      'IMAGE_PULL_SECRETS_REFUSED',
      create({ imagePullSecrets: [{ name: 'db' }] }),
    ],
    [
      'imagePullSecrets of the service account',
      'IMAGE_PULL_SECRETS_REFUSED',
      create({ serviceAccountName: 'puller' }),
    ],
    ...drivers.map(([type, source]): Row => [
      `a volume of type ${type}`,
      'SECRET_REFERENCE_REFUSED',
      create(volumes({ [type]: source }), LOOSE),
    ]),
    [
      'a volume of type csi, where secrets are required',
      'SECRET_REFERENCE_REFUSED',
      create(volumes({ csi: drivers[0]?.[1] })),
    ],
    [
      'a projected volume that mixes',
      'PROJECTED_VOLUME_MIXED',
      create(volumes({ projected: { sources: mixed } })),
    ],
  ];
}
