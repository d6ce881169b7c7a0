import type { Progress } from '@k3s-daas/cli';
import type { Binaries, ChildExit } from '@k3s-daas/control-plane';
import { describeError } from '@k3s-daas/core';

import { clusterDir, startCluster, type BenchCluster } from './cluster/cluster.ts';
import { BenchError } from './errors.ts';
import { turns, type BenchOptions, type Subject } from './options.ts';
import { takeTurn, type Turn } from './scenarios/turn.ts';
import { quantile, ratePerSecond } from './statistics.ts';

/** Warms up what lives through all rounds: API server, our parts, the do-nothing extender. Not recorded. */
const WARM_UP = { round: 0, pods: 100, paced: { paced: 0, rate: 1 } } as const;

/** A turn that gave no figures, and why. */
export interface Failure {
  readonly nodes: number;
  readonly round: number;
  readonly subject: Subject;
  readonly why: string;
}

export interface Outcome {
  readonly turns: readonly Turn[];
  readonly failures: readonly Failure[];
}

export interface RunOptions {
  readonly bench: BenchOptions;
  readonly binaries: Binaries;
  /** Folder of the clusters. */
  readonly dir: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onExit: (exit: ChildExit) => void;
}

/** All cluster sizes, one after the other. What was measured before an interruption is not given back. */
export async function runBench(options: RunOptions): Promise<Outcome> {
  const outcome = { turns: [] as Turn[], failures: [] as Failure[] };
  for (const nodes of options.bench.nodes) {
    const cluster = await startCluster({ ...options, nodes, dir: clusterDir(options.dir, nodes) });
    try {
      await runRounds(cluster, options, outcome);
    } finally {
      await cluster.stop();
    }
  }
  return outcome;
}

async function runRounds(
  cluster: BenchCluster,
  { bench, progress, signal }: RunOptions,
  outcome: { turns: Turn[]; failures: Failure[] },
): Promise<void> {
  await progress.step(`${cluster.nodes} nodes: warm-up`, async (detail) => {
    for (const subject of bench.subjects) {
      detail(subject);
      await takeTurn({ ...WARM_UP, cluster, subject, signal });
    }
  });
  for (let round = 1; round <= bench.rounds; round++) {
    for (const subject of turns(bench.subjects, round - 1)) {
      const label = `${cluster.nodes} nodes, round ${round} of ${bench.rounds}, ${subject}`;
      try {
        const turn = await takeTurn({ cluster, subject, round, pods: bench.pods, paced: bench, signal });
        outcome.turns.push(turn);
        progress.note(`  ${label}: ${oneLine(turn)}`);
      } catch (error) {
        signal.throwIfAborted();
        // Slow or stuck is a result; anything else is a broken bench.
        if (!(error instanceof BenchError) || error.code !== 'PODS_NOT_BOUND') throw error;
        outcome.failures.push({ nodes: cluster.nodes, round, subject, why: error.message });
        progress.note(`  ${label}: ${describeError(error)}`);
      }
    }
  }
}

function oneLine({ drain, paced }: Turn): string {
  const rate = `${ratePerSecond(drain.boundMs).toFixed(0)} pods/s`;
  if (paced === null) return rate;
  const at = (q: number): string => quantile(paced.latencyMs, q).toFixed(1);
  return `${rate}; create to bound p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
