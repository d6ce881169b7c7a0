import { EncryptedObject } from '@mysten/seal';
import t, { type Test } from 'tap';

import { utf8, type Bytes, type SealIdentity, type SuiId } from '@k3s-daas/core';
import { connectChain, discardRecoveryGrants, recoverSecrets } from '@k3s-daas/sui-client';

import { createDaasWorld, type DaasWorld } from '../testdata/daas-world.ts';
import { idOf } from '../testdata/offline.ts';
import {
  openValues,
  parseSealedValue,
  sealValues,
  type OpenErrorCode,
  type OpenOptions,
  type SealedValue,
} from './index.ts';

t.setTimeout(600_000);

interface Opened {
  readonly options: OpenOptions;
  readonly values: ReadonlyMap<string, SealedValue>;
  /** Requests to key servers, as `host path`. */
  readonly asked: string[];
}

/** Secrets of two policies and their owner's grants. */
async function prepare(world: DaasWorld): Promise<Opened> {
  const { actor, cluster, config } = world;
  const values = new Map<string, SealedValue>();
  const policies: SuiId[] = [];
  for (const namespace of ['app', 'web']) {
    const policy = await world.policy(namespace);
    policies.push(policy);
    const identity: SealIdentity = { policy, cluster, namespace, serviceAccount: 'api', version: 1n };
    const plain = new Map([
      ['user', utf8(`${namespace} user`)],
      ['password', utf8(`${namespace} password`)],
    ]);
    const sealed = await sealValues(config, { identity, secret: 'db', values: plain });
    for (const [key, value] of sealed) values.set(`${namespace}/${key}`, value);
  }
  const { grants } = await recoverSecrets(actor, cluster, policies);
  const asked: string[] = [];
  return {
    values,
    asked,
    options: {
      client: actor.client,
      account: actor.signer,
      packageId: actor.packageId,
      approval: { kind: 'recovery', cluster, grants },
      fetch: (input, init) => {
        const url = new URL(input instanceof Request ? input.url : input);
        asked.push(`${url.host} ${url.pathname}`);
        return fetch(input, init);
      },
    },
  };
}

const text = (opened: ReadonlyMap<string, Bytes>): object =>
  Object.fromEntries([...opened].map(([name, value]) => [name, Buffer.from(value).toString('utf8')]));

const EXPECTED = {
  'app/user': 'app user',
  'app/password': 'app password',
  'web/user': 'web user',
  'web/password': 'web password',
};

async function refuses(
  t: Test,
  code: OpenErrorCode,
  retryable: boolean,
  opening: Promise<unknown>,
  name: string,
): Promise<void> {
  await t.rejects(opening, { name: 'OpenError', code, retryable }, name);
}

