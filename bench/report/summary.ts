import { SUBJECTS, type Subject } from '../options.ts';
import { histogramMean, histogramQuantile, histogramSum, type Histogram } from '../prometheus.ts';
import type { Measured } from '../cluster/readings.ts';
import type { Turn } from '../scenarios/turn.ts';
import { median, pairedRatio, quantile, ratePerSecond, summarize, type Summary } from '../statistics.ts';

/** Milliseconds. */
export interface Timing {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

/** What was measured of one subject at one cluster size, over all rounds. */
export interface SubjectSummary {
  readonly nodes: number;
  readonly subject: Subject;
  /** Pods bound per second in a drain, from the first binding to the last, by round. */
  readonly rate: Summary;
  /** Medians of the ratios within a round; null without the other subject. */
  readonly rateToStock: Summary | null;
  readonly rateToNothing: Summary | null;
  readonly paced: {
    readonly latency: Timing;
    readonly create: Timing;
    readonly verbs: Readonly<Record<string, Timing>>;
    readonly failedAttempts: number;
  } | null;
  /** Of the drains: calls of the extender as it sees them itself. */
  readonly verbs: Readonly<Record<string, Timing>>;
  /** Of the drains: what kube-scheduler and kube-apiserver say. */
  readonly scheduler: Readonly<Record<string, Timing>>;
  readonly apiServer: Readonly<Record<string, Timing>>;
  /** Share of the time of a bind that is the API server's answer to the Binding, by means; NaN without an extender. */
  readonly bindingShare: number;
  /** Attempts of kube-scheduler that placed nothing, in all drains. The pod is tried again after a second or more. */
  readonly failedAttempts: number;
  /** CPU seconds per 1,000 pods of a drain by process, start of the scheduler included; median of the rounds. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** By cluster size, then in the order of SUBJECTS. */
export function summarizeTurns(turns: readonly Turn[]): SubjectSummary[] {
  const sizes = [...new Set(turns.map(({ nodes }) => nodes))].sort((a, b) => a - b);
  return sizes.flatMap((nodes) => {
    const bySubject = Map.groupBy(
      turns.filter((turn) => turn.nodes === nodes),
      ({ subject }) => subject,
    );
    const rates = (subject: Subject): Map<number, number> | null => {
      const own = bySubject.get(subject);
      return own === undefined
        ? null
        : new Map(own.map(({ round, drain }) => [round, ratePerSecond(drain.boundMs)]));
    };
    return SUBJECTS.flatMap((subject) => {
      const own = bySubject.get(subject);
      return own === undefined ? [] : [summarizeSubject(nodes, subject, own, rates)];
    });
  });
}

function summarizeSubject(
  nodes: number,
  subject: Subject,
  turns: readonly Turn[],
  rates: (subject: Subject) => Map<number, number> | null,
): SubjectSummary {
  const own = rates(subject) ?? new Map<number, number>();
  const against = (base: Subject): Summary | null => {
    const other = rates(base);
    return other === null ? null : pairedRatio(own, other);
  };
  const drains = turns.map(({ drain }) => drain.measured);
  const paced = turns.flatMap((turn) => (turn.paced === null ? [] : [turn.paced]));
  const verbs = verbTimings(drains);
  const apiServer = pooled(drains.map((measured) => measured.apiServer));
  const binding = apiServer['POST pods/binding']?.mean ?? Number.NaN;
  return {
    nodes,
    subject,
    rate: summarize([...own.values()]),
    rateToStock: against('stock'),
    rateToNothing: against('nothing'),
    paced:
      paced.length === 0
        ? null
        : {
            latency: timingOf(paced.flatMap(({ latencyMs }) => latencyMs)),
            create: timingOf(paced.flatMap(({ createMs }) => createMs)),
            verbs: verbTimings(paced.map(({ measured }) => measured)),
            failedAttempts: failedAttempts(paced.map(({ measured }) => measured)),
          },
    verbs,
    scheduler: pooled(drains.map((measured) => measured.scheduler)),
    apiServer,
    bindingShare: binding / (verbs['bind']?.mean ?? Number.NaN),
    failedAttempts: failedAttempts(drains),
    cpu: cpuPerThousand(turns),
  };
}

function failedAttempts(measured: readonly Measured[]): number {
  return measured.reduce(
    (sum, { attempts }) => sum + (attempts['unschedulable'] ?? 0) + (attempts['error'] ?? 0),
    0,
  );
}

/** Ours from its histograms, those of the do-nothing extender from every call. */
function verbTimings(measured: readonly Measured[]): Record<string, Timing> {
  const calls: Record<string, number[]> = {};
  for (const { nothingCalls } of measured) {
    for (const [verb, times] of Object.entries(nothingCalls)) (calls[verb] ??= []).push(...times);
  }
  const exact = Object.entries(calls).map(([verb, times]) => [verb, timingOf(times)] as const);
  return { ...pooled(measured.map(({ verbs }) => verbs)), ...Object.fromEntries(exact) };
}

/** One timing per name over all rounds; names nobody observed are left out. */
function pooled(rounds: readonly Readonly<Record<string, Histogram>>[]): Record<string, Timing> {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  const timings = [...names].map((name) => {
    const sum = histogramSum(rounds.flatMap((round) => round[name] ?? []));
    return [name, timingOfHistogram(sum)] as const;
  });
  return Object.fromEntries(timings.filter(([, { count }]) => count > 0));
}

function timingOfHistogram(histogram: Histogram): Timing {
  return {
    count: histogram.count,
    mean: histogramMean(histogram) * 1000,
    p50: histogramQuantile(histogram, 0.5) * 1000,
    p99: histogramQuantile(histogram, 0.99) * 1000,
  };
}

function timingOf(samples: readonly number[]): Timing {
  const sum = samples.reduce((total, sample) => total + sample, 0);
  return {
    count: samples.length,
    mean: samples.length === 0 ? Number.NaN : sum / samples.length,
    p50: quantile(samples, 0.5),
    p99: quantile(samples, 0.99),
  };
}

function cpuPerThousand(turns: readonly Turn[]): Record<string, number> {
  const shares: Record<string, number[]> = {};
  for (const { drain } of turns) {
    for (const [name, seconds] of Object.entries(drain.measured.cpu)) {
      (shares[name] ??= []).push((seconds * 1000) / drain.boundMs.length);
    }
  }
  return Object.fromEntries(Object.entries(shares).map(([name, values]) => [name, median(values)]));
}
