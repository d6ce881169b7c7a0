import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import type { Bytes } from '@k3s-daas/core';

import { ImageError } from './errors.ts';
import type { PinnedPackage } from './lockfile.ts';

const TARBALL_UNPACKED_BYTES_MAX = 512 * 1024 * 1024;
const NPM_MS_MAX = 90_000;

/** Where npm keeps what it fetched: it names contents by their digest (cacache, content-v2). */
export async function npmCache(): Promise<string> {
  return (await npm(['config', 'get', 'cache'])).trim();
}

/** Has npm fetch into its cache what is not there yet. */
export async function fillCache(cache: string, packages: readonly PinnedPackage[]): Promise<void> {
  const absent = packages.filter(({ integrity }) => !existsSync(contentPath(cache, integrity)));
  if (absent.length === 0) return;
  process.stderr.write(`fetching ${absent.length} packages into npm's cache\n`);
  await npm(['cache', 'add', ...absent.map(({ name, version }) => `${name}@${version}`)]);
}

/** The files of a package, by path. The tarball is read from npm's cache and must have the pinned digest. */
export async function packageFiles(cache: string, pinned: PinnedPackage): Promise<Map<string, Bytes>> {
  const { name, version, integrity } = pinned;
  let tarball: Bytes;
  try {
    tarball = await readFile(contentPath(cache, integrity));
  } catch (cause) {
    throw new ImageError(
      'PACKAGE_ABSENT',
      `npm's cache ${cache} does not hold ${name}@${version} with ${integrity}`,
      `run npm cache add ${name}@${version}; if it stays absent, the registry gives other bytes than the lock file`,
      { cause },
    );
  }
  const digest = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  if (digest !== integrity) {
    throw new ImageError(
      'PACKAGE_DIGEST',
      `${name}@${version} in npm's cache has ${digest}, package-lock.json pins ${integrity}`,
      'run npm cache verify',
    );
  }
  try {
    return readTar(gunzipSync(tarball, { maxOutputLength: TARBALL_UNPACKED_BYTES_MAX }));
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw malformed(`${name}@${version} is not a gzipped archive`, cause);
  }
}

function contentPath(cache: string, integrity: string): string {
  const hex = Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
  return join(cache, '_cacache', 'content-v2', 'sha512', hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
}

const BLOCK = 512;
const bytesToText = (bytes: Bytes): string => new TextDecoder().decode(bytes);

/** Regular files of a ustar archive with pax paths; the first folder of each path (`package/`) is taken off. */
export function readTar(archive: Bytes): Map<string, Bytes> {
  const files = new Map<string, Bytes>();
  let longPath: string | undefined;
  let at = 0;
  while (at + BLOCK <= archive.length) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return files;
    const size = octal(header.subarray(124, 136));
    const content = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length !== size) throw malformed('an archive ends within a file');
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === 'x') longPath = paxPath(bytesToText(content)) ?? longPath;
    else if (type === '0' || type === '\0') {
      files.set(innerPath(longPath ?? ustarPath(header)), content);
      longPath = undefined;
    } else if (type !== 'g' && type !== '5') {
      // npm itself leaves links out when it installs.
      throw malformed(`an archive has an entry of type ${JSON.stringify(type)}`);
    } else if (type === '5') longPath = undefined;
  }
  throw malformed('an archive has no end');
}

function ustarPath(header: Bytes): string {
  const prefix = field(header.subarray(345, 500));
  const name = field(header.subarray(0, 100));
  return prefix === '' ? name : `${prefix}/${name}`;
}

function innerPath(path: string): string {
  const parts = path.split('/').slice(1);
  if (parts.length === 0 || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw malformed(`an archive has the path ${JSON.stringify(path)}`);
  }
  return parts.join('/');
}

/** Records are `LENGTH key=value\n`; only the path is of use. */
function paxPath(text: string): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text)?.[1];
}

function field(bytes: Bytes): string {
  const end = bytes.indexOf(0);
  return bytesToText(end < 0 ? bytes : bytes.subarray(0, end));
}

function octal(bytes: Bytes): number {
  const text = field(bytes).trim();
  if (!/^[0-7]{1,11}$/.test(text)) throw malformed('an archive has a size that is not octal');
  return Number.parseInt(text, 8);
}

function malformed(problem: string, cause?: unknown): ImageError {
  return new ImageError('ARCHIVE_MALFORMED', problem, 'look at the package; it is not one that npm made', {
    cause,
  });
}

/** Runs npm with a time limit and gives its standard output. */
export async function npm(args: readonly string[]): Promise<string> {
  const child = spawn('npm', args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: NPM_MS_MAX,
    env: { ...process.env, npm_config_loglevel: 'error' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code === 0) return output;
  throw new ImageError(
    'PACKAGE_ABSENT',
    `npm ${args.slice(0, 3).join(' ')} ended with ${String(code)}`,
    'is the registry reachable?',
  );
}
