import { readFile } from 'node:fs/promises';

import type { Progress } from '../frame/command.ts';
import { inRounds, turns } from '../frame/rounds.ts';
import { cpuSecondsOf } from '../proc.ts';
import type { ApiClient } from './api-client.ts';
import { Connection, requestOf } from './connection.ts';
import type { Limits } from './options.ts';
import type { Review } from './reviews.ts';
import { EXEMPT, GUARDED, podOf, type AdmissionWorld } from './world.ts';

/** One round of one subject. */
export interface Samples {
  readonly subject: string;
  readonly round: number;
  readonly ms: readonly number[];
}

export interface Rate {
  readonly subject: string;
  readonly round: number;
  readonly perSecond: number;
  /** CPU time of the webhook's process for one review, ms; NaN where there is no /proc. */
  readonly cpuMs: number;
}

export interface Measured {
  readonly reviews: readonly Samples[];
  readonly rates: readonly Rate[];
  readonly creates: readonly Samples[];
  readonly rounds: number;
}

/** Pods whose CREATE is timed; `without` is what the webhooks' share is measured against. */
export const CREATES = [
  { name: 'without webhooks', namespace: EXEMPT, sealed: false },
  { name: 'plain pod', namespace: GUARDED, sealed: false },
  { name: 'sealed pod', namespace: GUARDED, sealed: true },
] as const;

/** All subjects in turn. */
export async function measure(
  world: AdmissionWorld,
  reviews: readonly Review[],
  limits: Limits,
  progress: Progress,
): Promise<Measured> {
  const all = await inRounds(limits, progress, async (round) => {
    const recorded = { reviews: [] as Samples[], rates: [] as Rate[], creates: [] as Samples[] };
    for (const review of turns(reviews, round)) {
      const { name: subject } = review;
      recorded.reviews.push({ subject, round, ms: await latencies(world, review, limits.calls) });
      recorded.rates.push({ subject, round, ...(await throughput(world, review, limits)) });
    }
    for (const kind of turns(CREATES, round))
      recorded.creates.push({ subject: kind.name, round, ms: await creates(world.api, kind, limits.pods) });
    return recorded;
  });
  return {
    reviews: all.flatMap((each) => each.reviews),
    rates: all.flatMap((each) => each.rates),
    creates: all.flatMap((each) => each.creates),
    rounds: all.length,
  };
}

async function latencies(world: AdmissionWorld, review: Review, calls: number): Promise<number[]> {
  const connection = await Connection.open(world);
  const request = requestOf(review);
  const ms: number[] = [];
  for (let call = 0; call < calls; call++) ms.push(await connection.review(request));
  connection.close();
  return ms;
}

async function throughput(
  world: AdmissionWorld,
  review: Review,
  limits: Limits,
): Promise<Pick<Rate, 'perSecond' | 'cpuMs'>> {
  const request = requestOf(review);
  const all = Array.from({ length: limits.connections }, () => Connection.open(world));
  const connections = await Promise.all(all);
  const cpuBefore = await cpuSeconds(world.webhook.pid);
  const began = performance.now();
  const until = began + limits.throughput;
  let done = 0;
  const busy = async (connection: Connection): Promise<void> => {
    while (performance.now() < until) {
      await connection.review(request);
      done++;
    }
    connection.close();
  };
  await Promise.all(connections.map(busy));
  const seconds = (performance.now() - began) / 1_000;
  const cpuMs = ((await cpuSeconds(world.webhook.pid)) - cpuBefore) * 1_000;
  return { perSecond: done / seconds, cpuMs: cpuMs / done };
}

async function cpuSeconds(pid: number): Promise<number> {
  try {
    return cpuSecondsOf(await readFile(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return Number.NaN;
  }
}

async function creates(
  api: ApiClient,
  { namespace, sealed }: (typeof CREATES)[number],
  pods: number,
): Promise<number[]> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const ms: number[] = [];
  for (let pod = 0; pod < pods; pod++) ms.push((await api.create(path, podOf(`web-${pod}`, sealed))).ms);
  await api.clear(path);
  return ms;
}
