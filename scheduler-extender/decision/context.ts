import type { ChainSnapshot } from '@k3s-daas/core';

import { ExtenderError, type ExtenderErrorCode } from '../errors.ts';
import type { LogState } from '../log/state.ts';
import type { Standing } from '../policy/stake.ts';
import type { EngineDependencies, PodFacts, SessionIdentity } from '../ports.ts';
import type { FilterCalls } from './calls.ts';
import type { History } from './explain.ts';
import type { NodeTable } from './inputs.ts';
import type { Journal } from './journal.ts';
import type { Sequences } from './sequences.ts';

/** What the steps of the engine share. */
export interface EngineContext extends EngineDependencies {
  readonly state: LogState;
  readonly journal: Journal;
  readonly sequences: Sequences;
  readonly calls: FilterCalls;
  readonly history: History;
  readonly table: NodeTable;
  readonly standing: (snapshot: ChainSnapshot) => Standing;
  /** Nothing is bound before this time: receipts of an earlier boot may still be alive (createEngine). */
  readonly bindsFromMs: number;
}

export interface BindRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  readonly node: string;
}

const REMEDIES: Partial<Record<ExtenderErrorCode, string>> = {
  CACHE_NOT_SYNCED: 'wait until the extender has listed pods and nodes',
  ENCLAVE_NOT_ACTIVE: 'register and activate this enclave on chain; its /readyz says what is wrong',
  RECEIPT_LIVE: 'wait until the receipt expires; kube-scheduler tries again by itself',
  SERVICE_ACCOUNT_UNKNOWN: 'create the service account that the pod names',
  RECEIPT_UNKNOWN: 'delete the pod, so that its controller makes one that this enclave places',
  RECEIPT_FOREIGN: 'delete the pod, so that its controller makes one that this enclave places',
  POD_FOREIGN_SCHEDULER: 'point only the profile of our scheduler at this extender',
};

export function refusal(code: ExtenderErrorCode, message: string, cause?: unknown): ExtenderError {
  const remedy = REMEDIES[code] ?? 'kube-scheduler filters and tries again by itself';
  return new ExtenderError(code, message, remedy, cause === undefined ? {} : { cause });
}

/** The pod as the API server has it, unless it cannot be placed (any more). */
export function requirePending(pod: PodFacts, schedulerName: string): PodFacts {
  if (pod.schedulerName !== schedulerName) {
    throw refusal(
      'POD_FOREIGN_SCHEDULER',
      `pod ${pod.namespace}/${pod.name} belongs to scheduler ${pod.schedulerName}`,
    );
  }
  if (pod.nodeName !== '') {
    throw refusal('POD_ALREADY_BOUND', `pod ${pod.namespace}/${pod.name} is bound to node ${pod.nodeName}`);
  }
  if (pod.deleting) throw refusal('POD_CHANGED', `pod ${pod.namespace}/${pod.name} is being deleted`);
  return pod;
}

export function requireActive(identity: SessionIdentity | null, snapshot: ChainSnapshot): SessionIdentity {
  if (identity === null) {
    throw refusal(
      'ENCLAVE_NOT_ACTIVE',
      'the chain does not show this enclave as the active one, or its guard objects',
    );
  }
  if (identity.cluster !== snapshot.cluster.id) {
    throw refusal('ENCLAVE_NOT_ACTIVE', 'the snapshot of the chain is one of another cluster');
  }
  return identity;
}
