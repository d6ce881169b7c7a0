/** `daas secret` beside a chain and key servers: what it changes there, what it looks up, and what each flag does. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

import { readPolicy, rotateSecrets, type PolicyRecord } from '@k3s-daas/sui-client';
import t, { type Test } from 'tap';
import { parse, stringify } from 'yaml';

import { createDaasWorld } from '../../sui/seal/testdata/daas-world.ts';
import { Runner, type Ran } from '../test/daas.ts';

t.setTimeout(600_000);
const dir = t.testdir();
const runner = new Runner();
const world = await createDaasWorld({ servers: 4 });
const { actor, cluster, chain } = world;
const listening: Server[] = [];
t.teardown(async () => {
  runner.close();
  for (const server of listening) {
    server.closeAllConnections();
    server.close();
  }
  await world[Symbol.asyncDispose]();
});

/** Before the next simulation goes on to the node. */
let meanwhile: (() => Promise<unknown>) | null = null;

async function listen(server: Server): Promise<number> {
  listening.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const way = createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const act = meanwhile;
    if (act !== null && request.url?.endsWith('SimulateTransaction') === true) {
      meanwhile = null;
      await act();
    }
    const headers = Object.entries(request.headers).filter(
      (entry): entry is [string, string] =>
        typeof entry[1] === 'string' && !['host', 'connection', 'content-length'].includes(entry[0]),
    );
    const reply = await fetch(new URL(request.url ?? '', world.url), {
      method: 'POST',
      headers,
      body: Buffer.concat(chunks),
    });
    response.writeHead(reply.status, Object.fromEntries(reply.headers));
    response.end(Buffer.from(await reply.arrayBuffer()));
  })();
});
const url = `http://127.0.0.1:${await listen(way)}`;

/** An API server that knows one Secret. */
let stored = '';
execFileSync(
  'openssl',
  [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=x',
    '-days',
    '1',
    '-keyout',
    join(dir, 'tls.key'),
    '-out',
    join(dir, 'tls.crt'),
  ],
  { stdio: 'ignore' },
);
const api = createTlsServer(
  { key: readFileSync(join(dir, 'tls.key')), cert: readFileSync(join(dir, 'tls.crt')) },
  (request, response) => {
    const found = request.url === '/api/v1/namespaces/app/secrets/db';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(found ? stored : '{}');
  },
);
const apiPort = await listen(api);

const file = (name: string, content: unknown): string => {
  writeFileSync(join(dir, name), typeof content === 'string' ? content : stringify(content), { mode: 0o600 });
  return join(dir, name);
};
file('owner.key', (actor.signer as unknown as { getSecretKey(): string }).getSecretKey());
file('kubeconfig', {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [
    { name: 'c', cluster: { server: `https://127.0.0.1:${apiPort}`, 'insecure-skip-tls-verify': true } },
  ],
  users: [{ name: 'u', user: { token: 'x' } }],
  contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
  'current-context': 'c',
});

/** A daas.yaml that seals to these of the key servers. */
function configured(
  name: string,
  servers: readonly number[],
  threshold: number,
  client: object = {},
): string[] {
  const configuration = {
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'DaaSConfiguration',
    cluster: { id: cluster, package: actor.packageId, chainId: world.config.chainId },
    chain: { network: 'embedded', url },
    kubernetes: { server: 'https://127.0.0.1:1', caFile: 'ca.crt' },
    policy: { capacity: { cpuMilli: 1000, memoryBytes: 1000 } },
    client: {
      kubeconfig: 'kubeconfig',
      enclaveUrl: 'https://127.0.0.1:1',
      bootstrapUrl: 'http://127.0.0.1:1',
      certFile: 'c',
      keyFile: 'k',
      suiKeyFile: 'owner.key',
      ...client,
    },
    seal: {
      keyServers: servers.map((at) => ({ objectId: world.servers[at]?.objectId })),
      threshold,
      brokerUrl: 'https://127.0.0.1:1',
      relayUrl: 'http://127.0.0.1:1',
      chainUrls: [world.url],
      image: `registry/seal-fetch@sha256:${'0'.repeat(64)}`,
    },
  };
  return ['--config', file(name, configuration)];
}
const config = configured('daas.yaml', [0, 1, 2], 2);

const daas = (args: readonly string[], input = ''): Promise<Ran> =>
  runner.run(['secret', ...args], { input, env: { INIT_CWD: dir } });

async function ok(t: Test, args: readonly string[], input = ''): Promise<Ran> {
  const ran = await daas(args, input);
  t.equal(
    ran.code,
    0,
    `daas secret ${args.slice(0, 3).join(' ')}: ${ran.code === 0 ? '' : ran.err + ran.out}`,
  );
  return ran;
}

async function refused(t: Test, code: string, args: readonly string[], input = ''): Promise<Ran> {
  const ran = await daas(args, input);
  t.equal(ran.code, code === 'USAGE' ? 2 : 1, `${code}: exit code`);
  t.match(ran.err, new RegExp(`^${code}: `, 'm'));
  t.equal(ran.out, '', `${code}: nothing is printed`);
  return ran;
}

