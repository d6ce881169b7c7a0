import type { Bytes, OperatorStake } from '@k3s-daas/core';

import type { NodeRejection } from '../engine.ts';
import type { ShortlistedNode } from '../policy/shortlist.ts';
import type { Standing } from '../policy/stake.ts';
import type { PodFacts } from '../ports.ts';

/** What the latest filter call of a pod saw and answered; a decision is made on it and logs it. */
export interface FilterCall {
  readonly pod: PodFacts;
  readonly cost: bigint;
  /** Records in the log at that moment; `head` is the hash of the last of them. */
  readonly basis: bigint;
  readonly head: Bytes;
  readonly checkpoint: bigint;
  readonly snapshotDigest: Bytes;
  readonly standing: Standing;
  /** Offered names that the cache knew, and those it did not. */
  readonly offered: readonly string[];
  readonly unknown: readonly string[];
  readonly rejected: readonly NodeRejection[];
  readonly operators: readonly (OperatorStake & { readonly lag: bigint })[];
  readonly shortlist: readonly ShortlistedNode[];
}

/** Latest filter call per pod UID; the calls not renewed for the longest are forgotten first. */
export class FilterCalls {
  readonly #limit: number;
  readonly #calls = new Map<string, FilterCall>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(podUid: string): FilterCall | undefined {
    return this.#calls.get(podUid);
  }

  put(call: FilterCall): void {
    this.#calls.delete(call.pod.uid);
    this.#calls.set(call.pod.uid, call);
    for (const oldest of this.#calls.keys()) {
      if (this.#calls.size <= this.#limit) break;
      this.#calls.delete(oldest);
    }
  }

  delete(podUid: string): void {
    this.#calls.delete(podUid);
  }

  /** Forgets calls that were answered on records which could not be written. */
  forgetBeyond(records: bigint): void {
    for (const [uid, { basis }] of this.#calls) if (basis > records) this.#calls.delete(uid);
  }
}
