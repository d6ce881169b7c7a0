import { isUtf8 } from '../natives/stdlib.ts';
import { BcsError, decodeValue } from '../vm/bcs.ts';
import { ExecutionFailure, type ArgumentFault } from '../vm/failure.ts';
import { Ability } from '../vm/layout.ts';
import type { Loader } from '../vm/loader.ts';
import { isDatatype, type Type } from '../vm/types.ts';
import { copyValue, Ref, type Meter, type Value } from '../vm/values.ts';
import type { Cliques } from './cliques.ts';
import { STD_ID, SUI_ID, type MoveObjectRecord } from './objects.ts';
import type { ObjectRuntime } from './object-runtime.ts';
import type { Argument } from './transaction.ts';

/** An input object as the transaction declares it. */
export interface InputObject {
  readonly record: MoveObjectRecord;
  /** False for immutable objects and for shared objects taken read-only. */
  readonly mutable: boolean;
}

/** A place that holds one value: an input, the gas coin, or a result of a command. */
export interface Slot {
  readonly type: Type;
  /** The value, or nothing once it was moved. */
  readonly cell: Value[];
  clique: number;
  /** Whether the value is a hot potato that a command returned. */
  readonly hot: boolean;
  readonly object: InputObject | null;
  readonly isGas: boolean;
}

export type InputSlot =
  | { readonly kind: 'object'; readonly slot: Slot }
  | {
      readonly kind: 'pure';
      readonly bytes: Uint8Array;
      readonly clique: number;
      readonly typed: Map<string, Slot>;
    }
  | {
      readonly kind: 'receiving';
      readonly record: MoveObjectRecord;
      readonly clique: number;
      readonly typed: Map<string, Slot>;
    };

/** What one command did with its arguments. */
export interface CommandUse {
  readonly cliques: number[];
  readonly borrowed: Map<Slot, 'immutable' | 'mutable'>;
  consumesShared: boolean;
}

export function newUse(): CommandUse {
  return { cliques: [], borrowed: new Map(), consumesShared: false };
}

export function argumentFault(argument: number, fault: ArgumentFault): ExecutionFailure {
  const name = fault.toLowerCase().replaceAll('_', ' ');
  return new ExecutionFailure(
    { kind: 'COMMAND_ARGUMENT_ERROR', argument, fault },
    `Argument ${argument}: ${name}`,
  );
}

/** All values of one transaction and the rules by which commands may use them. */
export class Slots {
  readonly gas: Slot;
  readonly inputs: readonly InputSlot[];
  readonly results: Slot[][] = [];
  readonly cliques: Cliques;
  readonly #loader: Loader;
  readonly #meter: Meter;
  readonly #runtime: ObjectRuntime;
  /** Dev-inspect: any bytes may stand for any value that is not an object. */
  readonly #anyPure: boolean;

  constructor(
    values: { readonly gas: Slot; readonly inputs: readonly InputSlot[]; readonly cliques: Cliques },
    machine: { readonly loader: Loader; readonly meter: Meter; readonly runtime: ObjectRuntime },
    anyPure: boolean,
  ) {
    this.gas = values.gas;
    this.inputs = values.inputs;
    this.cliques = values.cliques;
    this.#loader = machine.loader;
    this.#meter = machine.meter;
    this.#runtime = machine.runtime;
    this.#anyPure = anyPure;
  }

  /** The value of an argument as a parameter of type `expected` takes it: moved, copied or borrowed. */
  use(argument: Argument, position: number, expected: Type, use: CommandUse): Value {
    return expected.kind === 'reference'
      ? this.borrow(argument, position, expected.target, expected.mutable, use)
      : this.take(argument, position, expected, use);
  }

  /** Borrows the argument, which must be of type `target`. */
  borrow(argument: Argument, position: number, target: Type, mutable: boolean, use: CommandUse): Ref {
    const slot = this.slot(argument, position, target);
    if (slot.type.key !== target.key) throw argumentFault(position, 'TYPE_MISMATCH');
    const held = use.borrowed.get(slot);
    if (slot.cell.length === 0 || held === 'mutable' || (held !== undefined && mutable)) {
      throw argumentFault(position, 'INVALID_VALUE_USAGE');
    }
    if (mutable && slot.object?.mutable === false) throw argumentFault(position, 'INVALID_OBJECT_BY_MUT_REF');
    use.borrowed.set(slot, mutable ? 'mutable' : 'immutable');
    use.cliques.push(slot.clique);
    return new Ref(slot.cell, 0);
  }

  /** Takes the argument by value, which must be of type `expected`; copies it where the type allows. */
  take(argument: Argument, position: number, expected: Type, use: CommandUse): Value {
    const slot = this.slot(argument, position, expected);
    if (slot.type.key !== expected.key) throw argumentFault(position, 'TYPE_MISMATCH');
    if (slot.isGas) throw argumentFault(position, 'INVALID_GAS_COIN_USAGE');
    return this.takeSlot(slot, position, use);
  }

