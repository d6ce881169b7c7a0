/** Families 9 and 14: plain Secrets, and ciphertext for something else. */
import { gzipSync } from 'node:zlib';

import {
  SEALED_ANNOTATIONS,
  SEALED_LABEL,
  SEALED_SIGNATURE_KEY,
  toBase64,
  utf8,
  fromBase64,
} from '@k3s-daas/core';
import type { SealConfig } from '@k3s-daas/seal';

import { id, PACKAGE, CLUSTER } from '../../../admission-webhook/test/world.ts';
import { offlineSealConfig } from '../../../sui/seal/testdata/offline.ts';
import { rows, type Family } from './cases.ts';
import { sealedSecret, type SecretManifest, type SealParts } from './secrets.ts';
import {
  admin,
  APP,
  fromSecret,
  mainContainer,
  OTHER,
  PATCHES,
  sealedPod,
  tenant,
  until,
  type SealedWorld,
} from './world.ts';

type Row = readonly [string, string, () => Promise<string>];
const SECRETS = `/api/v1/namespaces/${APP}/secrets`;

export const ciphertext: Family = {
  name: 'plain Secrets, and ciphertext for something else',
  async prepare(world) {
    const good = await target(world);
    await world.must(SECRETS, { method: 'POST', body: good });
    const post = (body: object, query = '') => world.create(tenant, `${SECRETS}${query}`, body);
    return {
      controls: [
        { name: 'a sealed Secret', act: async () => post(await world.secret('fine'), '?dryRun=All') },
        {
          name: 'a sealed Secret for TLS',
          act: async () => {
            const values = { 'tls.crt': 'x', 'tls.key': 'y' };
            return post(
              { ...(await world.secret('fine', { values })), type: 'kubernetes.io/tls' },
              '?dryRun=All',
            );
          },
        },
        {
          name: 'a new version',
          act: async () => {
            const { data } = await world.secret('target', {
              version: 2n,
              values: { password: 'n', user: 'm' },
            });
            return world.patch(tenant, `${SECRETS}/target?dryRun=All`, PATCHES.merge, { data });
          },
        },
        {
          name: 'a finalizer on what was plain before',
          act: () =>
            world.patch(tenant, `${SECRETS}/old?dryRun=All`, PATCHES.merge, {
              metadata: { finalizers: ['a.example/b'] },
            }),
        },
      ],
      attacks: [
        ...rows('plain', plainSecrets(world)),
        ...rows('sealed for', await sealedElsewhere(world, good)),
        ...rows('marks', falseMarks(world)),
        ...rows('changed', changes(world, good)),
      ],
    };
  },
  async mend(world) {
    await world.must(`${SECRETS}/target`, { method: 'DELETE' });
    await world.must(SECRETS, { method: 'POST', body: await target(world) });
  },
};

const target = (world: SealedWorld): Promise<SecretManifest> =>
  world.secret('target', { values: { password: 's3cret', user: 'app' } });

const created = (world: SealedWorld, body: (name: string) => object | Promise<object>) => async () =>
  world.create(tenant, SECRETS, await body(world.name('secret')));

