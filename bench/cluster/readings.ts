import { readFile } from 'node:fs/promises';

import type { RunningScheduler } from '@k3s-daas/control-plane';

import {
  histogramDelta,
  histogramOf,
  parseMetrics,
  valueOf,
  type Histogram,
  type Sample,
} from '../prometheus.ts';
import { cpuSecondsOf } from '../proc.ts';
import type { BenchCluster } from './cluster.ts';

/** What is measured inside the programs, by a name of ours. */
interface Source {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
}

const BINDING = { verb: 'POST', resource: 'pods', subresource: 'binding' };

const API_SERVER: Readonly<Record<string, Source>> = {
  'POST pods/binding': { metric: 'apiserver_request_duration_seconds', labels: BINDING },
  'POST pods': {
    metric: 'apiserver_request_duration_seconds',
    labels: { verb: 'POST', resource: 'pods', subresource: '' },
  },
  'webhook: bindings': {
    metric: 'apiserver_admission_webhook_admission_duration_seconds',
    labels: { name: 'bindings.k3s-daas.io' },
  },
  'webhook: pods': {
    metric: 'apiserver_admission_webhook_admission_duration_seconds',
    labels: { name: 'pods.k3s-daas.io' },
  },
};

const SCHEDULER: Readonly<Record<string, Source>> = {
  attempt: { metric: 'scheduler_scheduling_attempt_duration_seconds', labels: { result: 'scheduled' } },
  algorithm: { metric: 'scheduler_scheduling_algorithm_duration_seconds', labels: {} },
  'queue to bound': { metric: 'scheduler_pod_scheduling_sli_duration_seconds', labels: {} },
};

const ATTEMPTS = 'scheduler_schedule_attempts_total';
const VERB_METRIC = 'daas_extender_request_duration_seconds';
const VERBS = ['filter', 'prioritize', 'bind'] as const;

type Histograms = Readonly<Record<string, Histogram>>;

/** One reading of everything that counts up. */
export interface Reading {
  readonly apiServer: Histograms;
  readonly scheduler: Histograms;
  /** Attempts of kube-scheduler by result. */
  readonly attempts: Readonly<Record<string, number>>;
  /** Of our extender. */
  readonly verbs: Histograms;
  /** CPU seconds by process. */
  readonly cpu: Readonly<Record<string, number>>;
}

/** What happened between two readings, and the calls of the do-nothing extender one by one. */
export interface Measured extends Reading {
  /** Milliseconds of every call, by verb. */
  readonly nothingCalls: Readonly<Record<string, readonly number[]>>;
}

/**
 * Reads all programs. Outside of what is timed: an API server's metrics are some megabytes.
 * @param oursRuns false while our parts are paused: they would not answer.
 */
export async function read(
  cluster: BenchCluster,
  scheduler: RunningScheduler | null,
  oursRuns: boolean,
): Promise<Reading> {
  const cpu = await cpuOf(cluster);
  const fromApi = parseMetrics(await cluster.api.text('/metrics'), [
    'apiserver_request_duration_seconds',
    'apiserver_admission_webhook_admission_duration_seconds',
  ]);
  const fromScheduler = scheduler === null ? [] : await schedulerMetrics(cluster, scheduler);
  const fromOurs = oursRuns ? ((await cluster.ours?.metrics()) ?? []) : [];
  const verbs = VERBS.map((verb) => [verb, histogramOf(fromOurs, VERB_METRIC, { verb })] as const);
  const results = ['scheduled', 'unschedulable', 'error'];
  return {
    apiServer: pick(fromApi, API_SERVER),
    scheduler: pick(fromScheduler, SCHEDULER),
    attempts: Object.fromEntries(
      results.map((result) => [result, valueOf(fromScheduler, ATTEMPTS, { result })]),
    ),
    verbs: Object.fromEntries(verbs),
    cpu,
  };
}

async function schedulerMetrics(cluster: BenchCluster, scheduler: RunningScheduler): Promise<Sample[]> {
  const api = cluster.connect(scheduler.url);
  try {
    return parseMetrics(await api.text('/metrics'), [
      'scheduler_scheduling_attempt_duration_seconds',
      'scheduler_scheduling_algorithm_duration_seconds',
      'scheduler_pod_scheduling_sli_duration_seconds',
      ATTEMPTS,
    ]);
  } finally {
    api.close();
  }
}

function pick(samples: readonly Sample[], sources: Readonly<Record<string, Source>>): Histograms {
  return Object.fromEntries(
    Object.entries(sources).map(([name, { metric, labels }]) => [name, histogramOf(samples, metric, labels)]),
  );
}

async function cpuOf(cluster: BenchCluster): Promise<Record<string, number>> {
  const cpu: Record<string, number> = { bench: ownCpuSeconds() };
  for (const { name, pid } of cluster.processes()) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
    if (stat !== null) cpu[name] = cpuSecondsOf(stat);
  }
  return cpu;
}

function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** `after` − `before`; a process that is new since then counts from zero. */
export async function difference(cluster: BenchCluster, before: Reading, after: Reading): Promise<Measured> {
  return {
    apiServer: differences(before.apiServer, after.apiServer),
    scheduler: differences(before.scheduler, after.scheduler),
    attempts: subtract(before.attempts, after.attempts),
    verbs: differences(before.verbs, after.verbs),
    cpu: subtract(before.cpu, after.cpu),
    nothingCalls: (await cluster.nothing?.takeSamples()) ?? {},
  };
}

function differences(before: Histograms, after: Histograms): Histograms {
  return Object.fromEntries(
    Object.entries(after).map(([name, histogram]) => {
      const earlier = before[name];
      return [name, earlier === undefined ? histogram : histogramDelta(earlier, histogram)];
    }),
  );
}

function subtract(
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}
