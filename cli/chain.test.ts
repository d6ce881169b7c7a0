import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';
import { parse } from 'yaml';

import { resolveTarget, connectTarget } from './chain-target.ts';
import { recordDeployments, requireRoom, type Deployment, type Place } from './deployments.ts';
import { askFaucet, callAdmin } from './ledger-http.ts';
import { mistText, requireAddress, short } from './render.ts';
import { createKeyFile, readKeyFile } from './sui-key.ts';
import { readYaml, requireWritable, writeYaml } from './yaml-file.ts';
import { z } from 'zod';

const dir = mkdtempSync(join(tmpdir(), 'daas-chain-'));
t.teardown(() => {
  rmSync(dir, { recursive: true, force: true });
});
delete process.env['DAAS_CONFIG'];

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const ID = `0x${'ab'.repeat(32)}`;
const OTHER_ID = `0x${'12'.repeat(32)}`;
const CHAIN = 'Wmiwh256NxMGKwSHp1thyBUgCz4PMxCuh2wvpRiziCy';
const OTHER_CHAIN = '69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD';
const place: Place = { network: 'testnet', url: 'https://node.example', chainId: CHAIN };
const deployment: Deployment = {
  name: 'k3s_daas',
  packageId: ID,
  packageDigest: new Uint8Array(32).fill(1),
  transaction: CHAIN,
  upgradePolicy: 'immutable',
  upgradeCap: null,
};

void t.test('a publication is written into daas.yaml, which stays the person’s', async (t) => {
  const path = file(
    'full.yaml',
    `# of the operator
kind: DaaSConfiguration # a kind
chain: { network: testnet, url: https://mine.example } # my node
policy:
  # how much there is
  capacity: { cpuMilli: 16000, memoryBytes: 34359738368 }
note: 0xabababababababababababababababababababababababababababababababab
text: a long line that is not to be folded because it is a line of somebody else and not of ours, however long it is
`,
  );
  chmodSync(path, 0o640);
  const notes = await recordDeployments(path, [deployment], place, false);
  t.strictSame(notes, []);
  const text = readFileSync(path, 'utf8');
  for (const kept of [
    '# of the operator',
    '# a kind',
    '# my node',
    '# how much there is',
    '34359738368',
    '0xabababababababababababababababababababababababababababababababab',
    'however long it is\n',
  ])
    t.ok(text.includes(kept), kept);
  t.match(parse(text), {
    cluster: { package: ID, chainId: CHAIN },
    chain: { network: 'testnet', url: 'https://node.example' },
    packages: {
      k3s_daas: {
        testnet: { chainId: CHAIN, package: ID, packageDigest: '01'.repeat(32), upgradePolicy: 'immutable' },
      },
    },
  });
  t.equal(statSync(path).mode & 0o777, 0o640, 'the mode stays');
  t.strictSame(
    readdirSync(dir).filter((name) => name.includes('partial')),
    [],
  );

  const again = { ...deployment, packageId: OTHER_ID, upgradePolicy: 'keep', upgradeCap: ID } as const;
  const second = await recordDeployments(path, [again], place, false);
  t.match(
    second,
    [/cluster\.package stays 0xabab/],
    'the cluster belongs to the package that it was made with',
  );
  t.match(parse(readFileSync(path, 'utf8')), {
    cluster: { package: ID },
    packages: { k3s_daas: { testnet: { package: OTHER_ID, upgradeCap: ID } } },
  });

  const before = readFileSync(path, 'utf8');
  for (const foreign of [
    { ...place, network: 'mainnet', chainId: OTHER_CHAIN },
    { ...place, chainId: OTHER_CHAIN },
    { ...place, network: 'embedded', chainId: OTHER_CHAIN },
  ] as const) {
    const refused = { code: 'CONFIG_OTHER_NETWORK', remedy: /--force/ };
    await t.rejects(requireRoom(path, ['k3s_daas'], foreign), refused);
    await t.rejects(recordDeployments(path, [deployment], foreign, false), refused);
  }
  t.equal(readFileSync(path, 'utf8'), before, 'nothing was written');
  const other = { ...deployment, name: 'mine' };
  await recordDeployments(path, [other], { ...place, network: 'mainnet', chainId: OTHER_CHAIN }, false);
  t.match(parse(readFileSync(path, 'utf8')), {
    cluster: { package: ID, chainId: CHAIN },
    packages: { mine: { mainnet: { chainId: OTHER_CHAIN } }, k3s_daas: { testnet: { chainId: CHAIN } } },
  });
  await t.rejects(requireRoom(path, ['mine'], { ...place, network: 'mainnet' }), {
    code: 'CONFIG_OTHER_NETWORK',
  });
  const forced = await recordDeployments(
    path,
    [again],
    { ...place, network: 'mainnet', chainId: OTHER_CHAIN },
    true,
  );
  t.strictSame(forced, []);
  t.match(parse(readFileSync(path, 'utf8')), {
    cluster: { package: OTHER_ID, chainId: OTHER_CHAIN },
    chain: { network: 'mainnet' },
  });
});

