import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import type { RunningScheduler } from '@k3s-daas/control-plane';

import type { BenchCluster } from '../cluster/cluster.ts';
import { difference, read, type Measured } from '../cluster/readings.ts';
import { startSubject } from '../cluster/schedulers.ts';
import { inParallel } from '../frame/rounds.ts';
import type { Api } from '../kube-api.ts';
import type { BenchOptions, Subject } from '../options.ts';
import { watchBindings } from './bindings.ts';
import { createPod, podSet, removePods, type PodSet } from './pods.ts';

const WIDTH = 16;
/** Beyond this a scheduler is not slow but stuck. */
const BOUND_MS_MAX = 90_000;
const SETTLE_MS = 500;

export interface Drain {
  /** From the start of the scheduler's process, ms. */
  readonly boundMs: readonly number[];
  /** Ends of the bench's own watch, after which some bindings are heard of late. */
  readonly watchRestarts: number;
  readonly measured: Measured;
}

export interface Paced {
  /** From sending the POST of the pod to hearing of its node, ms. */
  readonly latencyMs: readonly number[];
  /** Of those, until the POST was answered. */
  readonly createMs: readonly number[];
  readonly watchRestarts: number;
  readonly measured: Measured;
}

/** One subject's turn in one round. */
export interface Turn {
  readonly nodes: number;
  readonly round: number;
  readonly subject: Subject;
  readonly loadAverage: number;
  readonly drain: Drain;
  readonly paced: Paced | null;
}

export interface TurnOptions {
  readonly cluster: BenchCluster;
  readonly subject: Subject;
  readonly round: number;
  readonly pods: number;
  readonly paced: Pick<BenchOptions, 'paced' | 'rate'>;
  readonly signal: AbortSignal;
}

/** create pods without a scheduler → start it → drain → remove → paced load → stop it → remove. */
export async function takeTurn(options: TurnOptions): Promise<Turn> {
  const { cluster, subject, round, signal } = options;
  const { api, ours } = cluster;
  const isOurs = subject === 'ours' || subject === 'ours-unguarded';
  if (isOurs) await ours?.resume(signal);
  else ours?.pause();
  const pods = podSet(subject, `${subject}-${round}-drain`, options.pods);
  const loadAverage = loadavg()[0] ?? Number.NaN;
  try {
    await inParallel(pods.names, WIDTH, (name) => createPod(api, pods, name));
    const { nodes } = cluster;
    if (isOurs) await ours?.untilSeen({ pods: pods.names.length, nodes }, signal);
    return { nodes, round, subject, loadAverage, ...(await runScheduler(options, pods, isOurs)) };
  } finally {
    await removePods(api, pods, signal).catch(() => undefined);
  }
}

async function runScheduler(
  options: TurnOptions,
  pods: PodSet,
  isOurs: boolean,
): Promise<Pick<Turn, 'drain' | 'paced'>> {
  const { cluster, subject, round, signal } = options;
  const { api } = cluster;
  await cluster.nothing?.takeSamples();
  const before = await read(cluster, null, isOurs);
  const watch = await watchBindings(api, pods.namespace, pods.selector);
  const startedAt = performance.now();
  const scheduler = await startSubject(subject, cluster);
  try {
    await watch.reach(pods.names.length, BOUND_MS_MAX, signal);
    const measured = await difference(cluster, before, await read(cluster, scheduler, isOurs));
    const boundMs = [...watch.boundAt.values()].map((at) => at - startedAt);
    const watchRestarts = watch.restarts;
    await removePods(api, pods, signal);
    await sleep(SETTLE_MS, undefined, { signal });
    const set = podSet(subject, `${subject}-${round}-paced`, options.paced.paced);
    const paced = set.names.length === 0 ? null : await runPaced(options, set, scheduler, isOurs);
    return { drain: { boundMs, watchRestarts, measured }, paced };
  } finally {
    watch.close();
    await scheduler.stop();
  }
}

async function runPaced(
  options: TurnOptions,
  pods: PodSet,
  scheduler: RunningScheduler,
  isOurs: boolean,
): Promise<Paced> {
  const { cluster, signal } = options;
  const { api } = cluster;
  const before = await read(cluster, scheduler, isOurs);
  const watch = await watchBindings(api, pods.namespace, pods.selector);
  try {
    const sent = await createPaced(api, pods, options.paced.rate, signal);
    await watch.reach(pods.names.length, BOUND_MS_MAX, signal);
    const measured = await difference(cluster, before, await read(cluster, scheduler, isOurs));
    const latencyMs = sent.map(({ name, at }) => (watch.boundAt.get(name) ?? Number.NaN) - at);
    const createMs = sent.map((pod) => pod.createMs);
    return { latencyMs, createMs, watchRestarts: watch.restarts, measured };
  } finally {
    watch.close();
    await removePods(api, pods, signal).catch(() => undefined);
  }
}

interface Sent {
  readonly name: string;
  readonly at: number;
  readonly createMs: number;
}

/** Sends each pod at its time, whether or not the one before has been answered. */
async function createPaced(api: Api, pods: PodSet, rate: number, signal: AbortSignal): Promise<Sent[]> {
  const start = performance.now();
  return Promise.all(
    pods.names.map(async (name, index) => {
      await sleep(Math.max(0, start + (index * 1000) / rate - performance.now()), undefined, { signal });
      const at = performance.now();
      await createPod(api, pods, name);
      return { name, at, createMs: performance.now() - at };
    }),
  );
}
