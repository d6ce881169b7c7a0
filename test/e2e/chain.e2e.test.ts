import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';
import { parse } from 'yaml';
import { z } from 'zod';

import { runDaas, Runner, startDaas, type Ran } from '../../cli/test/daas.ts';

const START_MS = 1_700_000_000_000;
const ADDRESS = `0x${'ab'.repeat(32)}`;
const ID = /^0x[0-9a-f]{64}$/;

t.setTimeout(600_000);
const dir = mkdtempSync(join(tmpdir(), 'daas-e2e-chain-'));
const env = { DAAS_CONFIG: undefined, INIT_CWD: undefined };
t.teardown(() => {
  runner.close();
  rmSync(dir, { recursive: true, force: true });
});

const runner = new Runner();
const SHARED = ['faucet', 'inspect', 'clock'];
/** Each command as a process of its own; of those that ask one thing of a node, the first run only. */
async function daas(...args: string[]): Promise<Ran> {
  const options = { cwd: dir, env };
  if (!SHARED.includes(args[1] ?? '')) return await runDaas(args, options);
  const command = args.slice(0, 3).filter((word) => /^[a-z]+$/.test(word));
  return await runner.runKind(command.join(' '), args, options);
}

/** Runs a command that must succeed, with --json; its answer. */
async function answer<T>(shape: z.ZodType<T>, ...args: string[]): Promise<T> {
  const { code, out, err } = await daas(...args, '--json');
  if (code !== 0) throw new Error(`daas ${args.join(' ')} ended with ${String(code)}:\n${out}${err}`);
  return shape.parse(JSON.parse(out));
}

const readyShape = z.object({
  ready: z.object({
    url: z.url(),
    chainId: z.string(),
    faucet: z.url(),
    manualClock: z.boolean(),
    replayed: z.number(),
    restored: z.string().nullable(),
    dataDir: z.string().nullable(),
  }),
});