function plainSecrets(world: SealedWorld): Row[] {
  const typed = (type: string, stringData: object, metadata: object = {}) =>
    created(world, (name) => ({ metadata: { name, ...metadata }, type, stringData }));
  const token = { annotations: { 'kubernetes.io/service-account.name': 'api' } };
  const SEALED = 'SECRET_NOT_SEALED';
  const TYPE = 'SECRET_TYPE_WRONG';
  return [
    ['Opaque', SEALED, typed('Opaque', { password: 'x' })],
    [
      'Opaque, by an administrator',
      SEALED,
      () =>
        world.create(admin, SECRETS, {
          metadata: { name: world.name('secret') },
          stringData: { password: 'x' },
        }),
    ],
    ['for TLS', SEALED, typed('kubernetes.io/tls', { 'tls.crt': 'x', 'tls.key': 'y' })],
    [
      'with the label of sealed ones',
      SEALED,
      created(world, (name) => ({
        metadata: { name, labels: { [SEALED_LABEL]: 'true' } },
        stringData: { password: 'x' },
      })),
    ],
    [
      'in server-side apply',
      SEALED,
      () =>
        world.patch(tenant, `${SECRETS}/applied`, PATCHES.apply, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 'applied' },
          stringData: { password: 'x' },
        }),
    ],
    ['empty', 'SECRET_EMPTY', created(world, (name) => ({ metadata: { name } }))],
    [
      'sealed, but of a type of its own',
      TYPE,
      created(world, async (name) => ({ ...(await world.secret(name)), type: 'example.com/mine' })),
    ],
    ['of a type of its own', TYPE, typed('example.com/mine', { password: 'x' })],
    ['for basic authentication', TYPE, typed('kubernetes.io/basic-auth', { username: 'u', password: 'x' })],
    ['for SSH', TYPE, typed('kubernetes.io/ssh-auth', { 'ssh-privatekey': 'x' })],
    ['for a registry', TYPE, typed('kubernetes.io/dockerconfigjson', { '.dockerconfigjson': '{}' })],
    [
      'a bootstrap token',
      TYPE,
      typed('bootstrap.kubernetes.io/token', { 'token-id': 'abcdef', 'token-secret': 'x' }),
    ],
    [
      "in a service account's token",
      TYPE,
      typed('kubernetes.io/service-account-token', { password: 'x' }, token),
    ],
    [
      "a service account's token, forged",
      TYPE,
      typed('kubernetes.io/service-account-token', { token: 'x' }, token),
    ],
    [
      'a record of Helm under another name',
      TYPE,
      typed('helm.sh/release.v1', { release: gzipSync('{}').toString('base64') }),
    ],
    [
      'a record of Helm with a key more',
      TYPE,
      () =>
        world.create(tenant, SECRETS, {
          metadata: { name: `sh.helm.release.v1.${world.name('x')}.v1` },
          type: 'helm.sh/release.v1',
          stringData: { release: 'x', password: 'y' },
        }),
    ],
    [
      'in a record of Helm',
      TYPE,
      () =>
        world.create(tenant, SECRETS, {
          metadata: { name: `sh.helm.release.v1.${world.name('x')}.v1` },
          type: 'helm.sh/release.v1',
          stringData: { release: 'x' },
        }),
    ],
    [
      'beside sealed values',
      'SECRET_PARTLY_SEALED',
      created(world, async (name) => ({
        ...(await world.secret(name)),
        stringData: { note: 'x' },
      })),
    ],
    [
      'under the key __proto__',
      'SECRET_PARTLY_SEALED',
      created(world, async (name) => {
        const secret = await world.secret(name);
        const data = JSON.stringify(secret.data).replace('}', `,"__proto__":"${toBase64(utf8('x'))}"}`);
        return JSON.parse(
          JSON.stringify({ ...secret, data: null }).replace('"data":null', `"data":${data}`),
        ) as object;
      }),
    ],
    [
      'under the key of the signature',
      'SECRET_SIGNATURE_MALFORMED',
      created(world, async (name) => ({
        ...(await world.secret(name)),
        stringData: { [SEALED_SIGNATURE_KEY]: 'x' },
      })),
    ],
    [
      'as a long signature',
      'SECRET_SIGNATURE_MALFORMED',
      created(world, async (name) => {
        const secret = await world.secret(name);
        return {
          ...secret,
          data: { ...secret.data, [SEALED_SIGNATURE_KEY]: toBase64(new Uint8Array(5_000).fill(3)) },
        };
      }),
    ],
    [
      'as a signature by several keys',
      'SECRET_SIGNATURE_MALFORMED',
      created(world, async (name) => {
        const secret = await world.secret(name);
        return {
          ...secret,
          data: { ...secret.data, [SEALED_SIGNATURE_KEY]: toBase64(new Uint8Array(300).fill(3)) },
        };
      }),
    ],
    [
      'nothing but a signature',
      SEALED,
      created(world, (name) => ({
        metadata: { name, labels: { [SEALED_LABEL]: 'true' } },
        data: { [SEALED_SIGNATURE_KEY]: toBase64(new Uint8Array(97)) },
      })),
    ],
    [
      'behind sealed bytes',
      'SECRET_NOT_SEALED',
      created(world, async (name) => {
        const secret = await world.secret(name);
        const bytes = fromBase64(secret.data['password'] ?? '');
        return { ...secret, data: { password: toBase64(Buffer.concat([bytes, utf8('hidden')])) } };
      }),
    ],
  ];
}

