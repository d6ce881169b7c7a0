import { spawn } from 'node:child_process';
import type { Bytes } from '@k3s-daas/core';
import { malformed } from './cbor-reader.ts';
import { NsmError, type NsmErrorCode } from './nsm.ts';
import { RESPONSE_BYTES_MAX } from './protocol.ts';

const STDERR_BYTES_MAX = 1024;
/** Exit statuses of device/nsm-request.c that say more than "failed". */
const EXIT_DEVICE = 69;
const EXIT_RESPONSE = 76;

interface Exit {
  /** Exit status, or the signal that ended it. */
  readonly status: number | string;
  /** null: more than a response can have. */
  readonly output: Bytes | null;
  readonly stderr: string;
}

export interface ProgramRun {
  readonly response: Promise<Bytes>;
  /** Resolves when the process is gone; a request that hangs in the kernel survives even SIGKILL. */
  readonly gone: Promise<void>;
}

/**
 * Runs nsm-request once: no shell, an empty environment, bounded output; SIGKILL when `signal` aborts. The response
 * rejects with `NSM_DEVICE_MISSING`, `NSM_PROGRAM_FAILED` or `NSM_RESPONSE_MALFORMED`.
 */
export function runProgram(options: {
  readonly program: string;
  readonly devicePath: string;
  readonly request: Bytes;
  readonly signal: AbortSignal;
}): ProgramRun {
  const { program, devicePath, request, signal } = options;
  const child = start(program, devicePath);
  const response = Promise.withResolvers<Bytes>();
  const gone = Promise.withResolvers<undefined>();
  child.on('error', (cause) => {
    response.reject(programError('NSM_PROGRAM_FAILED', `${program} cannot be run`, cause));
  });
  if (child.pid === undefined) {
    // Not started; when there were no file descriptors left it has no streams either.
    gone.resolve(undefined);
    return { response: response.promise, gone: gone.promise };
  }
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  const output = collect(child.stdout, RESPONSE_BYTES_MAX, kill);
  const stderr = collect(child.stderr, STDERR_BYTES_MAX, kill);
  // It may end before it has read its input; its exit status tells why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(request);
  signal.addEventListener('abort', kill, { once: true });
  child.once('close', (code, killedBy) => {
    signal.removeEventListener('abort', kill);
    gone.resolve(undefined);
    const text = Buffer.from(stderr() ?? []).toString('utf8');
    settle({ status: code ?? killedBy ?? 'unknown', output: output(), stderr: text }, response);
  });
  return { response: response.promise, gone: gone.promise };
}

function start(program: string, devicePath: string) {
  try {
    return spawn(program, [devicePath], { env: {}, shell: false, stdio: 'pipe' });
  } catch (cause) {
    throw programError('NSM_PROGRAM_FAILED', `${program} cannot be run`, cause);
  }
}

function settle(exit: Exit, { resolve, reject }: PromiseWithResolvers<Bytes>): void {
  const said = JSON.stringify(exit.stderr.trim().slice(0, 200));
  if (exit.output === null) {
    reject(malformed(`nsm-request wrote over ${RESPONSE_BYTES_MAX} bytes`));
    return;
  }
  switch (exit.status) {
    case 0:
      resolve(exit.output);
      return;
    case EXIT_DEVICE:
      reject(programError('NSM_DEVICE_MISSING', `the NSM device cannot be opened: ${said}`));
      return;
    case EXIT_RESPONSE:
      reject(malformed(said));
      return;
    default:
      reject(programError('NSM_PROGRAM_FAILED', `nsm-request ended with ${exit.status}: ${said}`));
  }
}

/** Gathers a stream; the result is null once there was more than `max` bytes, which `onExcess` is told. */
function collect(stream: NodeJS.ReadableStream, max: number, onExcess: () => void): () => Bytes | null {
  const chunks: Buffer[] = [];
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= max) chunks.push(chunk);
    else onExcess();
  });
  return () => (length > max ? null : new Uint8Array(Buffer.concat(chunks)));
}

const REMEDIES = {
  NSM_DEVICE_MISSING:
    'Run inside a Nitro enclave whose kernel has CONFIG_NSM, and let enclave.nsm.devicePath name it.',
  NSM_PROGRAM_FAILED:
    'Let enclave.nsm.program name the nsm-request of this release, executable by this user.',
} as const satisfies Partial<Record<NsmErrorCode, string>>;

function programError(code: keyof typeof REMEDIES, problem: string, cause?: unknown): NsmError {
  return new NsmError(code, problem, REMEDIES[code], { cause });
}