void t.test('values of several policies open with one question to each key server', async (t) => {
  await using world = await createDaasWorld();
  const { options, values, asked } = await prepare(world);
  t.strictSame(text(await openValues(options, values)), EXPECTED);
  const keys = asked.filter((each) => each.endsWith('/v1/fetch_key'));
  t.equal(new Set(keys).size, keys.length, 'none was asked twice');
  t.ok(keys.length >= 2 && keys.length <= 3);
  t.equal(asked.length, keys.length, 'and nothing else of any');

  const one = new Map([...values].slice(0, 1));
  const { approval } = options;
  const none = { ...options, approval: { ...approval, grants: new Map<SuiId, SuiId>() } };
  await refuses(t, 'OPEN_REFUSED', false, openValues(none, one), 'no grant');
  const [policy] = approval.grants.keys();
  const unknown = { ...approval, grants: new Map([[policy ?? '', idOf('grant')]]) };
  await refuses(
    t,
    'OPEN_NOT_YET',
    true,
    openValues({ ...options, approval: unknown }, one),
    'a grant not there yet',
  );
  const stranger = { ...options, account: world.funded() };
  await t.rejects(openValues(stranger, one), { name: 'OpenError' }, 'another account');
  const [first, second] = [...values.values()] as [SealedValue, SealedValue];
  const crossed = {
    ...approval,
    grants: new Map(
      [...approval.grants.keys()].map((id) => [id, [...approval.grants.values()].at(-1) ?? '']),
    ),
  };
  await refuses(
    t,
    'OPEN_REFUSED',
    false,
    openValues({ ...options, approval: crossed }, one),
    'the grant of another policy',
  );

  const tampered = (change: (object: ReturnType<typeof EncryptedObject.parse>) => object): SealedValue =>
    parseSealedValue(
      EncryptedObject.serialize({
        ...EncryptedObject.parse(first.bytes),
        ...change(EncryptedObject.parse(first.bytes)),
      }).toBytes(),
    );
  const wrong: [string, SealedValue][] = [
    [
      'one cipher under another key',
      tampered(() => ({ ciphertext: EncryptedObject.parse(second.bytes).ciphertext })),
    ],
    [
      'shares of which only some fit',
      tampered(({ encryptedShares }) => {
        const shares = encryptedShares.BonehFranklinBLS12381;
        const last = shares.encryptedShares.map((share, index) => (index === 2 ? new Uint8Array(32) : share));
        return {
          encryptedShares: {
            $kind: 'BonehFranklinBLS12381',
            BonehFranklinBLS12381: { ...shares, encryptedShares: last },
          },
        };
      }),
    ],
  ];
  for (const [name, value] of wrong)
    await refuses(t, 'OPEN_CIPHERTEXT_WRONG', false, openValues(options, new Map([['x', value]])), name);

  world.skew.ms = 3 * 60_000;
  await refuses(t, 'OPEN_KEY_SERVERS_UNAVAILABLE', true, openValues(options, one), 'a stale chain');
  world.skew.ms = -3 * 60_000;
  await refuses(t, 'OPEN_SESSION_REFUSED', true, openValues(options, one), 'clocks apart');
  world.skew.ms = 0;
  const away = connectChain({ url: 'http://127.0.0.1:9', deadlineMs: 300 });
  await refuses(
    t,
    'OPEN_CHAIN_UNAVAILABLE',
    true,
    openValues({ ...options, client: away.client }, one),
    'no chain',
  );

  await discardRecoveryGrants(world.actor, [...options.approval.grants.values()]);
  await t.rejects(openValues(options, one), { name: 'OpenError' }, 'a grant that was given back');
});

void t.test('key servers that are down, silent, or somebody else', async (t) => {
  await using world = await createDaasWorld();
  const { options, values } = await prepare(world);
  const hosts = world.servers.map(({ server }) => new URL(server.url).host);
  const [a, b, c] = hosts as [string, string, string];
  /** Key servers as the network shows them: `down` refuses, `silent` never answers, behind `other` is somebody else. */
  const through = (states: Record<string, 'down' | 'silent' | 'other'>): OpenOptions => ({
    ...options,
    // For honest ones on a busy machine, too.
    timeoutMs: 6_000,
    fetch: async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const state = states[url.host];
      if (state === 'down') throw new TypeError('fetch failed');
      if (state === 'silent')
        return await new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => {
            reject(new TypeError('aborted'));
          });
        });
      if (state === 'other') url.host = c;
      return await fetch(url, init);
    },
  });
  for (const state of ['down', 'silent', 'other'] as const) {
    t.strictSame(text(await openValues(through({ [a]: state }), values)), EXPECTED, `one is ${state}`);
    const opening = openValues(through({ [a]: state, [b]: state }), values);
    await refuses(t, 'OPEN_KEY_SERVERS_UNAVAILABLE', true, opening, `two are ${state}`);
  }
});

void t.test('a key server that is asked too often says so, and later answers', async (t) => {
  await using world = await createDaasWorld({ perMinuteMax: 2 });
  const { options, values } = await prepare(world);
  for (let index = 0; index < 2; index += 1)
    t.strictSame(text(await openValues(options, values)), EXPECTED, `${index}`);
  await refuses(t, 'OPEN_KEY_SERVERS_UNAVAILABLE', true, openValues(options, values), 'the third');
  const metrics = await (await fetch(`${world.servers[0]?.server.url ?? ''}/metrics`)).text();
  t.match(metrics, /daas_key_server_requests_total\{outcome="TooManyRequests"\} 1/);
  t.match(metrics, /daas_key_server_keys_total [24]\n/);
  world.skew.ms = 61_000;
  t.strictSame(text(await openValues(options, values)), EXPECTED, 'a minute later');
});
