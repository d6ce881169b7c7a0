import { digestBytes } from '../vm/base58.ts';
import { decodeValue } from '../vm/bcs.ts';
import { ExecutionFailure } from '../vm/failure.ts';
import { Machine, StepMeter, type Limits } from '../vm/interpreter.ts';
import type { Loader, PackageCode } from '../vm/loader.ts';
import type { AttestationVerifier, Owner, TransactionEnvironment } from '../vm/native.ts';
import { fullAddress, type Address } from '../vm/types.ts';
import type { Value } from '../vm/values.ts';
import { balanceChanges, ChangeSet, collectChanges, describeChanges, type BalanceChange } from './changes.ts';
import { Cliques } from './cliques.ts';
import { CommandRunner, type CommandOutput } from './commands.ts';
import { eventsDigest, sealEffects, type Effects, type ExecutionStatus } from './effects.ts';
import { REFERENCE_GAS_PRICE, type Payment } from './gas.ts';
import type { CheckedInput } from './inputs.ts';
import { SUI_COIN, type MoveObjectRecord, type ObjectReader, type ObjectRecord } from './objects.ts';
import { ObjectRuntime, type EmittedEvent } from './object-runtime.ts';
import { Slots, type InputSlot, type Slot } from './slots.ts';
import type { ParsedTransaction } from './transaction.ts';

export interface ExecutionState {
  readonly store: ObjectReader;
  readonly loader: Loader;
  readonly limits: Limits;
  readonly verifyAttestation: AttestationVerifier;
  readonly epoch: bigint;
  readonly epochStartMs: bigint;
}

export interface ExecutionRequest {
  readonly transaction: ParsedTransaction;
  readonly inputs: readonly CheckedInput[];
  readonly payment: Payment;
  /** Dev-inspect: neither visibility nor kinds of values are checked. */
  readonly unchecked: boolean;
  readonly collectOutputs: boolean;
}

export interface Outcome {
  readonly effects: Effects;
  readonly events: readonly EmittedEvent[];
  readonly writes: readonly ObjectRecord[];
  readonly removed: readonly MoveObjectRecord[];
  /** Packages the loader now holds; to be unloaded unless the outcome is committed. */
  readonly published: readonly PackageCode[];
  readonly balanceChanges: readonly BalanceChange[];
  readonly outputs: readonly CommandOutput[];
}

/** Id of the coin that stands in for a payment in simulations. */
const SIMULATED_GAS = fullAddress(`0x${'f'.repeat(64)}`);

/** Runs one transaction against the state without changing the store. Never throws for what the transaction does. */
export function execute(state: ExecutionState, request: ExecutionRequest): Outcome {
  const execution = new Execution(state, request);
  try {
    return execution.run();
  } catch (fault) {
    execution.unload();
    throw fault;
  }
}

class Execution {
  readonly #state: ExecutionState;
  readonly #request: ExecutionRequest;
  readonly #runtime: ObjectRuntime;
  readonly #runner: CommandRunner;
  readonly #slots: Slots;
  readonly #gas: Slot;