const policyOf = (id: string): Promise<PolicyRecord> => readPolicy(chain.client, actor.packageId, id);
const literal = ['--from-literal', 'password=next horse'];

await t.test('a rotation that cannot be finished leaves the chain as it was', async (t) => {
  const policy = await world.policy('app');
  const rotate = ['rotate', 'db', '--policy', policy, ...config];
  await refused(t, 'USAGE', [...rotate, ...literal, '--threshold', '9']);
  await refused(t, 'POLICY_OTHER', [...rotate, ...literal, '-n', 'elsewhere']);
  // A key server whose proof is another's: found when sealing begins, and not by reading the file.
  const published = parse((await ok(t, ['config', ...config])).out) as { keyServers: { proof: string }[] };
  const [one, two] = published.keyServers;
  if (one !== undefined && two !== undefined) [one.proof, two.proof] = [two.proof, one.proof];
  const forged = ['--seal-config', file('forged.yaml', published)];
  await refused(t, 'SEAL_CONFIG_KEY_SERVER_UNTRUSTED', [...rotate, ...literal, ...forged]);
  t.equal((await policyOf(policy)).version, 1n);

  const rotated = await ok(t, [...rotate, ...literal]);
  t.match(rotated.err, /is at version 2 /);
  t.equal((await policyOf(policy)).version, 2n);
  const inspected = await ok(t, ['inspect', ...config, '--json'], rotated.out);
  t.match((JSON.parse(inspected.out) as { findings: object[] }).findings.at(-1), {
    check: 'signature',
    ok: true,
  });

  meanwhile = () => rotateSecrets(actor, { cluster, policy });
  const raced = await refused(t, 'POLICY_ROTATED', [...rotate, ...literal]);
  t.match(raced.err, /is at version 4 [\s\S]*version 3 is theirs[\s\S]*rotate again/);
  t.equal((await policyOf(policy)).version, 4n);
  const again = await ok(t, [...rotate, ...literal]);
  t.match(parse(again.out), { metadata: { annotations: { 'k3s-daas.io/version': '5' } } });
  t.equal((await daas([...rotate, ...literal, '--offline'])).code, 2, 'no such option');
  t.notMatch((await daas(['rotate', '--help'])).out, /--offline/);
  t.notMatch((await daas(['recover', '--help'])).out, /--offline/);
  t.match((await daas(['inspect', '--help'])).out, /--offline/);
});

await t.test('online, the policy is looked up: by seal, and by inspect', async (t) => {
  const policy = await world.policy('app');
  const seal = ['seal', 'db', ...literal, ...config];
  const missing = `0x${'77'.repeat(32)}`;
  await refused(t, 'OBJECT_MISSING', [...seal, '--policy', missing]);
  await refused(t, 'OBJECT_MALFORMED', [...seal, '--policy', cluster]);
  await refused(t, 'POLICY_OTHER', [...seal, '--policy', policy, '-n', 'other']);
  await refused(t, 'POLICY_OTHER', [...seal, '--policy', policy, '--service-account', 'admin']);
  await refused(t, 'POLICY_OTHER', [...seal, '--policy', policy, '--secret-version', '2']);
  const first = (await ok(t, [...seal, '--policy', policy])).out;
  const failures = async (manifest: string): Promise<unknown> => {
    const ran = await daas(['inspect', ...config, '--json'], manifest);
    const { findings } = JSON.parse(ran.out) as { findings: { check: string; ok: boolean; code?: string }[] };
    const failed = findings.filter((each) => !each.ok);
    t.equal(ran.code, failed.length === 0 ? 0 : 1);
    return failed.map(({ check, code }) => `${check} ${String(code)}`);
  };
  t.strictSame(await failures(first), []);
  file('offline.yaml', (await ok(t, ['config', ...config])).out);
  const blind = async (policy: string, account = 'api'): Promise<string> => {
    const who = ['--policy', policy, '-n', 'app', '--service-account', account];
    const args = ['seal', 'db', ...literal, ...who, '--offline', '--seal-config', 'offline.yaml'];
    return (await ok(t, args)).out;
  };
  t.strictSame(await failures(await blind(missing)), ['policy OBJECT_MISSING']);
  t.strictSame(await failures(await blind(policy, 'admin')), ['policy POLICY_OTHER']);

  await rotateSecrets(actor, { cluster, policy });
  await rotateSecrets(actor, { cluster, policy });
  await ok(t, ['retire', policy, '--below', '2', ...config]);
  t.equal((await policyOf(policy)).versionMin, 2n);
  await refused(t, 'USAGE', ['retire', policy, '--below', '4', ...config]);
  await refused(t, 'USAGE', ['retire', policy, '--below', 'two', ...config]);
  await refused(t, 'POLICY_OTHER', [...seal, '--policy', policy, '--secret-version', '1']);
  t.strictSame(await failures(first), ['version POLICY_OTHER']);
  await ok(t, ['policy', 'update', policy, '--uses', '0', '--not-after', '-1m', ...config]);
  t.strictSame(await failures(await blind(policy)), [
    'version POLICY_OTHER',
    'window POLICY_CLOSED',
    'uses POLICY_CLOSED',
  ]);
  const closed = await ok(t, [...seal, '--policy', policy]);
  t.match(closed.err, /^warning: policy 0x\S+: 0 of 0 uses are used: /m);
  t.match(closed.err, /^warning: policy 0x\S+: it is closed since /m);
});

