import { randomBytes } from 'node:crypto';

import { systemClock, type Clock } from '@k3s-daas/core';

import { derivedId } from '../natives/framework.ts';
import { encodeValue } from '../vm/bcs.ts';
import type { Limits } from '../vm/interpreter.ts';
import type { Loader } from '../vm/loader.ts';
import type { AttestationVerifier } from '../vm/native.ts';
import { fullAddress } from '../vm/types.ts';
import { CheckpointLog, type Checkpoint } from './checkpoints.ts';
import { LedgerClock, type ManualClock } from './clock.ts';
import { typedDigest } from './digests.ts';
import { LedgerError } from './errors.ts';
import { execute, type ExecutionState, type Outcome } from './execute.ts';
import { checkPayment } from './gas.ts';
import { clockObject, loadFramework } from './genesis.ts';
import { History, type ExecutedTransaction } from './history.ts';
import { checkExpiration, checkInputs } from './inputs.ts';
import { CLOCK_ID, ObjectStore, sealObject, SUI_COIN, type MoveObjectRecord } from './objects.ts';
import { checkSignatures } from './signatures.ts';
import {
  describeTransaction,
  parseTransaction,
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

const DEFAULT_LIMITS: Limits = { stepsMax: 20_000_000, callDepthMax: 1_024 };
const HISTORY_MAX = 100_000;
const EMPTY_CHECKPOINT_MS = 1_000;
const COMMIT_INTERVAL_MS = 250n;
const U64_MAX = (1n << 64n) - 1n;

/** Creates a ledger at genesis. Close it when done. Throws LedgerError GENESIS_INVALID. */
export function createLedger(options: LedgerOptions): Ledger {
  return new Ledger(options);
}

/** One chain in this process: objects, transactions, checkpoints. One writer, no consensus. */
export class Ledger {
  readonly objects = new ObjectStore();
  readonly loader: Loader;
  readonly clock: LedgerClock;
  readonly checkpoints: CheckpointLog;
  readonly history: History;
  /** Digest of the genesis checkpoint, base58. */
  readonly chainId: string;
  readonly #verifyAttestation: AttestationVerifier;
  readonly #limits: Limits;
  readonly #seed: Uint8Array;
  readonly #genesis: string;
  readonly #listeners = new Set<(checkpoint: Checkpoint) => void>();
  readonly #timer: NodeJS.Timeout | null;
  #epoch = 0n;
  #epochStartMs: bigint;
  #faucetCount = 0n;

  constructor(options: LedgerOptions) {
    const historyMax = options.historyMax ?? HISTORY_MAX;
    this.#seed = options.seed ?? new Uint8Array(randomBytes(32));
    this.#verifyAttestation = options.verifyAttestation;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.clock = new LedgerClock(options.clock ?? systemClock, () => {
      this.commitEmptyCheckpoint();
    });
    this.checkpoints = new CheckpointLog(historyMax);
    this.history = new History(historyMax);
    this.#genesis = typedDigest('Genesis', this.#seed);
    const { loader, packages } = loadFramework(options.framework, this.#genesis);
    this.loader = loader;
    for (const record of packages) this.objects.put(record);
    const nowMs = this.clock.now();
    this.#epochStartMs = nowMs;
    this.objects.put(clockObject(loader, 1n, nowMs, this.#genesis));
    this.chainId = this.checkpoints.append({ epoch: 0n, timestampMs: nowMs }, [], this.#seed).digest;
    this.#timer = this.#startHeartbeat(options.emptyCheckpointMs ?? EMPTY_CHECKPOINT_MS);
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  get epochStartMs(): bigint {
    return this.#epochStartMs;
  }

  /**
   * Verifies, executes and commits a signed transaction (BCS of TransactionData, signatures in base64). Bytes that were
   * executed before return what happened then. A transaction that fails in Move resolves, with a failed status; one
   * that is refused before execution throws LedgerError and changes nothing.
   */
  async executeTransaction(bytes: Uint8Array, signatures: readonly string[]): Promise<ExecutedTransaction> {
    const transaction = parseTransaction(bytes);
    await checkSignatures(transaction, signatures);
    // From here on nothing waits, so no other transaction comes in between.
    const known = this.history.get(transaction.digest);
    if (known !== undefined) return known;
    checkExpiration(transaction, this.#epoch, this.chainId);
    checkInputs(transaction, this.objects);
    checkPayment(transaction.data, this.objects, false);
    const timestampMs = this.#tick();
    const outcome = this.#execute(transaction, { checked: true, simulated: false });
    return this.#commit(transaction, signatures, outcome, timestampMs);
  }

  /** Executes without committing. Gas payment may be empty: a coin that does not exist stands in for it. */
  simulate(data: TransactionData, options: SimulationOptions = {}): Simulation {
    this.#catchUp();
    const transaction = describeTransaction(data);
    const outcome = this.#execute(transaction, { checked: options.unchecked !== true, simulated: true });
    this.loader.unload(outcome.published);
    return { transaction, outcome };
  }

  /** Gives an address a new coin of `mist` MIST out of nothing. */
  faucet(address: string, mist: bigint): MoveObjectRecord {
    if (mist <= 0n || mist > U64_MAX)
      throw new LedgerError('INPUT_INVALID', `${mist} MIST is not a positive u64.`);
    const owner = { kind: 'address', address: fullAddress(address) } as const;
    const id = derivedId(this.#seed, this.#faucetCount);
    this.#faucetCount += 1n;
    const timestampMs = this.#tick();
    const coin = sealObject({
      kind: 'move',
      id,
      version: 1n,
      owner,
      type: SUI_COIN,
      contents: encodeValue(this.loader, SUI_COIN, [[[id]], [mist]]),
      hasPublicTransfer: true,
      previousTransaction: this.#genesis,
    });
    this.objects.put(coin);
    this.#appendCheckpoint(timestampMs, []);
    return coin;
  }

  /** Begins the next epoch. */
  advanceEpoch(): void {
    this.#epoch += 1n;
    this.#epochStartMs = this.#tick();
    this.#appendCheckpoint(this.#epochStartMs, []);
  }

  /** A checkpoint without transactions: brings the time of chain and Clock object up to now. */
  commitEmptyCheckpoint(): void {
    this.#appendCheckpoint(this.#tick(), []);
  }

  /** Calls back after every checkpoint; returns the unsubscribe function. */
  onCheckpoint(listener: (checkpoint: Checkpoint) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Stops the heartbeat. */
  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#listeners.clear();
  }

  #startHeartbeat(intervalMs: number): NodeJS.Timeout | null {
    if (this.clock.isManual) return null;
    const timer = setInterval(() => {
      this.commitEmptyCheckpoint();
    }, intervalMs);
    timer.unref();
    return timer;
  }

  #execute(transaction: ParsedTransaction, mode: { checked: boolean; simulated: boolean }): Outcome {
    const state: ExecutionState = {
      store: this.objects,
      loader: this.loader,
      limits: this.#limits,
      verifyAttestation: this.#verifyAttestation,
      epoch: this.#epoch,
      epochStartMs: this.#epochStartMs,
    };
    return execute(state, {
      transaction,
      inputs: checkInputs(transaction, this.objects, mode.checked),
      payment: checkPayment(transaction.data, this.objects, mode.simulated),
      unchecked: !mode.checked,
      collectOutputs: mode.simulated,
    });
  }

  #commit(
    transaction: ParsedTransaction,
    signatures: readonly string[],
    outcome: Outcome,
    timestampMs: bigint,
  ): ExecutedTransaction {
    const { effects, events, balanceChanges } = outcome;
    for (const { id } of outcome.removed) this.objects.delete(id);
    for (const record of outcome.writes) this.objects.put(record);
    const executed: ExecutedTransaction = {
      sequence: this.history.transactions.next,
      transaction,
      signatures,
      effects,
      events,
      balanceChanges,
      checkpoint: this.checkpoints.latest.sequence + 1n,
      timestampMs,
    };
    this.history.add(executed);
    this.#appendCheckpoint(timestampMs, [{ transaction: transaction.digest, effects: effects.digest }]);
    return executed;
  }

  /** On Sui the Clock object is never older than a consensus commit takes; so what is simulated sees that time. */
  #catchUp(): void {
    if (this.clock.now() - this.checkpoints.latest.timestampMs >= COMMIT_INTERVAL_MS)
      this.commitEmptyCheckpoint();
  }

  /** The time of the commit, written to the Clock object as the consensus commit prologue does. */
  #tick(): bigint {
    const nowMs = this.clock.now();
    const version = this.objects.get(CLOCK_ID)?.version ?? 0n;
    this.objects.put(clockObject(this.loader, version + 1n, nowMs, this.#genesis));
    return nowMs;
  }

  #appendCheckpoint(timestampMs: bigint, transactions: Checkpoint['transactions']): void {
    const checkpoint = this.checkpoints.append({ epoch: this.#epoch, timestampMs }, transactions);
    for (const listener of this.#listeners) listener(checkpoint);
  }
}
