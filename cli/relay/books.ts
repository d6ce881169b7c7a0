import { type Clock, type RelayConfiguration, type SuiId } from '@k3s-daas/core';
import { readGasMist, type Actor, type Executed } from '@k3s-daas/sui-client';
import { z } from 'zod';

import { countedMist, mistOfFailure } from '../spending.ts';
import { openState, stateOwner, StateError, writeStateFile, type StateKind } from '../state-file.ts';
import { RelayError } from './errors.ts';

type Budget = RelayConfiguration['budget'];

const DAY_MS = 24 * 3_600_000;
const BUCKET_MS = 600_000;
/** How long a transaction that nobody has seen blocks another one: a second would use the same coin. */
const PENDING_MS = 60_000;

const mist = z.string().regex(/^\d{1,20}$/);
const time = z.number().int().min(0);
const stateSchema = z.strictObject({
  version: z.literal(1),
  ...stateOwner,
  /** The one transaction whose cost is not known yet. It counts with its gas budget. */
  open: z.strictObject({ digest: z.string().min(1).max(64), atMs: time, mist }).nullable(),
  /** What went out, by ten minutes. */
  spent: z.array(z.strictObject({ fromMs: time, mist, transactions: z.number().int().min(1) })).max(1_000),
});
type State = z.infer<typeof stateSchema>;

export const RELAY_BOOKS: StateKind<State> = { part: 'relay', schema: stateSchema };

export interface BooksOptions {
  readonly file: string;
  readonly cluster: SuiId;
  readonly address: SuiId;
  readonly budget: Budget;
  readonly clock: Clock;
  /** Begins new books where the old are lost. */
  readonly newState: boolean;
  /** Whether the chain shows that this address has paid for grants before. */
  readonly hasHistory: () => Promise<boolean>;
}

/** What the relay has spent, on disk before anything is sent. One transaction at a time. */
export class Books {
  readonly #options: BooksOptions;
  #state: State;

  private constructor(options: BooksOptions, state: State) {
    this.#options = options;
    this.#state = state;
  }

  /** @throws StateError */
  static async open(options: BooksOptions): Promise<Books> {
    const empty = (owner: { cluster: SuiId; address: SuiId }): State => ({
      version: 1,
      ...owner,
      open: null,
      spent: [],
    });
    return new Books(options, await openState({ ...options, kind: RELAY_BOOKS, empty }));
  }

  /** What is left of the day, MIST. */
  get left(): bigint {
    const left = this.#options.budget.gasMistPerDayMax - this.#spent();
    return left < 0n ? 0n : left;
  }

  /** @throws RelayError BUDGET_EXHAUSTED, with the time until there is room for a transaction. */
  requireRoom(): void {
    const { gasMistPerTransactionMax, gasMistPerDayMax } = this.#options.budget;
    const excess = this.#spent() + gasMistPerTransactionMax - gasMistPerDayMax;
    if (excess <= 0n) return;
    throw new RelayError('BUDGET_EXHAUSTED', 'the relay has spent what it may within a day', {
      retryAfterMs: this.#freedInMs(excess),
    });
  }

  /**
   * Sends one transaction: its gas budget is on the books before it is sent, and its cost when that is known.
   * @throws RelayError BUDGET_EXHAUSTED, CHAIN_UNAVAILABLE, BOOKS_UNWRITABLE, and then nothing is sent; whatever `send`
   *   throws.
   */
  async spend(actor: Actor, send: (actor: Actor) => Promise<Executed>): Promise<Executed> {
    await this.#settleOpen(actor);
    this.requireRoom();
    const mistMax = this.#options.budget.gasMistPerTransactionMax;
    const beforeSend = async (digest: string): Promise<void> => {
      const open = { digest, atMs: this.#options.clock.now(), mist: mistMax.toString() };
      await this.#write({ ...this.#state, open });
    };
    try {
      const executed = await send({ ...actor, gas: { mistMax, beforeSend } });
      await this.#settle(executed.gasMist);
      return executed;
    } catch (error) {
      const gasMist = mistOfFailure(error);
      if (this.#state.open !== null && gasMist !== null) await this.#settle(gasMist);
      throw error;
    }
  }

  /** Asks the chain what became of a transaction whose answer was lost. */
  async #settleOpen({ client }: Actor): Promise<void> {
    const { open } = this.#state;
    if (open === null) return;
    const gasMist = await readGasMist(client, open.digest);
    const ageMs = this.#options.clock.now() - open.atMs;
    if (gasMist === null && ageMs >= 0 && ageMs < PENDING_MS) {
      const message = `transaction ${open.digest} was sent and is not on chain yet`;
      throw new RelayError('CHAIN_UNAVAILABLE', message, { retryAfterMs: PENDING_MS - ageMs });
    }
    await this.#settle(gasMist ?? BigInt(open.mist));
  }

  async #settle(gasMist: bigint): Promise<void> {
    const { budget, clock } = this.#options;
    const fromMs = Math.floor((this.#state.open?.atMs ?? clock.now()) / BUCKET_MS) * BUCKET_MS;
    const cost = countedMist(gasMist, budget.gasMistPerTransactionMax);
    const bucket = this.#state.spent.find((other) => other.fromMs === fromMs);
    const others = this.#state.spent.filter((other) => other !== bucket && this.#counts(other.fromMs));
    const total = {
      fromMs,
      mist: (BigInt(bucket?.mist ?? 0) + cost).toString(),
      transactions: (bucket?.transactions ?? 0) + 1,
    };
    await this.#write({ ...this.#state, open: null, spent: [...others, total] });
  }

  /** Ten minutes count until the last of them is a day ago; those from the future count, too. */
  #counts(fromMs: number): boolean {
    return fromMs + BUCKET_MS + DAY_MS > this.#options.clock.now();
  }

  #spent(): bigint {
    const past = this.#state.spent.filter(({ fromMs }) => this.#counts(fromMs));
    return past.reduce((sum, bucket) => sum + BigInt(bucket.mist), BigInt(this.#state.open?.mist ?? 0));
  }

  #freedInMs(excess: bigint): number {
    let freed = 0n;
    const nowMs = this.#options.clock.now();
    for (const { fromMs, mist: amount } of this.#state.spent.toSorted((a, b) => a.fromMs - b.fromMs)) {
      freed += BigInt(amount);
      if (freed >= excess) return Math.max(1_000, fromMs + BUCKET_MS + DAY_MS - nowMs);
    }
    return BUCKET_MS;
  }

  async #write(state: State): Promise<void> {
    try {
      await writeStateFile(this.#options.file, RELAY_BOOKS, state);
    } catch (cause) {
      if (!(cause instanceof StateError)) throw cause;
      throw new RelayError('BOOKS_UNWRITABLE', 'the relay cannot write its books, so nothing is sent', {
        cause,
      });
    }
    this.#state = state;
  }
}
