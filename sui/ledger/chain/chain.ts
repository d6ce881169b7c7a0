import { derivedId } from '../natives/framework.ts';
import { encodeValue } from '../vm/bcs.ts';
import type { Limits } from '../vm/interpreter.ts';
import type { Loader } from '../vm/loader.ts';
import type { AttestationVerifier } from '../vm/native.ts';
import { CheckpointLog, type Checkpoint } from './checkpoints.ts';
import { typedDigest } from './digests.ts';
import { execute, type Outcome } from './execute.ts';
import { checkPayment } from './gas.ts';
import { clockObject, loadFramework } from './genesis.ts';
import { callsOf, History, withoutContents, type EventRecord, type ExecutedTransaction } from './history.ts';
import { checkExpiration, checkInputs } from './inputs.ts';
import {
  CLOCK_ID,
  ObjectStore,
  sealObject,
  SUI_COIN,
  type MoveObjectRecord,
  type ObjectRecord,
} from './objects.ts';
import type { PackedObjects } from './packed-objects.ts';
import { packageCode } from './publish.ts';
import type { RetainedView, Run } from './retained.ts';
import type { Address } from '../vm/types.ts';
import type { ParsedTransaction } from './transaction.ts';

/** What a chain is made of: the same genesis and the same changes give the same chain, bit for bit. */
export interface Genesis {
  /** Bytecode of 0x1 and 0x2. */
  readonly framework: readonly Uint8Array[];
  /** Sets this chain apart from others. */
  readonly seed: Uint8Array;
  readonly timestampMs: bigint;
  readonly limits: Limits;
  /** Transactions and checkpoints kept for queries; the only thing here that does not shape the chain. */
  readonly historyMax: number;
}

/** How far an execution may look away; neither for committed transactions. */
interface Mode {
  readonly checked: boolean;
  readonly simulated: boolean;
}

const COMMITTED: Mode = { checked: true, simulated: false };

/** A change that is part of the chain, and the way back while it is the newest one. */
export interface Applied<T> {
  readonly result: T;
  readonly checkpoint: Checkpoint;
  readonly undo: () => void;
}

/** All of a chain at one moment, in values that never change. */
export interface ChainView {
  readonly epoch: bigint;
  readonly epochStartMs: bigint;
  readonly faucetCount: bigint;
  /** The newest one. */
  readonly checkpoint: Checkpoint;
  readonly objects: Iterable<ObjectRecord>;
  readonly objectCount: number;
  readonly checkpoints: RetainedView<Checkpoint>;
  readonly transactions: RetainedView<ExecutedTransaction>;
  readonly events: RetainedView<EventRecord>;
}

/** What a view leaves of itself when it is packed. */
export interface PackedChain extends Pick<
  ChainView,
  'epoch' | 'epochStartMs' | 'faucetCount' | 'checkpoint'
> {
  readonly objects: PackedObjects;
  readonly checkpoints: PackedList;
  readonly transactions: PackedList;
  readonly events: PackedList;
}

export interface PackedList {
  /** Number of the oldest item that is kept. */
  readonly first: number;
  readonly runs: readonly Run[];
}

/** The runs that were made to pack a view. */
export type NewRuns = Readonly<Record<'checkpoints' | 'transactions' | 'events', readonly Run[]>>;

/**
 * The state machine: objects, transactions, checkpoints, epoch. Knows no clock, no signatures and no disk; every
 * change names its time, closes with a checkpoint, and happens whole or not at all.
 */
export class Chain {
  readonly objects = new ObjectStore();
  readonly loader: Loader;
  readonly checkpoints: CheckpointLog;
  readonly history: History;
  /** Digest of the genesis checkpoint, base58. */
  readonly id: string;
  readonly #limits: Limits;
  readonly #seed: Uint8Array;
  readonly #genesis: string;
  #epoch = 0n;
  #epochStartMs: bigint;
  #faucetCount = 0n;

