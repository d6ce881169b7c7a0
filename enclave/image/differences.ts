import { createHash } from 'node:crypto';

import { toHex, type Bytes } from '@k3s-daas/core';

import { listTree, readEntry } from './cpio.ts';

/** Path → what the archive holds of it besides the path: kind, mode and content. */
export type Manifest = ReadonlyMap<string, string>;

export async function readManifest(folder: string): Promise<Manifest> {
  const manifest = new Map<string, string>();
  for (const entry of await listTree(folder)) {
    const digest = sha384(await readEntry(folder, entry));
    manifest.set(entry.path, `${entry.kind}${entry.executable ? ' executable' : ''} ${digest}`);
  }
  return manifest;
}

const LINES_MAX = 50;

/** One line for each path that only one tree has, or that differs; at most 50, then how many more. */
export function differences(one: Manifest, other: Manifest): string[] {
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
