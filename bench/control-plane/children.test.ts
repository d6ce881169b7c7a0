import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { refuseIfOwned, stopRecorded } from './children.ts';
import { ensureControlPlane } from './index.ts';
import { processStartTime } from './process-identity.ts';
import { temporaryDir } from './test/fixtures.ts';

const OWNER = join(dirname(fileURLToPath(import.meta.url)), 'test', 'owner.ts');
/** An owner without setpriv on its path cannot have the kernel end its children. */
const NO_PATH = '/nonexistent';

interface Owner {
  readonly process: ChildProcess;
  readonly etcdPid: number;
}

/** A process that starts etcd in `dir`, as `daas up` does. */
async function startOwner(t: Test, dir: string, path: string | undefined): Promise<Owner> {
  const { etcd } = await ensureControlPlane();
  const owner = spawn(process.execPath, [OWNER, dir, etcd], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PATH: path },
  });
  t.teardown(() => owner.kill('SIGKILL'));
  const [line] = (await owner.stdout.take(1).toArray()) as Buffer[];
  const etcdPid = Number(line?.toString());
  t.ok(processStartTime(etcdPid), 'etcd runs');
  return { process: owner, etcdPid };
}

async function goneWithin(pid: number, msMax: number): Promise<boolean> {
  for (let waited = 0; waited < msMax; waited += 20) {
    if (processStartTime(pid) === undefined) return true;
    await delay(20);
  }
  return false;
}

void t.test('after a SIGKILL of its owner, stopRecorded ends etcd', async (t) => {
  const dir = temporaryDir(t);
  const { process: owner, etcdPid } = await startOwner(t, dir, NO_PATH);
  await t.rejects(refuseIfOwned(dir), { code: 'already-running' });
  owner.kill('SIGKILL');
  t.ok(await goneWithin(owner.pid ?? 0, 30_000));
  t.notOk(await goneWithin(etcdPid, 200), 'it outlived its owner');
  await refuseIfOwned(dir);
  t.same(await stopRecorded(dir), ['etcd']);
  t.equal(processStartTime(etcdPid), undefined);
  t.same(await stopRecorded(dir), [], 'twice is fine');
});

void t.test(
  'with setpriv, etcd dies with its owner',
  { skip: hasSetpriv() ? false : 'no setpriv here' },
  async (t) => {
    const dir = temporaryDir(t);
    const { process: owner, etcdPid } = await startOwner(t, dir, process.env['PATH']);
    owner.kill('SIGKILL');
    t.ok(await goneWithin(etcdPid, 30_000));
    t.same(await stopRecorded(dir), []);
  },
);

void t.test('an owner that exits takes etcd with it', async (t) => {
  const { process: owner, etcdPid } = await startOwner(t, temporaryDir(t), NO_PATH);
  owner.kill('SIGUSR2');
  t.ok(await goneWithin(etcdPid, 30_000));
});

void t.test('a process that merely has a recorded pid is left alone', async (t) => {
  const dir = temporaryDir(t);
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  t.teardown(() => bystander.kill('SIGKILL'));
  const pid = bystander.pid ?? 0;
  const owner = { pid: 999_999_999, startTime: 'never' };
  const record = (startTime: string): void => {
    writeFileSync(
      join(dir, 'children.json'),
      JSON.stringify({ owner, children: [{ name: 'etcd', pid, startTime }] }),
    );
  };
  record('an earlier boot/12345');
  t.same(await stopRecorded(dir), []);
  t.ok(processStartTime(pid), 'still running');
  record(processStartTime(pid) ?? '');
  t.same(await stopRecorded(dir), ['etcd'], 'and with its own start time it is ended');
  t.equal(processStartTime(pid), undefined);
  writeFileSync(join(dir, 'children.json'), '{"children": [{"pid": -1}]}');
  t.same(await stopRecorded(dir), [], 'a record that is not ours is not acted upon');
});

function hasSetpriv(): boolean {
  try {
    return (
      process.platform === 'linux' &&
      /pdeathsig/.test(execFileSync('setpriv', ['--help'], { encoding: 'utf8' }))
    );
  } catch {
    return false;
  }
}

void t.test(
  'the start time is the one the kernel gives',
  { skip: process.platform !== 'linux' && 'Linux only' },
  (t) => {
    const ticks = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[19];
    t.match(processStartTime(process.pid), new RegExp(`^[0-9a-f-]{36}/${ticks ?? ''}$`));
    t.equal(processStartTime(999_999_999), undefined);
    t.end();
  },
);
