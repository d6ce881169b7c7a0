import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';

import { encodeFetchPlan, sha256, toHex, utf8 } from '@k3s-daas/core';
import { sealValues } from '@k3s-daas/seal';
import t from 'tap';

import { buildSealFetchImage } from './image/build.ts';
import { furnish, planOf } from './test/pod.ts';
import { closeWorld, cluster, createPolicy, funded, sealConfig, SUBJECT } from './test/world.ts';

// The image as a container runtime would run it: its own root, its own user, no capability, no shell.

t.setTimeout(600_000);
t.teardown(closeWorld);
const USER = 65_532;
const FS_GROUP = 2_000;

const dir = t.testdir({ layout: {}, root: {} });
const root = join(dir, 'root');
const lines: string[] = [];
const image = await buildSealFetchImage({
  out: join(dir, 'image.tar'),
  progress: (line) => lines.push(line),
});

const blob = (digest: string): string => join(dir, 'layout/blobs/sha256', digest.replace('sha256:', ''));
const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const unpack = (archive: string, into: string): void => {
  const { status, stderr } = spawnSync('tar', ['-xf', archive, '-C', into], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
};

await t.test('an OCI image layout, the same each time', async (t) => {
  const again = await buildSealFetchImage({ out: join(dir, 'again.tar') });
  t.equal(again.reference, image.reference);
  t.ok(readFileSync(again.archive).equals(readFileSync(image.archive)), 'byte for byte');
  rmSync(again.archive);
  t.match(image.reference, /^k3s-daas\.io\/seal-fetch@sha256:[0-9a-f]{64}$/);
  unpack(image.archive, join(dir, 'layout'));
  t.strictSame(json(join(dir, 'layout/oci-layout')), { imageLayoutVersion: '1.0.0' });
  const { manifests } = json(join(dir, 'layout/index.json')) as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  t.strictSame(
    manifests.map(({ digest, annotations }) => [digest, annotations['io.containerd.image.name']]),
    [[image.digest, image.reference]],
  );
  for (const name of readdirSync(join(dir, 'layout/blobs/sha256')))
    t.equal(toHex(sha256(readFileSync(blob(name)))), name, 'a blob is named by its digest');
  const manifest = json(blob(image.digest)) as {
    config: { digest: string };
    layers: { digest: string; size: number }[];
  };
  const config = json(blob(manifest.config.digest)) as {
    config: { User: string };
    rootfs: { diff_ids: string[] };
  };
  t.equal(config.config.User, `${USER}:${USER}`);
  t.equal(config.rootfs.diff_ids.length, manifest.layers.length);
  for (const { digest, size } of manifest.layers) {
    t.equal(lstatSync(blob(digest)).size, size);
    unpack(blob(digest), root);
  }
  t.comment(lines.join('; '), lstatSync(image.archive).size);
});

const capable = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;
const skip = capable ? false : 'needs root, chroot and setpriv';

await t.test('in its own root, without rights and without a shell', { skip }, async (t) => {
  t.notOk(existsSync(join(root, 'bin/sh')));
  const policy = await createPolicy(funded());
  const identity = { policy, cluster, ...SUBJECT, version: 1n };
  const plaintext = new Map([['password', utf8('correct horse')]]);
  const values = await sealValues(sealConfig, { identity, secret: 'db', values: plaintext });
  const secrets = [{ name: 'db', policy, version: 1n, values }];
  const plan = planOf(secrets, { env: [{ name: 'V0', secret: 'db', key: 'password' }] });
  furnish(root, 'pod-in-image', plan, secrets);
  mkdirSync(join(root, 'daas/out/all'), { recursive: true });
  for (const path of ['daas/out/all', 'daas/env']) {
    // As the kubelet leaves a volume of a pod with fsGroup.
    chownSync(join(root, path), 0, FS_GROUP);
    chmodSync(join(root, path), 0o2777);
  }
  chmodSync(join(root, 'dev/termination-log'), 0o666);

  const contained = async (command: string, env: Record<string, string>) => {
    const chroot = ['chroot', `--userspec=${USER}:${USER}`, `--groups=${FS_GROUP}`, root];
    const started = performance.now();
    // Nothing but this: a runner of tests adds to what its children get.
    const variables = { PATH: '/usr/bin:/usr/sbin:/bin:/sbin', ...env };
    const given = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const contain = ['setpriv', '--no-new-privs', ...chroot, '/usr/bin/seal-fetch', command];
    const child = spawn('env', ['-i', ...given, ...contain]);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, said, ms: Math.round(performance.now() - started) };
  };
  const env = { DAAS_PLAN: encodeFetchPlan(plan) };
  t.match(await contained('version', {}), { code: 0, said: '0.1.0\n' });
  t.match(await contained('ready', env), { code: 1, said: '' });
  t.match(await contained('', {}), { code: 2, said: /USAGE/ });
  const { code, said, ms } = await contained('run', env);
  t.equal(code, 0, said);
  const file = join(root, 'daas/out/all/db/password');
  t.equal(readFileSync(file, 'utf8'), 'correct horse');
  t.match(lstatSync(file), { uid: USER, gid: FS_GROUP });
  t.equal(lstatSync(file).mode & 0o777, 0o440);
  t.equal(readFileSync(join(root, 'daas/env/env'), 'utf8'), "V0='correct horse'\n");
  t.match(await contained('ready', env), { code: 0, said: '' });
  t.comment(`whole process ${ms} ms`, said);
});
