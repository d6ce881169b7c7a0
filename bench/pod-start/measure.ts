import { z } from 'zod';

import { BenchError } from '../errors.ts';
import type { Progress } from '../frame/command.ts';
import { inRounds, turns } from '../frame/rounds.ts';
import type { Api } from '../kube-api.ts';
import type { SealedCluster } from './cluster.ts';

/** `with init` has an init container that does nothing: what one container more costs, whatever it does. */
export const KINDS = ['plain', 'with init', 'sealed'] as const;
export type Kind = (typeof KINDS)[number];

/** Times in ms since the pod's creation was asked for. */
export interface Sample {
  readonly kind: Kind;
  readonly round: number;
  readonly createdMs: number;
  readonly placedMs: number;
  readonly runningMs: number;
  /** What seal-fetch says of its own steps, ms; empty for the others. */
  readonly steps: Readonly<Record<string, number>>;
}

const DEADLINE_MS = 60_000;
/** Namespace without secrets, and the cluster's own with them. */
export const PLAIN_NAMESPACE = 'plain';
const SEALED_NAMESPACE = 'app';

const eventSchema = z.object({
  object: z.object({
    metadata: z.object({ name: z.string().default('') }),
    spec: z.object({ nodeName: z.string().default('') }).optional(),
    status: z
      .object({
        containerStatuses: z
          .array(z.object({ state: z.object({ running: z.unknown().optional() }) }))
          .default([]),
      })
      .optional(),
  }),
});

type Seen = { placedMs: number; runningMs: number };

/** One pod of each kind after the other. */
export async function measure(
  cluster: SealedCluster,
  api: Api,
  rounds: number,
  progress: Progress,
): Promise<Sample[]> {
  const seen = new Map<string, Seen>();
  const stop = await watch(api, seen);
  try {
    const samples = await inRounds({ rounds }, progress, async (round) => {
      const recorded: Sample[] = [];
      for (const kind of turns(KINDS, round))
        recorded.push(await measureOne(cluster, api, seen, kind, round));
      return recorded;
    });
    return samples.flat();
  } finally {
    stop();
  }
}

async function watch(api: Api, seen: Map<string, Seen>): Promise<() => void> {
  const onLine = (line: string): void => {
    const { object } = eventSchema.parse(JSON.parse(line));
    const times = seen.get(object.metadata.name);
    if (times === undefined) return;
    const now = performance.now();
    if (times.placedMs === 0 && object.spec?.nodeName !== '') times.placedMs = now;
    const statuses = object.status?.containerStatuses ?? [];
    const isRunning = statuses.length > 0 && statuses.every(({ state }) => state.running !== undefined);
    if (times.runningMs === 0 && isRunning) times.runningMs = now;
  };
  return api.lines('/api/v1/pods?watch=true', onLine, (error) => {
    throw error;
  });
}

async function measureOne(
  cluster: SealedCluster,
  api: Api,
  seen: Map<string, Seen>,
  kind: Kind,
  round: number,
): Promise<Sample> {
  const namespace = kind === 'sealed' ? SEALED_NAMESPACE : PLAIN_NAMESPACE;
  const name = `${kind.replace(' ', '-')}-${round + 1}`;
  const times: Seen = { placedMs: 0, runningMs: 0 };
  seen.set(name, times);
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const began = performance.now();
  await api.json({ method: 'POST', path, body: podOf(cluster.image, name, kind) });
  const createdMs = performance.now() - began;
  while (times.runningMs === 0) {
    if (performance.now() - began > DEADLINE_MS)
      throw new BenchError('NOT_READY', `pod ${name} does not run`, 'read the logs of kubelet and parts');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const steps = kind === 'sealed' ? stepsOf(await cluster.log(name, 'seal-fetch')) : {};
  seen.delete(name);
  await cluster.kubectl(['delete', 'pod', '-n', namespace, name, '--grace-period=0', '--timeout=30s']);
  return {
    kind,
    round,
    createdMs,
    placedMs: times.placedMs - began,
    runningMs: times.runningMs - began,
    steps,
  };
}

/** Lines `seal-fetch: STEP: N ms`. */
function stepsOf(log: string): Record<string, number> {
  const steps: Record<string, number> = {};
  for (const [, step = '', ms] of log.matchAll(/^seal-fetch: ([a-z ]+): (\d+) ms$/gm))
    steps[step] = Number(ms);
  const whole = /in place, (\d+) ms after/.exec(log)?.[1];
  return whole === undefined ? steps : { ...steps, 'process start to end': Number(whole) };
}

function podOf(image: string, name: string, kind: Kind): object {
  const resources = { requests: { cpu: '50m', memory: '32Mi' } };
  const container = { name: 'c', image, args: ['wait'], resources };
  const nothing = { name: 'nothing', image, args: ['say', 'nothing'], resources };
  const secretKeyRef = { name: 'db', key: 'password' };
  const common = { automountServiceAccountToken: false, terminationGracePeriodSeconds: 0 };
  const specs: Readonly<Record<Kind, object>> = {
    plain: { containers: [container] },
    'with init': { initContainers: [nothing], containers: [container] },
    sealed: {
      serviceAccountName: 'api',
      containers: [{ ...container, env: [{ name: 'PASSWORD', valueFrom: { secretKeyRef } }] }],
    },
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { ...common, ...specs[kind] } };
}
