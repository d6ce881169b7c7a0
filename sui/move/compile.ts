import { join, resolve } from 'node:path';

import { dumpMovePackage } from '@zktx.io/sui-move-builder/full';

import { frameworkFetcher, startBuilder, withTestOnly } from './builder.ts';
import {
  defaultCacheDir,
  readIfPresent,
  readSources,
  sourcesHash,
  writeAtomically,
  type SourceFiles,
} from './cache.ts';
import { MoveError } from './errors.ts';
import manifest from './package.json' with { type: 'json' };
import { frameworkLock, frameworkSources, type FrameworkSources, type ToolOptions } from './framework.ts';

/** Bytecode of one package. Modules have address 0x0 as their own until published (the framework: 0x1 and 0x2). */
export interface CompiledPackage {
  readonly modules: readonly Uint8Array[];
  /** Object ids (`0x` and 64 hex digits) of the packages it links against. */
  readonly dependencies: readonly string[];
  /** Package digest as `sui move build` gives it, 32 bytes. */
  readonly digest: Uint8Array;
}

/** Pinned exactly, and so part of every cache key; asking the compiler for its version would start it. */
const COMPILER = manifest.dependencies['@zktx.io/sui-move-builder'];

export interface CompileOptions extends ToolOptions {
  /**
   * Compiles `#[test_only]` members, of the framework too, as ordinary ones: what only unit tests may call can then run
   * in another VM. Functions marked `#[test]` stay out. Never for a package that is to be published.
   */
  readonly testOnly?: boolean | undefined;
}

interface CachedPackage {
  readonly modules: readonly string[];
  readonly dependencies: readonly string[];
  readonly digest: readonly number[];
}

/** Test-only bytecode is cached apart. */
function modeOf({ testOnly }: CompileOptions): SourceFiles {
  return testOnly === true ? { mode: 'test-only' } : {};
}

/** One root package of both framework packages: no option of the compiler emits the bytecode of dependencies. */
const FRAMEWORK_MANIFEST = `[package]
name = "framework"
edition = "2024.beta"
implicit-dependencies = false

[addresses]
std = "0x1"
sui = "0x2"
fw = "0x0"
`;

/** The modules of `0x1` and `0x2`, compiled from `frameworkSources` or read from the cache. */
export async function compileFramework(options: CompileOptions = {}): Promise<readonly Uint8Array[]> {
  const compiled = await underPin('framework', { manifest: FRAMEWORK_MANIFEST }, options, async (sources) => {
    const files: SourceFiles = { 'Move.toml': FRAMEWORK_MANIFEST };
    for (const [name, dir] of [
      ['std', sources.stdlibDir],
      ['sui', sources.suiDir],
    ] as const) {
      for (const [path, text] of Object.entries(await readSources(dir))) {
        if (path.startsWith('sources/')) files[`sources/${name}/${path.slice('sources/'.length)}`] = text;
      }
    }
    return await compileCached('framework', files, [], options);
  });
  return decode(compiled).modules;
}

/**
 * Compiles the Move package in `dir` (tests left out) or returns the cached result for the same sources, framework and
 * compiler version. Throws MoveError COMPILE_FAILED with the compiler's diagnostics.
 */
export async function compilePackage(
  options: CompileOptions & { readonly dir: string },
): Promise<CompiledPackage> {
  const all = await readSources(resolve(options.dir));
  if (all['Move.toml'] === undefined) {
    throw new MoveError(
      'PACKAGE_UNREADABLE',
      `${options.dir} holds no Move.toml.`,
      'Name the folder of a Move package.',
    );
  }
  const files = Object.fromEntries(Object.entries(all).filter(([path]) => !path.startsWith('tests/')));
  const compiled = await underPin('package', files, options, async ({ stdlibDir, suiDir }) => {
    const framework = [await readSources(stdlibDir), await readSources(suiDir)];
    return await compileCached(options.dir, files, framework, options);
  });
  return decode(compiled);
}

/**
 * What `compile` makes of `sources` with the pinned framework, or made of them before: Cargo.lock has the checksum of the
 * crate with the framework's sources, so neither cargo nor those sources need to be asked again.
 */
async function underPin(
  kind: 'framework' | 'package',
  sources: SourceFiles,
  options: CompileOptions,
  compile: (framework: FrameworkSources) => Promise<CachedPackage>,
): Promise<CachedPackage> {
  const pin = { compiler: COMPILER, lock: await frameworkLock(), ...modeOf(options) };
  const path = cachePath(`${kind}-${sourcesHash(pin, sources)}`, options);
  const cached = await readIfPresent(path);
  if (cached !== null) return JSON.parse(cached) as CachedPackage;
  const framework = await frameworkSources(options);
  const compiled = await compile(framework);
  if (framework.pinned) await writeAtomically(path, JSON.stringify(compiled));
  return compiled;
}

async function compileCached(
  name: string,
  sources: SourceFiles,
  linked: readonly SourceFiles[],
  options: CompileOptions,
): Promise<CachedPackage> {
  const transform = options.testOnly === true ? withTestOnly : undefined;
  const files = transform?.(sources) ?? sources;
  // A package's own sources may name nothing test-only, while the framework's always do.
  const path = cachePath(sourcesHash({ compiler: COMPILER, ...modeOf(options) }, files, ...linked), options);
  const cached = await readIfPresent(path);
  if (cached !== null) return JSON.parse(cached) as CachedPackage;
  options.progress?.(`Compiling the Move package ${name}`);
  await startBuilder();
  const fetcher = await frameworkFetcher(options, transform);
  const result = await dumpMovePackage({
    files,
    fetcher,
    network: 'mainnet',
    silenceWarnings: true,
    ansiColor: false,
  });
  if ('error' in result) {
    throw new MoveError(
      'COMPILE_FAILED',
      `The Move package ${name} does not compile:\n${result.error}`,
      'Mend the Move sources.',
    );
  }
  const { modules, dependencies, digest } = result;
  const compiled: CachedPackage = { modules, dependencies, digest };
  await writeAtomically(path, JSON.stringify(compiled));
  return compiled;
}

function cachePath(name: string, { cacheDir = defaultCacheDir() }: ToolOptions): string {
  return join(cacheDir, `${name}.json`);
}

function decode(cached: CachedPackage): CompiledPackage {
  return {
    modules: cached.modules.map((module) => new Uint8Array(Buffer.from(module, 'base64'))),
    dependencies: cached.dependencies,
    digest: Uint8Array.from(cached.digest),
  };
}