void t.test('daas.yaml is made, found behind a link, and refused where it cannot be used', async (t) => {
  const made = join(dir, 'made.yaml');
  const embedded = { ...place, network: 'embedded' } as const;
  await requireWritable(made);
  await recordDeployments(made, [deployment], embedded, false);
  t.match(parse(readFileSync(made, 'utf8')), { kind: 'DaaSConfiguration', packages: { k3s_daas: {} } });
  const mine = { ...deployment, name: 'mine' };
  await recordDeployments(made, [mine], embedded, false);
  const notes = await recordDeployments(made, [mine], { ...embedded, chainId: OTHER_CHAIN }, false);
  t.match(notes, [/was of chain/], 'an embedded chain comes and goes');

  const link = join(dir, 'link.yaml');
  symlinkSync(made, link);
  await recordDeployments(link, [{ ...mine, name: 'linked' }], embedded, false);
  t.match(
    parse(readFileSync(made, 'utf8')),
    { packages: { linked: {} } },
    'what the link points to was written',
  );

  const empty = file('empty.yaml', '');
  await recordDeployments(empty, [deployment], embedded, false);
  t.match(parse(readFileSync(empty, 'utf8')), { cluster: { package: ID } });

  const broken = file('broken.yaml', 'a: [\nb: }');
  await t.rejects(recordDeployments(broken, [deployment], embedded, false), { code: 'CONFIG_MALFORMED' });
  t.equal(readFileSync(broken, 'utf8'), 'a: [\nb: }');
  await t.rejects(readYaml(dir), { code: 'FILE_UNREADABLE' });
  await t.rejects(requireWritable(join(dir, 'no', 'folder.yaml')), { code: 'CONFIG_UNWRITABLE' });
  const document = await readYaml(made);
  if (document === null) throw new Error('it is there');
  await t.rejects(writeYaml(join(dir, 'no', 'folder.yaml'), document), { code: 'CONFIG_UNWRITABLE' });
  await t.rejects(readYaml(file('large.yaml', `a: ${'x'.repeat(1 << 20)}`)), { code: 'CONFIG_MALFORMED' });
});

void t.test('key files are only used if nobody else can read them', async (t) => {
  const path = join(dir, 'one.key');
  const made = await createKeyFile(path);
  t.equal(statSync(path).mode & 0o777, 0o600);
  await t.rejects(createKeyFile(path), { code: 'KEY_UNUSABLE' }, 'an existing key is kept');
  t.equal((await readKeyFile(path, undefined)).toSuiAddress(), made.toSuiAddress());
  for (const mode of [0o640, 0o604, 0o660, 0o601]) {
    chmodSync(path, mode);
    await t.rejects(
      readKeyFile(path, undefined),
      { code: 'KEY_UNUSABLE', remedy: /chmod 600/ },
      mode.toString(8),
    );
  }
  chmodSync(path, 0o400);
  t.ok(await readKeyFile(path, made.toSuiAddress()));
  await t.rejects(readKeyFile(path, OTHER_ID), { code: 'KEY_UNUSABLE', message: /no key of 0x1212/ });
  await t.rejects(readKeyFile(join(dir, 'none.key'), undefined), { code: 'FILE_UNREADABLE' });
  await t.rejects(readKeyFile(dir, undefined), { code: /KEY_UNUSABLE|FILE_UNREADABLE/ });

  const item = (byte: number): string => Buffer.from(new Uint8Array(33).fill(byte, 1)).toString('base64');
  const store = file('sui.keystore', JSON.stringify([item(1), item(2)]));
  chmodSync(store, 0o600);
  await t.rejects(readKeyFile(store, undefined), { code: 'KEY_UNUSABLE', remedy: /--address one of 0x/ });
  const nonsense = file('nonsense.key', 'suiprivkey1secretsecret');
  chmodSync(nonsense, 0o600);
  await t.rejects(readKeyFile(nonsense, undefined), { message: /^((?!secretsecret).)*$/s });
});

