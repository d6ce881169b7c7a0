import { compileFramework, compilePackage } from '@k3s-daas/move';

import { ObjectRuntime } from '../chain/object-runtime.ts';
import { ObjectStore } from '../chain/objects.ts';
import { deserializeModule } from '../chain/publish.ts';
import { derivedId } from '../natives/framework.ts';
import { natives } from '../natives/index.ts';
import { encodeValue } from '../vm/bcs.ts';
import { ExecutionFailure, type Failure, type MoveLocation } from '../vm/failure.ts';
import { Machine, StepMeter } from '../vm/interpreter.ts';
import { Loader } from '../vm/loader.ts';
import type { Native, TransactionEnvironment } from '../vm/native.ts';
import { fullAddress, type Address } from '../vm/types.ts';
import { copyValue, type Value } from '../vm/values.ts';

const FREE = { charge: (): void => undefined };
const STEPS_MAX = 50_000_000;
const CALL_DEPTH_MAX = 128;

/** Where a call ended early: `kind` as Move's attribute `expected_failure` tells failures apart. */
export interface Stop {
  readonly kind: 'abort' | 'arithmetic' | 'vector';
  /** Abort code, or minor status of a vector error (1 index, 2 pop, 3 unpack); 0 for arithmetic. */
  readonly code: bigint;
  readonly address: Address;
  readonly module: string;
}

export interface Emitted {
  /** `0x…::module::Name`. */
  readonly type: string;
  readonly contents: Uint8Array;
}

const VECTOR_FAULTS = ['index out of bounds', 'pop from an empty vector', 'unpack of a wrong length'];

/** Objects of one unit test: as there, `tx_context::replace` begins another transaction. */
class TestObjects extends ObjectRuntime {
  readonly current: { -readonly [K in keyof TransactionEnvironment]: TransactionEnvironment[K] };
  counter = 0n;

  constructor(loader: Loader) {
    const current = {
      digest: new Uint8Array(32),
      sender: fullAddress('0x0'),
      sponsor: null,
      epoch: 0n,
      epochStartMs: 0n,
      referenceGasPrice: 1_000n,
      gasPrice: 1_000n,
      gasBudget: 0n,
    };
    super(new ObjectStore(), loader, current, new Map());
    this.current = current;
  }

  override nextId(): Address {
    this.counter += 1n;
    return derivedId(this.current.digest, this.counter - 1n);
  }
}

/** Natives that exist in the unit-test runner only. */
const testNatives: Readonly<Record<string, Native>> = {
  [`${fullAddress('0x1')}::unit_test::destroy`]: () => null,
  [`${fullAddress('0x2')}::tx_context::replace`]: ({ objects }, _types, args) => {
    const [sender, digest, epoch, epochStartMs, created, rgp, price, budget] = args;
    if (!(objects instanceof TestObjects)) throw new TypeError('not the objects of a test');
    const tests = objects;
    tests.current.sender = sender as string;
    tests.current.digest = Uint8Array.from(digest as number[]);
    tests.current.epoch = epoch as bigint;
    tests.current.epochStartMs = epochStartMs as bigint;
    tests.current.referenceGasPrice = rgp as bigint;
    tests.current.gasPrice = price as bigint;
    tests.current.gasBudget = budget as bigint;
    tests.counter = created as bigint;
    return null;
  },
};

/** Compiles the package in `dir`, test-only members included, and loads it beside the framework. */
export async function loadPackage(dir: string): Promise<Loader> {
  const loader = new Loader(new Map([...natives, ...Object.entries(testNatives)]));
  loader.load((await compileFramework({ testOnly: true })).map(deserializeModule));
  const { modules } = await compilePackage({ dir, testOnly: true });
  loader.load(modules.map(deserializeModule));
  return loader;
}

/** One unit test's worth of calls in the ledger's VM. */
export class Run {
  readonly #loader: Loader;
  readonly #objects: TestObjects;
  readonly #machine: Machine;

  constructor(loader: Loader) {
    this.#loader = loader;
    this.#objects = new TestObjects(loader);
    const verifyAttestation = (): never => {
      throw new Error('no document is verified here');
    };
    const meter = new StepMeter(STEPS_MAX);
    const { current: transaction } = this.#objects;
    const context = { types: loader, meter, transaction, objects: this.#objects, verifyAttestation };
    this.#machine = new Machine(context, CALL_DEPTH_MAX);
  }

  get events(): Emitted[] {
    return this.#objects.events.map(({ type, contents }) => ({ type: type.key, contents }));
  }

  /** Values and BCS of what the function returned. Throws ExecutionFailure. */
  call(
    module: string,
    name: string,
    args: readonly Value[],
  ): { readonly values: Value[]; readonly encoded: Uint8Array[] } {
    const callee = this.#loader.functionNamed(fullAddress('0x0'), module, name);
    // What is passed by value is used up.
    const values = this.#machine.call(
      callee,
      [],
      args.map((arg) => copyValue(arg, FREE)),
    );
    const types = callee.returns.map((token) => callee.module.type(token, []));
    const encoded = types.map((type, i) => encodeValue(this.#loader, type, values[i] as Value));
    return { values, encoded };
  }

  /** Undoes, when called, all that has happened since to objects, events and `held`, the caller's own value. */
  mark(held: Value[]): () => void {
    const objects = this.#objects;
    const kept = held.map((value) => copyValue(value, FREE));
    const children = [...objects.children].map(
      ([id, child]) => [id, { ...child, cell: copyValue(child.cell, FREE) as Value[] }] as const,
    );
    const written = [...objects.written];
    const newIds = [...objects.newIds];
    const deletedIds = [...objects.deletedIds];
    const events = objects.events.length;
    const refill = <K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void => {
      map.clear();
      for (const [key, value] of entries) map.set(key, value);
    };
    return () => {
      held.splice(0, held.length, ...kept);
      refill(objects.children, children);
      refill(objects.written, written);
      for (const id of objects.newIds) objects.newIds.delete(id);
      for (const id of newIds) objects.newIds.add(id);
      for (const id of objects.deletedIds) objects.deletedIds.delete(id);
      for (const id of deletedIds) objects.deletedIds.add(id);
      objects.events.length = events;
    };
  }
}

/** What Move's `expected_failure` can name; any other error is the VM's own and thrown on. */
export function stopOf(error: unknown): Stop {
  if (error instanceof ExecutionFailure) {
    const { failure, message } = error;
    if (failure.kind === 'MOVE_ABORT') return { ...placeOf(failure), kind: 'abort', code: failure.code };
    if (failure.kind === 'MOVE_PRIMITIVE_RUNTIME_ERROR') {
      const fault = VECTOR_FAULTS.findIndex((one) => message.includes(one));
      if (fault >= 0) return { ...placeOf(failure), kind: 'vector', code: BigInt(fault + 1) };
      if (message.includes('arithmetic error') || message.includes('cast out of range'))
        return { ...placeOf(failure), kind: 'arithmetic', code: 0n };
    }
  }
  throw error;
}

function placeOf(failure: Failure & { readonly location: MoveLocation }): Pick<Stop, 'address' | 'module'> {
  const { address, module } = failure.location;
  return { address, module };
}
