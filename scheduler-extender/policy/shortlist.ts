import { fairestNodes, lagScores, type Bytes, type SuiId } from '@k3s-daas/core';

import type { Candidate } from './stake.ts';

export interface ShortlistedNode extends Candidate {
  /** Of the node's operator, when the pod was filtered. */
  readonly lag: bigint;
  /** 0 to 10, among the shortlist. */
  readonly score: number;
}

/** The fairest `count` candidates, fairest first, with their scores (docs/fairness.md). */
export function shortlist(
  candidates: readonly Candidate[],
  options: {
    readonly lagOf: (operator: SuiId) => bigint;
    readonly count: number;
    readonly previous: Bytes;
    readonly podUid: string;
  },
): readonly ShortlistedNode[] {
  const { lagOf, count, previous, podUid } = options;
  const ranked = candidates.map((candidate) => ({ ...candidate, lag: lagOf(candidate.operator) }));
  const chosen = fairestNodes(ranked, count, previous, podUid);
  const scores = lagScores(chosen.map(({ lag }) => lag));
  return chosen.map((node, at) => ({ ...node, score: scores[at] ?? 0 }));
}
