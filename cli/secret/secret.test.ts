import { execFileSync, type ChildProcess } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { sha256, utf8 } from '@k3s-daas/core';
import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import {
  addressOf,
  connectChain,
  createCluster,
  generateAccount,
  publishPackage,
  type Actor,
} from '@k3s-daas/sui-client';
import t, { type Test } from 'tap';
import { parse, stringify } from 'yaml';

import { runDaas, Runner, startDaas, type Ran } from '../test/daas.ts';
import { termWarnings } from './terms.ts';

const dir = mkdtempSync(join(tmpdir(), 'daas-secret-'));
const children: ChildProcess[] = [];
const PASSWORD = 'correct horse battery staple';
const pcr = (index: number): Uint8Array => new Uint8Array(48).fill(index + 1);
const HOUR_MS = 3_600_000n;
/** Makes any way out of the process end it: what is offline must not even try. */
const NETWORK_CUT = `--import=data:text/javascript,${encodeURIComponent(
  "import net from 'node:net';const cut=()=>{process.stderr.write('NETWORK USED');process.exit(99)};" +
    'net.Socket.prototype.connect=cut;globalThis.fetch=cut;',
)}`;

t.setTimeout(600_000);
const file = (name: string, content: string, mode = 0o600): string => {
  const path = join(dir, name);
  writeFileSync(path, content, { mode });
  return path;
};

const runner = new Runner();

/**
 * Runs `daas` from another folder, as a person would: what a command does first, and how it refuses first, in a process of
 * its own.
 */
async function daas(
  args: readonly string[],
  input: string | Uint8Array = '',
  env: NodeJS.ProcessEnv = {},
  kind = 'other',
): Promise<Ran> {
  const variables = { DAAS_CONFIG: undefined, DAAS_SEAL_CONFIG: undefined, INIT_CWD: dir, ...env };
  const command = args.slice(0, args[1] === 'policy' ? 3 : 2).join(' ');
  const role = args[0] === 'key-server' && args[1]?.startsWith('-') === true;
  const options = { input, env: variables };
  if (role || 'NODE_OPTIONS' in env) return await runDaas(args, options);
  return await runner.runKind(`${command} ${kind}`, args, options);
}

async function ok(t: Test, args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const ran = await daas(args, input, env, 'ok');
  t.equal(
    ran.code,
    0,
    `daas ${args.slice(0, 3).join(' ')}: ${ran.err.slice(0, 800)}${ran.code === 0 ? '' : ran.out.slice(0, 800)}`,
  );
  return ran;
}

/** Refused with this code, and without the secret in any word of it. */
async function refused(t: Test, code: string, args: readonly string[], input = '', exit = 1): Promise<void> {
  const ran = await daas(args, input, {}, 'refused');
  t.equal(ran.code, exit, `${code}: exit code`);
  t.match(ran.err, new RegExp(`^${code}: `, 'm'), `${code}: ${args.slice(0, 3).join(' ')}`);
  t.notMatch(ran.err + ran.out, /horse/, `${code}: no secret in it`);
}

const ledger = createLedger({
  framework: await compileFramework(),
  verifyAttestation: () => {
    throw new Error('no attestation is trusted here');
  },
});
const served = await serveLedger(ledger);
t.teardown(async () => {
  runner.close();
  for (const child of children) child.kill('SIGTERM');
  await served.close();
  ledger.close();
  rmSync(dir, { recursive: true, force: true });
});
const chain = connectChain({ url: served.url, chainId: ledger.chainId });
const account = generateAccount();
ledger.faucet(addressOf(account), 1_000_000_000_000n);
const stranger = generateAccount();
ledger.faucet(addressOf(stranger), 1_000_000_000_000n);
file('owner.key', account.getSecretKey());
const strangerKey = file('stranger.key', stranger.getSecretKey());

async function publish(name: string): Promise<string> {
  const compiled = await compilePackage({
    dir: fileURLToPath(new URL(`../../sui/move/${name}`, import.meta.url)),
  });
  const signing = { client: chain.client, signer: account };
  return (await publishPackage(signing, compiled.modules, compiled.dependencies)).packageId;
}

const packageId = await publish('daas');
const keyServerPackage = await publish('seal_key_server');
const actor: Actor = { client: chain.client, signer: account, packageId };

