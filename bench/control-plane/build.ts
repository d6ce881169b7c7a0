import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import {
  type BuildProgress,
  type BuildTarget,
  cacheRoot,
  ensureCached,
  goBuild,
  moduleFiles,
  pinnedModules,
  platformKey,
} from './cached-build.ts';
import { ControlPlaneError } from './errors.ts';
import { type Go, MODULE_DIR, runGo } from './go.ts';
import { locate, locateFile, PROGRAM_NAMES, PROGRAMS, type Program, versionOf } from './locate.ts';

/** Lines of `go build -v` for everything from an empty cache (Go 1.26, linux/amd64), to show how far it is. */
const PACKAGES_ESTIMATE = 2800;
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
  const cacheDir = options.cacheDir ?? join(cacheRoot(env), 'control-plane');
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

async function ensureBuilt(
  cacheDir: string,
  env: NodeJS.ProcessEnv,
  pinned: Pinned,
  progress: (event: BuildProgress) => void,
): Promise<Binaries> {
  const target: BuildTarget<Binaries> = {
    cacheDir,
    sources: await sourcesKey(),
    moduleDir: MODULE_DIR,
    what: 'the Kubernetes control plane',
    override:
      `set KUBEBUILDER_ASSETS to a folder with ` +
      `${PROGRAM_NAMES.map((program) => PROGRAMS[program].file).join(', ')} and ${STAGES_FILE}`,
    read: readBuild,
    make: async (go, folder) => {
      await buildKubernetes(go, folder, pinned, progress);
      // `go build` names a program after the last element of its package path.
      await rename(join(folder, 'server'), join(folder, PROGRAMS.etcd.file));
      await writeFile(join(folder, STAGES_FILE), await kwokStages(go));
      await writeFile(join(folder, 'versions.json'), JSON.stringify(await reportedVersions(folder)));
    },
  };
  return ensureCached(target, env, progress);
}

async function buildKubernetes(
  go: Go,
  out: string,
  pinned: Pinned,
  progress: (event: BuildProgress) => void,
): Promise<void> {
  const version = pinned.kubeApiserver;
  progress({ step: 'build', message: `building Kubernetes ${version} with ${go.version}`, fraction: 0 });
  const ldflags = kubernetesLdflags(version);
  await goBuild(go, { out, packages: PACKAGES, ldflags, packagesEstimate: PACKAGES_ESTIMATE }, progress);
}

/** Without the stamps the API server calls itself v0.0.0 and clients refuse it. */
export function kubernetesLdflags(version: string): string {
  const [major, minor] = version.split('.');
  const stamp = 'k8s.io/component-base/version';
  return (
    `-X ${stamp}.gitVersion=v${version} -X ${stamp}.gitMajor=${major ?? ''} ` +
    `-X ${stamp}.gitMinor=${minor ?? ''} -X ${stamp}.gitTreeState=clean`
  );
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

async function sourcesKey(): Promise<string> {
  return platformKey([...(await moduleFiles(MODULE_DIR)), STAGES.join()]);
}

async function pinnedVersions(): Promise<Pinned> {
  const of = await pinnedModules(MODULE_DIR);
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