interface Up {
  readonly ready: z.infer<typeof readyShape>['ready'];
  readonly pid: number;
  /** Resolves with the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

async function up(...args: string[]): Promise<Up> {
  const child = startDaas(['chain', 'up', '--port', '0', '--json', ...args], { cwd: dir, env });
  t.teardown(() => child.kill('SIGKILL'));
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
      if (out.includes('\n')) resolve(out);
    });
    void exit.then((code) => {
      reject(new Error(`chain up ended with ${String(code)}: ${out}${err}`));
    });
  });
  return {
    ready: readyShape.parse(JSON.parse(line)).ready,
    pid: child.pid ?? 0,
    end(signal) {
      child.kill(signal);
      return exit;
    },
  };
}

const publishedShape = z.object({
  network: z.string(),
  chainId: z.string(),
  sender: z.string().regex(ID),
  dryRun: z.boolean(),
  packages: z.array(
    z.object({
      name: z.string(),
      modules: z.array(z.object({ name: z.string(), bytes: z.number() })),
      estimate: z.object({ cost: z.string(), budget: z.string() }),
    }),
  ),
  deployments: z
    .array(
      z.object({
        packageId: z.string().regex(ID),
        transaction: z.string(),
        upgradeCap: z.string().nullable(),
      }),
    )
    .default([]),
});

function movePackage(name: string, body: string): string {
  const folder = join(dir, name);
  mkdirSync(join(folder, 'sources'), { recursive: true });
  const manifest = `[package]\nname = "${name}"\nedition = "2024.beta"\n\n[addresses]\n${name} = "0x0"\n`;
  writeFileSync(join(folder, 'Move.toml'), manifest);
  writeFileSync(join(folder, 'sources', `${name}.move`), `module ${name}::${name};\n${body}\n`);
  return folder;
}

void t.test('up → faucet → publish → inspect → clock → snapshot → kill -9 → up again', async (t) => {
  const data = join(dir, 'data');
  const options = ['--data-dir', data, '--clock-start-ms', String(START_MS), '--seed', 'e2e'];
  const first = await up(...options);
  const { url, chainId } = first.ready;
  const at = ['--url', url];
  t.match(first.ready, { manualClock: true, replayed: 0, restored: null, faucet: `${url}/faucet` });
  t.match(new URL(url).hostname, '127.0.0.1');

  await t.test('one process has the chain', async (t) => {
    const { port } = new URL(url);
    t.match(await daas('chain', 'up', '--port', '0', '--data-dir', data), { code: 1, err: /JOURNAL_LOCKED/ });
    t.match(await daas('chain', 'up', '--port', port), { code: 1, err: /PORT_TAKEN.*--port 0/s });
    const refused = await daas('chain', 'up', '--port', port, '--json');
    t.match(JSON.parse(refused.out), { error: { code: 'PORT_TAKEN', remedy: /--port/ } });
  });

  await t.test('faucet', async (t) => {
    const granted = z.object({ address: z.string(), mist: z.string(), balance: z.string() });
    t.match(await answer(granted, 'chain', 'faucet', ADDRESS, '--mist', '5', ...at), { balance: '5' });
    t.match(await daas('chain', 'faucet', ADDRESS, ...at), { code: 0, out: /has 10000000005 MIST now/ });
    t.match(await daas('chain', 'faucet', 'nobody', ...at), { code: 2, err: /USAGE/ });
    t.match(await daas('chain', 'faucet', ADDRESS, '--mist', '0', ...at), { code: 2 });
  });

  let packageId = '';
  await t.test('publish on the embedded ledger, without any flag about keys', async (t) => {
    writeFileSync(join(dir, 'daas.yaml'), '# mine\nkind: DaaSConfiguration # kept\n');
    const dry = await answer(publishedShape, 'chain', 'publish', '--network', 'embedded', ...at, '--dry-run');
    t.match(dry, { dryRun: true, chainId, deployments: [], packages: [{ name: 'k3s_daas' }] });
    t.ok((dry.packages[0]?.modules.length ?? 0) >= 5);
    t.equal(readFileSync(join(dir, 'daas.yaml'), 'utf8'), '# mine\nkind: DaaSConfiguration # kept\n');

    const done = await daas('chain', 'publish', '--network', 'embedded', ...at);
    t.match(done, { code: 0, err: /fund from the faucet/, out: /upgrade cap +none: immutable/ });
    const text = readFileSync(join(dir, 'daas.yaml'), 'utf8');
    t.ok(text.startsWith('# mine\nkind: DaaSConfiguration # kept\n'));
    const { cluster, chain, packages } = parse(text) as Record<string, Record<string, unknown>>;
    t.match({ cluster, chain }, { cluster: { package: ID, chainId }, chain: { network: 'embedded', url } });
    t.match(packages, { k3s_daas: { embedded: { package: ID, chainId, upgradePolicy: 'immutable' } } });
    packageId = String(cluster?.['package']);
  });

  await t.test('publish a package of one’s own on a localnet, with a key', async (t) => {
    const mine = movePackage(
      'mine',
      'public struct Made has copy, drop { n: u64 }\nfun init(_: &mut TxContext) { sui::event::emit(Made { n: 7 }) }',
    );
    const publish = ['chain', 'publish', mine, '--network', 'localnet', ...at, '-c', join(dir, 'own.yaml')];
    t.match(await daas(...publish), { code: 2, err: /no key to publish to localnet with/ });
    const key = join(dir, 'new.key');
    const poor = await daas(...publish, '--generate', key, '--upgrade-policy', 'keep', '--json');
    const { error } = JSON.parse(poor.out) as { error: { code: string; message: string; remedy: string } };
    t.match(
      { code: poor.code, error },
      { code: 1, error: { code: 'GAS_INSUFFICIENT', remedy: /daas chain faucet 0x/ } },
    );
    t.equal(statSync(key).mode & 0o777, 0o600);
    t.notOk(existsSync(join(dir, 'own.yaml')));
    const sender = /0x[0-9a-f]{64}/.exec(error.message)?.[0] ?? '';
    t.equal((await daas('chain', 'faucet', sender, ...at)).code, 0);
    const done = await answer(publishedShape, ...publish, '--key-file', key, '--upgrade-policy', 'keep');
    const [
      { upgradeCap, transaction, packageId: own } = { upgradeCap: null, transaction: '', packageId: '' },
    ] = done.deployments;
    t.match(done, { sender, network: 'localnet' });
    t.match(parse(readFileSync(join(dir, 'own.yaml'), 'utf8')), {
      packages: {
        mine: { localnet: { package: own, upgradeCap, upgradePolicy: 'keep', chainId, transaction } },
      },
    });
    const cap = z.object({ owner: z.string(), fields: z.object({ package: z.string() }) });
    t.match(await answer(cap, 'chain', 'inspect', 'object', upgradeCap ?? '', ...at), {
      owner: sender,
      fields: { package: own },
    });
    const seen = await daas('chain', 'inspect', 'transaction', transaction, ...at);
    t.match(seen, {
      code: 0,
      out: /status +success[\s\S]*publish 1 modules[\s\S]*mine::Made[\s\S]*0700000000000000/,
    });
    t.match(await daas('chain', 'inspect', 'events', '--module', `${own}::mine`, ...at), {
      out: /mine::Made/,
    });

    const locked = await answer(
      publishedShape,
      ...[...publish, '--key-file', key, '--upgrade-policy', 'timelock', '--delay', '2d'],
    );
    const names = locked.packages.map(({ name }) => name);
    t.strictSame(names, ['k3s_daas_upgrades', 'mine'], 'the timelock is published with it');
    const lock = z.object({
      fields: z.object({ delayMs: z.string(), cap: z.object({ package: z.string() }) }),
    });
    const [first, second] = locked.deployments;
    t.equal(first?.upgradeCap, null);
    t.match(await answer(lock, 'chain', 'inspect', 'object', second?.upgradeCap ?? '', ...at), {
      fields: { delayMs: '172800000', cap: { package: second?.packageId } },
    });
    const relocked = await answer(
      publishedShape,
      ...publish,
      '--key-file',
      key,
      '--upgrade-policy',
      'timelock',
    );
    t.strictSame(
      relocked.packages.map(({ name }) => name),
      ['mine'],
      'once',
    );
    t.match(await daas(...publish, '--key-file', key, '--upgrade-policy', 'timelock', '--delay', '1h'), {
      code: 2,
      err: /from 1d to 365d/,
    });

    chmodSync(key, 0o644);
    t.match(await daas(...publish, '--key-file', key), { code: 1, err: /KEY_UNUSABLE.*chmod 600/s });
    chmodSync(key, 0o600);
    const broken = movePackage('broken', 'public fun f(): u64 { true }');
    t.match(await daas('chain', 'publish', broken, '--network', 'embedded', ...at), {
      code: 1,
      err: /COMPILE_FAILED/,
    });
    t.match(await daas('chain', 'publish', dir, ...at), { code: 1, err: /PACKAGE_UNREADABLE/ });
  });

  await t.test('the wrong network, and one that cannot be reached', async (t) => {
    const policy = ['--upgrade-policy', 'immutable', '--key-file', join(dir, 'new.key')];
    for (const network of ['testnet', 'mainnet']) {
      const foreign = await daas('chain', 'publish', '--network', network, ...at, ...policy);
      t.match(foreign, {
        code: 1,
        err: new RegExp(
          `NETWORK_UNREACHABLE.*is not ${network}: ${network} is chain .*, not ${chainId}`,
          's',
        ),
      });
      const nobody = ['--url', 'http://127.0.0.1:1'];
      t.match(await daas('chain', 'publish', '--network', network, ...nobody, ...policy), {
        code: 1,
        err: /NETWORK_UNREACHABLE.*check this machine's way to the internet/s,
      });
      t.match(await daas('chain', 'publish', '--network', network, ...nobody), {
        code: 2,
        err: /what becomes of the right to upgrade/,
      });
    }
    writeFileSync(
      join(dir, 'testnet.yaml'),
      `cluster: { package: "${ADDRESS}", chainId: 69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD }\n`,
    );
    const publish = ['chain', 'publish', '--network', 'embedded', ...at, '-c', join(dir, 'testnet.yaml')];
    t.match(await daas(...publish), { code: 1, err: /CONFIG_OTHER_NETWORK.*--force/s });
    t.match(readFileSync(join(dir, 'testnet.yaml'), 'utf8'), new RegExp(ADDRESS));
  });

  await t.test('inspect', async (t) => {
    t.match(await daas('chain', 'inspect', ...at), { code: 0, out: new RegExp(`chain id +${chainId}`) });
    t.match(await daas('chain', 'inspect'), { code: 0, out: new RegExp(chainId) }, 'as ./daas.yaml says');
    t.match(await daas('chain', 'inspect', 'package', packageId, ...at), { code: 0, out: /staking/ });
    t.match(await daas('chain', 'inspect', 'owned', ADDRESS, ...at), {
      code: 0,
      out: /0x2::coin::Coin<0x2::sui::SUI>/,
    });
    t.match(await daas('chain', 'inspect', 'balance', ADDRESS, ...at), { code: 0, out: /10.000000005 SUI/ });
    t.match(await daas('chain', 'inspect', 'object', '0x6', ...at), {
      code: 0,
      out: new RegExp(`timestampMs +${START_MS}`),
    });
    t.match(await daas('chain', 'inspect', 'checkpoint', '0', ...at), { code: 0, out: new RegExp(chainId) });
    t.match(await daas('chain', 'inspect', 'object', ADDRESS, ...at), { code: 1, err: /OBJECT_MISSING/ });
    t.match(await daas('chain', 'inspect', 'transaction', 'x', ...at), { code: 2, err: /USAGE/ });
  });

  const clockShape = z.object({ manual: z.boolean(), nowMs: z.string() });
  await t.test('clock', async (t) => {
    t.match(await answer(clockShape, 'chain', 'clock', ...at), { manual: true, nowMs: String(START_MS) });
    t.match(await answer(clockShape, 'chain', 'clock', 'advance', '90s', ...at), {
      nowMs: String(START_MS + 90_000),
    });
    const later = new Date(START_MS + 100_000).toISOString();
    t.match(await daas('chain', 'clock', 'set', later, ...at), { code: 0, out: new RegExp(later) });
    t.match(await daas('chain', 'clock', 'set', '1', ...at), {
      code: 1,
      err: /ADMIN_REFUSED.*cannot go back/s,
    });
    t.match(await daas('chain', 'clock', 'advance', 'soon', ...at), { code: 2 });
    t.match(await daas('chain', 'clock', 'epoch', ...at), { code: 0, out: /epoch 1 begins/ });
  });

  await t.test('snapshot', async (t) => {
    const copy = join(dir, 'copy.snapshot');
    const shape = z.object({ path: z.string(), bytes: z.number(), sequence: z.string(), copy: z.string() });
    const snapshot = await answer(shape, 'chain', 'snapshot', '--to', copy, ...at);
    t.ok(snapshot.path.startsWith(data));
    t.equal(statSync(copy).size, snapshot.bytes);
  });

  const balance = async (node: readonly string[]): Promise<string> =>
    (await daas('chain', 'inspect', 'balance', ADDRESS, '--json', ...node)).out;
  const before = await balance(at);
  t.equal((await daas('chain', 'faucet', ADDRESS, '--mist', '1', ...at)).code, 0);
  await first.end('SIGKILL');
  t.match(await daas('chain', 'inspect', ...at), { code: 1, err: /NETWORK_UNREACHABLE.*daas chain up/s });

  const second = await up(...options);
  const again = ['--url', second.ready.url];
  t.equal(second.ready.chainId, chainId);
  t.match(second.ready, { restored: /^\d+$/, replayed: 1 }, 'from the snapshot, and what came after it');
  t.equal(
    await balance(again),
    before.replace('10000000005', '10000000006'),
    'what was acknowledged is there',
  );
  t.match(await daas('chain', 'inspect', 'package', packageId, ...again), { code: 0, out: /staking/ });
  t.match(await answer(clockShape, 'chain', 'clock', ...again), { nowMs: String(START_MS + 100_000) });
  const since = Date.now();
  t.equal(await second.end('SIGINT'), 0);
  t.ok(Date.now() - since < 10_000, 'Ctrl-C ends it soon');

  const elsewhere = ['--data-dir', join(dir, 'elsewhere'), '--restore', join(dir, 'copy.snapshot')];
  const third = await up(...elsewhere);
  t.equal(third.ready.chainId, chainId);
  t.equal(await balance(['--url', third.ready.url]), before, 'as it was when the copy was made');
  t.equal(await third.end('SIGTERM'), 0);
  t.match(
    await daas('chain', 'up', '--port', '0', ...elsewhere),
    { code: 1, err: /JOURNAL_MISMATCH/ },
    'not over a chain that is there',
  );
});

void t.test('a ledger in memory follows the machine, and says what it cannot do', async (t) => {
  const ledger = await up();
  const at = ['--url', ledger.ready.url];
  t.match(ledger.ready, { manualClock: false, dataDir: null });
  t.match(await daas('chain', 'clock', 'advance', '1s', ...at), { code: 1, err: /CLOCK_NOT_MANUAL/ });
  t.match(await daas('chain', 'snapshot', ...at), { code: 1, err: /SNAPSHOT_UNAVAILABLE.*--data-dir/s });
  t.match(await daas('chain', 'publish', '--all', '--network', 'embedded', '--no-config', ...at), {
    code: 0,
    out: /package +k3s_daas 0x/,
  });
  t.equal(await ledger.end('SIGTERM'), 0);
});