async function newCluster(): Promise<string> {
  const delays = { userUnbondingMs: HOUR_MS, nodeUnbondingMs: HOUR_MS, adminUnbondingMs: HOUR_MS };
  const { clusterId } = await createCluster(actor, {
    configDigest: sha256(utf8('config')),
    policyDigest: sha256(utf8('policy')),
    enclave: { pcr0: pcr(0), pcr1: pcr(1), pcr2: pcr(2) },
    parameters: {
      stakes: {
        userMin: 100n,
        nodeMin: 1_000n,
        adminMin: 10_000n,
        mistPerCpu: 100n,
        mistPerGib: 10n,
        ...delays,
      },
      enclaves: { documentAgeMsMax: 300_000n, bondMin: 1n, anchorWindowMs: 60_000n },
      votes: {
        votingMs: 60_000n,
        timelockMs: 60_000n,
        executionMs: 60_000n,
        quorumBps: 5_000n,
        electorateMin: 1_000n,
        deposit: 100n,
      },
    },
  });
  return clusterId;
}

const cluster = await newCluster();
const configuration = {
  apiVersion: 'k3s-daas.io/v1alpha1',
  kind: 'DaaSConfiguration',
  cluster: { id: cluster, package: packageId, chainId: ledger.chainId },
  chain: { network: 'embedded', url: served.url },
  kubernetes: { server: 'https://127.0.0.1:1', caFile: 'ca.crt' },
  policy: { capacity: { cpuMilli: 1000, memoryBytes: 1000 } },
  client: {
    kubeconfig: 'kubeconfig',
    enclaveUrl: 'https://127.0.0.1:1',
    bootstrapUrl: 'http://127.0.0.1:1',
    certFile: 'c',
    keyFile: 'k',
    suiKeyFile: 'owner.key',
  },
};
file('daas.yaml', stringify(configuration));
const config = ['--config', join(dir, 'daas.yaml')];

interface Served {
  readonly name: string;
  readonly objectId: string;
  readonly url: string;
  readonly child: ChildProcess;
}

/** A key server from nothing, by the commands that a person has. */
async function runKeyServer(t: Test, name: string, masterKey: object): Promise<Served> {
  const made = await ok(t, ['key-server', 'new-key', `${name}.key`, '--json']);
  t.match(JSON.parse(made.out), { publicKey: /^[0-9a-f]{192}$/ });
  const registering = ['--package', keyServerPackage, '--master-key', `${name}.key`, ...config, '--json'];
  const registered = await ok(t, [
    'key-server',
    'register',
    name,
    '--url',
    'http://127.0.0.1:9',
    ...registering,
  ]);
  const { objectId } = JSON.parse(registered.out) as { objectId: string };
  const section = {
    listen: { host: '127.0.0.1', port: 0 },
    objectId,
    masterKey,
    stalenessPackage: keyServerPackage,
  };
  const own = file(`${name}.yaml`, stringify({ ...configuration, keyServers: { [name]: section } }));
  const { child, ready } = await startRole(['key-server', '--name', name, '--config', own]);
  const url = String(ready['url']);
  await ok(t, ['key-server', 'set-url', objectId, url, '--package', keyServerPackage, ...config]);
  return { name, objectId, url, child };
}

async function startRole(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ child: ChildProcess; ready: Record<string, unknown> }> {
  const child = startDaas(args, { cwd: dir, env: { KEY_OF_TWO: keyText('two'), ...env } });
  children.push(child);
  return await new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.once('close', (code) => {
      reject(new Error(`exit ${String(code)}: ${err}`));
    });
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes('\n')) resolve({ child, ...(JSON.parse(out) as { ready: Record<string, unknown> }) });
    });
  });
}

function keyText(name: string): string {
  try {
    return readFileSync(join(dir, `${name}.key`), 'utf8').trim();
  } catch {
    return '';
  }
}

