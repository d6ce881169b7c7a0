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
import { frameworkSources, type ToolOptions } from './framework.ts';

/** Bytecode of one package. Modules have address 0x0 as their own until published (the framework: 0x1 and 0x2). */
export interface CompiledPackage {
  readonly modules: readonly Uint8Array[];
  /** Object ids (`0x` and 64 hex digits) of the packages it links against. */
  readonly dependencies: readonly string[];
  /** Package digest as `sui move build` gives it, 32 bytes. */
  readonly digest: Uint8Array;
}

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
  const { stdlibDir, suiDir } = await frameworkSources(options);
  const files: SourceFiles = { 'Move.toml': FRAMEWORK_MANIFEST };
  for (const [name, dir] of [
    ['std', stdlibDir],
    ['sui', suiDir],
  ] as const) {
    for (const [path, text] of Object.entries(await readSources(dir))) {
      if (path.startsWith('sources/')) files[`sources/${name}/${path.slice('sources/'.length)}`] = text;
    }
  }
  const compiled = await compileCached('framework', files, [], options);
  return compiled.modules;
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
  const { stdlibDir, suiDir } = await frameworkSources(options);
  const framework = [await readSources(stdlibDir), await readSources(suiDir)];
  return await compileCached(options.dir, files, framework, options);
}

async function compileCached(
  name: string,
  sources: SourceFiles,
  linked: readonly SourceFiles[],
  options: CompileOptions,
): Promise<CompiledPackage> {
  const version = await startBuilder();
  const transform = options.testOnly === true ? withTestOnly : undefined;
  const files = transform?.(sources) ?? sources;
  // `linked` is hashed as it lies on disk, so the key must say that it is compiled otherwise.
  const mode: SourceFiles = transform === undefined ? {} : { mode: 'test-only' };
  const key = sourcesHash({ compiler: version, ...mode }, files, ...linked);
  const path = join(options.cacheDir ?? defaultCacheDir(), `${key}.json`);
  const cached = await readIfPresent(path);
  if (cached !== null) return decode(JSON.parse(cached) as CachedPackage);
  options.progress?.(`Compiling the Move package ${name}`);
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
  await writeAtomically(path, JSON.stringify({ modules, dependencies, digest } satisfies CachedPackage));
  return decode({ modules, dependencies, digest });
}

function decode(cached: CachedPackage): CompiledPackage {
  return {
    modules: cached.modules.map((module) => new Uint8Array(Buffer.from(module, 'base64'))),
    dependencies: cached.dependencies,
    digest: Uint8Array.from(cached.digest),
  };
}