/** Genuine ciphertext, each for one other thing. */
async function sealedElsewhere(world: SealedWorld, good: SecretManifest): Promise<Row[]> {
  const byConfig = (config: SealConfig, parts: SealParts = {}) =>
    created(world, (name) => sealedSecret(config, name, { namespace: APP, serviceAccount: 'api', ...parts }));
  const config = (change: Parameters<typeof offlineSealConfig>[0]): SealConfig =>
    offlineSealConfig({ cluster: CLUSTER, packageId: PACKAGE, ...change });
  const mixed = (one: SealParts, other: SealParts) =>
    created(world, async (name) => {
      const [a, b] = [
        await world.secret(name, { ...one, values: { a: 'x' } }),
        await world.secret(name, { ...other, values: { b: 'y' } }),
      ];
      return { ...a, data: { ...a.data, ...b.data } };
    });
  const [one, two, three] = world.seal.keyServers;
  if (one === undefined || two === undefined || three === undefined) throw new Error('too few key servers');
  const swapped = { ...good.data, password: good.data['user'], user: good.data['password'] };
  const elsewhere = await world.secret('db', { namespace: OTHER });
  const DIFFER = 'SEALED_IDENTITIES_DIFFER';
  return [
    ['another cluster', 'SEALED_CLUSTER_WRONG', byConfig(config({ cluster: id('cc') }))],
    ['another package', 'SEALED_PACKAGE_WRONG', byConfig(config({ packageId: id('ee') }))],
    [
      'another namespace, copied',
      'SEALED_NAMESPACE_WRONG',
      () =>
        world.create(tenant, SECRETS, {
          ...elsewhere,
          metadata: { ...elsewhere.metadata, name: world.name('copy'), namespace: APP },
        }),
    ],
    [
      'another namespace',
      'SEALED_NAMESPACE_WRONG',
      created(world, async (name) => {
        const secret = await world.secret(name, { namespace: OTHER });
        return { ...secret, metadata: { ...secret.metadata, namespace: APP } };
      }),
    ],
    [
      'another Secret',
      'SEALED_PLACE_WRONG',
      created(world, (name) => ({ ...good, metadata: { ...good.metadata, name } })),
    ],
    [
      'another key',
      'SEALED_PLACE_WRONG',
      () => world.patch(tenant, `${SECRETS}/target`, PATCHES.merge, { data: swapped }),
    ],
    [
      'a key server of its own',
      'SEALED_KEY_SERVER_UNKNOWN',
      byConfig({ ...world.seal, threshold: 2, keyServers: [one, two, foreign(4)] }),
    ],
    [
      'key servers of its own, all',
      'SEALED_KEY_SERVER_UNKNOWN',
      byConfig({ ...world.seal, threshold: 2, keyServers: [foreign(4), foreign(5), foreign(6)] }),
    ],
    [
      'a key server that weighs more',
      'SEALED_WEIGHT_WRONG',
      byConfig({ ...world.seal, keyServers: [{ ...one, weight: 2 }, two, three] }),
    ],
    ['one key server of three', 'SEALED_THRESHOLD_LOW', byConfig({ ...world.seal, threshold: 1 })],
    [
      'one key server, alone',
      'SEALED_THRESHOLD_LOW',
      byConfig({ ...world.seal, threshold: 1, keyServers: [one] }),
    ],
    ['two policies', DIFFER, mixed({}, { policy: id('0e') })],
    ['two versions', DIFFER, mixed({}, { version: 2n })],
    ['two service accounts', DIFFER, mixed({}, { serviceAccount: 'default' })],
  ];
}

/** A key server with true keys and proofs that the cluster does not name. */
function foreign(index: number): SealConfig['keyServers'][number] {
  const server = offlineSealConfig({ weights: Array.from({ length: index }, () => 1) }).keyServers.at(-1);
  if (server === undefined) throw new Error('no key server');
  return server;
}

