import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Every program of the control plane: the key in `Binaries`, its file name, and how to ask for its version. */
export const PROGRAMS = {
  etcd: { file: 'etcd', args: ['--version'], pattern: /^etcd Version: (\d+\.\d+\.\S+)/m },
  kubeApiserver: { file: 'kube-apiserver', args: ['--version'], pattern: /^Kubernetes v(\d+\.\d+\.\S+)/m },
  kubeScheduler: { file: 'kube-scheduler', args: ['--version'], pattern: /^Kubernetes v(\d+\.\d+\.\S+)/m },
  kubeControllerManager: {
    file: 'kube-controller-manager',
    args: ['--version'],
    pattern: /^Kubernetes v(\d+\.\d+\.\S+)/m,
  },
  kubectl: { file: 'kubectl', args: ['version', '--client'], pattern: /^Client Version: v(\d+\.\d+\.\S+)/m },
  kwok: { file: 'kwok', args: ['--version'], pattern: /^kwok version v(\d+\.\d+\.\S+)/m },
} as const satisfies Record<string, { file: string; args: readonly string[]; pattern: RegExp }>;

export type Program = keyof typeof PROGRAMS;
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as Program[];

export interface Located {
  readonly path: string;
  readonly version: string;
}

/** The version a program reports, without the leading v; undefined if it does not run or says something else. */
export async function versionOf(program: Program, path: string): Promise<string | undefined> {
  const { args, pattern } = PROGRAMS[program];
  try {
    const { stdout } = await run(path, [...args], { timeout: 20_000, killSignal: 'SIGKILL' });
    return pattern.exec(stdout)?.[1];
  } catch {
    return undefined;
  }
}

/** The first file of that name in the folders of a PATH-like list that may be read, or run. */
export async function locateFile(
  file: string,
  path: string | undefined,
  mode = constants.R_OK,
): Promise<string | undefined> {
  for (const folder of (path ?? '').split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, file);
    try {
      await access(candidate, mode);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/**
 * Programs the user brings: from `KUBEBUILDER_ASSETS` whatever their version, since that is an explicit choice;
 * from PATH only in the minor version that go.mod pins, since some kubectl of whatever age lies on most machines.
 */
export async function locate(
  env: NodeJS.ProcessEnv,
  pinned: Readonly<Record<Program, string>>,
  ignored: (path: string, version: string | undefined) => void,
): Promise<Partial<Record<Program, Located>>> {
  const found: Partial<Record<Program, Located>> = {};
  for (const program of PROGRAM_NAMES) {
    const assets = await locateFile(PROGRAMS[program].file, env['KUBEBUILDER_ASSETS'], constants.X_OK);
    const path = assets ?? (await locateFile(PROGRAMS[program].file, env['PATH'], constants.X_OK));
    if (path === undefined) continue;
    const version = await versionOf(program, path);
    const wanted = assets !== undefined || minor(version ?? '') === minor(pinned[program]);
    if (version !== undefined && wanted) found[program] = { path, version };
    else ignored(path, version);
  }
  return found;
}

function minor(version: string): string {
  return version.split('.', 2).join('.');
}
