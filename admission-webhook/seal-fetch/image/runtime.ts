import { execFile } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { describeError } from '@k3s-daas/core';

import { ImageError } from './errors.ts';
import type { TarEntry } from './tar.ts';

const run = promisify(execFile);
const MAJOR = 24;
const ELF = '7f454c46';
const LIBRARY = /^\s*(?:\S+ => )?(\/\S+) \(0x[0-9a-f]+\)$/;

/**
 * Node and the shared libraries that it names, as the loader of this machine finds them.
 * @param node path of a Node binary.
 * @throws ImageError RUNTIME_WRONG
 */
export async function runtimeEntries(node: string): Promise<TarEntry[]> {
  await requireNode(node);
  const entries: TarEntry[] = [{ path: 'usr/bin/node', content: await readFile(node), mode: 0o755 }];
  for (const path of await librariesOf(node))
    entries.push({ path: path.slice(1), content: await readFile(path), mode: 0o755 });
  return entries;
}

async function requireNode(node: string): Promise<void> {
  const file = await open(node);
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer.toString('hex') !== ELF) throw wrong(node, 'it is no ELF binary');
  } finally {
    await file.close();
  }
  const { stdout } = await run(node, ['--version']).catch((cause: unknown) => {
    throw wrong(node, describeError(cause));
  });
  if (!stdout.startsWith(`v${MAJOR}.`)) throw wrong(node, `it is ${stdout.trim()}`);
}

/** Their paths, which are where the loader looks for them in the image too. */
async function librariesOf(node: string): Promise<string[]> {
  const { stdout } = await run('ldd', [node], { env: { LC_ALL: 'C', PATH: process.env.PATH } }).catch(
    (cause: unknown) => {
      throw wrong(node, `ldd does not list its libraries: ${describeError(cause)}`);
    },
  );
  const missing = stdout.split('\n').find((line) => line.includes('not found'));
  if (missing !== undefined) throw wrong(node, `a library is missing: ${missing.trim()}`);
  const paths = stdout.split('\n').flatMap((line) => LIBRARY.exec(line)?.[1] ?? []);
  if (paths.length === 0) throw wrong(node, 'ldd names no libraries');
  return [...new Set(paths)].sort();
}

function wrong(node: string, why: string): ImageError {
  return new ImageError(
    'RUNTIME_WRONG',
    `${node} cannot be the image’s Node: ${why}`,
    `give the path of Node ${MAJOR}`,
  );
}
