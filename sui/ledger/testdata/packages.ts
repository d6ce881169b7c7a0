import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { compilePackage } from '@k3s-daas/move';
import { deserialize } from '@mysten/move-bytecode-template';

import { moduleAddress } from '../vm/loader.ts';
import type { ModuleJson } from '../vm/module-json.ts';

const UPGRADE = join(import.meta.dirname, 'upgrade');
const ZERO = `0x${'0'.repeat(64)}`;

export interface Compiled {
  readonly modules: readonly Uint8Array[];
  readonly dependencies: readonly string[];
  /** As the compiler computes it; only of packages without `links`. */
  readonly digest: Uint8Array;
}

/** A package of ours that another depends on. */
export interface Link {
  /** Folder below testdata/upgrade whose sources it has. */
  readonly folder: string;
  readonly name: string;
  /** Id of its version 1: its address in bytecode. */
  readonly originalId: string;
  /** Id of the version to link to. */
  readonly publishedAt: string;
}

/**
 * Compiles a package of testdata/upgrade, after `edit` changed its sources. The compiler knows no local dependencies:
 * they become modules of the same package under their own addresses, and are left out of the result.
 */
export async function compileUpgrade(
  folder: string,
  {
    edit,
    links = [],
  }: { edit?: (path: string, text: string) => string | null; links?: readonly Link[] } = {},
): Promise<Compiled> {
  if (edit === undefined && links.length === 0) return await compilePackage({ dir: join(UPGRADE, folder) });
  const dir = await mkdtemp(join(tmpdir(), 'daas-upgrade-'));
  try {
    const manifest = await readFile(join(UPGRADE, folder, 'Move.toml'), 'utf8');
    const addresses = links.map(({ name, originalId }) => `${name} = "${originalId}"\n`).join('');
    await writeFile(join(dir, 'Move.toml'), manifest + addresses);
    await copySources(folder, join(dir, 'sources'), edit);
    for (const link of links) await copySources(link.folder, join(dir, 'sources', link.name));
    const compiled = await compilePackage({ dir });
    const own = compiled.modules.filter((bytes) => moduleAddress(deserialize(bytes) as ModuleJson) === ZERO);
    const dependencies = [...compiled.dependencies, ...links.map(({ publishedAt }) => publishedAt)];
    return { modules: own, dependencies, digest: compiled.digest };
  } finally {
    await rm(dir, { recursive: true });
  }
}

async function copySources(
  folder: string,
  to: string,
  edit: (path: string, text: string) => string | null = (_path, text) => text,
): Promise<void> {
  const from = join(UPGRADE, folder, 'sources');
  for (const name of await readdir(from)) {
    const text = edit(name, await readFile(join(from, name), 'utf8'));
    if (text === null) continue;
    await mkdir(dirname(join(to, name)), { recursive: true });
    await writeFile(join(to, name), text);
  }
}
