import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import {
  type BuildProgress,
  cacheRoot,
  ensureCached,
  goBuild,
  kubernetesLdflags,
  MODULE_DIR as CONTROL_PLANE_DIR,
  moduleFiles,
  pinnedModules,
  platformKey,
} from '@k3s-daas/control-plane';
import { z } from 'zod';

import { KubeletError } from './errors.ts';

const run = promisify(execFile);
const HERE = dirname(fileURLToPath(import.meta.url));
const OVERRIDE = 'DAAS_NODE_ASSETS';
const STAMP_FILE = 'stamp.json';
/** Changed with the flags below, so that what was built with others is not taken for it. */
const RECIPE = '1';

const KUBELET = ['kubelet'] as const;
const RUNTIME = [
  'containerd',
  'containerd-shim-runc-v2',
  'ctr',
  'runc',
  'bridge',
  'host-local',
  'loopback',
] as const;
const OURS = ['pause', 'workload', 'runc-without-seccomp'] as const;
const CONTAINERD = 'github.com/containerd/containerd/v2';
const CNI = 'github.com/containernetworking/plugins/plugins';

type Program = (typeof KUBELET)[number] | (typeof RUNTIME)[number] | (typeof OURS)[number];

/** What a real node is made of. */
export interface NodePrograms {
  /** Absolute paths. */
  readonly files: Readonly<Record<Program, string>>;
  /**
   * Whether runc enforces seccomp profiles. It is built so where pkg-config finds libseccomp; without it, containers
   * run unfiltered, through `runc-without-seccomp`.
   */
  readonly seccomp: boolean;
}

export interface EnsureProgramsOptions {
  /** `$DAAS_CACHE_DIR/kubelet`, or `.cache/kubelet` in the repository, unless given. */
  readonly cacheDir?: string;
  readonly progress?: (event: BuildProgress) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The programs of a node: those in the folder `DAAS_NODE_ASSETS` if it is set, else built once and kept: the kubelet
 * from the control plane's Go module, so that both are of one version (2 minutes more on 2 cores, where that one is
 * built), containerd, runc and the CNI plugins from the one beside this file (2 minutes, 0.3 GB of modules).
 *
 * @throws KubeletError `programs-incomplete`; ControlPlaneError `go-missing`, `go-too-old`, `build-failed`.
 */
export async function ensureNodePrograms(options: EnsureProgramsOptions = {}): Promise<NodePrograms> {
  const env = options.env ?? process.env;
  const brought = env[OVERRIDE];
  if (brought !== undefined && brought !== '') return broughtPrograms(brought);
  const progress = options.progress ?? (() => undefined);
  const cacheDir = options.cacheDir ?? join(cacheRoot(env), 'kubelet');
  const seccomp = await hasLibseccomp(env);
  const kubelet = await ensureKubelet(cacheDir, env, progress);
  const runtime = await ensureRuntime(cacheDir, seccomp, env, progress);
  const ours = await ensureOurs(cacheDir, env, progress);
  progress({ step: 'done', message: 'programs of a node', fraction: 1 });
  return { files: { ...kubelet, ...runtime, ...ours }, seccomp };
}

type Progress = (event: BuildProgress) => void;
type Files<P extends string> = Readonly<Record<P, string>>;

