import { randomBytes } from 'node:crypto';

import { systemClock, type Clock } from '@k3s-daas/core';

import type { Limits } from '../vm/interpreter.ts';
import type { Loader } from '../vm/loader.ts';
import type { AttestationVerifier } from '../vm/native.ts';
import { fullAddress } from '../vm/types.ts';
import { recordAttestations, replayAttestations, type Change, type ChangeSink } from './change.ts';
import { Chain, type Applied, type ChainView, type NewRuns, type PackedChain } from './chain.ts';
import type { Checkpoint, CheckpointLog } from './checkpoints.ts';
import { LedgerClock, type ManualClock } from './clock.ts';
import { LedgerError } from './errors.ts';
import type { Outcome } from './execute.ts';
import type { ExecutedTransaction, History } from './history.ts';
import type { MoveObjectRecord, ObjectStore } from './objects.ts';
import { checkSignatures } from './signatures.ts';
import {
  describeTransaction,
  parseTransaction,
  restoreTransaction,
  type ParsedTransaction,
  type TransactionData,
} from './transaction.ts';

export interface LedgerOptions {
  /** Bytecode of 0x1 and 0x2, as `compileFramework` of @k3s-daas/move gives it. */
  readonly framework: readonly Uint8Array[];
  /** Behind `sui::nitro_attestation::load_nitro_attestation`; its trust anchor is the caller's choice. */
  readonly verifyAttestation: AttestationVerifier;
  /** The system clock unless given; `{ startMs }` makes a clock that only moves by hand. */
  readonly clock?: Clock | ManualClock | undefined;
  /** Makes chain id and faucet coins reproducible; random unless given. */
  readonly seed?: Uint8Array | undefined;
  readonly limits?: Partial<Limits> | undefined;
  /** How often an empty checkpoint shows readers that the chain lives; 1,000 ms unless given, never if clock is manual. */
  readonly emptyCheckpointMs?: number | undefined;
  /** Transactions and checkpoints kept for queries; 100,000 unless given. */
  readonly historyMax?: number | undefined;
}

export interface SimulationOptions {
  /** Dev-inspect: no ownership, visibility or value checks (`checks: DISABLED` of the gRPC API). */
  readonly unchecked?: boolean;
}

export interface Simulation {
  readonly transaction: ParsedTransaction;
  readonly outcome: Outcome;
}

export const DEFAULT_LIMITS: Limits = { stepsMax: 20_000_000, callDepthMax: 1_024 };
const HISTORY_MAX = 100_000;
const EMPTY_CHECKPOINT_MS = 1_000;
const COMMIT_INTERVAL_MS = 250n;
const U64_MAX = (1n << 64n) - 1n;

/** Creates a ledger at genesis, in memory only. Close it when done. Throws LedgerError GENESIS_INVALID. */
export function createLedger(options: LedgerOptions): Ledger {
  const ledger = new Ledger(options);
  ledger.start(null);
  return ledger;
}

