import type { Progress } from '@k3s-daas/cli';
import type { Binaries, ChildExit } from '@k3s-daas/control-plane';
import { describeError } from '@k3s-daas/core';

import { clusterDir, startCluster, type BenchCluster } from './cluster/cluster.ts';
import { BenchError } from './errors.ts';
import { turns } from './frame/rounds.ts';
import type { BenchOptions } from './options.ts';
import { takeTurn, type Turn } from './scenarios/turn.ts';
import { quantile, ratePerSecond } from './statistics.ts';

/** Warms up what lives through all rounds: API server, our parts, the do-nothing extender. Not recorded. */
const WARM_UP = { round: 0, pods: 100, paced: { paced: 0, rate: 1 } } as const;

/** What gave no figures, and why. */
export interface Failure {
  readonly nodes: number;
  /** A turn, or the whole cluster. */
  readonly what: string;
  readonly why: string;
}

export interface Outcome {
  readonly turns: readonly Turn[];
  readonly failures: readonly Failure[];
  /** Whether some cluster size could not be measured to its end. */
  readonly broken: boolean;
}

export interface RunOptions {
  readonly bench: BenchOptions;
  readonly binaries: Binaries;
  /** Folder of the clusters. */
  readonly dir: string;
  readonly progress: Progress;
  /** Ends the run; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

interface Results {
  readonly turns: Turn[];
  readonly failures: Failure[];
}

/** All cluster sizes, one after the other. A size that breaks leaves the figures of the others, and what it had. */
export async function runBench(options: RunOptions): Promise<Outcome> {
  const results: Results = { turns: [], failures: [] };
  let broken = false;
  for (const nodes of options.bench.nodes) {
    try {
      await runSize(nodes, options, results);
    } catch (error) {
      options.signal.throwIfAborted();
      broken = true;
      const why = describeError(error);
      results.failures.push({ nodes, what: 'cluster', why });
      options.progress.note(`  ${nodes} nodes: ${why}`);
    }
  }
  return { ...results, broken };
}

async function runSize(nodes: number, options: RunOptions, results: Results): Promise<void> {
  const { bench, binaries, progress } = options;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const onExit = (exit: ChildExit): void => {
    ended.abort(processEnded(exit));
  };
  try {
    const dir = clusterDir(options.dir, nodes);
    const cluster = await startCluster({ dir, nodes, bench, binaries, progress, signal, onExit });
    try {
      await runRounds(cluster, options, signal, results);
    } finally {
      await cluster.stop();
    }
  } catch (error) {
    // What was under way failed because a process had ended.
    ended.signal.throwIfAborted();
    throw error;
  }
}

async function runRounds(
  cluster: BenchCluster,
  { bench, progress }: RunOptions,
  signal: AbortSignal,
  { turns: taken, failures }: Results,
): Promise<void> {
  const { nodes } = cluster;
  // Slow or stuck is a result; anything else is a broken bench.
  const stuck = (what: string, error: unknown): void => {
    signal.throwIfAborted();
    if (!(error instanceof BenchError) || error.code !== 'PODS_NOT_BOUND') throw error;
    failures.push({ nodes, what, why: error.message });
    progress.note(`  ${nodes} nodes, ${what}: ${error.message}`);
  };
  await progress.step(`${nodes} nodes: warm-up`, async (detail) => {
    for (const subject of bench.subjects) {
      detail(subject);
      await takeTurn({ ...WARM_UP, cluster, subject, signal }).catch((error: unknown) => {
        stuck(`warm-up, ${subject}`, error);
      });
    }
  });
  for (let round = 1; round <= bench.rounds; round++) {
    for (const subject of turns(bench.subjects, round - 1)) {
      const what = `round ${round} of ${bench.rounds}, ${subject}`;
      try {
        const turn = await takeTurn({ cluster, subject, round, pods: bench.pods, paced: bench, signal });
        taken.push(turn);
        progress.note(`  ${nodes} nodes, ${what}: ${oneLine(turn)}`);
      } catch (error) {
        stuck(what, error);
      }
    }
  }
}

function processEnded({ name, code, signal, lastLines }: ChildExit): BenchError {
  return new BenchError(
    'PROCESS_ENDED',
    `${name} ended (${String(code ?? signal)}) while it was needed:\n${lastLines}`,
    'its last lines say why',
  );
}

function oneLine({ drain, paced }: Turn): string {
  const rate = `${ratePerSecond(drain.boundMs).toFixed(0)} pods/s`;
  if (paced === null) return rate;
  const at = (q: number): string => quantile(paced.latencyMs, q).toFixed(1);
  return `${rate}; create to bound p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
