import { TokenBuckets } from '@k3s-daas/core';
import type { Engine, KubeClient, Readiness } from '@k3s-daas/scheduler-extender';

import { BrokerError } from './errors.ts';
import { requirePlanned, type PlanHome } from './plan.ts';
import { readPod } from './pod.ts';
import { requireReceipt } from './receipt.ts';
import { parseRequest } from './request.ts';
import { signReleases, type ReleaseReply, type SigningParts } from './sign.ts';
import { reviewToken } from './token.ts';

export interface BrokerParts extends SigningParts {
  readonly client: Pick<KubeClient, 'request'>;
  readonly engine: Pick<Engine, 'adopt'>;
  readonly cluster: PlanHome;
  /** The extender's own, with the guard's reasons in it: what stops decisions stops releases. */
  readonly readiness: () => Readiness;
  readonly monotonic: () => number;
  readonly releasesPerMinuteMax: number;
}

export interface Released {
  readonly namespace: string;
  readonly pod: string;
  readonly reply: ReleaseReply;
}

/** A pod asks once for its start, and again after each failure and rotation. */
const POD_RATE = { amount: 30, periodMs: 60_000 };

/** The protocol of docs/broker.md: who shows a pod's own token gets what lets that pod, on its node, open a policy. */
export function releaser(parts: BrokerParts): (token: string, json: unknown) => Promise<Released> {
  const { client, engine, cluster, monotonic, releasesPerMinuteMax: amount } = parts;
  const time = { now: monotonic };
  const pods = new TokenBuckets(POD_RATE, time);
  const namespaces = new TokenBuckets({ amount, periodMs: 60_000 }, time);
  return async (token, json) => {
    requireReady(parts);
    const request = parseRequest(json);
    const holder = await reviewToken(client, token);
    requireRate(pods.take(holder.podUid), `pod ${holder.namespace}/${holder.pod}`);
    const pod = await readPod(client, holder, cluster);
    requirePlanned(request.policies, pod.policies);
    const placed = await requireReceipt(engine, pod.facts, holder);
    // From here on nothing else runs until the releases are signed.
    requireReady(parts);
    const { namespace } = holder;
    requireRate(namespaces.take(namespace, request.policies.length), `namespace ${namespace}`);
    return { namespace, pod: holder.pod, reply: signReleases(parts, request, placed, pod.imageDigests) };
  };
}

function requireReady({ readiness }: BrokerParts): void {
  const { ready, reasons } = readiness();
  if (ready) return;
  throw new BrokerError('NOT_READY', reasons.map(({ code, message }) => `${code}: ${message}`).join('; '));
}

export function requireRate(waitMs: number, who: string): void {
  if (waitMs > 0) throw new BrokerError('RATE_EXCEEDED', `${who} asks too often`, { waitMs });
}
