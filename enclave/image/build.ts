import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Closure } from './closure.ts';
import { ImageError } from './errors.ts';
import { imageSources } from './tree.ts';

const BUILDER = fileURLToPath(new URL('build-tree.ts', import.meta.url));
const BUILD_MS_MAX = 120_000;

/** What a build must not depend on. */
export interface Surroundings {
  readonly description: string;
  /** Below the working folder. */
  readonly folder: string;
  readonly umask: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Times of the sources, seconds since 1970; and the mode of their files. */
  readonly sourceTime: number;
  readonly sourceMode: number;
  /** Files are made in the opposite order, so that folders list them differently. */
  readonly reverse: boolean;
}

export const SURROUNDINGS: readonly Surroundings[] = [
  {
    description: 'umask 022, UTC, C',
    folder: 'one',
    umask: 0o022,
    environment: { TZ: 'UTC', LC_ALL: 'C' },
    sourceTime: 1_700_000_000,
    sourceMode: 0o644,
    reverse: false,
  },
  {
    description: 'umask 077, Pacific/Auckland, tr_TR.UTF-8, files in the opposite order',
    folder: 'quite another/folder-ü',
    umask: 0o077,
    environment: { TZ: 'Pacific/Auckland', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' },
    sourceTime: 86_400,
    sourceMode: 0o700,
    reverse: true,
  },
];

/** What a builder process is told, as JSON on its standard input. */
export interface BuildOrder {
  readonly repository: string;
  readonly cache: string;
  readonly closure: Closure;
  readonly tree: string;
}

/** Copies what the image takes from the repository, with times, modes and an order that must not matter. */
export async function copySources(from: string, to: string, surroundings: Surroundings): Promise<void> {
  const paths = [...imageSources(from), ...GUEST_FILES];
  if (surroundings.reverse) paths.reverse();
  for (const path of paths) {
    const target = join(to, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(from, path), target);
    await chmod(target, surroundings.sourceMode);
    await utimes(target, surroundings.sourceTime, surroundings.sourceTime);
  }
}

const GUEST_FILES = ['enclave/image/guest/init', 'enclave/image/guest/egress.json'];

/** Builds the tree in a process of its own, in these surroundings; throws `BUILD_FAILED`. */
export async function buildIn(surroundings: Surroundings, order: BuildOrder): Promise<void> {
  const child = spawn(process.execPath, [BUILDER], {
    stdio: ['pipe', 'inherit', 'inherit'],
    cwd: order.repository,
    timeout: BUILD_MS_MAX,
    env: { PATH: process.env['PATH'] ?? '', ...surroundings.environment },
  });
  child.stdin.end(JSON.stringify({ ...order, umask: surroundings.umask, reverse: surroundings.reverse }));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) {
    throw new ImageError('BUILD_FAILED', `a build ended with ${String(code)}`, 'its reason stands above');
  }
}