/** One chain in this process: objects, transactions, checkpoints. One writer, no consensus. */
export class Ledger {
  readonly clock: LedgerClock;
  readonly #chain: Chain;
  readonly #verifyAttestation: AttestationVerifier;
  readonly #emptyCheckpointMs: number;
  readonly #listeners = new Set<(checkpoint: Checkpoint) => void>();
  #sink: ChangeSink | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** Fulfilled when the transaction that came last has been executed or refused. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `genesisMs` is the time of a genesis that was before; now unless given. Call `start` before use. */
  constructor(options: LedgerOptions, genesisMs?: bigint) {
    this.#verifyAttestation = options.verifyAttestation;
    this.#emptyCheckpointMs = options.emptyCheckpointMs ?? EMPTY_CHECKPOINT_MS;
    this.clock = new LedgerClock(options.clock ?? systemClock, () => {
      this.commitEmptyCheckpoint();
    });
    this.#chain = new Chain({
      framework: options.framework,
      seed: options.seed ?? new Uint8Array(randomBytes(32)),
      timestampMs: genesisMs ?? this.clock.now(),
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      historyMax: options.historyMax ?? HISTORY_MAX,
    });
  }

  get objects(): ObjectStore {
    return this.#chain.objects;
  }

  get loader(): Loader {
    return this.#chain.loader;
  }

  get checkpoints(): CheckpointLog {
    return this.#chain.checkpoints;
  }

  get history(): History {
    return this.#chain.history;
  }

  /** Digest of the genesis checkpoint, base58. */
  get chainId(): string {
    return this.#chain.id;
  }

  get epoch(): bigint {
    return this.#chain.epoch;
  }

  get epochStartMs(): bigint {
    return this.#chain.epochStartMs;
  }

  /** Before `start`: repeats a change of a journal and returns the digest of the checkpoint that it ends with. */
  replay(change: Change): string {
    if (this.#timer !== null || this.#sink !== null) throw new Error('a ledger in use does not replay');
    const { sequence, digest } = this.#apply(change).checkpoint;
    this.#chain.compact(sequence);
    return digest;
  }

  /** Before `start`, at genesis: goes on from where a chain of the same genesis was. */
  restore(packed: PackedChain): void {
    if (this.#timer !== null || this.#sink !== null) throw new Error('a ledger in use is not restored');
    this.#chain.restore(packed);
  }

  /** What the chain is now, changes that are not durable yet included. */
  view(): ChainView {
    return this.#chain.view();
  }

  /** Keeps the history of a view, whose changes are durable, in the packed form that was made of it. */
  adopt(runs: NewRuns): void {
    this.#chain.adopt(runs);
  }

  /** Begins to accept changes, which go to `sink`, and to follow the clock. */
  start(sink: ChangeSink | null): void {
    this.#sink = sink;
    this.clock.resume(this.checkpoints.latest.timestampMs);
    if (this.clock.isManual) return;
    this.#timer = setInterval(() => {
      if (this.#failure === null) this.commitEmptyCheckpoint();
    }, this.#emptyCheckpointMs);
    this.#timer.unref();
  }

  /**
   * Verifies, executes and commits a signed transaction (BCS of TransactionData, signatures in base64). Resolves once
   * it is durable, if the ledger has a journal. Bytes that were executed before return what happened then. A
   * transaction that fails in Move resolves, with a failed status; one that is refused before execution throws
   * LedgerError and changes nothing. Transactions are executed in the order in which they are given.
   */
  async executeTransaction(bytes: Uint8Array, signatures: readonly string[]): Promise<ExecutedTransaction> {
    const transaction = parseTransaction(bytes);
    const leave = await this.#enter(checkSignatures(transaction, signatures));
    try {
      // From here to the end of the block nothing waits, so no other transaction comes in between.
      return this.history.get(transaction.digest) ?? this.#transact(transaction, signatures);
    } finally {
      leave();
      // A refusal, too, may rest on a change that is not durable yet.
      await this.settled();
    }
  }

  /** Executes without committing. Gas payment may be empty: a coin that does not exist stands in for it. */
  simulate(data: TransactionData, options: SimulationOptions = {}): Simulation {
    this.#catchUp();
    const transaction = describeTransaction(data);
    const outcome = this.#chain.simulate(transaction, options.unchecked !== true, this.#verifyAttestation);
    return { transaction, outcome };
  }

  /** Gives an address a new coin of `mist` MIST out of nothing. Durable once `settled` resolves. */
  faucet(address: string, mist: bigint): MoveObjectRecord {
    if (mist <= 0n || mist > U64_MAX)
      throw new LedgerError('INPUT_INVALID', `${mist} MIST is not a positive u64.`);
    const to = fullAddress(address);
    const timestampMs = this.#now();
    const applied = this.#chain.grant(to, mist, timestampMs);
    this.#commit({ kind: 'grant', timestampMs, address: to, mist }, applied);
    return applied.result;
  }

  /** Begins the next epoch. Durable once `settled` resolves. */
  advanceEpoch(): void {
    this.#applyNow({ kind: 'epoch', timestampMs: this.#now() });
  }

  /** A checkpoint without transactions: brings the time of chain and Clock object up to now. */
  commitEmptyCheckpoint(): void {
    this.#applyNow({ kind: 'empty', timestampMs: this.#now() });
  }

  /** Calls back after every checkpoint, once it is durable; returns the unsubscribe function. */
  onCheckpoint(listener: (checkpoint: Checkpoint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves once what the ledger holds now is as durable as it gets: at once without a journal. Whoever shows state
   * to others waits for it between reading and answering. Rejects with LedgerError JOURNAL_WRITE_FAILED if a part of
   * that state was taken back because it could not be written.
   */
  async settled(): Promise<void> {
    await this.#sink?.settled();
  }

  /** Stops the heartbeat. A journal is closed by whoever opened it. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#listeners.clear();
  }

  /** Waits for `checked` and for the transactions that came before; the function returned lets the next one in. */
  async #enter(checked: Promise<void>): Promise<() => void> {
    checked.catch(() => undefined);
    const before = this.#turn;
    const { promise, resolve: leave } = Promise.withResolvers<undefined>();
    this.#turn = promise;
    await before;
    try {
      await checked;
    } catch (error) {
      leave(undefined);
      throw error;
    }
    return () => {
      leave(undefined);
    };
  }

  #transact(transaction: ParsedTransaction, signatures: readonly string[]): ExecutedTransaction {
    this.#chain.check(transaction);
    const timestampMs = this.#now();
    const { verify, results } = recordAttestations(this.#verifyAttestation);
    const applied = this.#chain.transact(transaction, signatures, timestampMs, verify);
    const { bytes } = transaction;
    this.#commit({ kind: 'transaction', timestampMs, bytes, signatures, attestations: results }, applied);
    return applied.result;
  }

  get #failure(): LedgerError | null {
    return this.#sink?.failure ?? null;
  }

  /** The time of the next change. Throws if the journal takes none. */
  #now(): bigint {
    if (this.#failure !== null) throw this.#failure;
    return this.clock.now();
  }

  #applyNow(change: Change): void {
    this.#commit(change, this.#apply(change));
  }

  #apply(change: Change): Applied<unknown> {
    const { timestampMs } = change;
    switch (change.kind) {
      case 'transaction': {
        const { bytes, signatures, attestations } = change;
        const verify = replayAttestations(attestations);
        return this.#chain.transact(restoreTransaction(bytes), signatures, timestampMs, verify);
      }
      case 'grant':
        return this.#chain.grant(change.address, change.mist, timestampMs);
      case 'epoch':
        return this.#chain.advanceEpoch(timestampMs);
      case 'empty':
        return this.#chain.pass(timestampMs);
    }
  }

  #commit(change: Change, { checkpoint, undo }: Applied<unknown>): void {
    const settled = (): void => {
      this.#chain.compact(checkpoint.sequence);
      for (const listener of this.#listeners) listener(checkpoint);
    };
    if (this.#sink === null) {
      settled();
      return;
    }
    try {
      this.#sink.append(change, checkpoint.digest, { settled, undo });
    } catch (error) {
      undo();
      throw error;
    }
  }

  /** On Sui the Clock object is never older than a consensus commit takes; so what is simulated sees that time. */
  #catchUp(): void {
    if (this.#failure !== null) return;
    if (this.clock.now() - this.checkpoints.latest.timestampMs >= COMMIT_INTERVAL_MS)
      this.commitEmptyCheckpoint();
  }
}
