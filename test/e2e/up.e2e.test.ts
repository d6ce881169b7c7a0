import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';
import { z } from 'zod';

import { runDaas, startDaas, type Ran } from '../../cli/test/daas.ts';

/** A folder of its own for temporary runs, so that what is left behind can be seen. */
function isolated(): { env: NodeJS.ProcessEnv; leftovers: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'daas-e2e-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    env: { TMPDIR: folder },
    leftovers: () => readdirSync(folder).flatMap((name) => readdirSync(join(folder, name))),
  };
}

function start(args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = startDaas(args, { cwd: process.cwd(), env });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.err += chunk.toString()));
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
  t.teardown(() => child.kill('SIGKILL'));
  return { child, text, exit };
}

const summary = z.strictObject({
  pods: z.literal(12),
  placed: z.literal(12),
  receiptsVerified: z.literal(12),
  secretOpened: z.literal(true),
  refused: z.strictObject({
    unstakedNode: z.literal(true),
    bindingWithoutReceipt: z.literal(true),
    foreignReceipt: z.literal(true),
    expiredReceipt: z.literal(true),
    unregisteredKey: z.literal(true),
    legacyBinding: z.literal(true),
    presetNodeName: z.literal(true),
    plainSecret: z.literal(true),
    copiedSecret: z.literal(true),
    workloadWithoutSecret: z.literal(true),
    brokerTokenForAdmin: z.literal(true),
    imageChanged: z.literal(true),
  }),
  slashedNodeTainted: z.literal(true),
  logRecords: z.number().int().min(24),
  maxLag: z.number().int().positive(),
});

/** Processes whose command line mentions a folder: everything a run starts has its data below one. */
function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return line.includes(folder) ? [line] : [];
      } catch {
        return [];
      }
    });
}

void t.test('daas up --once shows and checks every claim, and leaves nothing behind', async (t) => {
  const { env, leftovers } = isolated();
  const { text, exit } = start(['up', '--once'], env);
  t.equal(await exit, 0, `exit code; stderr ends:\n${text.err.slice(-3_000)}`);
  const last = text.out.trimEnd().split('\n').at(-1) ?? '';
  const parsed = summary.safeParse(JSON.parse(last === '' ? '{}' : last));
  t.ok(parsed.success, `last line: ${last} ${parsed.success ? '' : z.prettifyError(parsed.error)}`);
  t.match(text.err, /verified here and on chain/);
  t.same(leftovers(), [], 'no folder is left');
  t.same(processesIn(env['TMPDIR'] ?? '?'), [], 'no process is left');
});

void t.test(
  'daas up stays up; verify and explain work from another folder; Ctrl-C ends it within 5 s',
  async (t) => {
    const { env, leftovers } = isolated();
    const { child, text, exit } = start(['up'], env);
    await until(() => text.err.includes('It stays up until Ctrl-C') || child.exitCode !== null, 120_000);
    t.equal(child.exitCode, null, `still up; stderr ends:\n${text.err.slice(-2_000)}`);
    const config = /DAAS_CONFIG=(\S+)/.exec(text.err)?.[1] ?? '';
    const pod = / (web-\S+) /.exec(text.err)?.[1] ?? '';
    t.ok(existsSync(config), `configuration ${config}`);
    const asked = { ...env, DAAS_CONFIG: config };

    const nodes = await run(['node', 'list', '--json'], asked);
    t.equal(nodes.code, 0, nodes.err);
    const list = z
      .object({ nodes: z.array(z.object({ node: z.string(), eligible: z.boolean() })) })
      .parse(JSON.parse(nodes.out));
    t.same(list.nodes.map(({ node, eligible }) => `${node} ${String(eligible)}`).sort(), [
      'worker-1 true',
      'worker-2 true',
      'worker-3 false',
    ]);

    const placed = await firstPod(config, pod);
    const verified = await run(['verify', 'pod', placed, '-n', 'app'], asked);
    t.equal(verified.code, 0, verified.out + verified.err);
    t.match(verified.out, /Move verifies the receipt/);
    const explained = await run(['explain', 'pod', placed, '-n', 'app'], asked);
    t.equal(explained.code, 0, explained.err);
    t.match(explained.out, /largest lag/);

    const manifest = join(config, '../pod.json');
    writeFileSync(
      manifest,
      JSON.stringify({ kind: 'Pod', spec: { containers: [{ name: 'a', image: 'b' }] } }),
    );
    const wouldBe = await run(['explain', 'manifest', manifest, '--json'], asked);
    t.equal(wouldBe.code, 0, wouldBe.out + wouldBe.err);
    const dry = z
      .object({
        names: z.array(z.string()),
        rejected: z.array(z.object({ node: z.string(), code: z.string() })),
      })
      .parse(JSON.parse(wouldBe.out));
    t.same([...dry.names].sort(), ['worker-1', 'worker-2']);
    t.match(dry.rejected, [{ node: 'worker-3', code: 'STAKE_TOO_SMALL' }]);

    const log = join(config, '../enclave/data/decisions.log');
    const replayed = await run(['verify', 'log', log], asked);
    t.equal(replayed.code, 0, replayed.out + replayed.err);

    const victim = await run(['verify', 'pod', 'victim', '-n', 'app', '--json'], asked);
    t.equal(victim.code, 1, 'a pod without receipt does not verify');
    t.match(victim.out, /VERIFICATION_FAILED/);

    const before = Date.now();
    child.kill('SIGINT');
    t.equal(await exit, 0);
    t.ok(Date.now() - before < 5_000, `ended in ${Date.now() - before} ms`);
    t.same(leftovers(), [], 'no folder is left');
    t.same(processesIn(env['TMPDIR'] ?? '?'), [], 'no process is left');
  },
);

