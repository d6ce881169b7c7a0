/**
 * `npm run enclave:measure`: builds the file tree of the enclave's image twice, from two copies of the sources, in
 * different folders and surroundings, and prints the digest of the one archive that both must give.
 *
 *   --out DIR   keep the tree and the archive (DIR/tree, DIR/application.cpio)
 *   --update    write enclave/image/closure.txt anew
 *   --json      print one line of JSON
 */
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { describeError, fromHex, toHex } from '@k3s-daas/core';

import { buildIn, copySources, SURROUNDINGS } from './build.ts';
import {
  checkClosure,
  committedRuntime,
  imagePackages,
  renderClosure,
  runtimePackage,
  RUNTIME_PACKAGE,
  wantedRuntimeVersion,
  type Closure,
} from './closure.ts';
import { commonArchive } from './compare.ts';
import { cpioArchive, listTree } from './cpio.ts';
import { ImageError } from './errors.ts';
import { measuredPcr } from './pcr.ts';
import { fillCache, npm, npmCache } from './tarball.ts';
import { sourceFolders } from './tree.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const CLOSURE_FILE = fileURLToPath(new URL('closure.txt', import.meta.url));

interface Measured {
  /** SHA-384 of the archive, hex. */
  readonly digest: string;
  /** What a Nitro enclave shows if this archive is its second ramdisk, hex. */
  readonly pcr2: string;
  readonly archiveBytes: number;
  readonly files: number;
  readonly packages: number;
}

function progress(message: string): void {
  process.stderr.write(`${message}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: 'string' },
      update: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const work = await mkdtemp(join(tmpdir(), 'daas-image-'));
  try {
    const cache = await npmCache();
    const closure = await readClosure(values.update);
    await fillCache(cache, [closure.runtime, ...closure.packages]);
    const trees = await buildTwice(work, { cache, closure });
    const measured = await measure(trees, closure);
    await checkLoads(trees[0]);
    if (values.out !== undefined) await keep(trees[0], resolve(values.out));
    process.stdout.write(values.json ? `${JSON.stringify(measured)}\n` : render(measured));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What package-lock.json and the sources say, which must be what is committed. */
async function readClosure(update: boolean): Promise<Closure> {
  const committed = await readFile(CLOSURE_FILE, 'utf8').catch(() => '');
  const version = wantedRuntimeVersion(await readFile(join(REPOSITORY, 'package.json'), 'utf8'));
  const pinned = committedRuntime(committed);
  const integrity =
    pinned?.version === version ? pinned.integrity : update ? await publishedIntegrity(version) : 'none';
  const closure: Closure = {
    runtime: runtimePackage(version, integrity),
    packages: imagePackages(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')),
    sourceFolders: sourceFolders(REPOSITORY),
  };
  const built = renderClosure(closure);
  if (!update) checkClosure(committed, built);
  else if (built !== committed) {
    await writeFile(CLOSURE_FILE, built);
    progress(`wrote ${CLOSURE_FILE}: have its change reviewed`);
  }
  return closure;
}

/** What the registry says now; from then on closure.txt pins it. */
async function publishedIntegrity(version: string): Promise<string> {
  return (await npm(['view', `${RUNTIME_PACKAGE}@${version}`, 'dist.integrity'])).trim();
}

/** Builds in a process of its own for each of the two surroundings; returns the folders of the trees. */
async function buildTwice(
  work: string,
  { cache, closure }: { cache: string; closure: Closure },
): Promise<[string, string]> {
  const trees: string[] = [];
  // Each copies the copy before it, so that someone who writes into the repository meanwhile does no harm.
  let from = REPOSITORY;
  for (const [index, surroundings] of SURROUNDINGS.entries()) {
    progress(`build ${index + 1} of ${SURROUNDINGS.length} (${surroundings.description})`);
    const folder = join(work, surroundings.folder);
    await mkdir(folder, { recursive: true });
    const repository = join(folder, 'sources');
    await copySources(from, repository, surroundings);
    from = repository;
    const tree = join(folder, 'tree');
    await buildIn(surroundings, { repository, cache, closure, tree });
    trees.push(tree);
  }
  const [first, second] = trees;
  if (first === undefined || second === undefined) throw new TypeError('two surroundings are needed');
  return [first, second];
}

async function measure(trees: readonly [string, string], closure: Closure): Promise<Measured> {
  const { digest, bytes } = await commonArchive(...trees);
  return {
    digest,
    pcr2: toHex(measuredPcr(fromHex(digest))),
    archiveBytes: bytes,
    files: (await listTree(trees[0])).filter(({ kind }) => kind === 'file').length,
    packages: closure.packages.length,
  };
}

const LOAD_MS_MAX = 60_000;
const EXIT_USAGE = 2;

/** Starts the entry point with the runtime of the tree and nothing else: all that it imports must be there. */
async function checkLoads(tree: string): Promise<void> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    progress('not started: the runtime of the image is for linux-x64');
    return;
  }
  progress('starting it');
  // As guest/init starts it.
  const args = ['--disallow-code-generation-from-strings', join(tree, 'app/enclave/main.ts')];
  const child = spawn(join(tree, 'usr/bin/node'), args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {},
    timeout: LOAD_MS_MAX,
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== EXIT_USAGE) {
    throw new ImageError(
      'BUILD_FAILED',
      `the entry point ended with ${String(code)}, not with its usage`,
      'its output stands above; is a dependency left out that is needed?',
    );
  }
}

async function keep(tree: string, out: string): Promise<void> {
  const kept = join(out, 'tree');
  if (existsSync(kept)) {
    throw new ImageError('USAGE', `${kept} exists already`, 'name another folder, or take it away first');
  }
  await mkdir(out, { recursive: true });
  const archive = join(out, 'application.cpio');
  await pipeline(Readable.from(cpioArchive(tree)), createWriteStream(`${archive}.partial`));
  await rename(`${archive}.partial`, archive);
  await cp(tree, kept, { recursive: true, verbatimSymlinks: true });
  progress(`kept ${archive} and ${kept}`);
}

function render({ digest, pcr2, archiveBytes, files, packages }: Measured): string {
  const size = `${(archiveBytes / 1e6).toFixed(1)} MB`;
  return `two builds are the same: ${files} files, ${packages} packages, ${size}
sha384 ${digest}
PCR2   ${pcr2}
`;
}

try {
  await main();
} catch (error) {
  progress(describeError(error));
  process.exitCode = 1;
}
