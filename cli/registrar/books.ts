import type { Clock, SuiId } from '@k3s-daas/core';
import { readGasMist, type Actor, type Executed } from '@k3s-daas/sui-client';

import { countedMist, mistOfFailure } from '../spending.ts';
import { DAY_MS, requireRoom, type Budget } from './budget.ts';
import { RegistrarError } from './errors.ts';
import { openBooks, writeState, type ExpenseKind, type RegistrarState } from './state.ts';

/** How long a transaction that nobody has seen blocks another attempt. */
const PENDING_MS = 60_000;
/** Later a node is not asked any more: what was reserved counts as spent. */
const ASKED_MS_MAX = 600_000;
const REGISTRATIONS_KEPT = 50;
/** Only the running boot's is asked for; a boot loop must not fill the books with those of others. */
const CERTIFICATES_KEPT = 50;

export interface BooksOptions {
  readonly file: string;
  readonly cluster: SuiId;
  readonly address: SuiId;
  readonly budget: Budget;
  readonly clock: Clock;
  /** Begins new books where the old are lost. */
  readonly newState: boolean;
  /** Whether the chain shows that this address has registered enclaves of this cluster before. */
  readonly hasHistory: () => Promise<boolean>;
}

/** The registrar's memory of what it spent, on disk before anything is sent. */
export class Books {
  readonly #options: BooksOptions;
  #state: RegistrarState;

  private constructor(options: BooksOptions, state: RegistrarState) {
    this.#options = options;
    this.#state = state;
  }

  /** @throws StateError STATE_CORRUPT, STATE_FOREIGN, STATE_MISSING, STATE_EXISTS */
  static async open(options: BooksOptions): Promise<Books> {
    const { file, cluster, address, newState, hasHistory } = options;
    return new Books(options, await openBooks({ file, cluster, address, newState, hasHistory }));
  }

  get state(): RegistrarState {
    return this.#state;
  }

  /** Writes first and changes afterwards: what is on disk is never behind what is done. */
  async change(edit: (state: RegistrarState) => RegistrarState): Promise<void> {
    const edited = edit(this.#state);
    const oldest = this.#options.clock.now() - DAY_MS;
    const state = {
      ...edited,
      expenses: edited.expenses.filter(({ atMs }) => atMs > oldest),
      registrations: edited.registrations.slice(-REGISTRATIONS_KEPT),
      certificates: edited.certificates.slice(-CERTIFICATES_KEPT),
    };
    await writeState(this.#options.file, state);
    this.#state = state;
  }

  /**
   * Sends one transaction within the budget: its whole gas budget is on the books before it is sent, and its cost when
   * that is known.
   * @throws RegistrarError BUDGET_EXHAUSTED, and then nothing is sent; ChainError as `send` throws it.
   */
  async spend<T extends Executed>(
    kind: ExpenseKind,
    boot: string | null,
    actor: Actor,
    send: (actor: Actor) => Promise<T>,
  ): Promise<T> {
    const { budget, clock } = this.#options;
    requireRoom(this.#state, budget, kind, clock.now());
    const mistMax = budget.gasMistPerTransactionMax;
    const sent: string[] = [];
    const beforeSend = async (digest: string): Promise<void> => {
      const atMs = clock.now();
      requireRoom(this.#state, budget, kind, atMs);
      const expense = { kind, atMs, boot, digest, mist: mistMax.toString(), outcome: 'open' } as const;
      await this.change((state) => ({ ...state, expenses: [...state.expenses, expense] }));
      sent.push(digest);
    };
    try {
      const executed = await send({ ...actor, gas: { mistMax, beforeSend } });
      await this.#settle(executed.digest, executed.gasMist, 'done');
      return executed;
    } catch (error) {
      const [digest] = sent;
      // It counts among the hour's in any case, so a node that lies about its cost gains nothing.
      const gasMist = mistOfFailure(error);
      if (digest !== undefined && gasMist !== null) await this.#settle(digest, gasMist, 'failed');
      throw error;
    }
  }

  /**
   * Asks the chain what became of transactions whose answer was lost.
   * @throws RegistrarError TRANSACTION_PENDING while one may still be on its way: a second would pay twice.
   */
  async settleOpen({ client }: Pick<Actor, 'client'>): Promise<void> {
    const nowMs = this.#options.clock.now();
    for (const { digest, atMs, outcome } of this.#state.expenses) {
      if (outcome !== 'open' || nowMs - atMs > ASKED_MS_MAX) continue;
      const gasMist = await readGasMist(client, digest);
      if (gasMist !== null) {
        await this.#settle(digest, gasMist, 'done');
      } else if (nowMs - atMs < PENDING_MS) {
        throw new RegistrarError(
          'TRANSACTION_PENDING',
          `transaction ${digest} was sent and is not on chain yet`,
          'wait; look at the Sui node if this stays',
          { retryAtMs: atMs + PENDING_MS },
        );
      }
    }
  }

  async #settle(digest: string, gasMist: bigint, outcome: 'done' | 'failed'): Promise<void> {
    const { gasMistPerTransactionMax: mistMax } = this.#options.budget;
    const mist = countedMist(gasMist, mistMax).toString();
    await this.change((state) => ({
      ...state,
      expenses: state.expenses.map((expense) =>
        expense.digest === digest ? { ...expense, mist, outcome } : expense,
      ),
    }));
  }
}
