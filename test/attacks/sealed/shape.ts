/** Family 1 again, and 13: the mutating registration is gone, so that the validation alone meets what was tampered with. */
import { canonicalJson } from '@k3s-daas/core';

import { rows, type Attack, type Family } from './cases.ts';
import {
  ACCOUNT,
  admin,
  APP,
  fromSecret,
  IMAGE,
  LOOSE,
  mainContainer,
  plainPod,
  sealedPod,
  tenant,
  until,
  type SealedWorld,
} from './world.ts';

const PODS = `/api/v1/namespaces/${APP}/pods`;
const MUTATING = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/k3s-daas';

interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string; valueFrom?: object }[];
  volumeMounts?: Record<string, unknown>[];
  [field: string]: unknown;
}
interface Volume {
  name: string;
  [field: string]: unknown;
}
interface Spec {
  initContainers: Container[];
  containers: Container[];
  volumes: Volume[];
  [field: string]: unknown;
}
interface Body {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: Spec;
}
type Plan = Record<string, unknown> & {
  secrets: { name: string; policy: string; version: string; keys: { key: string; sha256: string }[] }[];
  env: { name: string; secret: string; key: string }[];
};
type Change = (body: Body) => void;

const first = <T>(list: readonly T[]): T => {
  const [one] = list;
  if (one === undefined) throw new Error('the pod lacks what should be tampered with');
  return one;
};
const fetcher = ({ spec }: Body): Container => first(spec.initContainers);
const main = ({ spec }: Body): Container => first(spec.containers);
/** A field of seal-fetch set to something else. */
const setFetch =
  (field: string, value: unknown): Change =>
  (body) => {
    fetcher(body)[field] = value;
  };
const mount =
  (name: string, more: object = {}): Change =>
  (body) => {
    const { volumeMounts = [] } = main(body);
    main(body).volumeMounts = [...volumeMounts, { name, mountPath: `/stolen/${name}`, ...more }];
  };
const volume =
  (name: string, source: object): Change =>
  ({ spec }) => {
    spec.volumes = [...spec.volumes.filter((each) => each.name !== name), { name, ...source }];
  };
/** The plan changed, in its one canonical form. */
const plan =
  (change: (plan: Plan) => void): Change =>
  (body) => {
    const variable = first(fetcher(body).env ?? []);
    const content = JSON.parse(variable.value ?? '') as Plan;
    change(content);
    variable.value = canonicalJson(content);
  };
const planField = (field: string, value: unknown): Change => plan((content) => (content[field] = value));
const other = `0x${'77'.repeat(32)}`;

/** A pod with a variable and a volume of Secret `db`, as the webhook would have stored it. */
async function honest(world: SealedWorld): Promise<string> {
  const spec = {
    volumes: [{ name: 'files', secret: { secretName: 'db' } }],
    containers: [
      mainContainer({ env: [fromSecret()], volumeMounts: [{ name: 'files', mountPath: '/etc/db' }] }),
    ],
  };
  const { metadata, spec: stored } = await world.stored(sealedPod('honest', { spec }));
  return JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: metadata.name }, spec: stored });
}

export const shape: Family = {
  name: 'the mutating registration is gone',
  async prepare(world) {
    const text = await honest(world);
    await world.must(MUTATING, { method: 'DELETE' });
    await until('the mutation to stop', async () => {
      const verdict = await world.create(admin, `${PODS}?dryRun=All`, sealedPod('probe'));
      return verdict === 'SECRET_NOT_INJECTED' ? true : undefined;
    });
    const tampered = (change: Change) => () => {
      const body = JSON.parse(text) as Body;
      change(body);
      body.metadata.name = world.name('tampered');
      return world.create(tenant, PODS, body);
    };
    const forged = (name: string, change: Change): readonly [string, string, () => Promise<string>] => [
      name,
      'SEAL_FETCH_FORGED',
      tampered(change),
    ];
    return {
      controls: [{ name: 'the pod as the webhook would have written it', act: tampered(() => undefined) }],
      attacks: [
        ...containerAttacks(forged),
        ...volumeAttacks(forged, tampered),
        ...planAttacks(forged, tampered),
        ...referenceAttacks(world, tampered),
      ],
    };
  },
  async restore(world) {
    await world.register();
    await until('the mutation to be back', async () => {
      const verdict = await world.create(admin, `${PODS}?dryRun=All`, sealedPod('probe'));
      return verdict === 'accepted' ? true : undefined;
    });
  },
};

type Forged = (name: string, change: Change) => readonly [string, string, () => Promise<string>];
type Tampered = (change: Change) => () => Promise<string>;

