/** Nothing of a run outlives it, however it ends: not the containers, which are nobody's children. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import t from 'tap';

import { hierarchies, listGroups } from './cgroups.ts';
import { place } from './private-network.ts';

const RUN_AND_HANG = fileURLToPath(new URL('test/run-and-hang.ts', import.meta.url));

const where = await place();
const skip = where.kind === 'impossible' ? where.reason : false;
void t.test('a run that is killed', { skip }, async (t) => {
  if (where.kind !== 'outside') throw new Error(`unexpected: ${where.kind}`);
  const dir = mkdtempSync(join(tmpdir(), 'daas-killed-'));
  const [program = '', ...rest] = where.command;
  const run = spawn(program, [...rest, process.execPath, RUN_AND_HANG, dir], {
    env: { ...process.env, ...where.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => {
    run.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  });
  const said = (await run.stdout.take(1).toArray()) as Buffer[];
  t.equal(said.join(''), 'running\n');
  const group = where.env['DAAS_PRIVATE_NETWORK']?.split('/')[0] ?? '';
  const processes = async (): Promise<string[]> =>
    (await hierarchies()).flatMap(({ own }) =>
      readdirSync(join(own, group), { recursive: true })
        .map(String)
        .filter((path) => path.endsWith('cgroup.procs'))
        .flatMap((path) => readFileSync(join(own, group, path), 'utf8').split('\n'))
        .filter((line) => line !== ''),
    );
  // Namespaces, containerd, kubelet, shim, pause and workload, in each hierarchy.
  t.ok(new Set(await processes()).size >= 6, 'it runs');
  run.kill('SIGKILL');
  for (let waited = 0; waited < 30_000 && (await processes()).length > 0; waited += 50) await delay(50);
  t.same(await processes(), [], 'every process is gone');
  await where.cleanUp();
  t.notOk((await listGroups()).has(group), 'and so are the control groups');
});
