import type { Bytes, Charge, SuiId } from '@k3s-daas/core';

import { GENESIS } from './record.ts';

/** How many log records may lie between a filter call and the decision that rests on it. */
export const BASIS_AGE_MAX = 16_384n;

interface Step {
  readonly hash: Bytes;
  readonly charge: Charge | null;
  readonly reversal: boolean;
}

/** How the log stood at an earlier record. */
interface Past {
  readonly head: Bytes;
  /** By how much an operator's lag has grown since. */
  since(operator: SuiId): bigint;
}

/** The last records of a replay, to look back from a decision to the moment at which its pod was filtered. */
export class ReplayWindow {
  #steps: Step[] = [];
  #head: Bytes = GENESIS;
  #first = 0n;

  get head(): Bytes {
    return this.#head;
  }

  push(hash: Bytes, charge: Charge | null, reversal: boolean): void {
    this.#steps.push({ hash, charge, reversal });
    this.#head = hash;
    const limit = Number(BASIS_AGE_MAX) + 1;
    if (this.#steps.length < 2 * limit) return;
    this.#first += BigInt(this.#steps.length - limit);
    this.#steps = this.#steps.slice(-limit);
  }

  /** @param now how many records there are; null if the basis lies ahead or too far back */
  at(basis: bigint, now: bigint): Past | null {
    if (basis > now || now - basis > BASIS_AGE_MAX) return null;
    const index = Number(basis - this.#first);
    const grown = new Map<SuiId, bigint>();
    const add = (operator: SuiId, units: bigint): void => {
      grown.set(operator, (grown.get(operator) ?? 0n) + units);
    };
    for (const { charge, reversal } of this.#steps.slice(index)) {
      if (charge === null) continue;
      const sign = reversal ? -1n : 1n;
      for (const { operator, units } of charge.entitled) add(operator, sign * units);
      add(charge.winner, -sign * charge.charged);
    }
    const head = basis === 0n ? GENESIS : this.#steps[index - 1]?.hash;
    return head === undefined ? null : { head, since: (operator) => grown.get(operator) ?? 0n };
  }
}