  takeSlot(slot: Slot, position: number, use: CommandUse): Value {
    const value = slot.cell[0];
    const held = use.borrowed.get(slot);
    if (value === undefined || held === 'mutable') throw argumentFault(position, 'INVALID_VALUE_USAGE');
    if (slot.object?.mutable === false) throw argumentFault(position, 'INVALID_OBJECT_BY_VALUE');
    use.cliques.push(slot.clique);
    if (this.#loader.has(slot.type, Ability.copy)) return copyValue(value, this.#meter);
    if (held !== undefined) throw argumentFault(position, 'INVALID_VALUE_USAGE');
    slot.cell.length = 0;
    if (slot.hot) this.cliques.heat(slot.clique, -1);
    if (slot.object !== null) {
      const { record } = slot.object;
      this.#runtime.taken.set(record.id, record);
      if (record.owner.kind === 'shared') use.consumesShared = true;
    }
    return value;
  }

  /** Where an argument points. A pure input takes the type that is expected of it. */
  slot(argument: Argument, position: number, expected: Type): Slot {
    switch (argument.$kind) {
      case 'GasCoin':
        return this.gas;
      case 'Input': {
        const input = this.inputs[argument.Input];
        if (input === undefined) throw argumentFault(position, 'INDEX_OUT_OF_BOUNDS');
        return this.#inputSlot(input, position, expected);
      }
      case 'Result': {
        const results = this.results[argument.Result];
        if (results === undefined) throw argumentFault(position, 'INDEX_OUT_OF_BOUNDS');
        const [only] = results;
        if (only === undefined || results.length !== 1) throw argumentFault(position, 'INVALID_RESULT_ARITY');
        return only;
      }
      case 'NestedResult': {
        const [command, index] = argument.NestedResult;
        const results = this.results[command];
        if (results === undefined) throw argumentFault(position, 'INDEX_OUT_OF_BOUNDS');
        const slot = results[index];
        if (slot === undefined) throw argumentFault(position, 'SECONDARY_INDEX_OUT_OF_BOUNDS');
        return slot;
      }
    }
  }

  #inputSlot(input: InputSlot, position: number, expected: Type): Slot {
    if (input.kind === 'object') return input.slot;
    const known = input.typed.get(expected.key);
    if (known !== undefined) return known;
    const value =
      input.kind === 'pure'
        ? this.#decodePure(input.bytes, position, expected)
        : this.#receiving(input.record, position, expected);
    const slot: Slot = {
      type: expected,
      cell: [value],
      clique: input.clique,
      hot: false,
      object: null,
      isGas: false,
    };
    input.typed.set(expected.key, slot);
    return slot;
  }

  /** `Receiving<T> { id: ID, version }` for whichever T the function asks; `receive` checks the object's type. */
  #receiving(record: MoveObjectRecord, position: number, expected: Type): Value {
    if (!isDatatype(expected, SUI_ID, 'transfer', 'Receiving'))
      throw argumentFault(position, 'TYPE_MISMATCH');
    return [[record.id], record.version];
  }

  #decodePure(bytes: Uint8Array, position: number, expected: Type): Value {
    const allowed = isPureType(expected) || (this.#anyPure && !this.#loader.has(expected, Ability.key));
    if (!allowed) throw argumentFault(position, 'INVALID_USAGE_OF_PURE_ARGUMENT');
    try {
      const value = decodeValue(this.#loader, expected, bytes);
      if (!isWellFormed(expected, value)) throw new BcsError('text or option is malformed');
      return value;
    } catch (error) {
      if (error instanceof BcsError) throw argumentFault(position, 'INVALID_BCS_BYTES');
      throw error;
    }
  }

  /** Adds the results of a command; they join the clique of its arguments. */
  addResults(types: readonly Type[], values: readonly Value[], use: CommandUse): void {
    const clique = this.cliques.merge(use.cliques);
    if (use.consumesShared) this.cliques.heatForever(clique);
    const slots = types.map((type, index): Slot => {
      const hot = !this.#loader.has(type, Ability.drop) && !this.#loader.has(type, Ability.store);
      if (hot) this.cliques.heat(clique, 1);
      return { type, cell: [values[index] as Value], clique, hot, object: null, isGas: false };
    });
    this.results.push(slots);
  }

  /** Every result must be used up or droppable when the transaction ends. */
  checkNothingIsLeft(): void {
    for (const [result, slots] of this.results.entries()) {
      for (const [subresult, { type, cell }] of slots.entries()) {
        if (cell.length === 0 || this.#loader.has(type, Ability.drop)) continue;
        throw new ExecutionFailure(
          { kind: 'UNUSED_VALUE_WITHOUT_DROP', result, subresult },
          `Result ${result}.${subresult} of type ${type.key} is not used and cannot be dropped`,
        );
      }
    }
  }
}

/** Types that bytes may stand for: primitives, strings, ids, and vectors and options of those. */
function isPureType(type: Type): boolean {
  if (type.kind === 'vector') return isPureType(type.element);
  if (type.kind === 'signer' || type.kind === 'reference') return false;
  if (type.kind !== 'datatype') return true;
  if (isDatatype(type, STD_ID, 'option', 'Option')) return type.args.every(isPureType);
  return isText(type) || isDatatype(type, SUI_ID, 'object', 'ID');
}

function isText(type: Type): boolean {
  return isDatatype(type, STD_ID, 'string', 'String') || isDatatype(type, STD_ID, 'ascii', 'String');
}

/** Invariants that the Move modules keep for their own types and that raw bytes could break. */
function isWellFormed(type: Type, value: Value): boolean {
  if (type.kind === 'vector') {
    const { element } = type;
    return element.kind !== 'datatype' || (value as Value[]).every((item) => isWellFormed(element, item));
  }
  if (type.kind !== 'datatype') return true;
  const [inner] = value as Value[];
  if (isDatatype(type, STD_ID, 'option', 'Option')) {
    const items = inner as Value[];
    return items.length <= 1 && items.every((item) => isWellFormed(type.args[0] as Type, item));
  }
  if (isDatatype(type, STD_ID, 'string', 'String')) return isUtf8(Uint8Array.from(inner as number[]));
  if (isDatatype(type, STD_ID, 'ascii', 'String')) return (inner as number[]).every((byte) => byte < 0x80);
  return true;
}

/** `&mut TxContext` or `&TxContext`. */
export function isTxContext(type: Type): boolean {
  return type.kind === 'reference' && isDatatype(type.target, SUI_ID, 'tx_context', 'TxContext');
}