function containerAttacks(forged: Forged): Attack[] {
  return rows('shape', [
    forged('seal-fetch of another image', setFetch('image', IMAGE)),
    forged('seal-fetch by tag', setFetch('image', 'registry.example/seal-fetch:latest')),
    forged('seal-fetch runs another command', setFetch('command', ['/bin/sh'])),
    forged('seal-fetch with arguments', setFetch('args', ['--upload'])),
    forged('seal-fetch works elsewhere', setFetch('workingDir', '/daas/in')),
    forged('seal-fetch with a variable more', (body) => {
      fetcher(body).env?.push({ name: 'NODE_OPTIONS', value: '--require=/stolen' });
    }),
    forged(
      'seal-fetch reads variables of a ConfigMap',
      setFetch('envFrom', [{ configMapRef: { name: 'x' } }]),
    ),
    forged('seal-fetch is root', (body) => {
      fetcher(body)['securityContext'] = { runAsUser: 0 };
    }),
    forged('seal-fetch may write its root', (body) => {
      const context = fetcher(body)['securityContext'] as Record<string, unknown>;
      context['readOnlyRootFilesystem'] = false;
    }),
    forged('seal-fetch without limits', setFetch('resources', {})),
    forged('seal-fetch with a terminal', setFetch('tty', true)),
    forged('seal-fetch leaves its messages elsewhere', setFetch('terminationMessagePath', '/daas/env/env')),
    forged('seal-fetch mounts a disk more', (body) => {
      body.spec.volumes.push({ name: 'disk', emptyDir: {} });
      fetcher(body).volumeMounts?.push({ name: 'disk', mountPath: '/daas/out/disk' });
    }),
    forged('seal-fetch runs after another', ({ spec }) => {
      spec.initContainers.unshift({ name: 'before', image: IMAGE });
    }),
    forged('seal-fetch never ends', setFetch('restartPolicy', 'Always')),
  ]);
}

function volumeAttacks(forged: Forged, tampered: Tampered): Attack[] {
  const token = (more: object): object => ({
    projected: {
      defaultMode: 0o644,
      sources: [
        {
          serviceAccountToken: {
            audience: 'k3s-daas.io/broker',
            expirationSeconds: 600,
            path: 'token',
            ...more,
          },
        },
      ],
    },
  });
  const disk = { emptyDir: {} };
  return rows('shape', [
    forged('the token lives a day', volume('seal-token', token({ expirationSeconds: 86_400 }))),
    forged('the token is for the API server', volume('seal-token', token({ audience: 'api' }))),
    forged(
      'ciphertext of another Secret',
      volume('seal-in-0', { secret: { secretName: 'old', defaultMode: 0o444 } }),
    ),
    forged('ciphertext that is no Secret', volume('seal-in-0', disk)),
    forged('one volume of ciphertext more', volume('seal-in-7', disk)),
    forged('variables on the disk', volume('seal-env', disk)),
    forged('files on the disk', volume('files', disk)),
    forged('files in unlimited memory', volume('files', { emptyDir: { medium: 'Memory' } })),
    forged('another container mounts the token', mount('seal-token')),
    forged('another container mounts the ciphertext', mount('seal-in-0', { readOnly: true })),
    forged('another container mounts the variables', mount('seal-env', { readOnly: true })),
    ['another container writes the files', 'SEALED_MOUNT_WRONG', tampered(mount('files'))],
    [
      'another container passes mounts on',
      'SEALED_MOUNT_WRONG',
      tampered(mount('files', { readOnly: true, mountPropagation: 'HostToContainer' })),
    ],
    [
      'another token for the broker',
      'BROKER_TOKEN_FORGED',
      tampered((body) => {
        volume('own', token({}))(body);
      }),
    ],
  ]);
}

