import { dirname } from 'node:path/posix';

import { z } from 'zod';

import { ImageError } from './errors.ts';

/** One package of the closure, as package-lock.json pins it. */
export interface PinnedPackage {
  /** Where it is installed, as in the lock file: `node_modules/a/node_modules/b`. */
  readonly location: string;
  readonly name: string;
  readonly version: string;
  /** `sha512-` and base64, of the tarball. */
  readonly integrity: string;
}

const dependencies = z.record(z.string(), z.string()).optional();
const lockedPackage = z.object({
  version: z.string().max(128).optional(),
  integrity: z.string().max(512).optional(),
  link: z.boolean().optional(),
  resolved: z.string().max(2048).optional(),
  hasInstallScript: z.boolean().optional(),
  dependencies,
});
const lockSchema = z.object({ lockfileVersion: z.literal(3), packages: z.record(z.string(), lockedPackage) });
type Locked = z.infer<typeof lockSchema>['packages'];

const PACKAGES_MAX = 5_000;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;

/**
 * Every registry package that the workspaces `roots` need at run time, found by npm's own rule: a dependency is
 * looked for in each `node_modules` from the dependent upwards. Sorted by location. Names in `leftOut` are not followed.
 * Optional dependencies stay out (in this project they are native add-ons), and so do peers: who needs one at run
 * time names it itself.
 */
export function readClosure(
  lockText: string,
  roots: readonly string[],
  leftOut: ReadonlySet<string> = new Set(),
): PinnedPackage[] {
  const packages = parseLock(lockText);
  const found = new Map<string, PinnedPackage>();
  const visited = new Set<string>();
  const pending = [...roots];
  for (let location = pending.pop(); location !== undefined; location = pending.pop()) {
    if (visited.has(location)) continue;
    visited.add(location);
    const entry = packages[location];
    if (entry === undefined) throw malformed(`${location} is not in it`);
    if (entry.link === true) {
      pending.push(linkTarget(location, entry.resolved));
      continue;
    }
    if (location.includes('node_modules/')) found.set(location, pinned(location, entry));
    for (const name of Object.keys(entry.dependencies ?? {})) {
      if (!leftOut.has(name)) pending.push(resolveDependency(packages, location, name));
    }
  }
  return [...found.values()].sort((a, b) => (a.location < b.location ? -1 : 1));
}

function parseLock(text: string): Locked {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
  const result = lockSchema.safeParse(value);
  if (!result.success) throw malformed(z.prettifyError(result.error));
  if (Object.keys(result.data.packages).length > PACKAGES_MAX)
    throw malformed(`more than ${PACKAGES_MAX} packages`);
  return result.data.packages;
}

function resolveDependency(packages: Locked, dependent: string, name: string): string {
  for (let folder = dependent; ; folder = dirname(folder)) {
    const prefix = folder === '.' ? '' : `${folder}/`;
    const candidate = `${prefix}node_modules/${name}`;
    if (!prefix.endsWith('node_modules/') && Object.hasOwn(packages, candidate)) return candidate;
    if (folder === '.') throw malformed(`${dependent} needs ${name}, which is not in it`);
  }
}

function linkTarget(location: string, target: string | undefined): string {
  if (target === undefined || target.includes('..') || target.startsWith('/')) {
    throw malformed(`${location} links out of the repository`);
  }
  return target;
}

function pinned(location: string, entry: Locked[string]): PinnedPackage {
  const name = location.slice(location.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const { version, integrity, hasInstallScript } = entry;
  const problem =
    version === undefined || integrity === undefined || !SHA512.test(integrity)
      ? 'is not pinned by a SHA-512'
      : hasInstallScript === true
        ? 'wants to run a script when it is installed'
        : null;
  if (problem !== null || version === undefined || integrity === undefined) {
    throw new ImageError(
      'CLOSURE_UNPINNED',
      `${location} ${problem ?? ''} and would enter the enclave`,
      'leave it out of the workspaces that run in the enclave',
    );
  }
  return { location, name, version, integrity };
}

function malformed(problem: string, cause?: unknown): ImageError {
  return new ImageError(
    'CLOSURE_MALFORMED',
    `package-lock.json: ${problem}`,
    'make it anew with npm install',
    { cause },
  );
}
