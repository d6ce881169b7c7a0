import { execFile } from 'node:child_process';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { Binaries } from '@k3s-daas/control-plane';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const GIBIBYTE = 2 ** 30;

/** Where the figures are from. */
export interface Host {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  readonly node: string;
  /** 1, 5 and 15 minutes, before the run. */
  readonly loadAverage: readonly number[];
}

/** Of what the figures are. */
export interface Versions {
  readonly kubernetes: string;
  readonly etcd: string;
}

export function versionsOf({ versions }: Binaries): Versions {
  return { kubernetes: versions.kubeScheduler, etcd: versions.etcd };
}

export function describeHost(): Host {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGib: Math.round((totalmem() / GIBIBYTE) * 10) / 10,
    kernel: `${type()} ${release()}`,
    node: process.version,
    loadAverage: loadAverage(),
  };
}

/** 1, 5 and 15 minutes. */
export function loadAverage(): number[] {
  return loadavg().map((load) => Math.round(load * 100) / 100);
}

export interface Commit {
  /** Abbreviated; `unknown` outside of a git checkout. */
  readonly id: string;
  /** Whether files differ from it. */
  readonly dirty: boolean;
}

const run = promisify(execFile);

export async function currentCommit(): Promise<Commit> {
  try {
    const git = async (...args: string[]): Promise<string> =>
      (await run('git', ['-C', REPOSITORY, ...args])).stdout;
    const id = (await git('rev-parse', '--short', 'HEAD')).trim();
    return { id, dirty: (await git('status', '--porcelain', '--untracked-files=no')).trim() !== '' };
  } catch {
    return { id: 'unknown', dirty: false };
  }
}
