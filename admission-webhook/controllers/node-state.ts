import { STAKE_STATE_ANNOTATION, UNSTAKED_TAINT, type Eligibility } from '@k3s-daas/core';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

/** What the stake controller reads of a Node. */
export interface NodeView {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly taints: readonly Taint[];
  /** Value of the annotation `k3s-daas.io/stake-state`. */
  readonly stakeState: string | undefined;
}

/**
 * A JSON merge patch (RFC 7386). With the resourceVersion the API server applies it to exactly what was read: a node
 * that was deleted and made again has another one, too.
 */
export interface NodePatch {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly taints: readonly Taint[] | null };
}

const EFFECTS: readonly string[] = ['NoSchedule', 'NoExecute'];

/** Value of the annotation: a node update that makes kube-scheduler try its waiting pods again. */
export function stakeState(eligibility: Eligibility): string {
  return eligibility.eligible ? 'ELIGIBLE' : eligibility.reason.code;
}

export function isTainted({ taints }: Pick<NodeView, 'taints'>): boolean {
  return EFFECTS.every((effect) =>
    taints.some((taint) => taint.key === UNSTAKED_TAINT && taint.effect === effect),
  );
}

/** The change that brings a node to what the chain says, or null if it is there already. Taints of others stay. */
export function nodePatch(node: NodeView, eligibility: Eligibility, now: Date): NodePatch | null {
  const state = stakeState(eligibility);
  const others = node.taints.filter(({ key }) => key !== UNSTAKED_TAINT);
  const settled = eligibility.eligible ? others.length === node.taints.length : isTainted(node);
  if (settled && node.stakeState === state) return null;
  const timeAdded = `${now.toISOString().slice(0, 19)}Z`;
  const ours = eligibility.eligible
    ? []
    : EFFECTS.map((effect) => ({ key: UNSTAKED_TAINT, effect, timeAdded }));
  const taints = settled ? node.taints : [...others, ...ours];
  return {
    metadata: {
      resourceVersion: node.resourceVersion,
      annotations: { [STAKE_STATE_ANNOTATION]: state },
    },
    spec: { taints: taints.length === 0 ? null : taints },
  };
}

export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly effect?: string;
}

/**
 * Whether kube-controller-manager's taint manager would leave a pod with these tolerations on an unstaked node, for a
 * while or for ever. Values do not matter: our taint has none, and only `Exists` or an empty value matches it.
 */
export function toleratesUnstaked(tolerations: readonly Toleration[]): boolean {
  return tolerations.some(
    ({ key = '', effect = '' }) =>
      (key === '' || key === UNSTAKED_TAINT) && (effect === '' || effect === 'NoExecute'),
  );
}