  constructor({ framework, seed, timestampMs, limits, historyMax }: Genesis) {
    this.#limits = limits;
    this.#seed = seed;
    this.checkpoints = new CheckpointLog(historyMax);
    this.history = new History(historyMax);
    this.#genesis = typedDigest('Genesis', seed);
    const { loader, packages } = loadFramework(framework, this.#genesis);
    this.loader = loader;
    for (const record of packages) this.objects.put(record);
    this.#epochStartMs = timestampMs;
    this.objects.put(clockObject(loader, 1n, timestampMs, this.#genesis));
    this.id = this.checkpoints.append({ epoch: 0n, timestampMs }, [], seed).digest;
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  get epochStartMs(): bigint {
    return this.#epochStartMs;
  }

  /** What the chain is now; takes a few ms for 100,000 objects, since none of them is copied. */
  view(): ChainView {
    return {
      epoch: this.#epoch,
      epochStartMs: this.#epochStartMs,
      faucetCount: this.#faucetCount,
      checkpoint: this.checkpoints.latest,
      objects: this.objects.all(),
      objectCount: this.objects.size,
      checkpoints: this.checkpoints.retained.view(),
      transactions: this.history.transactions.view(),
      events: this.history.events.view(),
    };
  }

  /** Packs what is old in history, up to the checkpoint `durable`: nothing before it will be taken back. */
  compact(durable: bigint): void {
    this.checkpoints.retained.compact(({ sequence }) => sequence <= durable);
    this.history.transactions.compact(({ checkpoint }) => checkpoint <= durable);
    this.history.events.compact(({ checkpoint }) => checkpoint <= durable);
  }

  /** Keeps history in the packed form that was made of a view of this chain, whose changes are never taken back. */
  adopt({ checkpoints, transactions, events }: NewRuns): void {
    this.checkpoints.retained.adopt(checkpoints);
    this.history.transactions.adopt(transactions);
    this.history.events.adopt(events);
  }

  /** Makes a chain at its genesis what `packed` says. Its genesis must be that of `packed`. */
  restore(packed: PackedChain): void {
    const { objects } = packed;
    for (let number = 0; number < objects.length; number += 1) {
      // The framework is there, and only what nobody can change is a package.
      if (objects.owner(number).kind !== 'immutable') continue;
      const record = objects.record(number);
      if (record.kind === 'package' && this.objects.get(record.id) === undefined)
        this.loader.add(packageCode(record));
    }
    this.objects.restore(objects);
    this.#epoch = packed.epoch;
    this.#epochStartMs = packed.epochStartMs;
    this.#faucetCount = packed.faucetCount;
    const { checkpoints, transactions, events } = packed;
    this.checkpoints.restore(packed.checkpoint, checkpoints.first, checkpoints.runs);
    this.history.transactions.restore(transactions.first, transactions.runs);
    this.history.events.restore(events.first, events.runs);
  }

  /** Throws LedgerError if the transaction may not run now. Changes nothing. */
  check(transaction: ParsedTransaction): void {
    const { timestampMs } = this.checkpoints.latest;
    checkExpiration(transaction, { chainId: this.id, epoch: this.#epoch, timestampMs });
    checkInputs(transaction, this.objects);
    checkPayment(transaction.data, this.objects, false);
  }

  /** Executes and commits a transaction whose signatures and `check` held. */
  transact(
    transaction: ParsedTransaction,
    signatures: readonly string[],
    timestampMs: bigint,
    verifyAttestation: AttestationVerifier,
  ): Applied<ExecutedTransaction> {
    return this.#change(timestampMs, () => {
      const outcome = this.#execute(transaction, COMMITTED, verifyAttestation);
      for (const { id } of outcome.removed) this.objects.delete(id);
      for (const record of outcome.writes) this.objects.put(record);
      const { effects, events, balanceChanges } = outcome;
      const executed: ExecutedTransaction = {
        sequence: this.history.transactions.next,
        transaction,
        signatures,
        effects: withoutContents(effects),
        events,
        balanceChanges,
        sender: transaction.data.sender,
        calls: callsOf(transaction),
        checkpoint: this.checkpoints.latest.sequence + 1n,
        timestampMs,
      };
      this.history.add(executed);
      const undo = (): void => {
        this.history.removeLast();
        this.loader.unload(outcome.published);
      };
      return {
        result: executed,
        digests: { transaction: transaction.digest, effects: effects.digest },
        undo,
      };
    });
  }

  /** Executes without committing. */
  simulate(
    transaction: ParsedTransaction,
    checked: boolean,
    verifyAttestation: AttestationVerifier,
  ): Outcome {
    const outcome = this.#execute(transaction, { checked, simulated: true }, verifyAttestation);
    this.loader.unload(outcome.published);
    return outcome;
  }

  /** Gives an address a new coin out of nothing. */
  grant(address: Address, mist: bigint, timestampMs: bigint): Applied<MoveObjectRecord> {
    return this.#change(timestampMs, () => {
      const id = derivedId(this.#seed, this.#faucetCount);
      const coin = sealObject({
        kind: 'move',
        id,
        version: 1n,
        owner: { kind: 'address', address } as const,
        type: SUI_COIN,
        contents: encodeValue(this.loader, SUI_COIN, [[[id]], [mist]]),
        hasPublicTransfer: true,
        previousTransaction: this.#genesis,
      });
      this.objects.put(coin);
      this.#faucetCount += 1n;
      const undo = (): void => {
        this.#faucetCount -= 1n;
      };
      return { result: coin, undo };
    });
  }

  /** Begins the next epoch. */
  advanceEpoch(timestampMs: bigint): Applied<undefined> {
    return this.#change(timestampMs, () => {
      const startedMs = this.#epochStartMs;
      this.#epoch += 1n;
      this.#epochStartMs = timestampMs;
      const undo = (): void => {
        this.#epoch -= 1n;
        this.#epochStartMs = startedMs;
      };
      return { result: undefined, undo };
    });
  }

  /** A checkpoint without transactions: brings the time of chain and Clock object up to `timestampMs`. */
  pass(timestampMs: bigint): Applied<undefined> {
    return this.#change(timestampMs, () => ({ result: undefined, undo: () => undefined }));
  }

  /** Moves the Clock object as the consensus commit prologue does, applies the body, closes with a checkpoint. */
  #change<T>(
    timestampMs: bigint,
    body: () => {
      readonly result: T;
      readonly digests?: Checkpoint['transactions'][number];
      readonly undo: () => void;
    },
  ): Applied<T> {
    const before = this.checkpoints.latest;
    const restore = this.objects.track();
    try {
      const version = this.objects.get(CLOCK_ID)?.version ?? 0n;
      this.objects.put(clockObject(this.loader, version + 1n, timestampMs, this.#genesis));
      const { result, digests, undo } = body();
      this.objects.untrack();
      const transactions = digests === undefined ? [] : [digests];
      const checkpoint = this.checkpoints.append({ epoch: this.#epoch, timestampMs }, transactions);
      return {
        result,
        checkpoint,
        undo: () => {
          this.checkpoints.rewind(before);
          undo();
          restore();
        },
      };
    } catch (error) {
      // Only a fault of this VM comes here: transactions fail inside their effects.
      restore();
      throw error;
    }
  }

  #execute(transaction: ParsedTransaction, mode: Mode, verifyAttestation: AttestationVerifier): Outcome {
    const state = {
      store: this.objects,
      loader: this.loader,
      limits: this.#limits,
      verifyAttestation,
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
}
