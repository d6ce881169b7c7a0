import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { ensureControlPlane } from './build.ts';
import type { BuildProgress } from './cached-build.ts';
import { withLock } from './lock.ts';
import { ownIdentity } from './process-identity.ts';
import { temporaryDir } from './test/fixtures.ts';

void t.test('without Go', async (t) => {
  const dir = temporaryDir(t);
  const built = await ensureControlPlane();
  const env = { PATH: '/nonexistent', HOME: dir };
  await t.rejects(ensureControlPlane({ cacheDir: dir, env }), {
    code: 'go-missing',
    remedy: /Install Go 1\.26.*KUBEBUILDER_ASSETS.*kube-apiserver/,
  });
  t.same(readdirSync(dir), [], 'nothing was made');

  const cacheDir = dirname(dirname(built.etcd));
  t.same(await ensureControlPlane({ cacheDir, env }), built, 'an earlier build is used');
  t.same(await ensureControlPlane({ env: { ...env, DAAS_CACHE_DIR: dirname(cacheDir) } }), built);

  const assets = join(dir, 'assets');
  mkdirSync(assets);
  const { stages, versions, ...programs } = built;
  for (const path of [stages, ...Object.values(programs)]) symlinkSync(path, join(assets, basename(path)));
  const brought = await ensureControlPlane({
    cacheDir: join(dir, 'cache'),
    env: { ...env, KUBEBUILDER_ASSETS: assets },
  });
  t.same(brought.versions, versions);
  t.equal(brought.kubectl, join(assets, 'kubectl'));
  t.equal(brought.stages, join(assets, 'kwok-stages.yaml'));
  t.notOk(readdirSync(dir).includes('cache'), 'and nothing is built');
});

void t.test('Go too old is refused', async (t) => {
  const dir = temporaryDir(t);
  // What `go env GOVERSION` of such a Go prints, or says where go.mod asks for more than it is.
  const go = (script: string): void => {
    writeFileSync(join(dir, 'go'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  const old = { code: 'go-too-old', remedy: /newer Go/ };
  go('echo go1.24.1');
  await t.rejects(ensureControlPlane({ cacheDir: dir, env: { PATH: `${dir}:/bin` } }), old);
  go('echo "go: go.mod requires go >= 1.26.0 (running go 1.25.0; GOTOOLCHAIN=local)" >&2; exit 1');
  await t.rejects(ensureControlPlane({ cacheDir: dir, env: { PATH: `${dir}:/bin` } }), {
    ...old,
    message: /running go 1\.25\.0/,
  });
});

void t.test('a build that fails says so and leaves no half result', async (t) => {
  const dir = temporaryDir(t);
  const script = `if [ "$1" = env ]; then echo go1.26.8; exit 0; fi
echo k8s.io/api/core/v1 >&2; echo "go: no network" >&2; exit 1`;
  writeFileSync(join(dir, 'go'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const events: BuildProgress[] = [];
  const cacheDir = join(dir, 'cache');
  const progress = (event: BuildProgress): void => {
    events.push(event);
  };
  await t.rejects(ensureControlPlane({ cacheDir, progress, env: { PATH: `${dir}:/bin` } }), {
    code: 'build-failed',
    message: /status 1:.*no network/s,
  });
  t.match(events.at(-1), { step: 'build', message: 'package 1 of about 2800', fraction: 1 / 2800 });
  t.same(readdirSync(cacheDir), []);
});

void t.test('one at a time', async (t) => {
  const dir = temporaryDir(t);
  const lock = join(dir, 'lock');
  const waited: number[] = [];
  let inside = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    t.equal(inside, 1);
    // Held until both others have had to wait, however slow this machine is.
    while (waited.length < 2) await delay(10);
    inside -= 1;
  };
  const wait = (pid: number): void => {
    waited.push(pid);
  };
  await Promise.all([withLock(lock, wait, work), withLock(lock, wait, work), withLock(lock, wait, work)]);
  t.same(new Set(waited), new Set([process.pid]));
  t.same(readdirSync(dir), []);

  mkdirSync(lock);
  writeFileSync(
    join(lock, 'owner.json'),
    JSON.stringify({ ...ownIdentity(), startTime: 'an earlier process' }),
  );
  await withLock(lock, () => t.fail('waits for a dead process'), work);
  t.same(readdirSync(dir), []);
});
