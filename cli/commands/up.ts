import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

import type { ChildExit } from '@k3s-daas/control-plane';
import { systemClock } from '@k3s-daas/core';

import { demonstrate, revisit } from '../demo/demonstrate.ts';
import { brokenClaims, renderPlacements, renderReport, summarise } from '../demo/report.ts';
import { CliError } from '../errors.ts';
import { toJson } from '../output.ts';
import { preflight } from '../preflight.ts';
import { consoleProgress, type Progress } from '../progress.ts';
import { startStack, type Stack } from '../stack/stack.ts';
import { loadState } from '../stack/state.ts';

const GIBIBYTE = 1n << 30n;
/** Exit code after Ctrl-C before everything was shown. */
const INTERRUPTED = 130;
/** The capacity that shares are measured against: what the four nodes of the demonstration offer together. */
const POLICY = { capacity: { cpuMilli: 16_000n, memoryBytes: 32n * GIBIBYTE }, receiptLifetimeMs: 5_000 };

export interface UpOptions {
  readonly once: boolean;
  readonly dataDir: string | undefined;
}

/** Parent of the folders of all runs of this user; `daas down` looks there. */
export function runsFolder(): string {
  return join(tmpdir(), `k3s-daas-${userInfo().uid}`);
}

/** preflight → stack → demonstration → report → stay up until Ctrl-C (or, with --once, check and end). */
export async function up(options: UpOptions): Promise<number> {
  const started = systemClock.now();
  const progress = consoleProgress(systemClock, (text) => process.stderr.write(text));
  await preflight();
  const stop = new AbortController();
  const failed: { exit: ChildExit | null } = { exit: null };
  const onExit = (exit: ChildExit): void => {
    failed.exit ??= exit;
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      stop.abort();
    });
  }
  const run = await openRun(options);
  const work = async (): Promise<number> => {
    const stack = await startStack({ dir: run.dir, progress, policy: POLICY, signal: stop.signal, onExit });
    try {
      return await show(stack, options, progress, started, stop.signal);
    } finally {
      await progress.step('stopping', () => stack.stop());
    }
  };
  try {
    return await work();
  } catch (error) {
    if (failed.exit !== null) throw childExited(failed.exit);
    // Interrupted: what was under way failed because its processes were ended.
    if (stop.signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    await run.close();
  }
}

/** demonstration → report → check (with --once) or stay up. */
async function show(
  stack: Stack,
  options: UpOptions,
  progress: Progress,
  startedMs: number,
  signal: AbortSignal,
): Promise<number> {
  if (stack.continued) {
    const placements = await Promise.race([revisit(stack, progress), rejectOn(signal)]);
    process.stderr.write(`\n${renderPlacements(placements)}\n${nextSteps(stack)}`);
    await aborted(signal);
    return 0;
  }
  const result = await Promise.race([demonstrate(stack, progress), rejectOn(signal)]);
  process.stderr.write(`\n${renderReport(result)}\n`);
  progress.note(`\nall of it took ${((systemClock.now() - startedMs) / 1000).toFixed(1)} s`);
  const broken = brokenClaims(result);
  for (const claim of broken) progress.note(`CLAIM_FAILED: ${claim}`);
  if (!options.once) {
    process.stderr.write(nextSteps(stack));
    await aborted(signal);
    return 0;
  }
  process.stdout.write(`${toJson(summarise(result))}\n`);
  return broken.length === 0 ? 0 : 1;
}

interface Run {
  readonly dir: string;
  close(): Promise<void>;
}

/**
 * A given folder is kept, and a later start goes on with the cluster in it. Otherwise each start has a folder of its own
 * and removes it at the end.
 */
async function openRun({ dataDir, once }: UpOptions): Promise<Run> {
  if (dataDir !== undefined) {
    const dir = resolve(process.env['INIT_CWD'] ?? process.cwd(), dataDir);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await requireUsable(dir, once);
    return { dir, close: () => Promise.resolve() };
  }
  await mkdir(runsFolder(), { recursive: true, mode: 0o700 });
  const dir = await mkdtemp(join(runsFolder(), 'run-'));
  return { dir, close: () => rm(dir, { recursive: true, force: true, maxRetries: 3 }) };
}

async function requireUsable(dir: string, once: boolean): Promise<void> {
  const files = await readdir(dir);
  if (files.length === 0) return;
  if ((await loadState(dir)) === null) {
    throw new CliError(
      'DATA_DIR_NOT_EMPTY',
      `${dir} holds something else than an installation`,
      'name a new or an empty folder',
    );
  }
  if (once) {
    throw new CliError(
      'DATA_DIR_NOT_EMPTY',
      `--once shows everything from the beginning, and ${dir} holds an installation`,
      'name a new folder, or leave --once out to go on with it',
    );
  }
}

function nextSteps(stack: Stack): string {
  return `
It stays up until Ctrl-C. In another terminal:

  export KUBECONFIG=${stack.plane.adminKubeconfig}
  export DAAS_CONFIG=${stack.configFile}
  kubectl -n app get pods -o wide
  kubectl apply -f manifests/demo/deployment.yaml
  npm run --silent daas -- verify pod NAME -n app
  npm run --silent daas -- explain pod NAME -n app

Logs: ${stack.dir}/parts/logs and ${stack.dir}/control-plane/logs
`;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener(
      'abort',
      () => {
        resolve();
      },
      { once: true },
    );
  });
}

async function rejectOn(signal: AbortSignal): Promise<never> {
  await aborted(signal);
  throw new CliError('CHILD_EXITED', 'interrupted', 'start it again');
}

function childExited(exit: ChildExit): CliError {
  const how = exit.signal ?? `status ${String(exit.code)}`;
  return new CliError(
    'CHILD_EXITED',
    `${exit.name} ended by itself (${how}):\n${exit.lastLines}`,
    'mend what its log says',
  );
}
