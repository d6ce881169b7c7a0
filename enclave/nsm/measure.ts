import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8, type Bytes } from '@k3s-daas/core';
import { NsmError } from './nsm.ts';

/** The workspaces whose code runs in the enclave. `enclave` holds `enclave/attestation` as well. */
export const ENCLAVE_ROOTS: readonly string[] = ['core', 'enclave', 'scheduler-extender', 'sui/client'];
const TREE_DOMAIN = utf8('k3s-daas/measure/tree/v1\0');
const RUNTIME_DOMAIN = utf8('k3s-daas/measure/runtime/v1\0');
const FILE_DOMAIN = utf8('k3s-daas/measure/file/v1\0');

/**
 * What development enclaves report instead of the image measurements of a Nitro enclave: PCR0 the source of the
 * enclave, PCR1 the Node version and platform that run it, PCR2 package-lock.json, which pins every dependency.
 */
export function measureEnclave(repoRoot: string): ReadonlyMap<number, Bytes> {
  const runtime = utf8(`node ${process.version} ${process.platform} ${process.arch}`);
  return new Map([
    [0, measureTree(repoRoot, ENCLAVE_ROOTS)],
    [1, sha384(RUNTIME_DOMAIN, runtime)],
    [2, sha384(FILE_DOMAIN, readMeasured(join(repoRoot, 'package-lock.json')))],
  ]);
}

/**
 * SHA-384, 48 bytes, over the sources below `roots` (`listSources`), which are relative to `base`: domain, then for each file in byte order of its path u32 length of the path, path, SHA-384
 * of the content. Does not depend on where `base` is, on file times, modes or the order the disk lists them.
 */
export function measureTree(base: string, roots: readonly string[]): Bytes {
  const parts: Bytes[] = [TREE_DOMAIN];
  for (const path of listSources(base, roots)) {
    const encoded = utf8(path);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, encoded.length);
    parts.push(length, encoded, sha384(readMeasured(join(base, path))));
  }
  return sha384(...parts);
}

/**
 * What of the workspaces `roots` runs in an enclave: TypeScript sources and package.json files, without tests, what
 * only tests use, vectors, and the tools that build the image. Paths with `/` relative to `base`, in byte order.
 */
export function listSources(base: string, roots: readonly string[]): string[] {
  const paths = [...new Set(roots.flatMap((root) => listMeasured(base, root)))];
  return paths.sort((a, b) => Buffer.compare(utf8(a), utf8(b)));
}

const FOLDERS_LEFT_OUT: ReadonlySet<string> = new Set([
  'node_modules',
  'dist',
  'build',
  'test',
  'testdata',
  'vectors',
]);
/** Tools that run where the image is built; only what `guest` holds runs inside. */
const IMAGE_TOOLS = 'enclave/image';
const IMAGE_GUEST = `${IMAGE_TOOLS}/guest`;

/** Links are refused: what they lead to may change without the tree changing. */
function listMeasured(base: string, folder: string): string[] {
  return readFolder(join(base, folder)).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.name.startsWith('.') || FOLDERS_LEFT_OUT.has(entry.name)) return [];
    if (folder === IMAGE_TOOLS && path !== IMAGE_GUEST) return [];
    if (entry.isDirectory()) return listMeasured(base, path);
    if (!entry.isFile()) throw measureError(path, 'is not a regular file');
    return isMeasured(entry.name) ? [path] : [];
  });
}

function isMeasured(name: string): boolean {
  return name === 'package.json' || (name.endsWith('.ts') && !name.endsWith('.test.ts'));
}

function readFolder(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (cause) {
    throw measureError(path, 'cannot be listed', cause);
  }
}

function readMeasured(path: string): Bytes {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (cause) {
    throw measureError(path, 'cannot be read', cause);
  }
}

function measureError(path: string, problem: string, cause?: unknown): NsmError {
  return new NsmError('MEASURE_FILE', `${path} ${problem}`, 'Measure a complete checkout.', { cause });
}

function sha384(...parts: readonly Bytes[]): Bytes {
  const hash = createHash('sha384');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}
