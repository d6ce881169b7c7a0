import type { Subject } from './subjects.ts';
import type { Workers } from './throughput.ts';
import { THROUGHPUT, type ThroughputName } from './verifications.ts';

/** One round of one subject: how long each of its calls took. */
export interface Latencies {
  readonly subject: string;
  readonly round: number;
  readonly ms: readonly number[];
  /** CPU time of the whole process (compiler, garbage collector, threads) for one call, ms. */
  readonly cpuMs: number;
}

export interface Rate {
  readonly subject: ThroughputName;
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

export interface Limits {
  readonly rounds: number;
  /** Calls of a subject in a round, before its share. */
  readonly calls: number;
  /** Time of a throughput measurement in a round, ms. */
  readonly throughputMs: number;
  /** No round begins after this. */
  readonly seconds: number;
}

const ROUNDS_MIN = 2;

/**
 * All subjects in turn, each round beginning with another one, after a round that is not recorded: on a shared
 * machine neighbours in time compare best. Ends early when the time is over, but not before two rounds.
 */
export async function measure(
  subjects: readonly Subject[],
  workers: Workers,
  { rounds, calls, throughputMs, seconds }: Limits,
  progress: (text: string) => void,
): Promise<Measured> {
  const started = performance.now();
  const latencies: Latencies[] = [];
  const rates: Rate[] = [];
  let round = -1;
  for (; round < rounds; round += 1) {
    const elapsed = (performance.now() - started) / 1000;
    if (round >= ROUNDS_MIN && elapsed > seconds) break;
    progress(round < 0 ? 'warming up' : `round ${round + 1} of ${rounds}, ${elapsed.toFixed(0)} s`);
    for (const subject of rotated(subjects, round)) {
      const times = await timesOf(subject, Math.max(2, Math.round(calls * subject.share)));
      if (round >= 0) latencies.push({ subject: subject.name, round, ...times });
    }
    for (const subject of rotated(THROUGHPUT, round)) {
      const perSecond = await workers.measure(subject, throughputMs);
      if (round >= 0) rates.push({ subject, round, perSecond });
    }
  }
  return { latencies, rates, rounds: round };
}

function rotated<T>(list: readonly T[], round: number): T[] {
  const at = Math.max(round, 0) % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

async function timesOf({ verify }: Subject, calls: number): Promise<Pick<Latencies, 'ms' | 'cpuMs'>> {
  const ms: number[] = [];
  const before = process.cpuUsage();
  for (let index = 0; index < calls; index += 1) {
    const started = performance.now();
    await verify(index);
    ms.push(performance.now() - started);
  }
  const { user, system } = process.cpuUsage(before);
  return { ms, cpuMs: (user + system) / 1000 / calls };
}
