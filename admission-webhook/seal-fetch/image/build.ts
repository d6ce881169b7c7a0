/**
 * `npm run seal-fetch:image -- OUT.tar`: builds the image of seal-fetch, without docker, and prints its reference.
 *
 *   --node PATH   the Node binary in it; this one unless given
 */
import { rename, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { describeError, utf8 } from '@k3s-daas/core';

import manifest from '../package.json' with { type: 'json' };
import { bundleProgram } from './bundle.ts';
import { ImageError } from './errors.ts';
import { ociArchive } from './oci.ts';
import { runtimeEntries } from './runtime.ts';
import { folder, type TarEntry } from './tar.ts';

export interface SealFetchImage {
  /** Path of the archive. */
  readonly archive: string;
  /** Of the manifest: `sha256:…`. */
  readonly digest: string;
  /** `NAME@sha256:…`: what `seal.image` in daas.yaml is, and what containerd calls it once it is imported. */
  readonly reference: string;
}

export interface BuildOptions {
  /** Path of the archive to write. */
  readonly out: string;
  readonly progress?: (line: string) => void;
  /** Path of the Node binary in it; this one unless given. */
  readonly node?: string;
}

const NAME = 'k3s-daas.io/seal-fetch';
const USER = 65_532;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** @throws ImageError */
export async function buildSealFetchImage(options: BuildOptions): Promise<SealFetchImage> {
  const { out, progress = () => undefined, node = process.execPath } = options;
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || architecture === undefined)
    throw new ImageError(
      'PLATFORM_UNSUPPORTED',
      `not on ${process.platform}/${process.arch}`,
      'build on Linux',
    );
  const { program } = await bundleProgram();
  progress(`bundled ${Math.round(program.length / 1024)} KiB`);
  const runtime = await runtimeEntries(node);
  const { archive, digest, reference } = ociArchive({
    name: NAME,
    tag: manifest.version,
    architecture,
    // The runtime changes rarely, so nodes keep its layer.
    layers: [[...runtime, ...SYSTEM], [{ path: 'usr/bin/seal-fetch', content: program, mode: 0o755 }]],
    config: {
      User: `${USER}:${USER}`,
      Env: ['PATH=/usr/bin'],
      Entrypoint: ['/usr/bin/seal-fetch'],
      Cmd: ['run'],
      WorkingDir: '/',
      Labels: {
        'org.opencontainers.image.title': 'seal-fetch',
        'org.opencontainers.image.version': manifest.version,
        'org.opencontainers.image.licenses': manifest.license,
      },
    },
  });
  await writeFile(`${out}.new`, archive);
  await rename(`${out}.new`, out);
  progress(`wrote ${Math.round(archive.length / 1_048_576)} MiB`);
  return { archive: out, digest, reference };
}

const text = (path: string, content: string): TarEntry => ({ path, content: utf8(content), mode: 0o644 });

/** What a C library reads, and what a container runtime mounts over, since the root may be read-only. */
const SYSTEM: readonly TarEntry[] = [
  text(
    'etc/passwd',
    `root:x:0:0:root:/:/usr/bin/false\nnonroot:x:${USER}:${USER}:nonroot:/:/usr/bin/false\n`,
  ),
  text('etc/group', `root:x:0:\nnonroot:x:${USER}:\n`),
  text('etc/nsswitch.conf', 'hosts: files dns\n'),
  ...['dev', 'proc', 'sys', 'daas/in', 'daas/out', 'daas/env'].map((path) => folder(path)),
  folder('var/run/secrets/kubernetes.io/serviceaccount'),
  folder('tmp', 0o1777),
];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { node: { type: 'string' } },
  });
  const [out, ...rest] = positionals;
  if (out === undefined || rest.length > 0)
    throw new Error('usage: npm run seal-fetch:image -- OUT.tar [--node PATH]');
  const { reference } = await buildSealFetchImage({
    out,
    progress: (line) => process.stderr.write(`${line}\n`),
    ...(values.node !== undefined && { node: values.node }),
  });
  process.stdout.write(`${reference}\n`);
}

if (import.meta.main)
  main().catch((error: unknown) => {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  });
