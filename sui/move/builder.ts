import { join } from 'node:path';

import {
  GitHubMovePackageFetcher,
  MovePackageFetcher,
  initMovePackageBuilder,
} from '@zktx.io/sui-move-builder/full';

import { readSources, readIfPresent, type SourceFiles } from './cache.ts';
import { frameworkSources, type FrameworkSources, type ToolOptions } from './framework.ts';

let started: Promise<unknown> | undefined;

/** Starts the compiler, once per process. */
export async function startBuilder(): Promise<void> {
  started ??= initMovePackageBuilder();
  await started;
}

/** Changes sources on their way to the compiler. */
export type Transform = (files: SourceFiles) => SourceFiles;

/**
 * The sources with test-only members as ordinary ones, line for line. The compiler's own test mode makes bytecode that
 * its verifier refuses outside the unit-test runner (every module then links to `std::unit_test::poison`).
 */
export const withTestOnly: Transform = (files) =>
  Object.fromEntries(
    Object.entries(files).map(([path, text]) => [
      path,
      path.endsWith('.move') ? text.replaceAll('#[test_only]', '').replaceAll('#[test_only, ', '#[') : text,
    ]),
  );

/** Hands the framework's sources in from disk; everything else a Move.toml may name comes from GitHub. */
class FrameworkFetcher extends MovePackageFetcher {
  readonly #github = new GitHubMovePackageFetcher();
  readonly #dirs: Readonly<Record<string, string>>;
  readonly #transform: Transform;

  constructor(sources: FrameworkSources, transform: Transform) {
    super();
    this.#transform = transform;
    this.#dirs = { 'move-stdlib': sources.stdlibDir, 'sui-framework': sources.suiDir };
  }

  override async fetch(gitUrl: string, rev: string, subdir?: string): Promise<SourceFiles> {
    const dir = this.#dirs[subdir?.split('/').at(-1) ?? ''];
    return this.#transform(
      dir === undefined ? await this.#github.fetch(gitUrl, rev, subdir) : await readSources(dir),
    );
  }

  override async fetchFile(gitUrl: string, rev: string, path: string): Promise<string | null> {
    const [, name = '', rest = ''] = /packages\/([^/]+)\/(.+)$/.exec(path) ?? [];
    const dir = this.#dirs[name];
    return dir === undefined
      ? await this.#github.fetchFile(gitUrl, rev, path)
      : await readIfPresent(join(dir, rest));
  }

  override getResolvedSha(gitUrl: string, rev: string): string {
    return this.#github.getResolvedSha(gitUrl, rev) ?? '0'.repeat(40);
  }
}

/** A fetcher for the builder that reads the framework from `frameworkSources`. */
export async function frameworkFetcher(
  options: ToolOptions,
  transform: Transform = (files) => files,
): Promise<MovePackageFetcher> {
  return new FrameworkFetcher(await frameworkSources(options), transform);
}
