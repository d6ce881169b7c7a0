/** What becomes of a pod whose full nodes are down, silent, behind or lying: one of three at a time, and two. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';

import { utf8, type Bytes, type FetchPlan } from '@k3s-daas/core';
import { sealValues, signSealedVersion } from '@k3s-daas/seal';
import { rotateSecrets, type Account } from '@k3s-daas/sui-client';
import t, { type Test } from 'tap';

import { fetchSecrets } from './fetch-secrets.ts';
import { refresh } from './refresh.ts';
import { bytesOf, furnish, mount, planOf, worldIn, type SealedSecret, type TestWorld } from './test/pod.ts';
import {
  chainUrl,
  client,
  closeWorld,
  cluster,
  createPolicy,
  funded,
  openImpostor,
  openLiar,
  packageId,
  sealConfig,
  SUBJECT,
  tlsKeyHash,
} from './test/world.ts';

t.setTimeout(300_000);
t.teardown(closeWorld);

const owner = funded();
const policy = await createPolicy(owner, { usesMax: 1_000n });
const PASSWORD = 'correct horse battery staple';

async function versionOf(version: bigint): Promise<SealedSecret> {
  const values = new Map([['password', utf8(`${PASSWORD} ${version}`)]]);
  const identity = { policy, cluster, ...SUBJECT, version };
  return {
    name: 'db',
    policy,
    version,
    values: await sealValues(sealConfig, { identity, secret: 'db', values }),
  };
}

const first = await versionOf(1n);
const impostor = await openImpostor();
/** As good as the other, at an address of its own. */
const second = await openLiar([]);

let pods = 0;
function pod(
  t: Test,
  urls: readonly string[],
  changed: Partial<FetchPlan> = {},
): { root: string; world: TestWorld } {
  pods += 1;
  const root = t.testdir();
  const { chain } = planOf([]);
  const plan = planOf([first], { chain: { ...chain, urls: [...urls] }, ...changed });
  furnish(root, `full-nodes-${pods}`, plan, [first]);
  return { root, world: worldIn(root, plan) };
}
const password = (root: string): string => readFileSync(join(root, 'daas/out/all/db/password'), 'utf8');

async function mute(t: Test): Promise<string> {
  const server: Server = createServer((socket) => {
    t.teardown(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const bytes = (id: string): Bytes => new Uint8Array(Buffer.from(id.slice(2), 'hex'));
/** Of a full node that one listens to alone, or in a minority. */
const liars = {
  'names another TLS key': await openLiar([[tlsKeyHash, impostor.tlsKeyHash]]),
  'serves grants of another policy': await openLiar([[bytes(policy), new Uint8Array(32).fill(7)]]),
  'has other key servers': await openLiar([[utf8('http://127.0.0.1:'), utf8('http://127.9.9.9:')]]),
};

void t.test('one of three that is down or lies stops nobody', async (t) => {
  const bad: Record<string, string> = {
    ...liars,
    'is down': 'http://127.0.0.1:9',
    'is silent': await mute(t),
  };
  for (const [what, url] of Object.entries(bad)) {
    for (const urls of [
      [url, chainUrl, second],
      [chainUrl, second, url],
    ]) {
      const { root, world } = pod(t, urls);
      const { length } = impostor.calls;
      await fetchSecrets(world);
      t.equal(password(root), `${PASSWORD} 1`, `${what}, as number ${urls.indexOf(url) + 1}`);
      t.strictSame(world.pauses, [], 'at the first attempt');
      t.equal(impostor.calls.length, length);
    }
  }
});

void t.test('and leads nobody astray', async (t) => {
  const liar = liars['names another TLS key'];
  for (const urls of [
    [liar, chainUrl, second],
    [chainUrl, liar, second],
    [chainUrl, second, liar],
  ]) {
    const { world } = pod(t, urls, { broker: impostor.url });
    await t.rejects(fetchSecrets(world), { code: 'BROKER_FOREIGN' });
  }
  const [other] = [await openLiar([[tlsKeyHash, new Uint8Array(32).fill(9)]])];
  const torn = pod(t, [liar, other, chainUrl], { broker: impostor.url });
  await t.rejects(fetchSecrets(torn.world), { code: 'CHAIN_DISAGREES' }, 'three that say three things');
  for (const [urls, code] of [
    [[liar, 'http://127.0.0.1:9', chainUrl], 'CHAIN_DISAGREES'],
    [[liar, chainUrl], 'CHAIN_DISAGREES'],
    [[liar, 'http://127.0.0.1:9'], 'CHAIN_UNREACHABLE'],
    [['http://127.0.0.1:9', chainUrl], 'CHAIN_UNREACHABLE'],
  ] as const)
    await t.rejects(
      fetchSecrets(pod(t, urls, { broker: impostor.url }).world),
      { code },
      'fewer than most are not believed, whoever they are',
    );
  t.equal(impostor.calls.length, 0);
});

void t.test('a node that is not followed is told of', async (t) => {
  const { world } = pod(t, [liars['names another TLS key'], chainUrl, second]);
  await fetchSecrets(world);
  t.match(
    world.lines.join('\n'),
    /^full node http:\S+ is not followed: it says otherwise of the active enclave$/m,
  );
  const down = pod(t, ['http://127.0.0.1:9', chainUrl, second]);
  await fetchSecrets(down.world);
  t.match(
    down.world.lines.join('\n'),
    /^full node http:\/\/127.0.0.1:9 is not followed: CHAIN_UNREACHABLE: /m,
  );
});

void t.test('who owns a policy is said by most', async (t) => {
  const stranger = funded();
  const liar = await openLiar([[bytes(owner.toSuiAddress()), bytes(stranger.toSuiAddress())]]);
  const signed = async (by: Account, secret: SealedSecret): Promise<Map<string, Bytes>> => {
    const digests = new Map([...secret.values].map(([key, { digest }]) => [key, digest]));
    const { namespace } = SUBJECT;
    const about = { cluster, policy, namespace, secret: 'db', version: secret.version, digests };
    return bytesOf(secret.values).set('daas.signature', await signSealedVersion(by, about));
  };
  await rotateSecrets({ client, signer: owner, packageId }, { cluster, policy });
  const next = await versionOf(2n);
  for (const urls of [
    [liar, chainUrl, second],
    [chainUrl, second, liar],
  ]) {
    const { root, world } = pod(t, urls, { refreshSeconds: 60 });
    const opened = await fetchSecrets(world);
    mount(root, 'db', await signed(stranger, next));
    await t.rejects(refresh(world, opened), { code: 'ROTATION_REFUSED' });
    t.equal(password(root), `${PASSWORD} 1`);
    mount(root, 'db', await signed(owner, next));
    await refresh(world, opened);
    t.equal(password(root), `${PASSWORD} 2`);
  }
});
