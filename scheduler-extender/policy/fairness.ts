import type { OperatorStake, SuiId } from '@k3s-daas/core';

import type { Candidate } from './stake.ts';

/**
 * The weight of each operator in one decision: the stake behind its candidates, each stake once, by ascending id.
 * Weight follows what is offered: stake on nodes that are full or were left out entitles to nothing in this call.
 */
export function weigh(candidates: Iterable<Candidate>): readonly OperatorStake[] {
  const stakes = new Map<SuiId, Map<SuiId, bigint>>();
  for (const { operator, stakeId, stake } of candidates) {
    const own = stakes.get(operator);
    if (own === undefined) stakes.set(operator, new Map([[stakeId, stake]]));
    else own.set(stakeId, stake);
  }
  return [...stakes]
    .map(([operator, own]) => ({ operator, stake: [...own.values()].reduce((sum, each) => sum + each, 0n) }))
    .sort((a, b) => (a.operator < b.operator ? -1 : 1));
}
