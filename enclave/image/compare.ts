import { createHash } from 'node:crypto';

import { toHex, type Bytes } from '@k3s-daas/core';

import { cpioArchive, listTree, readEntry } from './cpio.ts';
import { ImageError } from './errors.ts';

/** Path → what the archive holds of it besides the path: kind, mode and content. */
type Manifest = ReadonlyMap<string, string>;

async function readManifest(folder: string): Promise<Manifest> {
  const manifest = new Map<string, string>();
  for (const entry of await listTree(folder)) {
    const digest = sha384(await readEntry(folder, entry));
    manifest.set(entry.path, `${entry.kind}${entry.executable ? ' executable' : ''} ${digest}`);
  }
  return manifest;
}

const LINES_MAX = 50;

export interface Archive {
  /** SHA-384, hex. */
  readonly digest: string;
  readonly bytes: number;
}

/** The archive that two trees have in common; throws `NOT_REPRODUCIBLE`, naming the paths that differ. */
export async function commonArchive(one: string, other: string): Promise<Archive> {
  const [archive, second] = [await archiveOf(one), await archiveOf(other)];
  if (archive.digest === second.digest) return archive;
  const names = differences(await readManifest(one), await readManifest(other));
  throw new ImageError(
    'NOT_REPRODUCIBLE',
    `two builds of the same sources differ:\n${names.join('\n')}`,
    'find what of its surroundings enters these files',
  );
}

async function archiveOf(tree: string): Promise<Archive> {
  const hash = createHash('sha384');
  let bytes = 0;
  for await (const part of cpioArchive(tree)) {
    hash.update(part);
    bytes += part.length;
  }
  return { digest: hash.digest('hex'), bytes };
}

/** One line for each path that only one tree has, or that differs; at most 50, then how many more. */
function differences(one: Manifest, other: Manifest): string[] {
  const lines: string[] = [];
  for (const path of [...new Set([...one.keys(), ...other.keys()])].sort()) {
    const [before, after] = [one.get(path), other.get(path)];
    if (before === after) continue;
    if (before === undefined) lines.push(`only in the second: ${path}`);
    else if (after === undefined) lines.push(`only in the first: ${path}`);
    else lines.push(`differs: ${path} (${before} | ${after})`);
  }
  const more = lines.length - LINES_MAX;
  return more <= 0 ? lines : [...lines.slice(0, LINES_MAX), `and ${more} more`];
}

function sha384(bytes: Bytes): string {
  return toHex(createHash('sha384').update(bytes).digest());
}