void t.test('which node is meant', async (t) => {
  const config = file('target.yaml', 'chain: { network: localnet, url: "http://127.0.0.1:4" }\n');
  t.strictSame(await resolveTarget({}), { network: 'embedded', url: 'http://127.0.0.1:9000' });
  t.strictSame(await resolveTarget({ config }), { network: 'localnet', url: 'http://127.0.0.1:4' });
  t.strictSame(await resolveTarget({ config, network: 'localnet' }), {
    network: 'localnet',
    url: 'http://127.0.0.1:4',
  });
  t.match(await resolveTarget({ config, network: 'mainnet' }), {
    url: 'https://fullnode.mainnet.sui.io:443',
  });
  t.strictSame(await resolveTarget({ config, url: 'http://127.0.0.1:5' }), {
    network: 'localnet',
    url: 'http://127.0.0.1:5',
  });
  t.strictSame(await resolveTarget({ network: 'embedded', url: 'http://127.0.0.1:5' }), {
    network: 'embedded',
    url: 'http://127.0.0.1:5',
  });
  await t.rejects(resolveTarget({ network: 'moon' }), { code: 'USAGE' });
  for (const url of ['127.0.0.1:9000', 'ftp://a', 'http://user:pw@a', ''])
    await t.rejects(resolveTarget({ url }), { code: 'USAGE' }, url);
});

void t.test('a node that does not answer, or is something else, is a coded error that helps', async (t) => {
  const nobody = { url: 'http://127.0.0.1:1' };
  for (const [network, remedy] of [
    ['embedded', /daas chain up/],
    ['localnet', /sui start/],
    ['testnet', /internet/],
    ['mainnet', /internet/],
  ] as const) {
    await t.rejects(connectTarget({ network, ...nobody }, 2_000), {
      code: 'NETWORK_UNREACHABLE',
      message: new RegExp(`${network} cannot be reached`),
      remedy,
    });
  }
  const shape = z.object({ x: z.string() });
  await t.rejects(callAdmin({ network: 'embedded', ...nobody }, 'clock', {}, shape), {
    code: 'NETWORK_UNREACHABLE',
  });
  for (const network of ['mainnet', 'testnet', 'devnet'] as const)
    await t.rejects(askFaucet({ network, ...nobody }, ID, 1n), { code: 'FAUCET_UNAVAILABLE' });

  const answers: { status: number; body: string }[] = [];
  const server = createServer((request, response) => {
    request.resume();
    const { status, body } = answers.shift() ?? { status: 500, body: '' };
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const target = { network: 'embedded', url: `http://127.0.0.1:${port}` } as const;
  const refusal = JSON.stringify({ code: 'CLOCK_NOT_MANUAL', message: 'No.', remedy: 'Do so.' });
  for (const [status, body, code] of [
    [409, refusal, 'ADMIN_REFUSED'],
    [400, 'text', 'ADMIN_UNAVAILABLE'],
    [200, '{}', 'ADMIN_UNAVAILABLE'],
    [200, '<html>', 'ADMIN_UNAVAILABLE'],
  ] as const) {
    answers.push({ status, body });
    await t.rejects(callAdmin(target, 'clock', {}, shape), { code }, body);
    answers.push({ status, body });
    await t.rejects(askFaucet(target, ID, 1n), { code: 'FAUCET_UNAVAILABLE' }, body);
  }
  answers.push({ status: 200, body: '{"x":"y"}' });
  t.strictSame(await callAdmin(target, 'clock', {}, shape), { x: 'y' });
});

void t.test('how things are shown', (t) => {
  t.equal(requireAddress('0x6'), `0x${'0'.repeat(63)}6`);
  t.equal(requireAddress('0xAB'), `0x${'0'.repeat(62)}ab`);
  for (const bad of ['6', '0x', '0xg', `0x${'1'.repeat(65)}`, ''])
    t.throws(() => requireAddress(bad), { code: 'USAGE' });
  t.equal(mistText(0n), '0 SUI');
  t.equal(mistText(1n), '0.000000001 SUI');
  t.equal(mistText(-2_500_000_000n), '-2.5 SUI');
  t.equal(short(`0x${'0'.repeat(63)}2::coin::Coin<${ID}::a::B>`), '0x2::coin::Coin<0xababab…abab::a::B>');
  t.end();
});
