import type { Decision, Receipt } from '@k3s-daas/core';

import type { ExtenderErrorCode } from './errors.ts';
import type { PodFacts } from './ports.ts';

/** Why a node of a filter call was left out. `unresolvable`: evicting pods from it would not help. */
export interface NodeRejection {
  readonly node: string;
  /** An ExtenderErrorCode, or the code of an Ineligibility. */
  readonly code: string;
  readonly message: string;
  readonly unresolvable: boolean;
}

export interface FilterOutcome {
  /** The shortlist, fairest first. */
  readonly names: readonly string[];
  readonly rejected: readonly NodeRejection[];
}

export interface NodeScore {
  readonly node: string;
  /** 0 to 10. */
  readonly score: number;
}

export type BindOutcome =
  | { readonly bound: true; readonly sequence: bigint; readonly receipt: string }
  | { readonly bound: false; readonly code: ExtenderErrorCode; readonly message: string };

export interface OperatorLag {
  readonly operator: string;
  /** Entitled minus delivered, 10⁻⁹ of the cluster's capacity; all lags sum to zero. */
  readonly lag: bigint;
  readonly entitled: bigint;
  readonly delivered: bigint;
  readonly offers: bigint;
  readonly stake: bigint;
}

/** One decision, as `daas explain` shows it. */
export interface Explanation {
  readonly podUid: string;
  readonly namespace: string;
  readonly pod: string;
  readonly state: 'filtered' | 'decided' | 'bound' | 'failed';
  readonly node: string | null;
  readonly sequence: bigint | null;
  readonly receipt: string | null;
  readonly offered: number;
  readonly shortlist: readonly (NodeScore & { readonly operator: string; readonly lag: bigint })[];
  readonly rejected: readonly NodeRejection[];
  readonly cost: bigint;
}

/** A receipt of the live session, in its present term, for a pod that runs. */
export interface LiveReceipt {
  readonly receipt: Receipt;
  readonly decision: Decision;
}

/** The decision engine: everything between the HTTP verbs and the API server. */
export interface Engine {
  /** Throws ExtenderError if no decision can be made now (stale snapshot, no identity, empty candidates …). */
  filter(pod: PodFacts, names: readonly string[]): FilterOutcome;
  prioritize(podUid: string, names: readonly string[]): readonly NodeScore[];
  /** Nodes on which preemption may help: the offered ones that are eligible for this pod. */
  eligibleForPreemption(pod: PodFacts, names: readonly string[]): readonly string[];
  /** decide → sign → append → POST → outcome; idempotent by pod UID. Resolves for every outcome. */
  bind(request: { namespace: string; pod: string; podUid: string; node: string }): Promise<BindOutcome>;
  /**
   * The live session's receipt for a running pod: the one that has placed it, or, if that is of an earlier session or term,
   * its adoption, which is signed and logged at the first call. Costs nothing in fairness; idempotent by pod UID, session
   * and term. `pod` is what the API server says now.
   * @throws ExtenderError RECEIPT_UNKNOWN, RECEIPT_FOREIGN, POD_CHANGED, NODE_UNKNOWN, NODE_INELIGIBLE, or why no decision
   * can be made now
   */
  adopt(pod: PodFacts): Promise<LiveReceipt>;
  /** The filter and scores of a pod without any effect on state or log. */
  dryRun(pod: PodFacts, names: readonly string[]): { outcome: FilterOutcome; scores: readonly NodeScore[] };
  explain(podUid: string): Explanation | null;
  /** The latest receipt of a pod that this session decided or adopted, as JWS (core/receipt-jws.ts); null if there is none. */
  exportReceipt(podUid: string): string | null;
  lags(): readonly OperatorLag[];
  /** Settles decisions that have no outcome yet, against the API server. Called at start and on a timer. */
  reconcile(): Promise<void>;
  status(): {
    readonly records: bigint;
    readonly lastSequence: bigint;
    readonly unsettled: number;
    readonly maxLag: bigint;
  };
  close(): Promise<void>;
}
