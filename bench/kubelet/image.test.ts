import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';
import { z } from 'zod';

import { buildImage } from './image.ts';

const descriptor = z.object({ digest: z.templateLiteral(['sha256:', z.string()]), size: z.number() });

// tar(1) and openssl(1) judge what is built; containerd does in kubelet.e2e.test.ts.
void t.test('an archive is an OCI layout whose digests hold', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'daas-image-'));
  t.teardown(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const options = {
    files: [
      { path: '/usr/bin/tool', content: Buffer.from('#!'), mode: 0o755 },
      { path: '/etc/empty', content: Buffer.alloc(0), mode: 0o444 },
    ],
    entrypoint: ['/usr/bin/tool', 'run'],
    user: '65532:65532',
  };
  const { archive, digest } = buildImage(options);
  t.same(buildImage(options).archive, archive, 'the same bytes each time');
  writeFileSync(join(dir, 'image.tar'), archive);
  execFileSync('tar', ['-xf', 'image.tar'], { cwd: dir });
  const blob = (of: string): string => join(dir, 'blobs', 'sha256', of.replace('sha256:', ''));
  const json = <T>(path: string, schema: z.ZodType<T>): T =>
    schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const index = json(join(dir, 'index.json'), z.object({ manifests: z.tuple([descriptor]) }));
  t.equal(index.manifests[0].digest, digest);
  const manifest = json(blob(digest), z.object({ config: descriptor, layers: z.tuple([descriptor]) }));
  for (const { digest, size } of [index.manifests[0], manifest.config, manifest.layers[0]]) {
    t.match(
      execFileSync('openssl', ['dgst', '-sha256', blob(digest)], { encoding: 'utf8' }),
      digest.replace('sha256:', ''),
    );
    t.equal(readFileSync(blob(digest)).length, size);
  }
  t.match(json(blob(manifest.config.digest), z.unknown()), {
    os: 'linux',
    config: { Entrypoint: options.entrypoint, User: '65532:65532' },
    rootfs: { diff_ids: [manifest.layers[0].digest] },
  });
  const list = execFileSync(
    'tar',
    ['--numeric-owner', '--full-time', '--utc', '-tvf', blob(manifest.layers[0].digest)],
    {
      encoding: 'utf8',
    },
  );
  t.same(
    list
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ')),
    [
      'drwxr-xr-x 0/0 0 1970-01-01 00:00:00 etc/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00:00 usr/',
      'drwxr-xr-x 0/0 0 1970-01-01 00:00:00 usr/bin/',
      '-rwxr-xr-x 0/0 2 1970-01-01 00:00:00 usr/bin/tool',
      '-r--r--r-- 0/0 0 1970-01-01 00:00:00 etc/empty',
    ],
  );
  t.throws(() =>
    buildImage({
      ...options,
      files: [{ path: `/${'a'.repeat(101)}`, content: Buffer.alloc(0), mode: 0o644 }],
    }),
  );
  t.end();
});
