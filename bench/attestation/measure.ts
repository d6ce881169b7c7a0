import type { Progress } from '../frame/command.ts';
import { inRounds, timesOf, turns } from '../frame/rounds.ts';
import type { Limits } from './options.ts';
import type { Subject, Verification } from './subjects.ts';
import type { Workers } from './throughput.ts';

/** One round of one subject: how long each of its calls took. */
export interface Latencies {
  readonly subject: string;
  readonly round: number;
  readonly ms: readonly number[];
  /** CPU time of the whole process (compiler, garbage collector, threads) for one call, ms. */
  readonly cpuMs: number;
}

export interface Rate {
  readonly subject: string;
  readonly round: number;
  /** Of all cores together. */
  readonly perSecond: number;
}

export interface Measured {
  readonly latencies: readonly Latencies[];
  readonly rates: readonly Rate[];
  /** Rounds that were finished within the time. */
  readonly rounds: number;
}

/** All subjects in turn. */
export async function measure(
  subjects: readonly Subject[],
  workers: Workers,
  limits: Limits,
  progress: Progress,
): Promise<Measured> {
  const rounds = await inRounds(limits, progress, async (round) => {
    const recorded = { latencies: [] as Latencies[], rates: [] as Rate[] };
    for (const { name, share, verify } of turns(subjects, round)) {
      const calls = Math.max(2, Math.round(limits.calls * share));
      recorded.latencies.push({ subject: name, round, ...(await latenciesOf(verify, calls)) });
    }
    const everywhere = subjects.filter(({ onAllCores }) => onAllCores);
    for (const { name } of turns(everywhere, round)) {
      const perSecond = await workers.measure(name, limits.throughput);
      recorded.rates.push({ subject: name, round, perSecond });
    }
    return recorded;
  });
  return {
    latencies: rounds.flatMap(({ latencies }) => latencies),
    rates: rounds.flatMap(({ rates }) => rates),
    rounds: rounds.length,
  };
}

async function latenciesOf(verify: Verification, calls: number): Promise<Pick<Latencies, 'ms' | 'cpuMs'>> {
  const before = process.cpuUsage();
  const ms = await timesOf(Array(calls).keys(), verify);
  const { user, system } = process.cpuUsage(before);
  return { ms, cpuMs: (user + system) / 1000 / calls };
}