void t.test('after SIGKILL, daas down ends and removes what was left', async (t) => {
  const { env, leftovers } = isolated();
  const { child, text, exit } = start(['up'], env);
  await until(() => text.err.includes('✓ admission webhook') || child.exitCode !== null, 120_000);
  child.kill('SIGKILL');
  await exit;
  const down = await run(['down', '--json'], env);
  t.equal(down.code, 0, down.err);
  t.same(leftovers(), [], 'no folder is left');
  t.same(processesIn(env['TMPDIR'] ?? '?'), [], 'no process is left');
});

void t.test('a data folder goes on with the same cluster, even after SIGKILL', async (t) => {
  const { env } = isolated();
  const folder = join(env['TMPDIR'] ?? '', 'installation');
  const first = start(['up', '--data-dir', folder], env);
  await until(() => first.text.err.includes('It stays up') || first.child.exitCode !== null, 120_000);
  const config = join(folder, 'daas.yaml');
  const asked = { ...env, DAAS_CONFIG: config };
  const pod = await firstPod(config, '');
  const before = await run(['node', 'list', '--json'], asked);
  first.child.kill('SIGKILL');
  await first.exit;
  t.equal((await run(['down', '--data-dir', folder], env)).code, 0);

  const once = await run(['up', '--once', '--data-dir', folder], env);
  t.match(once, { code: 1, err: /DATA_DIR_NOT_EMPTY/ }, '--once begins from nothing');

  const second = start(['up', '--data-dir', folder], env);
  await until(() => second.text.err.includes('It stays up') || second.child.exitCode !== null, 120_000);
  t.equal(second.child.exitCode, null, `still up; stderr ends:\n${second.text.err.slice(-2_000)}`);
  t.notMatch(second.text.err, /DOES NOT VERIFY/);
  const verified = await run(['verify', 'pod', pod, '-n', 'app'], asked);
  t.equal(verified.code, 0, verified.out + verified.err);
  t.match(verified.out, /not active any more/, 'by a session that is over');
  const after = await run(['node', 'list', '--json'], asked);
  const nodes = (text: string): unknown => (JSON.parse(text) as { nodes: unknown }).nodes;
  t.same(nodes(after.out), nodes(before.out), 'the same claims and stakes');
  const replayed = await run(['verify', 'log', join(folder, 'enclave/data/decisions.log')], asked);
  t.equal(replayed.code, 0, replayed.out + replayed.err);
  second.child.kill('SIGINT');
  t.equal(await second.exit, 0);
  t.same(processesIn(folder), [], 'no process is left');

  const foreign = mkdtempSync(join(env['TMPDIR'] ?? '', 'foreign-'));
  writeFileSync(join(foreign, 'thesis.txt'), 'mine');
  t.match(await run(['up', '--data-dir', foreign], env), { code: 1, err: /DATA_DIR_NOT_EMPTY/ });
  t.same(readdirSync(foreign), ['thesis.txt'], 'nothing of it is touched');
});

void t.test('Ctrl-C in the middle of the start ends it within 5 s', async (t) => {
  const { env, leftovers } = isolated();
  const { child, text, exit } = start(['up'], env);
  await until(() => text.err.includes('· chain') || child.exitCode !== null, 120_000);
  const before = Date.now();
  child.kill('SIGINT');
  t.equal(await exit, 130);
  t.ok(Date.now() - before < 5_000, `ended in ${Date.now() - before} ms`);
  t.same(leftovers(), [], 'no folder is left');
  t.same(processesIn(env['TMPDIR'] ?? '?'), [], 'no process is left');
});

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  return runDaas(args, { env });
}

/** A pod of the table may have been evicted with its slashed node since: take one that runs. */
async function firstPod(config: string, fallback: string): Promise<string> {
  const kubeconfig = /kubeconfig: (\S*admin\.kubeconfig)/.exec(readFileSync(config, 'utf8'))?.[1];
  if (kubeconfig === undefined) return fallback;
  const { getObject } = await import('../../cli/kube-api.ts');
  const pods = z
    .object({
      items: z.array(
        z.object({ metadata: z.object({ name: z.string() }), status: z.object({ phase: z.string() }) }),
      ),
    })
    .parse(await getObject(kubeconfig, '/api/v1/namespaces/app/pods?labelSelector=app%3Dweb'));
  return pods.items.find(({ status }) => status.phase === 'Running')?.metadata.name ?? fallback;
}

async function until(condition: () => boolean, msMax: number): Promise<void> {
  const deadline = Date.now() + msMax;
  while (!condition() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
}