async function ensureKubelet(
  cacheDir: string,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<Files<'kubelet'>> {
  const version = (await pinnedModules(CONTROL_PLANE_DIR))('k8s.io/kubernetes');
  return ensureCached(
    {
      cacheDir: join(cacheDir, 'kubelet'),
      sources: platformKey([...(await moduleFiles(CONTROL_PLANE_DIR)), RECIPE]),
      moduleDir: CONTROL_PLANE_DIR,
      what: 'the kubelet',
      override: overrideRemedy(),
      read: readFinished(KUBELET),
      make: async (go, out) => {
        progress({ step: 'build', message: `building kubelet ${version} with ${go.version}`, fraction: 0 });
        const packages = ['k8s.io/kubernetes/cmd/kubelet'];
        const ldflags = kubernetesLdflags(version);
        // Most of them are the control plane's too, and are there already when that is built.
        await goBuild(go, { out, packages, ldflags, packagesEstimate: 2300 }, progress);
        await writeStamp(out);
      },
    },
    env,
    progress,
  );
}

async function ensureRuntime(
  cacheDir: string,
  seccomp: boolean,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<Files<(typeof RUNTIME)[number]>> {
  const containerd = (await pinnedModules(HERE))(CONTAINERD);
  const tags = seccomp ? ['seccomp'] : [];
  return ensureCached(
    {
      cacheDir: join(cacheDir, 'runtime'),
      sources: platformKey([...(await moduleFiles(HERE)), RECIPE, ...tags]),
      moduleDir: HERE,
      what: 'containerd and runc',
      override: overrideRemedy(),
      read: readFinished(RUNTIME),
      make: async (go, out) => {
        progress({ step: 'build', message: `building containerd ${containerd} with ${go.version}` });
        const pure = [
          ...['containerd', 'containerd-shim-runc-v2', 'ctr'].map((name) => `${CONTAINERD}/cmd/${name}`),
          ...['main/bridge', 'main/loopback', 'ipam/host-local'].map((path) => `${CNI}/${path}`),
        ];
        const ldflags = `-X ${CONTAINERD}/version.Version=${containerd}`;
        const without = ['no_btrfs', 'no_zfs'];
        const first = { out, packages: pure, ldflags, tags: without, cgo: false, packagesEstimate: 700 };
        await goBuild(go, first, progress);
        // It enters namespaces in C, before Go's runtime starts threads.
        const packages = ['github.com/opencontainers/runc'];
        await goBuild(go, { out, packages, tags, cgo: true, packagesEstimate: 100 }, progress);
        await writeStamp(out);
      },
    },
    env,
    progress,
  );
}

async function ensureOurs(
  cacheDir: string,
  env: NodeJS.ProcessEnv,
  progress: Progress,
): Promise<Files<(typeof OURS)[number]>> {
  const sources = await Promise.all(OURS.map((name) => readFile(join(HERE, 'programs', name, 'main.go'))));
  return ensureCached(
    {
      cacheDir: join(cacheDir, 'ours'),
      sources: platformKey([...sources, RECIPE]),
      moduleDir: HERE,
      what: 'the programs of test pods',
      override: overrideRemedy(),
      read: readFinished(OURS),
      make: async (go, out) => {
        const packages = OURS.map((name) => `./programs/${name}`);
        // Static: they are all there is in their images.
        await goBuild(go, { out, packages, cgo: false, packagesEstimate: 200 }, progress);
        await writeStamp(out);
      },
    },
    env,
    progress,
  );
}

function overrideRemedy(): string {
  return `set ${OVERRIDE} to a folder with ${[...KUBELET, ...RUNTIME, ...OURS].join(', ')}`;
}

function inFolder<P extends string>(folder: string, programs: readonly P[]): Files<P> {
  return Object.fromEntries(programs.map((name) => [name, join(folder, name)])) as Record<P, string>;
}

const stampSchema = z.strictObject({ files: z.record(z.string(), z.int().positive()) });

async function writeStamp(folder: string): Promise<void> {
  const files: Record<string, number> = {};
  for (const name of await readdir(folder)) files[name] = (await stat(join(folder, name))).size;
  await writeFile(join(folder, STAMP_FILE), JSON.stringify({ files }));
}

/** The stamp is written last and the folder appears by a rename; the sizes find what a full disk cut short. */
function readFinished<P extends string>(
  programs: readonly P[],
): (folder: string) => Promise<Files<P> | undefined> {
  return async (folder) => {
    let text: string;
    try {
      text = await readFile(join(folder, STAMP_FILE), 'utf8');
    } catch {
      return undefined;
    }
    const { files } = stampSchema.parse(JSON.parse(text));
    for (const name of programs) {
      const found = await stat(join(folder, name)).catch(() => undefined);
      if (found?.size !== files[name]) return undefined;
    }
    return inFolder(folder, programs);
  };
}

async function broughtPrograms(folder: string): Promise<NodePrograms> {
  const names = [...KUBELET, ...RUNTIME, ...OURS];
  const missing: string[] = [];
  for (const name of names) {
    await access(join(folder, name), constants.X_OK).catch(() => missing.push(name));
  }
  if (missing.length > 0)
    throw new KubeletError(
      'programs-incomplete',
      `${OVERRIDE} is ${folder}, where ${missing.join(', ')} cannot be run.`,
      `Put them there, or unset ${OVERRIDE} to have everything built.`,
    );
  const files = inFolder(folder, names);
  // The last line is `libseccomp: 2.5.4` where it has it.
  const { stdout } = await run(files.runc, ['--version']);
  return { files, seccomp: /^libseccomp: /m.test(stdout) };
}

async function hasLibseccomp(env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await run('pkg-config', ['--exists', 'libseccomp'], { env });
    return true;
  } catch {
    return false;
  }
}