await t.test('every term has its flag', async (t) => {
  const app = ['-n', 'app', '--service-account', 'api', ...config, '--json'];
  const flags = [
    '--service-account-uid',
    'u-1',
    '--stake-min',
    '5',
    '--renewals',
    '7',
    '--grant-seconds',
    '90',
  ];
  const created = await ok(t, ['policy', 'create', ...app, ...flags]);
  const { policy } = JSON.parse(created.out) as { policy: string };
  t.match(await policyOf(policy), {
    serviceAccountUid: 'u-1',
    terms: { stakeMin: 5n, renewalsMax: 7n, grantMs: 90_000n, usesMax: 1_000_000n },
  });
  t.match((await ok(t, ['policy', 'show', policy, ...config])).out, /service account +api \(u-1\)\n/);
  const update = ['policy', 'update', policy, ...config];
  await ok(t, [...update, '--grant-seconds', '86400', '--stake-min', '0', '--renewals', '0']);
  t.match((await policyOf(policy)).terms, { stakeMin: 0n, renewalsMax: 0n, grantMs: 86_400_000n });
  for (const seconds of ['0', '86401', '1.5', 'x'])
    await refused(t, 'USAGE', [...update, '--grant-seconds', seconds]);
  for (const flag of ['--stake-min', '--renewals']) await refused(t, 'USAGE', [...update, flag, '-1']);
});

await t.test('from the cluster, with the published configuration that daas.yaml names', async (t) => {
  const policy = await world.policy('app');
  file('published.yaml', (await ok(t, ['config', ...config])).out);
  // The key servers of daas.yaml are not asked: with server 3 in it, what is sealed is sealed to the file's.
  const named = configured('named.yaml', [1, 2, 3], 3, { sealConfigFile: 'published.yaml' });
  const { out } = await ok(t, ['seal', 'db', '--policy', policy, ...literal, ...named, '-o', 'json']);
  const sealedTo = (JSON.parse(out) as { metadata: { annotations: Record<string, string> } }).metadata
    .annotations;
  t.equal(
    sealedTo['k3s-daas.io/key-servers'],
    world.servers
      .slice(0, 3)
      .map(({ objectId }) => objectId)
      .join(','),
  );
  stored = out;
  const inspected = await ok(t, ['inspect', 'db', '-n', 'app', ...config, '--json']);
  t.match(JSON.parse(inspected.out), { secret: 'db', namespace: 'app', failed: 0 });
  const recovered = await ok(t, ['recover', 'db', '-n', 'app', '--only', 'password', ...config]);
  t.equal(recovered.out, 'next horse');
  t.match(recovered.err, /on chain for everyone to see/);
  await refused(t, 'NOT_FOUND', ['inspect', 'db', '-n', 'other', ...config]);
  await refused(t, 'NOT_FOUND', ['recover', 'db2', '-n', 'app', '--only', 'password', ...config]);
});

await t.test('after a key server was replaced, the owner still recovers, and is warned', async (t) => {
  const policy = await world.policy('app');
  const { out } = await ok(t, ['seal', 'db', '--policy', policy, ...literal, ...config]);
  const recover = ['recover', '--only', 'password'];
  const replaced = configured('replaced.yaml', [1, 2, 3], 2);
  const raised = configured('raised.yaml', [0, 1, 2], 3);
  t.match((await daas(['inspect', ...replaced], out)).out, /SEALED_KEY_SERVER_UNKNOWN/);
  const opened = await ok(t, [...recover, ...replaced], out);
  t.equal(opened.out, 'next horse');
  t.match(opened.err, /^warning: SEALED_KEY_SERVER_UNKNOWN: app\/db, key password: /m);
  const low = await ok(t, [...recover, ...raised], out);
  t.equal(low.out, 'next horse');
  t.match(low.err, /^warning: SEALED_THRESHOLD_LOW: /m);
  t.notMatch((await ok(t, [...recover, ...config], out)).err, /warning/);
  await world.servers[0]?.server.close();
  t.equal((await ok(t, [...recover, ...replaced], out)).out, 'next horse', 'two of the old three suffice');
  const elsewhere = stringify({ ...(parse(out) as object), metadata: { name: 'db', namespace: 'bank' } });
  await refused(t, 'VERIFICATION_FAILED', [...recover, ...replaced], elsewhere);
});
