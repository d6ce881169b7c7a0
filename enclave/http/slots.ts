import { describeError, TokenBuckets, type Clock, type SuiId } from '@k3s-daas/core';

import { AskLater } from '../errors.ts';
import type { HostTime } from '../time.ts';

/** A slot as the chain has it. One that was used does not exist any more. */
export interface GrantedSlot {
  readonly cluster: SuiId;
  /** By the chain's clock. */
  readonly expiresMs: bigint;
}

/** Asks the chain which of these ids are slots, with few requests. */
export type FindSlots = (ids: readonly SuiId[]) => Promise<ReadonlyMap<SuiId, GrantedSlot>>;

export interface SlotsOptions {
  readonly find: FindSlots;
  readonly cluster: SuiId;
  readonly clock: Clock;
  readonly time: HostTime;
}

interface Asker {
  readonly slot: SuiId;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What a public node takes in one request. */
const AT_ONCE = 50;
/** How often the chain is asked: strangers must not use up what its node grants us. */
const LOOKUPS = { amount: 5, periodMs: 5_000 };
const AGAIN_MS = 1_000;

/**
 * Which slots are worth a document: those that the chain shows as granted to this cluster, not used, and not over. Whoever
 * waits is asked about in one lookup, in the order of arrival, so that nobody is refused because others ask too much: the
 * listener has fewer connections than two lookups take.
 */
export class Slots {
  readonly #options: SlotsOptions;
  readonly #lookups: TokenBuckets;
  readonly #waiting = new Set<Asker>();
  #busy = false;

  constructor(options: SlotsOptions) {
    this.#options = options;
    this.#lookups = new TokenBuckets(LOOKUPS, { now: () => options.time.monotonic() });
  }

  /** @param gone aborts when nobody waits for the answer any more. @throws EnclaveError SLOT_UNKNOWN, CHAIN_UNREADABLE */
  require(slot: SuiId, gone: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const asker = { slot, resolve, reject };
      const leave = (): void => {
        this.#waiting.delete(asker);
        reject(unknown(slot));
      };
      if (gone.aborted) {
        leave();
        return;
      }
      gone.addEventListener('abort', leave, { once: true });
      this.#waiting.add(asker);
      this.#next();
    });
  }

  #next(): void {
    if (this.#busy || this.#waiting.size === 0) return;
    this.#busy = true;
    const waitMs = this.#lookups.take('');
    const again = (): void => {
      this.#busy = false;
      this.#next();
    };
    if (waitMs > 0) {
      this.#options.time.after(waitMs, again);
      return;
    }
    const askers = [...this.#waiting].slice(0, AT_ONCE);
    for (const asker of askers) this.#waiting.delete(asker);
    void this.#answer(askers).finally(again);
  }

  async #answer(askers: readonly Asker[]): Promise<void> {
    const { find, cluster, clock } = this.#options;
    try {
      const found = await find([...new Set(askers.map(({ slot }) => slot))]);
      for (const { slot, resolve, reject } of askers) {
        const granted = found.get(slot);
        if (granted?.cluster === cluster && granted.expiresMs > BigInt(clock.now())) resolve();
        else reject(unknown(slot));
      }
    } catch (cause) {
      const error = new AskLater(
        'CHAIN_UNREADABLE',
        `the chain cannot be asked for the slot: ${describeError(cause)}`,
        'see that chain.url can be reached from the enclave',
        AGAIN_MS,
      );
      for (const { reject } of askers) reject(error);
    }
  }
}

/** The enclave's node may trail the one that granted it. */
function unknown(slot: SuiId): AskLater {
  return new AskLater(
    'SLOT_UNKNOWN',
    `the chain shows no slot ${slot} that was granted to this cluster and is not used`,
    'ask again in a moment if it was granted just now; else have one granted',
    AGAIN_MS,
  );
}
