import { FormatError, podFacts, type Bytes, type PodFacts, type SuiId } from '@k3s-daas/core';
import type { KubeClient } from '@k3s-daas/scheduler-extender';

import { BrokerError } from './errors.ts';
import { imageDigests } from './images.ts';
import { plannedPolicies, type PlanHome } from './plan.ts';
import { ask, notAnswered, unavailable, type TokenHolder } from './token.ts';

/** A pod as the API server has it now. */
export interface LivePod {
  readonly facts: PodFacts;
  /** SHA-256 of each image that it runs; empty if one of them is not named by its digest. */
  readonly imageDigests: readonly Bytes[];
  /** Those of its plan, and none else are released to it. */
  readonly policies: ReadonlySet<SuiId>;
}

/**
 * The pod of the token, read anew: the watch may be behind, and what is released cannot be taken back.
 * @throws BrokerError POD_UNKNOWN, TOKEN_FOREIGN, POD_UNBOUND, POD_ENDED, POD_WITHOUT_PLAN, KUBERNETES_UNAVAILABLE
 */
export async function readPod(
  client: Pick<KubeClient, 'request'>,
  holder: TokenHolder,
  home: PlanHome,
): Promise<LivePod> {
  const path = `/api/v1/namespaces/${encodeURIComponent(holder.namespace)}/pods/${encodeURIComponent(holder.pod)}`;
  const response = await ask(client, { method: 'GET', path });
  if (response.status === 404) throw gone(holder);
  if (response.status !== 200) throw unavailable(`GET ${path}`, response);
  const facts = factsOf(response.body);
  requireHolders(facts, holder);
  requireRunning(facts);
  const { spec } = response.body as { readonly spec: unknown };
  return { facts, imageDigests: imageDigests(spec), policies: plannedPolicies(spec, home) };
}

function factsOf(body: unknown): PodFacts {
  try {
    return podFacts(body);
  } catch (error) {
    if (error instanceof FormatError) throw notAnswered(error.message);
    throw error;
  }
}

/** The token speaks for this very pod, its service account, and its node. */
function requireHolders(pod: PodFacts, holder: TokenHolder): void {
  if (pod.uid !== holder.podUid || pod.namespace !== holder.namespace || pod.name !== holder.pod) {
    throw gone(holder);
  }
  if (pod.serviceAccount !== holder.serviceAccount) {
    throw new BrokerError('TOKEN_FOREIGN', 'the token is not of the service account of its pod');
  }
  if (pod.nodeName === '')
    throw new BrokerError('POD_UNBOUND', 'the pod of the token is not bound to a node');
  if (pod.nodeName !== holder.node) {
    throw new BrokerError(
      'TOKEN_FOREIGN',
      `the token was issued on node ${holder.node}, its pod is on another`,
    );
  }
}

function requireRunning({ deleting, phase }: PodFacts): void {
  if (deleting) throw new BrokerError('POD_ENDED', 'the pod is being deleted');
  if (phase === 'Succeeded' || phase === 'Failed') {
    throw new BrokerError('POD_ENDED', `the pod has ended as ${phase}`);
  }
}

function gone({ namespace, pod }: TokenHolder): BrokerError {
  return new BrokerError('POD_UNKNOWN', `pod ${namespace}/${pod} of the token does not exist any more`);
}