await t.test('the commands', async (t) => {
  const servers = [
    await runKeyServer(t, 'one', { kind: 'file', file: 'one.key' }),
    await runKeyServer(t, 'two', { kind: 'environment', variable: 'KEY_OF_TWO' }),
    await runKeyServer(t, 'three', { kind: 'command', command: ['/bin/cat', join(dir, 'three.key')] }),
  ];
  const seal = {
    keyServers: servers.map(({ objectId }) => ({ objectId })),
    threshold: 2,
    brokerUrl: 'https://127.0.0.1:1',
    relayUrl: 'http://127.0.0.1:1',
    chainUrls: [served.url],
    image: `registry/seal-fetch@sha256:${'0'.repeat(64)}`,
  };
  file('daas.yaml', stringify({ ...configuration, seal }));

  await t.test('a key server says whether it is ready, and what it did', async (t) => {
    const [first] = servers as [Served];
    const ready = await fetch(`${first.url}/readyz`);
    t.equal(ready.status, 200);
    t.equal(await ready.text(), '[+]chain ok\n[+]registration ok\nok\n');
    t.equal(await (await fetch(`${first.url}/livez`)).text(), 'ok');
    t.match(await (await fetch(`${first.url}/metrics`)).text(), /daas_key_server_requests_in_flight 0/);
    chmodSync(join(dir, 'one.key'), 0o644);
    await refused(t, 'KEY_UNUSABLE', ['key-server', '--name', 'one', '--config', join(dir, 'one.yaml')]);
    chmodSync(join(dir, 'one.key'), 0o600);
    await ok(t, ['key-server', 'new-key', 'other.key']);
    const section = {
      listen: { host: '127.0.0.1', port: 0 },
      objectId: first.objectId,
      stalenessPackage: keyServerPackage,
    };
    const masterKey = { kind: 'file', file: 'other.key' };
    const other = file(
      'other.yaml',
      stringify({ ...configuration, keyServers: { one: { ...section, masterKey } } }),
    );
    await refused(t, 'KEY_UNUSABLE', ['key-server', '--name', 'one', '--config', other]);
    await refused(t, 'USAGE', ['key-server', '--name', 'nine', '--config', other], '', 2);
    await refused(t, 'KEY_UNUSABLE', ['key-server', 'new-key', 'other.key']);
  });

  const published = await ok(t, ['secret', 'config', ...config]);
  file('seal-config.yaml', published.out);
  t.match(parse(published.out), {
    kind: 'SealConfiguration',
    cluster,
    package: packageId,
    chainId: ledger.chainId,
    threshold: 2,
    keyServers: servers.map(({ objectId, name }) => ({ objectId, name, weight: 1 })),
  });
  const offline = ['--seal-config', 'seal-config.yaml', '--offline'];

  const create = ['secret', 'policy', 'create', '-n', 'app', '--service-account', 'api', ...config];
  const created = await ok(t, [...create, '--uses', '7', '--not-after', '+30d', '--json']);
  const { policy } = JSON.parse(created.out) as { policy: string };
  const who = ['-n', 'app', '--service-account', 'api', '--policy', policy];

  await t.test('policies', async (t) => {
    const shown = await ok(t, ['secret', 'policy', 'show', policy, ...config, '--json']);
    t.match(JSON.parse(shown.out), {
      id: policy,
      owner: addressOf(account),
      namespace: 'app',
      serviceAccount: 'api',
      version: '1',
      terms: { configVersions: ['1'], usesMax: '7', grantMs: '600000', nodes: [], imageDigests: [] },
      usesLeft: '7',
    });
    const { warnings } = JSON.parse(shown.out) as { warnings: string[] };
    t.match(warnings, [
      /^it closes in 29 days, at 20\S+Z: daas secret policy update 0x\S+ --not-after \+365d$/,
    ]);
    t.equal(shown.err, `warning: ${String(warnings[0])}\n`);
    const node = `0x${'11'.repeat(32)}:${'22'.repeat(32)}`;
    const change = [
      '--node',
      node,
      '--image',
      `api@sha256:${'33'.repeat(32)}`,
      '--not-before',
      '2026-01-01T00:00:00Z',
    ];
    await ok(t, ['secret', 'policy', 'update', policy, ...change, ...config]);
    const changed = JSON.parse(
      (await ok(t, ['secret', 'policy', 'show', policy, ...config, '--json'])).out,
    ) as object;
    t.match(changed, {
      terms: {
        usesMax: '7',
        nodes: [{ stake: node.split(':')[0], nodeKey: '22'.repeat(32) }],
        imageDigests: ['33'.repeat(32), '00'.repeat(32)],
        notBeforeMs: String(Date.UTC(2026, 0, 1)),
      },
    });
    await ok(t, ['secret', 'policy', 'update', policy, '--node', 'any', '--image', 'any', ...config]);
    const text = await ok(t, ['secret', 'policy', 'show', policy, ...config]);
    t.match(text.out, /nodes +any\n/);
    t.match(text.out, /container images +any\n/, 'any stays any');
    t.match(text.out, /pods so far +0; 7 left\n/);
    const update = ['secret', 'policy', 'update', policy, ...config];
    await refused(t, 'USAGE', [...update, '--uses', 'many'], '', 2);
    await refused(t, 'USAGE', [...update, '--not-after', 'tomorrow'], '', 2);
    await refused(
      t,
      'USAGE',
      [...update, '--not-after', '2025-01-01T00:00:00Z', '--not-before', '+1h'],
      '',
      2,
    );
    await refused(t, 'USAGE', [...update, '--image', 'api:latest'], '', 2);
    await refused(t, 'USAGE', [...update, '--node', 'n1'], '', 2);
    await refused(t, 'TRANSACTION_FAILED', [...update, '--config-version', '9']);
    await refused(t, 'POLICY_OTHER', [...update, '--uses', '9', '--sui-key', strangerKey]);
  });

  await t.test('a policy says what will close it: its end, its uses, its images', async (t) => {
    t.match(
      created.err,
      /^it opens until 20\S+Z; longer: daas secret policy update 0x\S+ --not-after \+365d\n$/,
    );
    t.match(JSON.parse(created.out), { notes: [/^it opens until /] });
    const usual = await ok(t, [...create, '--json']);
    const { policy: id, terms } = JSON.parse(usual.out) as { policy: string; terms: object };
    t.match(terms, { usesMax: '1000000', renewalsMax: '1000000', imageDigests: [] });
    const shown = await ok(t, ['secret', 'policy', 'show', id, ...config, '--json']);
    t.match(JSON.parse(shown.out), { usesLeft: '1000000', terms: { usesMax: '1000000' } });
    t.strictSame([(JSON.parse(shown.out) as { warnings: object }).warnings, shown.err], [[], '']);

    const api = '33'.repeat(32);
    const fetching = '00'.repeat(32);
    const images = async (args: readonly string[], own = config): Promise<[unknown, Ran]> => {
      const ran = await ok(t, ['secret', 'policy', ...args, ...own, '--json']);
      return [(JSON.parse(ran.out) as { terms: { imageDigests: unknown } }).terms.imageDigests, ran];
    };
    const said = new RegExp(`^added the image of seal-fetch, sha256:${fetching}: `, 'm');
    const app = ['-n', 'app', '--service-account', 'api'];
    const [listed, creating] = await images(['create', ...app, '--image', `sha256:${api}`]);
    t.strictSame(listed, [api, fetching]);
    t.match([creating.err, JSON.parse(creating.out)], [said, { notes: [said, /opens until/] }]);
    const [updated, updating] = await images(['update', id, '--image', `sha256:${api}`]);
    t.strictSame(updated, [api, fetching]);
    t.match([updating.err, JSON.parse(updating.out)], [said, { notes: [said] }]);
    const both = ['--image', `sha256:${fetching}`, '--image', `sha256:${api}`];
    const [named, naming] = await images(['update', id, ...both]);
    t.strictSame([named, naming.err], [[fetching, api], ''], 'not twice');
    const [any, anything] = await images(['update', id, '--image', 'any']);
    t.strictSame([any, anything.err], [[], '']);
    const sealless = ['--config', file('sealless.yaml', stringify(configuration))];
    const [alone, unknown] = await images(['update', id, '--image', `sha256:${api}`], sealless);
    t.strictSame(alone, [api]);
    t.match(unknown.err, /no section seal: unless --image names seal-fetch’s digest, too, nothing opens/);
    t.match((await ok(t, ['secret', 'policy', 'show', id, ...config])).err, /^warning: its images leave out/);

    const day = 86_400_000;
    const of = (uses: bigint, days: number, imageDigests: Uint8Array[] = []): string[] => {
      const terms = {
        ...{ configVersions: [1n], stakeMin: 0n, nodes: [], renewalsMax: 1n, grantMs: 1n, imageDigests },
        ...{ notBeforeMs: 0n, notAfterMs: BigInt(days * day), usesMax: 1_000n },
      };
      return termWarnings({ id, terms, uses }, seal.image, 0);
    };
    t.strictSame(of(799n, 30), []);
    t.match(of(800n, 30), [/^800 of 1000 uses are used: daas secret policy update 0x\S+ --uses N$/]);
    t.match(of(0n, 29.99), [/^it closes in 29 days/]);
    t.match(of(1_001n, 0), [/^1001 of 1000 uses/, /^it is closed since 1970-01-01T/]);
    t.match(of(0n, 30, [new Uint8Array(32).fill(1)]), [/^its images leave out seal-fetch /]);
    t.strictSame(of(0n, 30, [new Uint8Array(32)]), []);
  });

  const literal = ['--from-literal', `password=${PASSWORD}`, '--from-literal', 'user="api"'];
  const sealed = await ok(t, ['secret', 'seal', 'db', ...who, ...literal, ...offline], '', {
    NODE_OPTIONS: NETWORK_CUT,
  });

  await t.test('sealing needs no network, and says what is bound to what', (t) => {
    t.notMatch(sealed.out + sealed.err, /horse|NETWORK/);
    const manifest = parse(sealed.out) as { data: Record<string, string> };
    t.match(manifest, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: {
        name: 'db',
        namespace: 'app',
        labels: { 'k3s-daas.io/sealed': 'true' },
        annotations: {
          'k3s-daas.io/policy': policy,
          'k3s-daas.io/version': '1',
          'k3s-daas.io/service-account': 'api',
          'k3s-daas.io/threshold': '2',
          'k3s-daas.io/key-servers': servers.map(({ objectId }) => objectId).join(','),
        },
      },
    });
    t.strictSame(Object.keys(manifest.data), ['password', 'user']);
    for (const said of [
      policy,
      cluster,
      'namespace',
      'service account',
      '2 of 3',
      ...servers.map((each) => each.objectId),
    ])
      t.ok(sealed.err.includes(said), said);
    t.match(sealed.err, /not looked up \(offline\)/);
    t.end();
  });

  await t.test('the network cut is one', async (t) => {
    const ran = await daas(['secret', 'policy', 'show', policy, ...config], '', {
      NODE_OPTIONS: NETWORK_CUT,
    });
    t.equal(ran.code, 99);
  });

  await t.test('like kubectl: files, folders, environment files, TLS, standard input', async (t) => {
    const keys = (manifest: string): string[] => Object.keys((parse(manifest) as { data: object }).data);
    const plain = async (manifest: string): Promise<Record<string, string>> => {
      const ran = await ok(t, ['secret', 'recover', ...config, '-o', 'json'], manifest);
      const { data } = JSON.parse(ran.out) as { data: Record<string, string> };
      return Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString('utf8')]),
      );
    };
    t.strictSame(
      await plain(sealed.out),
      { password: PASSWORD, user: 'api' },
      'quotes of literals go, as in kubectl',
    );

    mkdirSync(join(dir, 'folder/deeper'), { recursive: true });
    file('folder/a.txt', 'A');
    file('folder/b', 'B');
    file('folder/deeper/c', 'C');
    const files = ['--from-file', 'folder', '--from-file', 'renamed=folder/a.txt', '--from-file', 'piped=-'];
    const many = await ok(t, ['secret', 'seal', 'files', ...who, ...files, ...offline], 'from a pipe');
    t.strictSame(await plain(many.out), { 'a.txt': 'A', b: 'B', piped: 'from a pipe', renamed: 'A' });

    const lines = `\uFEFFFIRST=one\n# a comment\n\n   INDENTED= kept \nQUOTED="stays"\nEQUALS=a=b\nEMPTY=\r\nFROM_HERE\n`;
    const envFile = ['--from-env-file', '-'];
    const variables = await ok(t, ['secret', 'seal', 'env', ...who, ...envFile, ...offline], lines, {
      FROM_HERE: 'here',
    });
    t.strictSame(await plain(variables.out), {
      EMPTY: '',
      EQUALS: 'a=b',
      FIRST: 'one',
      FROM_HERE: 'here',
      INDENTED: ' kept ',
      QUOTED: '"stays"',
    });

    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
        ...['-subj', '/CN=web', '-keyout', join(dir, 'tls.key'), '-out', join(dir, 'tls.crt')],
      ],
      { stdio: 'ignore' },
    );
    execFileSync('openssl', [
      'ecparam',
      '-name',
      'prime256v1',
      '-genkey',
      '-noout',
      '-out',
      join(dir, 'wrong.key'),
    ]);
    const tls = ['secret', 'seal', 'web', ...who, '--cert', 'tls.crt', '--key'];
    const web = await ok(t, [...tls, 'tls.key', ...offline]);
    t.match(parse(web.out), { type: 'kubernetes.io/tls' });
    t.strictSame(keys(web.out), ['tls.crt', 'tls.key']);
    await refused(t, 'USAGE', [...tls, 'wrong.key', ...offline], '', 2);

    const values: [string, string | Buffer, string | null][] = [
      ['empty', '', 'it is empty'],
      ['quote', "correct 'horse", 'it holds a single quote'],
      ['nul', 'horse\0', 'it holds a NUL byte'],
      ['crlf', 'horse\r\nhorse\r\n', 'its lines end with CR LF'],
      ['latin', Buffer.from('horse é', 'latin1'), 'it is not UTF-8'],
      ['long', `horse\n${'h'.repeat(65_001)}\n`, 'a line of it is over 65000 bytes'],
      ['lines', `${'h'.repeat(65_000)}\n${'é'.repeat(32_500)}`, null],
      ['pem', '"-----BEGIN"\nhorse\n', null],
    ];
    const folder = join(dir, 'values');
    mkdirSync(folder);
    for (const [name, value] of values) writeFileSync(join(folder, name), value);
    const sealValues = ['secret', 'seal', 'values', ...who, '--from-file', 'values', ...offline];
    const warned = await ok(t, sealValues);
    const warnings = values.flatMap(([key, , why]) =>
      why === null
        ? []
        : [{ key, warning: `${key} cannot be an environment variable (${why}): mount as a file` }],
    );
    const lineOf = (text: string): string[] =>
      text.split('\n').filter((line) => line.startsWith('warning: '));
    t.strictSame(lineOf(warned.err).sort(), warnings.map(({ warning }) => `warning: ${warning}`).sort());
    t.notMatch(warned.err, /horse/);
    const json = JSON.parse((await ok(t, [...sealValues, '--json'])).err) as { warnings: typeof warnings };
    t.strictSame(
      json.warnings.toSorted((a, b) => a.key.localeCompare(b.key)),
      warnings.toSorted((a, b) => a.key.localeCompare(b.key)),
    );
    t.strictSame(lineOf(sealed.err), [], 'what can be a variable is not warned of');

    const manifest = stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'piped',
        namespace: 'app',
        creationTimestamp: null,
        labels: { app: 'api' },
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': PASSWORD, mine: 'yes' },
      },
      data: { password: Buffer.from('old').toString('base64'), other: Buffer.from('o').toString('base64') },
      stringData: { password: PASSWORD },
    });
    const piped = await ok(t, ['secret', 'seal', '--policy', policy, ...config, '-o', 'json'], manifest);
    t.notMatch(piped.out, /horse/, 'what kubectl apply keeps of a Secret goes');
    t.match(JSON.parse(piped.out), {
      metadata: {
        name: 'piped',
        labels: { app: 'api', 'k3s-daas.io/sealed': 'true' },
        annotations: { mine: 'yes' },
      },
      type: 'Opaque',
    });
    t.notMatch(piped.err, /not looked up/, 'online, the policy was');
    t.strictSame(await plain(piped.out), { other: 'o', password: PASSWORD }, 'stringData wins');

    const seal = ['secret', 'seal', 'x', ...who, ...offline];
    const usage: [string, readonly string[], string?][] = [
      ['nothing', [], 'x'],
      ['a key twice', ['--from-literal', 'a=1', '--from-literal', 'a=2']],
      ['no key', ['--from-literal', '=horse']],
      ['a bad key', ['--from-literal', 'a b=horse']],
      ['our own key', ['--from-literal', 'daas.signature=x']],
      ['two ways', ['--from-literal', 'a=1', '--from-env-file', '-']],
      ['a bad variable', ['--from-env-file', '-'], '1horse=2'],
      ['a type', ['--from-literal', 'a=1', '--type', 'kubernetes.io/dockerconfigjson']],
      ['TLS without a key', ['--from-literal', 'tls.crt=1', '--type', 'kubernetes.io/tls']],
      ['a low threshold', ['--from-literal', 'a=1', '--threshold', '1']],
      ['a version', ['--from-literal', 'a=1', '--secret-version', '0']],
    ];
    for (const [, args, input] of usage.slice(1)) await refused(t, 'USAGE', [...seal, ...args], input, 2);
    await refused(t, 'SECRET_MALFORMED', seal, 'horse: [');
    await refused(
      t,
      'SECRET_MALFORMED',
      seal,
      'kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\ndata: {a: horse}',
    );
    await refused(t, 'SECRET_MALFORMED', ['secret', 'seal', '--policy', policy, ...offline], sealed.out);
    await refused(t, 'FILE_UNREADABLE', [...seal, '--from-file', 'nowhere']);
    await refused(t, 'USAGE', ['secret', 'seal', 'x', ...who, '--from-literal', 'a=1'], '', 2);
    const elsewhere = ['secret', 'seal', 'x', '-n', 'other', '--policy', policy, '--from-literal', 'a=1'];
    await refused(t, 'POLICY_OTHER', [...elsewhere, ...config]);
    const future = [
      'secret',
      'seal',
      'x',
      '--policy',
      policy,
      '--from-literal',
      'a=1',
      '--secret-version',
      '2',
    ];
    await refused(t, 'POLICY_OTHER', [...future, ...config]);
  });

  await t.test('inspect tells what fails, and by its exit code', async (t) => {
    const good = await ok(t, ['secret', 'inspect', ...config, '--json'], sealed.out);
    t.match(JSON.parse(good.out), {
      secret: 'db',
      failed: 0,
      signed: false,
      values: [
        { key: 'password', policy, cluster, boundTo: { secret: 'db', key: 'password' }, threshold: 2 },
        {},
      ],
      findings: [
        { check: 'type' },
        { check: 'values' },
        { ok: true },
        { ok: true },
        { check: 'one identity' },
        { check: 'label and annotations' },
        { check: 'policy' },
        { check: 'version' },
        { check: 'window' },
        { check: 'uses' },
      ],
    });
    const copied = stringify({
      ...(parse(sealed.out) as object),
      metadata: { name: 'db', namespace: 'other' },
    });
    const bad = await daas(['secret', 'inspect', ...offline], copied);
    t.equal(bad.code, 1);
    t.match(bad.out, /SEALED_NAMESPACE_WRONG/);
    t.match(bad.out, /FAILED/);
    await refused(t, 'VERIFICATION_FAILED', ['secret', 'recover', ...config, '-o', 'yaml'], copied);
    const manifest = parse(sealed.out) as { data: Record<string, string> };
    const swapped = {
      ...manifest,
      data: { password: manifest.data['user'], user: manifest.data['password'] },
    };
    const places = await daas(['secret', 'inspect', ...offline], stringify(swapped));
    t.match([places.code, places.out], [1, /SEALED_PLACE_WRONG/]);
    const plain = { ...manifest, data: { password: Buffer.from('plain').toString('base64') } };
    const unsealed = await daas(['secret', 'inspect', ...offline], stringify(plain));
    t.match([unsealed.code, unsealed.out], [1, /SECRET_NOT_SEALED/]);
  });

  await t.test('a rotation is the owner’s, on chain and in the manifest', async (t) => {
    const next = ['--from-literal', 'password=next horse', '--policy', policy, ...config];
    await refused(t, 'POLICY_OTHER', ['secret', 'rotate', 'db', ...next, '--sui-key', strangerKey]);
    const rotated = await ok(t, ['secret', 'rotate', 'db', ...next]);
    t.match(rotated.err, /version 2/);
    t.match(
      rotated.err,
      /without the annotation seal\.k3s-daas\.io\/refresh-seconds.*`kubectl rollout restart -n app /,
    );
    t.notMatch(sealed.err, /rollout/, 'nothing runs yet with what is sealed first');
    const manifest = parse(rotated.out) as {
      data: Record<string, string>;
      metadata: { annotations: object };
    };
    t.match(manifest.metadata.annotations, { 'k3s-daas.io/version': '2' });
    t.equal(Buffer.from(manifest.data['daas.signature'] ?? '', 'base64').length, 97);
    const inspected = await ok(t, ['secret', 'inspect', ...config, '--json'], rotated.out);
    t.match((JSON.parse(inspected.out) as { findings: object[] }).findings.at(-1), {
      check: 'signature',
      ok: true,
    });
    // The same values under the same version, sealed by somebody else: the signature does not fit.
    const forged = await ok(t, ['secret', 'seal', 'db', ...next.filter((each) => each !== 'x')]);
    const forgery = parse(forged.out) as { data: Record<string, string> };
    forgery.data['daas.signature'] = manifest.data['daas.signature'] ?? '';
    const found = await daas(['secret', 'inspect', ...config, '--json'], stringify(forgery));
    t.equal(found.code, 1);
    t.match((JSON.parse(found.out) as { findings: object[] }).findings.at(-1), {
      check: 'signature',
      ok: false,
    });

    const before = await ok(t, ['secret', 'recover', ...config, '--only', 'password'], sealed.out);
    t.equal(before.out, PASSWORD, 'the version before still opens');
    await ok(t, ['secret', 'retire', policy, ...config]);
    await refused(t, 'OPEN_REFUSED', ['secret', 'recover', ...config, '--only', 'password'], sealed.out);
    await refused(t, 'USAGE', ['secret', 'retire', policy, ...config], '', 2);
    const now = await ok(t, ['secret', 'recover', ...config, '--only', 'password'], rotated.out);
    t.equal(now.out, 'next horse');
    await ok(t, ['secret', 'revoke-grants', policy, ...config]);

    await t.test('recovery leaves an event, and no grant; files are the owner’s', async (t) => {
      const ran = await ok(t, ['secret', 'recover', ...config, '--out-dir', 'out'], rotated.out);
      t.strictSame(readdirSync(join(dir, 'out')), ['password']);
      t.equal(statSync(join(dir, 'out/password')).mode & 0o777, 0o600);
      t.match(ran.err, /on chain for everyone to see/);
      await refused(t, 'FILE_UNREADABLE', ['secret', 'recover', ...config, '--out-dir', 'out'], rotated.out);
      await refused(t, 'USAGE', ['secret', 'recover', ...config], rotated.out, 2);
      await refused(t, 'NOT_FOUND', ['secret', 'recover', ...config, '--only', 'x'], rotated.out);
      const stranger = ['secret', 'recover', ...config, '--only', 'password', '--sui-key', strangerKey];
      await refused(t, 'POLICY_OTHER', stranger, rotated.out);
      const owned = await chain.client.core.listOwnedObjects({
        owner: addressOf(account),
        type: `${packageId}::seal_policy::RecoveryGrant`,
      });
      t.strictSame(owned.objects, []);
    });

    await t.test('one key server may be down, two may not', async (t) => {
      const [first, second] = servers as [Served, Served];
      first.child.kill('SIGTERM');
      await new Promise((resolve) => first.child.once('close', resolve));
      const opened = await ok(
        t,
        ['secret', 'recover', ...config, '--only', 'password', '--seal-config', 'seal-config.yaml'],
        rotated.out,
      );
      t.equal(opened.out, 'next horse');
      second.child.kill('SIGTERM');
      await new Promise((resolve) => second.child.once('close', resolve));
      const recover = [
        'secret',
        'recover',
        ...config,
        '--only',
        'password',
        '--seal-config',
        'seal-config.yaml',
      ];
      await refused(t, 'OPEN_KEY_SERVERS_UNAVAILABLE', recover, rotated.out);
      await refused(t, 'SEAL_CONFIG_KEY_SERVER_UNTRUSTED', ['secret', 'config', ...config]);
    });
  });
});
