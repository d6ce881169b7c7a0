import { monitorEventLoopDelay } from 'node:perf_hooks';

import type { ChainView, Clock } from '@k3s-daas/core';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { Engine } from './engine.ts';
import { snapshotAgeMs } from './http/readiness.ts';
import type { Attempt, Verb } from './http/verbs.ts';
import type { WatchedKubeView } from './kube/view.ts';

export interface MetricsDependencies {
  readonly engine: Engine;
  readonly kube: WatchedKubeView;
  readonly chain: ChainView;
  readonly clock: Clock;
}

export interface ExtenderMetrics {
  readonly contentType: string;
  /** The exposition text of Prometheus. */
  text(): Promise<string>;
  observe(verb: Verb, seconds: number): void;
  readonly attempt: (attempt: Attempt) => void;
  connection(): void;
  close(): void;
}

// A reply beyond 5 s is late: kube-scheduler's default for extenders.
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Lags and costs are counted in 10⁻⁹ of the cluster's capacity. */
const CAPACITY = 1e9;
const CODE = /^[A-Z][A-Z_]{0,63}$/;

/** The metrics of one extender, in a registry of its own; gauges are read when they are scraped. */
export function extenderMetrics(dependencies: MetricsDependencies): ExtenderMetrics {
  const registry = new Registry();
  const registers = [registry];
  const duration = new Histogram({
    name: 'daas_extender_request_duration_seconds',
    help: 'Time from the head of a request of kube-scheduler to the end of our reply.',
    labelNames: ['verb'] as const,
    buckets: BUCKETS,
    registers,
  });
  const attempts = new Counter({
    name: 'daas_attempts_total',
    help: 'Attempts to place a pod, by result (scheduled, unschedulable, error) and reason code.',
    labelNames: ['result', 'reason'] as const,
    registers,
  });
  const connections = new Counter({
    name: 'daas_extender_connections_total',
    help: 'TLS connections accepted; it stands still while kube-scheduler reuses its connections.',
    registers,
  });
  gauges(registers, dependencies);
  const delay = eventLoopGauges(registers);
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observe: (verb, seconds) => {
      duration.observe({ verb }, seconds);
    },
    attempt: ({ result, reason }) => {
      // Codes are a closed set; whatever is not one must not become a time series.
      attempts.inc({ result, reason: reason === '' || CODE.test(reason) ? reason : 'OTHER' });
    },
    connection: () => {
      connections.inc();
    },
    close: () => {
      delay.disable();
    },
  };
}

function gauges(registers: Registry[], { engine, kube, chain, clock }: MetricsDependencies): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge(
    'daas_stake_snapshot_age_seconds',
    'Age of the newest snapshot of the chain; infinite before the first, so that alerts on age fire.',
    () => (snapshotAgeMs(chain, clock) ?? Infinity) / 1_000,
  );
  gauge(
    'daas_operator_lag_max',
    "Largest |entitled − delivered| of any operator, as a share of the cluster's capacity.",
    () => Number(engine.status().maxLag) / CAPACITY,
  );
  gauge('daas_log_records', 'Records in the decision log.', () => Number(engine.status().records));
  gauge(
    'daas_log_last_sequence',
    'Sequence of the newest decision.',
    () => Number(engine.status().lastSequence), //
  );
  gauge(
    'daas_unsettled_decisions',
    'Decisions that have no outcome yet.',
    () => engine.status().unsettled, //
  );
  gauge('daas_kube_synced', '1 while the view of the API server may be used.', () => (kube.synced ? 1 : 0));
  perResource(registers, kube);
}

function perResource(registers: Registry[], kube: WatchedKubeView): void {
  const labelNames = ['resource'] as const;
  const name = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
  new Gauge({
    name: 'daas_kube_lag_seconds',
    help: 'How long the watch of a resource has been cut off; 0 while it is connected.',
    labelNames,
    registers,
    collect() {
      for (const { path, lagMs } of kube.resources())
        this.set({ resource: name(path) }, (lagMs ?? Infinity) / 1_000);
    },
  });
  new Gauge({
    name: 'daas_kube_last_event_age_seconds',
    help: 'Time since the last event or bookmark of a resource.',
    labelNames,
    registers,
    collect() {
      for (const { path, lastEventAgeMs } of kube.resources())
        this.set({ resource: name(path) }, (lastEventAgeMs ?? Infinity) / 1_000);
    },
  });
  new Gauge({
    name: 'daas_kube_objects',
    help: 'Objects of a resource in the view.',
    labelNames,
    registers,
    collect() {
      for (const { path, objects } of kube.resources()) this.set({ resource: name(path) }, objects);
    },
  });
}

const NANOSECONDS = 1e9;
const RESOLUTION_MS = 10;

function eventLoopGauges(registers: Registry[]): { disable(): void } {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  new Gauge({
    name: 'daas_event_loop_lag_seconds',
    help: 'Delay of the event loop since the start, by quantile.',
    labelNames: ['quantile'] as const,
    registers,
    collect() {
      // The histogram counts the timer's own period in.
      const lag = (percentile: number): number =>
        Math.max(0, delay.percentile(percentile) / NANOSECONDS - RESOLUTION_MS / 1_000);
      for (const quantile of [0.5, 0.99, 1]) this.set({ quantile: String(quantile) }, lag(quantile * 100));
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  return delay;
}
