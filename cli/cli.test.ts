import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';
import { stringify } from 'yaml';

import { runDaas, Runner, type Ran } from './test/daas.ts';

const dir = mkdtempSync(join(tmpdir(), 'daas-cli-'));
t.teardown(() => {
  runner.close();
  rmSync(dir, { recursive: true, force: true });
});

const runner = new Runner();
const daas = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  runDaas(args, { env: { DAAS_CONFIG: undefined, ...env } });
/** Where only words are checked: without a process for each. */
const inOne = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
  runner.run(args, { env: { DAAS_CONFIG: undefined, ...env } });

const ID = `0x${'ab'.repeat(32)}`;
/** Of a chain of this machine. */
const CHAIN = 'Wmiwh256NxMGKwSHp1thyBUgCz4PMxCuh2wvpRiziCy';
const VALID = {
  apiVersion: 'k3s-daas.io/v1alpha1',
  kind: 'DaaSConfiguration',
  cluster: { id: ID, package: ID, chainId: CHAIN },
  chain: { network: 'embedded', url: 'http://127.0.0.1:1' },
  kubernetes: { server: 'https://127.0.0.1:1', caFile: 'ca.crt' },
  policy: { capacity: { cpuMilli: 1000, memoryBytes: 1000 } },
  client: {
    kubeconfig: 'kubeconfig',
    enclaveUrl: 'https://127.0.0.1:1',
    bootstrapUrl: 'http://127.0.0.1:1',
    certFile: 'c',
    keyFile: 'k',
  },
};

function configFile(name: string, content: unknown): string {
  const file = join(dir, name);
  writeFileSync(file, typeof content === 'string' ? content : stringify(content));
  return file;
}

void t.test('every command has --help, and usage errors end with exit code 2', async (t) => {
  const top = await daas(['--help']);
  t.equal(top.code, 0);
  for (const name of ['up', 'down', 'verify', 'explain', 'stake', 'node', 'attestation', 'chain'])
    t.match(top.out, name);
  const help = [['up'], ['down'], ['ledger'], ['enclave'], ['webhook'], ['verify', 'pod'], ['verify', 'log']];
  const more = [
    ['attest-proxy'],
    ['explain', 'pod'],
    ['attestation', 'verify'],
    ['node', 'claim'],
    ['node', 'list'],
    ['stake', 'create'],
    ['chain', 'up'],
    ['chain', 'publish'],
    ['chain', 'faucet'],
    ['chain', 'inspect', 'events'],
    ['chain', 'clock', 'advance'],
    ['chain', 'snapshot'],
  ];
  for (const command of [...help, ...more]) {
    const { code, out } = await inOne([...command, '--help']);
    t.equal(code, 0, command.join(' '));
    t.match(out, /Usage: daas/);
  }
  t.match(top.out, /useful by itself:\n +chain/, 'commands are grouped');
  t.equal((await daas(['no-such-command'])).code, 2);
  t.equal((await daas(['chain', 'up', '--port', '70000'])).code, 2);
  t.equal((await inOne(['chain', 'publish', '--all', 'dir'])).code, 2);
  t.equal((await inOne(['ledger', '--port', '70000', '--trust-anchor', 'x'])).code, 2);
  t.equal((await inOne(['attestation', 'verify', 'file'])).code, 2, 'PCRs are not optional');
});

void t.test('a configuration that cannot be used is refused with each field named', async (t) => {
  const none = await daas(['node', 'list']);
  t.equal(none.code, 2);
  t.match(none.err, /USAGE: no configuration is named/);

  const missing = await inOne(['node', 'list', '-c', join(dir, 'nowhere.yaml')]);
  t.equal(missing.code, 1);
  t.match(missing.err, /FILE_UNREADABLE/);

  const notYaml = await inOne(['node', 'list', '-c', configFile('bad.yaml', 'a: [')]);
  t.match(notYaml, { code: 1, err: /CONFIG_MALFORMED/ });

  const without = configFile('valid.yaml', VALID);
  for (const args of [['attest-proxy'], ['attest-proxy', '--once']]) {
    const refused = await daas([...args, '-c', without]);
    t.match(refused, { code: 2, err: /USAGE: the configuration has no section "proxy"/ }, args.join(' '));
  }

  const unknown = configFile('unknown.yaml', {
    ...VALID,
    polcy: {},
    cluster: { ...VALID.cluster, id: '0x1' },
  });
  const refused = await inOne(['node', 'list', '--json', '-c', unknown]);
  t.equal(refused.code, 1);
  const { error } = JSON.parse(refused.out) as { error: { code: string; message: string; remedy: string } };
  t.equal(error.code, 'CONFIG_MALFORMED');
  t.match(error.message, /polcy/);
  t.match(error.message, /cluster\.id/);
  t.ok(error.remedy);

  const enclave = {
    listen: { host: '127.0.0.1', port: 0 },
    bootstrap: { host: '127.0.0.1', port: 0 },
    dataDir: 'd',
    clientCaFile: 'ca',
    nsm: { kind: 'development', authorityFile: 'a' },
  };
  const mainnet = '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S';
  const onPublic = async (network: string, chainId: string, change: object) => {
    const chain = { network, url: 'https://127.0.0.1:1' };
    const cluster = { ...VALID.cluster, chainId };
    const file = configFile(`${network}.yaml`, { ...VALID, chain, cluster, ...change });
    return daas(['enclave', '-c', file]);
  };
  const root = { attestation: { root: { kind: 'development', certificateFile: 'root.crt' } } };
  const refusedRoot = { code: 1, err: /CONFIG_DEVELOPMENT_ROOT_ON_PUBLIC_NETWORK/ };
  t.match(await onPublic('mainnet', mainnet, { enclave }), refusedRoot);
  t.match(await onPublic('mainnet', mainnet, root), refusedRoot);
  t.match(
    await onPublic('localnet', mainnet, root),
    refusedRoot,
    'one word does not make mainnet a localnet',
  );
  t.match(await onPublic('localnet', mainnet, {}), { code: 1, err: /CONFIG_CHAIN_OF_OTHER_NETWORK/ });
});

void t.test('a chain that does not answer is a coded error within bounds', async (t) => {
  const since = Date.now();
  const { code, err } = await daas(['node', 'list'], { DAAS_CONFIG: configFile('valid.yaml', VALID) });
  t.equal(code, 1);
  t.match(err, /REQUEST_FAILED: the chain cannot be read/);
  t.ok(Date.now() - since < 30_000);
});

void t.test('amounts, ids and keys are checked before anything is asked', async (t) => {
  const env = { DAAS_CONFIG: configFile('valid.yaml', VALID) };
  t.match(await daas(['stake', 'top-up', '0x1', '5'], env), { code: 2, err: /the position is not 0x/ });
  t.match(await inOne(['stake', 'top-up', ID, '-- -5'], env), { code: 2 });
  t.match(await inOne(['stake', 'top-up', ID, '1.5'], env), { code: 2, err: /not an amount/ });
  t.match(await inOne(['stake', 'create', '5'], env), { code: 2, err: /no key to sign with/ });
  const key = join(dir, 'node.key');
  t.match(await daas(['node', 'key', key]), { code: 0, out: /public key [0-9a-f]{64}/ });
  t.equal(statSync(key).mode & 0o777, 0o600);
  t.match(await inOne(['node', 'key', key]), { code: 2 }, 'an existing key is kept');
});
