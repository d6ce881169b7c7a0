import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

import { utf8, type Bytes } from '@k3s-daas/core';

import { ENCLAVE_ROOTS, listSources } from '../nsm/measure.ts';
import { guestFiles } from './bridge/guest.ts';
import { IMAGE_WORKSPACES, type Closure } from './closure.ts';
import { ImageError } from './errors.ts';
import { packageFiles } from './tarball.ts';

/** One entry of the image. Paths have no leading `/`. Owner, times and all other modes are the archive's business. */
export type ImageEntry =
  | { readonly path: string; readonly kind: 'file'; readonly content: Bytes; readonly executable: boolean }
  | { readonly path: string; readonly kind: 'link'; readonly target: string };

const APPLICATION = 'app';
const GUEST_FOLDER = 'enclave/image/guest';

/** Names of sources that run inside; relative to the repository, sorted. */
export function imageSources(repository: string): string[] {
  return listSources(repository, ENCLAVE_ROOTS);
}

/** Folders that hold sources of the image. */
export function sourceFolders(repository: string): string[] {
  return [...new Set(imageSources(repository).map((path) => dirname(path)))];
}

/** Everything in the application's ramdisk, in a fixed order: runtime, packages, sources, guest. */
export async function imageEntries(options: {
  readonly repository: string;
  readonly cache: string;
  readonly closure: Closure;
}): Promise<ImageEntry[]> {
  const { repository, cache, closure } = options;
  const entries: ImageEntry[] = [...(await runtimeEntries(cache, closure))];
  for (const pinned of closure.packages) {
    for (const [path, content] of await packageFiles(cache, pinned)) {
      if (isLoadable(path)) entries.push(file(`${APPLICATION}/${pinned.location}/${path}`, content));
    }
  }
  for (const path of imageSources(repository)) {
    entries.push(file(`${APPLICATION}/${path}`, await readFile(join(repository, path))));
  }
  for (const folder of IMAGE_WORKSPACES) {
    const link = `${APPLICATION}/node_modules/${await workspaceName(repository, folder)}`;
    entries.push({ path: link, kind: 'link', target: relative(dirname(link), `${APPLICATION}/${folder}`) });
  }
  const guest = join(repository, GUEST_FOLDER);
  entries.push(file('init', await readFile(join(guest, 'init')), true));
  const egress = await readFile(join(guest, 'egress.json'), 'utf8');
  for (const [path, text] of guestFiles(egress)) entries.push(file(path, utf8(text)));
  return entries;
}

/** Writes the entries below `folder`, which must not exist yet. Modes do not depend on the umask. */
export async function writeTree(folder: string, entries: readonly ImageEntry[]): Promise<void> {
  await mkdir(folder);
  for (const entry of entries) {
    const path = join(folder, entry.path);
    await mkdir(dirname(path), { recursive: true });
    if (entry.kind === 'link') await symlink(entry.target, path);
    else {
      await writeFile(path, entry.content, { flag: 'wx' });
      await chmod(path, entry.executable ? 0o755 : 0o644);
    }
  }
}

async function runtimeEntries(cache: string, { runtime }: Closure): Promise<ImageEntry[]> {
  const files = await packageFiles(cache, runtime);
  const [node, license] = [files.get('bin/node'), files.get('LICENSE')];
  if (node === undefined || license === undefined) {
    throw new ImageError(
      'BUILD_FAILED',
      `${runtime.name}@${runtime.version} has no bin/node or no LICENSE`,
      'look at the package',
    );
  }
  return [file('usr/bin/node', node, true), file('usr/share/licenses/node/LICENSE', license)];
}

async function workspaceName(repository: string, folder: string): Promise<string> {
  const text = await readFile(join(repository, folder, 'package.json'), 'utf8');
  const { name } = JSON.parse(text) as { name?: unknown };
  if (typeof name === 'string' && /^@k3s-daas\/[a-z-]+$/.test(name)) return name;
  throw new ImageError('BUILD_FAILED', `${folder}/package.json has no name of this project`, 'name it');
}

const LICENCE = /(^|\/)(licen[cs]e|copying|notice|patents)[^/]*$/i;
const NEVER_LOADED = /\.([cm]?ts|tsx|map|flow|md|markdown|html|png|svg|ya?ml)$/i;

/**
 * Whether Node could load it, or a licence demands it. Node refuses TypeScript below node_modules, and reads source
 * maps only when asked to; nothing reads documentation.
 */
function isLoadable(path: string): boolean {
  return LICENCE.test(path) || !NEVER_LOADED.test(path);
}

function file(path: string, content: Bytes, executable = false): ImageEntry {
  return { path, kind: 'file', content, executable };
}
