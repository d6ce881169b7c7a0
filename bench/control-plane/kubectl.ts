import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { ControlPlaneError } from './errors.ts';

const OUTPUT_BYTES_MAX = 256 * 1024 * 1024;

export interface KubectlOptions {
  readonly kubeconfig: string;
  /** Path of the program: `binaries.kubectl`. */
  readonly kubectl: string;
  /** Text for standard input, for `apply -f -` and the like. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

/**
 * Runs kubectl with exactly this kubeconfig and none of the user's settings.
 *
 * @returns standard output.
 * @throws ControlPlaneError `kubectl-failed` with what it wrote to standard error.
 */
export function kubectl(args: readonly string[], options: KubectlOptions): Promise<string> {
  const { kubeconfig, timeoutMs = 60_000 } = options;
  // Discovery is cached per address, and ours change with every start: keep that out of ~/.kube.
  const cache = join(dirname(kubeconfig), 'kubectl-cache');
  const child = spawn(options.kubectl, ['--kubeconfig', kubeconfig, '--cache-dir', cache, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    env: { ...process.env, KUBERC: 'off' },
  });
  const out = collect(child.stdout, () => child.kill('SIGKILL'));
  const err = collect(child.stderr, () => child.kill('SIGKILL'));
  // kubectl may exit without reading its input; its exit status and stderr say what happened.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(failed(args, cause.message, cause));
    });
    child.once('close', (code, signal) => {
      if (code === 0) resolve(out());
      else reject(failed(args, err().trim() || `ended by ${signal ?? `status ${String(code)}`}`));
    });
  });
}

function collect(stream: NodeJS.ReadableStream, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > OUTPUT_BYTES_MAX) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString('utf8');
}

function failed(args: readonly string[], why: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError(
    'kubectl-failed',
    `kubectl ${args.slice(0, 4).join(' ')}: ${why}`,
    'Check the arguments and the manifest, and that the control plane is running.',
    { cause },
  );
}