function falseMarks(world: SealedWorld): Row[] {
  const marked = (metadata: (name: string) => object) =>
    created(world, async (name) => ({
      ...(await world.secret(name)),
      metadata: { name, ...metadata(name) },
    }));
  const labels = { [SEALED_LABEL]: 'true' };
  const annotated = (key: string, value: string) => marked(() => ({ labels, annotations: { [key]: value } }));
  const WRONG = 'SECRET_MARKS_WRONG';
  return [
    ['no label', WRONG, marked(() => ({}))],
    ['another label', WRONG, marked(() => ({ labels: { [SEALED_LABEL]: 'yes' } }))],
    ['another policy', WRONG, annotated(SEALED_ANNOTATIONS.policy, id('77'))],
    ['another version', WRONG, annotated(SEALED_ANNOTATIONS.version, '9')],
    ['another service account', WRONG, annotated(SEALED_ANNOTATIONS.serviceAccount, 'root')],
    ['a higher threshold', WRONG, annotated(SEALED_ANNOTATIONS.threshold, '3')],
    ['other key servers', WRONG, annotated(SEALED_ANNOTATIONS.keyServers, id('77'))],
    ['a mark that is none', WRONG, annotated('k3s-daas.io/trusted', 'true')],
    [
      'on a plain token',
      WRONG,
      created(world, (name) => ({
        metadata: { name, labels, annotations: { 'kubernetes.io/service-account.name': 'api' } },
        type: 'kubernetes.io/service-account-token',
      })),
    ],
  ];
}

function changes(world: SealedWorld, good: SecretManifest): Row[] {
  const path = `${SECRETS}/target`;
  const plain = toBase64(utf8('x'));
  const put = () =>
    world.attempt(tenant, path, { method: 'PUT', body: { ...good, data: { password: plain } } });
  const PARTLY = 'SECRET_PARTLY_SEALED';
  return [
    ['to plain, by PUT', 'SECRET_NOT_SEALED', put],
    [
      'to plain in part, by merge patch',
      PARTLY,
      () => world.patch(tenant, path, PATCHES.merge, { data: { password: plain } }),
    ],
    [
      'to plain in part, by strategic patch',
      PARTLY,
      () => world.patch(tenant, path, PATCHES.strategic, { stringData: { password: 'x' } }),
    ],
    [
      'to plain in part, by JSON patch',
      PARTLY,
      () =>
        world.patch(tenant, path, PATCHES.json, [{ op: 'replace', path: '/data/password', value: plain }]),
    ],
    [
      'to plain in part, by apply',
      PARTLY,
      () =>
        world.patch(tenant, path, PATCHES.apply, {
          apiVersion: 'v1',
          kind: 'Secret',
          data: { password: plain },
        }),
    ],
    [
      'to nothing',
      'SECRET_EMPTY',
      () => world.patch(tenant, path, PATCHES.json, [{ op: 'replace', path: '/data', value: {} }]),
    ],
    [
      'to another type',
      '422 Invalid',
      () => world.patch(tenant, path, PATCHES.merge, { type: 'kubernetes.io/basic-auth' }),
    ],
    [
      'the label away',
      'SECRET_MARKS_WRONG',
      () => world.patch(tenant, path, PATCHES.merge, { metadata: { labels: { [SEALED_LABEL]: null } } }),
    ],
    [
      'the plain one of before, to other plain',
      'SECRET_NOT_SEALED',
      () =>
        world.patch(tenant, `${SECRETS}/old`, PATCHES.merge, {
          data: { password: toBase64(utf8(world.name('other'))) },
        }),
    ],
    [
      'the plain one of before, to look sealed',
      'SECRET_NOT_SEALED',
      () =>
        world.patch(tenant, `${SECRETS}/old`, PATCHES.merge, {
          metadata: { labels: { [SEALED_LABEL]: 'true' } },
        }),
    ],
    [
      'deleted, and made plain again',
      'SECRET_NOT_SEALED',
      async () => {
        const name = world.name('again');
        await world.must(SECRETS, { method: 'POST', body: await world.secret(name) });
        await world.must(`${SECRETS}/${name}`, { method: 'DELETE' });
        return world.create(tenant, SECRETS, { metadata: { name }, stringData: { password: 'x' } });
      },
    ],
    [
      'deleted, and a pod that still names it',
      'SECRET_NOT_FOUND',
      async () => {
        const name = world.name('gone');
        await world.must(SECRETS, { method: 'POST', body: await world.secret(name) });
        await world.must(`${SECRETS}/${name}`, { method: 'DELETE' });
        const spec = { containers: [mainContainer({ env: [fromSecret(name)] })] };
        const pods = `/api/v1/namespaces/${APP}/pods`;
        const orphan = sealedPod(world.name('orphan'), { spec });
        // The webhook may have seen it come, and hears of its end a moment later; its pod would wait for it in vain.
        await until('the webhook to hear of it', async () =>
          (await world.create(tenant, `${pods}?dryRun=All`, orphan)) === 'accepted' ? undefined : true,
        );
        return world.create(tenant, pods, orphan);
      },
    ],
  ];
}
