import type { Clock, SuiId } from '@k3s-daas/core';
import { ChainError, readGasMist, type Actor, type Executed } from '@k3s-daas/sui-client';

import { DAY_MS, requireRoom, type Budget } from './budget.ts';
import { RegistrarError } from './errors.ts';
import { emptyState, readState, writeState, type ExpenseKind, type RegistrarState } from './state.ts';

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

  /** @throws RegistrarError STATE_CORRUPT, STATE_FOREIGN, STATE_MISSING, STATE_EXISTS */
  static async open(options: BooksOptions): Promise<Books> {
    const { file, cluster, address, newState } = options;
    const kept = newState ? await refuseKept(file) : await readState(file);
    if (kept !== null) {
      if (kept.cluster === cluster && kept.address === address) return new Books(options, kept);
      throw new RegistrarError(
        'STATE_FOREIGN',
        `${file} is of cluster ${kept.cluster} and address ${kept.address}`,
        'name a stateFile of its own for each cluster and key',
      );
    }
    // An empty volume after each crash would otherwise be a fresh budget after each crash.
    if (!newState && (await options.hasHistory())) {
      throw new RegistrarError(
        'STATE_MISSING',
        `there is no ${file}, but ${address} has registered enclaves of this cluster before`,
        'restore it and keep it on a volume that outlives the process; if it is lost, start once with --new-state',
      );
    }
    const books = new Books(options, emptyState(cluster, address));
    await books.change((state) => state);
    return books;
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
      if (error instanceof ChainError && digest !== undefined) {
        // Refused, as for an object that changed meanwhile: it did not run. It counts among the hour's, so a node
        // that lies about this gains nothing.
        const gasMist = error.code === 'CHAIN_REFUSED' ? 0n : error.gasMist;
        if (gasMist !== null) await this.#settle(digest, gasMist, 'failed');
      }
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

  /**
   * A refund (storage that a transaction frees) is not counted: the budget is a bound on what goes out. Nor is what a
   * node says beyond the gas budget: no transaction can cost that, and the lie would use up the day.
   */
  async #settle(digest: string, gasMist: bigint, outcome: 'done' | 'failed'): Promise<void> {
    const { gasMistPerTransactionMax: mistMax } = this.#options.budget;
    const mist = (gasMist < 0n ? 0n : gasMist > mistMax ? mistMax : gasMist).toString();
    await this.change((state) => ({
      ...state,
      expenses: state.expenses.map((expense) =>
        expense.digest === digest ? { ...expense, mist, outcome } : expense,
      ),
    }));
  }
}

async function refuseKept(file: string): Promise<null> {
  const kept = await readState(file);
  if (kept === null) return null;
  throw new RegistrarError(
    'STATE_EXISTS',
    `${file} is there and whole, so --new-state is refused`,
    'start without --new-state; it is for one start after a loss and belongs in no unit file',
  );
}
