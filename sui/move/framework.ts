import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { GitHubMovePackageFetcher } from '@zktx.io/sui-move-builder/full';

import { defaultCacheDir, writeAtomically } from './cache.ts';
import { MoveError } from './errors.ts';

const run = promisify(execFile);

/** Reports what the toolchain is doing, one line at a time. */
export type Progress = (line: string) => void;

/** Where the Move sources of `0x1` and `0x2` lie on disk. */
export interface FrameworkSources {
  readonly stdlibDir: string;
  readonly suiDir: string;
  /** Whether `frameworkLock` determines them. */
  readonly pinned: boolean;
}

export interface ToolOptions {
  /** Folder for compiled output and fetched sources; `defaultCacheDir()` unless given. */
  readonly cacheDir?: string | undefined;
  readonly progress?: Progress | undefined;
}

/** The commit whose framework the crate moverox-sui 0.4.0 carries is not recorded in it; this tag is the fallback. */
const FALLBACK = { git: 'https://github.com/MystenLabs/sui.git', rev: 'framework/mainnet' };
const CARGO_DIR = join(import.meta.dirname, 'framework');
const CARGO_TIMEOUT_MS = 300_000;
const CARGO_OUTPUT_MAX = 64 * 1024 * 1024;

/** The lock file that has the checksum of the framework's sources. */
export async function frameworkLock(): Promise<string> {
  return await readFile(join(CARGO_DIR, 'Cargo.lock'), 'utf8');
}

/**
 * Finds the Sui framework's sources: in the crate moverox-sui (pinned by `framework/Cargo.lock`, fetched by cargo), or
 * on GitHub where there is no cargo. Throws MoveError FRAMEWORK_UNAVAILABLE when neither can be had.
 */
export async function frameworkSources(options: ToolOptions = {}): Promise<FrameworkSources> {
  const { cacheDir = defaultCacheDir(), progress } = options;
  const failures: unknown[] = [];
  for (const source of [fromCargo, fromGitHub]) {
    try {
      return await source(cacheDir, progress);
    } catch (error) {
      failures.push(error);
    }
  }
  throw new MoveError(
    'FRAMEWORK_UNAVAILABLE',
    'The Sui framework sources could be had neither from crates.io nor from GitHub.',
    'Install cargo (https://rustup.rs) with access to crates.io, or allow access to github.com.',
    { cause: new AggregateError(failures) },
  );
}

async function fromCargo(_cacheDir: string, progress: Progress | undefined): Promise<FrameworkSources> {
  const cargo = (...args: string[]): Promise<{ stdout: string }> =>
    run('cargo', args, { cwd: CARGO_DIR, timeout: CARGO_TIMEOUT_MS, maxBuffer: CARGO_OUTPUT_MAX });
  const metadata = ['metadata', '--format-version', '1', '--locked', '--offline'];
  let found: { stdout: string };
  try {
    found = await cargo(...metadata);
  } catch {
    progress?.('Fetching the Sui framework sources with cargo');
    await cargo('fetch', '--locked');
    found = await cargo(...metadata);
  }
  const { packages } = JSON.parse(found.stdout) as { packages: { name: string; manifest_path: string }[] };
  const crate = packages.find((one) => one.name === 'moverox-sui');
  if (crate === undefined) throw new Error('cargo metadata does not name moverox-sui');
  const move = join(dirname(crate.manifest_path), 'move');
  return await existing(join(move, 'move-stdlib'), join(move, 'sui-framework'), true);
}

async function fromGitHub(cacheDir: string, progress: Progress | undefined): Promise<FrameworkSources> {
  const root = join(cacheDir, 'framework-sources');
  const stdlibDir = join(root, 'move-stdlib');
  const suiDir = join(root, 'sui-framework');
  try {
    return await existing(stdlibDir, suiDir, false);
  } catch {
    progress?.('Fetching the Sui framework sources from GitHub');
  }
  const fetcher = new GitHubMovePackageFetcher();
  for (const [name, dir] of [
    ['move-stdlib', stdlibDir],
    ['sui-framework', suiDir],
  ] as const) {
    const files = await fetcher.fetch(FALLBACK.git, FALLBACK.rev, `crates/sui-framework/packages/${name}`);
    const sources = Object.entries(files).filter(([path]) => path !== 'Move.toml');
    for (const [path, text] of sources) await writeAtomically(join(dir, path), text);
    // Last, because its presence says that the folder is complete.
    await writeAtomically(join(dir, 'Move.toml'), files['Move.toml'] ?? '');
  }
  return { stdlibDir, suiDir, pinned: false };
}

async function existing(stdlibDir: string, suiDir: string, pinned: boolean): Promise<FrameworkSources> {
  for (const dir of [stdlibDir, suiDir]) await stat(join(dir, 'Move.toml'));
  return { stdlibDir, suiDir, pinned };
}