function planAttacks(forged: Forged, tampered: Tampered): Attack[] {
  const wrong = (name: string, change: Change): readonly [string, string, () => Promise<string>] => [
    name,
    'SEALED_PLAN_WRONG',
    tampered(change),
  ];
  return rows('plan', [
    wrong('of another cluster', planField('cluster', other)),
    wrong('of another package', planField('package', other)),
    wrong('with another broker', planField('broker', 'https://evil.example:9444')),
    wrong('with another relay', planField('relay', 'http://evil.example:9445')),
    wrong('with another chain', planField('chain', { chainId: 'evil', urls: ['http://evil.example'] })),
    wrong('with a key server of its own', planField('keyServers', [{ objectId: other, weight: 1 }])),
    wrong('with threshold one', planField('threshold', 1)),
    wrong(
      'of another policy',
      plan(({ secrets }) => (first(secrets).policy = other)),
    ),
    wrong(
      'of another version',
      plan(({ secrets }) => (first(secrets).version = '2')),
    ),
    wrong(
      'of other ciphertext',
      plan(({ secrets }) => (first(first(secrets).keys).sha256 = 'ee'.repeat(32))),
    ),
    wrong('that refreshes, unasked', (body) => {
      body.metadata.annotations = { 'seal.k3s-daas.io/refresh-seconds': '60' };
    }),
    [
      'with a Secret that is not there',
      'SECRET_NOT_FOUND',
      tampered((body) => {
        renamed('ghost')(body);
      }),
    ],
    [
      'with a plain Secret',
      'SECRET_NOT_SEALED',
      tampered((body) => {
        renamed('old')(body);
      }),
    ],
    [
      'for another service account',
      'SEALED_SERVICE_ACCOUNT_WRONG',
      tampered(({ spec }) => {
        spec['serviceAccountName'] = 'default';
        spec['serviceAccount'] = 'default';
      }),
    ],
    forged('in another spelling', (body) => {
      const variable = first(fetcher(body).env ?? []);
      variable.value = ` ${variable.value ?? ''}`;
    }),
    forged('with a variable that nobody reads', (body) => {
      main(body).env = [];
    }),
    forged('with variables out of order', (body) => {
      plan(({ env }) => (first(env).name = 'V7'))(body);
      main(body).env = [variable('V7')];
    }),
    forged('of which a variable is read that it has not', (body) => {
      main(body).env?.push({ ...variable('V9'), name: 'OTHER' });
    }),
    forged('of which another file is read', (body) => {
      main(body).env?.push({ ...variable('V0', 'other'), name: 'OTHER' });
    }),
  ]);
}

const variable = (key: string, path = 'env'): { name: string; valueFrom: object } => ({
  name: 'PASSWORD',
  valueFrom: { fileKeyRef: { volumeName: 'seal-env', path, key, optional: false } },
});

/** Everything that says `db` says something else, consistently. */
function renamed(name: string): Change {
  return (body) => {
    const text = JSON.stringify(body.spec)
      .replaceAll('\\"secret\\":\\"db\\"', `\\"secret\\":\\"${name}\\"`)
      .replaceAll('\\"name\\":\\"db\\"', `\\"name\\":\\"${name}\\"`)
      .replaceAll('"secretName":"db"', `"secretName":"${name}"`)
      .replaceAll('/daas/in/db', `/daas/in/${name}`);
    body.spec = JSON.parse(text) as Spec;
  };
}

function referenceAttacks(world: SealedWorld, tampered: Tampered): Attack[] {
  const left =
    (spec: object, namespace = APP) =>
    () =>
      world.create(
        tenant,
        `/api/v1/namespaces/${namespace}/pods`,
        plainPod(world.name('left'), { spec: { serviceAccountName: ACCOUNT, ...spec } }),
      );
  const inMain = (more: object): object => ({ containers: [mainContainer(more)] });
  const inInit = (more: object): object => ({ initContainers: [{ name: 'init', image: IMAGE, ...more }] });
  const envFrom = [{ secretRef: { name: 'db' } }];
  const sources = [{ secret: { name: 'db' } }];
  const beside = (change: Change) => tampered(change);
  return rows('reference', [
    ['a variable', 'SECRET_NOT_INJECTED', left(inMain({ env: [fromSecret()] }))],
    [
      'a variable, where references would do',
      'SECRET_NOT_INJECTED',
      left(inMain({ env: [fromSecret()] }), LOOSE),
    ],
    ['an initContainer variable', 'SECRET_NOT_INJECTED', left(inInit({ env: [fromSecret()] }))],
    ['all variables', 'SECRET_NOT_INJECTED', left(inMain({ envFrom }))],
    ['all variables of an initContainer', 'SECRET_NOT_INJECTED', left(inInit({ envFrom }))],
    ['a sidecar', 'SECRET_NOT_INJECTED', left(inInit({ envFrom, restartPolicy: 'Always' }))],
    ['a volume', 'SECRET_NOT_INJECTED', left({ volumes: [{ name: 'v', secret: { secretName: 'db' } }] })],
    ['a projected volume', 'SECRET_NOT_INJECTED', left({ volumes: [{ name: 'v', projected: { sources } }] })],
    [
      'a plain variable beside sealed ones',
      'SECRET_NOT_INJECTED',
      beside((body) => {
        main(body).env?.push({ name: 'OLD', valueFrom: { secretKeyRef: { name: 'old', key: 'password' } } });
      }),
    ],
    [
      'a plain volume beside sealed ones',
      'SECRET_NOT_INJECTED',
      beside(volume('plain', { secret: { secretName: 'old' } })),
    ],
    [
      'processes shared with seal-fetch',
      'POD_SHARES_PROCESSES',
      beside(({ spec }) => {
        spec['shareProcessNamespace'] = true;
      }),
    ],
    [
      'the default scheduler',
      'POD_SCHEDULER_WRONG',
      beside(({ spec }) => {
        spec['schedulerName'] = 'default-scheduler';
      }),
    ],
    ['no secret at all', 'SECRETS_REQUIRED', left({})],
  ]);
}