  constructor(state: ExecutionState, request: ExecutionRequest) {
    this.#state = state;
    this.#request = request;
    const { store, loader, limits, verifyAttestation } = state;
    const environment = environmentOf(state, request);
    const receivable = new Map<Address, MoveObjectRecord>();
    for (const input of request.inputs)
      if (input.kind === 'receiving') receivable.set(input.record.id, input.record);
    const runtime = new ObjectRuntime(store, loader, environment, receivable);
    const meter = new StepMeter(limits.stepsMax);
    const context = { types: loader, meter, transaction: environment, objects: runtime, verifyAttestation };
    const machine = new Machine(context, limits.callDepthMax);
    const cliques = new Cliques();
    this.#gas = gasSlot(request.payment, cliques);
    const inputs = request.inputs.map((input) => inputSlot(input, cliques, loader));
    this.#slots = new Slots(
      { gas: this.#gas, inputs, cliques },
      { loader, meter, runtime },
      request.unchecked,
    );
    this.#runtime = runtime;
    this.#runner = new CommandRunner({
      loader,
      store,
      runtime,
      machine,
      slots: this.#slots,
      txContext: txContextOf(environment),
      unchecked: request.unchecked,
      collectOutputs: request.collectOutputs,
    });
  }

  run(): Outcome {
    let command: number | null = null;
    let status: ExecutionStatus = { success: true };
    let changes = this.#newChanges();
    try {
      for (const [index, item] of this.#request.transaction.program.commands.entries()) {
        command = index;
        this.#runner.run(item);
      }
      command = null;
      this.#slots.checkNothingIsLeft();
      this.#refundGas();
      const { loader } = this.#state;
      collectChanges(changes, loader, this.#runtime, this.#objectSlots(), this.#runner.packages);
    } catch (error) {
      status = { success: false, ...asFailure(error), command };
      changes = this.#newChanges();
      this.unload();
      this.#touchInputs(changes);
    }
    this.#payGas(changes, status.success);
    return this.#outcome(status, changes);
  }

  /** Takes back what the loader holds for this execution. */
  unload(): void {
    this.#state.loader.unload(this.#runner.published);
  }

  #newChanges(): ChangeSet {
    return new ChangeSet(this.#state.loader, this.#lamportVersion(), this.#request.transaction.digest);
  }

  /** One more than the newest input. */
  #lamportVersion(): bigint {
    const { inputs, payment } = this.#request;
    let newest = 0n;
    for (const { version } of payment.coins) if (version > newest) newest = version;
    for (const input of inputs) {
      if (input.kind !== 'pure' && input.record.version > newest) newest = input.record.version;
    }
    return newest + 1n;
  }

  #objectSlots(): Slot[] {
    return this.#slots.inputs.flatMap((input) => (input.kind === 'object' ? [input.slot] : []));
  }

  /** A failed transaction leaves its inputs as they were, in a new version. */
  #touchInputs(changes: ChangeSet): void {
    for (const { object } of this.#objectSlots()) if (object?.mutable === true) changes.touch(object.record);
  }

  /** During execution the budget is out of the coin's reach; what the fee leaves of it comes back. */
  #refundGas(): void {
    const { payment } = this.#request;
    const [id] = gasIds(payment);
    const value = this.#gas.cell[0] ?? this.#runtime.written.get(id)?.value;
    const balance = (value as Value[])[1] as [bigint];
    balance[0] += payment.budget - payment.fee;
  }

  #payGas(changes: ChangeSet, success: boolean): void {
    const { payment } = this.#request;
    const [coin, ...merged] = payment.coins;
    if (coin === undefined) return;
    const owner = { kind: 'address', address: payment.owner } as const;
    const left = this.#gas.cell[0];
    if (!success) {
      changes.writeValue(coin.id, SUI_COIN, [[[coin.id]], [payment.balance - payment.fee]], owner);
    } else if (left !== undefined) {
      changes.writeValue(coin.id, SUI_COIN, left, owner);
    }
    for (const one of merged) {
      this.#runtime.deletedIds.add(one.id);
      changes.remove(one);
    }
  }

  #outcome(status: ExecutionStatus, changes: ChangeSet): Outcome {
    const { store, epoch } = this.#state;
    const { transaction, payment, inputs } = this.#request;
    const events = status.success ? this.#runtime.events : [];
    const records = inputs.flatMap((input) => (input.kind === 'pure' ? [] : [input.record]));
    const dependencies = new Set([...records, ...payment.coins].map((record) => record.previousTransaction));
    const readOnlyShared = inputs.flatMap((input) =>
      input.kind === 'object' && isSequenced(input.record.owner) && !input.mutable ? [input.record] : [],
    );
    const effects = sealEffects({
      status,
      epoch,
      gasUsed: {
        computationCost: payment.fee,
        storageCost: 0n,
        storageRebate: 0n,
        nonRefundableStorageFee: 0n,
      },
      transactionDigest: transaction.digest,
      gasObject: payment.coins[0]?.id ?? null,
      eventsDigest: eventsDigest(events, transaction.data.sender),
      dependencies: [...dependencies].sort(),
      lamportVersion: this.#lamportVersion(),
      changed: describeChanges(changes, store, this.#runtime, status.success),
      readOnlyShared,
    });
    return {
      effects,
      events,
      writes: [...changes.writes.values()],
      removed: [...changes.removed.values()],
      published: status.success ? this.#runner.published : [],
      balanceChanges: balanceChanges(changes, store),
      outputs: this.#runner.outputs,
    };
  }
}

/** Whether consensus orders the uses of an object. */
function isSequenced({ kind }: Owner): boolean {
  return kind === 'shared' || kind === 'party';
}

function environmentOf(
  state: ExecutionState,
  { transaction, payment }: ExecutionRequest,
): TransactionEnvironment {
  const { sender } = transaction.data;
  return {
    digest: digestBytes(transaction.digest),
    sender,
    sponsor: payment.owner === sender ? null : payment.owner,
    epoch: state.epoch,
    epochStartMs: state.epochStartMs,
    referenceGasPrice: REFERENCE_GAS_PRICE,
    gasPrice: payment.price,
    gasBudget: payment.budget,
  };
}

/** `TxContext { sender, tx_hash, epoch, epoch_timestamp_ms, ids_created }`; only the hash is read from the struct. */
function txContextOf({ sender, digest, epoch, epochStartMs }: TransactionEnvironment): Value {
  return [sender, Array.from(digest), epoch, epochStartMs, 0n];
}

function gasIds({ coins }: Payment): [Address] {
  return [coins[0]?.id ?? SIMULATED_GAS];
}

function gasSlot(payment: Payment, cliques: Cliques): Slot {
  const [id] = gasIds(payment);
  const value: Value = [[[id]], [payment.balance - payment.budget]];
  return { type: SUI_COIN, cell: [value], clique: cliques.add(), hot: false, object: null, isGas: true };
}

function inputSlot(input: CheckedInput, cliques: Cliques, loader: Loader): InputSlot {
  const clique = cliques.add();
  if (input.kind === 'pure') return { kind: 'pure', bytes: input.bytes, clique, typed: new Map() };
  const { record } = input;
  if (input.kind === 'receiving') return { kind: 'receiving', record, clique, typed: new Map() };
  const cell = [decodeValue(loader, record.type, record.contents)];
  const object = { record, mutable: input.mutable };
  return { kind: 'object', slot: { type: record.type, cell, clique, hot: false, object, isGas: false } };
}

/** Anything but an ExecutionFailure is a fault of bytecode that no verifier has seen (or of this VM): still a failure. */
function asFailure(error: unknown): {
  readonly failure: ExecutionFailure['failure'];
  readonly message: string;
} {
  if (error instanceof ExecutionFailure) return { failure: error.failure, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  return {
    failure: { kind: 'VM_INVARIANT_VIOLATION' },
    message: `The VM met something it cannot run: ${message}`,
  };
}
