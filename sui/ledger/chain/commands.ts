import { fromBase64 } from '@mysten/sui/utils';

import { encodeValue } from '../vm/bcs.ts';
import { ExecutionFailure, invariantViolated, unsupported } from '../vm/failure.ts';
import type { Machine } from '../vm/interpreter.ts';
import { Ability } from '../vm/layout.ts';
import {
  moduleName,
  type LinkedPackage,
  type LoadedFunction,
  type Loader,
  type PackageCode,
} from '../vm/loader.ts';
import { at } from '../vm/module-json.ts';
import { fullAddress, parseType, primitive, vectorOf, type Address, type Type } from '../vm/types.ts';
import { Ref, type Value } from '../vm/values.ts';
import { callLinkage } from './linkage.ts';
import { coinTypeOf, type ObjectReader } from './objects.ts';
import { idOf, type ObjectRuntime } from './object-runtime.ts';
import { deserializeModule, publishPackage, type NewPackage, type Published } from './publish.ts';
import { argumentFault, isTxContext, newUse, type CommandUse, type Slots } from './slots.ts';
import type { Argument, Command } from './transaction.ts';
import { ticketOf, upgradePackage } from './upgrade.ts';

const U64_MAX = (1n << 64n) - 1n;
const U64 = primitive('u64');
const ADDRESS = primitive('address');
const UPGRADE_CAP = parseType('0x2::package::UpgradeCap');
const UPGRADE_TICKET = parseType('0x2::package::UpgradeTicket');
const UPGRADE_RECEIPT = parseType('0x2::package::UpgradeReceipt');

type CommandOf<K extends Command['$kind']> =
  Extract<Command, Record<K, unknown>> extends infer C
    ? C extends Record<K, infer Body>
      ? Body
      : never
    : never;

/** A value a command handed back, in BCS. */
export interface CommandOutput {
  readonly returned: readonly { readonly type: Type; readonly bcs: Uint8Array }[];
  readonly mutated: readonly { readonly argument: Argument; readonly type: Type; readonly bcs: Uint8Array }[];
}

export interface CommandEnvironment {
  readonly loader: Loader;
  readonly store: ObjectReader;
  readonly runtime: ObjectRuntime;
  readonly machine: Machine;
  readonly slots: Slots;
  /** The value of TxContext; its natives know the rest. */
  readonly txContext: Value;
  /** Dev-inspect: visibility is not checked and references may be returned. */
  readonly unchecked: boolean;
  /** Whether to collect outputs (simulation only). */
  readonly collectOutputs: boolean;
}

/** Runs the commands of a transaction in order. */
export class CommandRunner {
  readonly published: PackageCode[] = [];
  readonly packages: NewPackage[] = [];
  readonly outputs: CommandOutput[] = [];
  readonly #env: CommandEnvironment;

  constructor(env: CommandEnvironment) {
    this.#env = env;
  }

  run(command: Command): void {
    const use = newUse();
    switch (command.$kind) {
      case 'MoveCall':
        this.#moveCall(command.MoveCall, use);
        return;
      case 'TransferObjects':
        this.#transferObjects(command.TransferObjects, use);
        return;
      case 'SplitCoins':
        this.#splitCoins(command.SplitCoins, use);
        return;
      case 'MergeCoins':
        this.#mergeCoins(command.MergeCoins, use);
        return;
      case 'MakeMoveVec':
        this.#makeMoveVec(command.MakeMoveVec, use);
        return;
      case 'Publish':
        this.#publish(command.Publish, use);
        return;
      case 'Upgrade':
        this.#upgrade(command.Upgrade, use);
        return;
    }
  }

  #moveCall(call: CommandOf<'MoveCall'>, use: CommandUse): void {
    const { loader, machine, runtime, slots, unchecked, txContext } = this.#env;
    const address = fullAddress(call.package);
    const named = loader.functionNamed(address, call.module, call.function);
    this.#checkCallable(named);
    const types = this.#typeArguments(named, call.typeArguments);
    const callee = this.#link(named, types);
    const parameters = callee.parameters.map((token) => callee.module.type(token, types));
    const takesContext =
      parameters.length > 0 && isTxContext(at(parameters, parameters.length - 1, 'parameter'));
    const expected = takesContext ? parameters.slice(0, -1) : parameters;
    if (expected.length !== call.arguments.length) {
      throw new ExecutionFailure(
        { kind: 'ARITY_MISMATCH' },
        `${call.module}::${call.function} takes ${expected.length} arguments, got ${call.arguments.length}`,
      );
    }
    const args = call.arguments.map((argument, i) =>
      slots.use(argument, i, at(expected, i, 'parameter'), use),
    );
    if (callee.visibility !== 'Public' && !unchecked) this.#checkNotHot(use);
    const borrowed = args.map((arg) => (arg instanceof Ref ? arg : null));
    runtime.emitter = { packageId: address, module: call.module };
    if (takesContext) args.push(new Ref([txContext], 0));
    const results = machine.call(callee, types, args);
    const returned = this.#returnTypes(callee, types);
    const values = results.map((result) => (result instanceof Ref ? result.get() : result));
    slots.addResults(returned, values, use);
    this.#collect(returned, values, call.arguments, expected, borrowed);
  }

  /** The function among the versions of dependencies that its type arguments ask for. */
  #link(named: LoadedFunction, types: readonly Type[]): LoadedFunction {
    const { loader } = this.#env;
    const { address, name: module } = named.module;
    const code = loader.packageNamed(address);
    if (code === undefined || types.length === 0) return named;
    const linkage = callLinkage(loader, code, named.visibility === 'Public', types);
    return loader.linked(address, linkage)?.modules.get(module)?.functions.get(named.name) ?? named;
  }

  /** Public functions, and entry functions whatever their visibility. `init` is never callable. */
  #checkCallable(callee: LoadedFunction): void {
    const callable = callee.visibility === 'Public' || callee.isEntry || this.#env.unchecked;
    if (callable && callee.name !== 'init') return;
    throw new ExecutionFailure(
      { kind: 'NON_ENTRY_FUNCTION_INVOKED' },
      `${callee.module.address}::${callee.module.name}::${callee.name} is neither public nor entry`,
    );
  }

  #checkNotHot(use: CommandUse): void {
    const hot = use.cliques.findIndex((clique) => this.#env.slots.cliques.isHot(clique));
    if (hot >= 0) throw argumentFault(hot, 'INVALID_ARGUMENT_TO_PRIVATE_ENTRY_FUNCTION');
  }

  #typeArguments(callee: LoadedFunction, texts: readonly string[]): Type[] {
    const { loader } = this.#env;
    if (texts.length !== callee.typeParameters.length) {
      throw new ExecutionFailure(
        { kind: 'TYPE_ARITY_MISMATCH' },
        `${callee.name} takes ${callee.typeParameters.length} type arguments, got ${texts.length}`,
      );
    }
    return texts.map((text, argument) => {
      const type = loader.resolveType(parseType(text));
      const satisfied =
        type !== null && loader.has(type, at(callee.typeParameters, argument, 'type parameter'));
      const fault =
        type === null
          ? 'TYPE_NOT_FOUND'
          : (loader.typeFault(type) ?? (satisfied ? null : 'CONSTRAINT_NOT_SATISFIED'));
      if (fault === null && type !== null) return type;
      throw typeArgumentFault(argument, fault ?? 'TYPE_NOT_FOUND');
    });
  }

  #returnTypes(callee: LoadedFunction, types: readonly Type[]): Type[] {
    return callee.returns.map((token, index) => {
      const type = callee.module.type(token, types);
      if (type.kind !== 'reference') return type;
      if (this.#env.unchecked) return type.target;
      throw new ExecutionFailure(
        { kind: 'INVALID_PUBLIC_FUNCTION_RETURN_TYPE', index },
        `${callee.name} returns a reference, which a transaction cannot hold`,
      );
    });
  }

  #collect(
    types: readonly Type[],
    values: readonly Value[],
    args: readonly Argument[],
    parameters: readonly Type[],
    borrowed: readonly (Ref | null)[],
  ): void {
    const { loader, collectOutputs } = this.#env;
    if (!collectOutputs) return;
    const returned = types.map((type, i) => ({
      type,
      bcs: encodeValue(loader, type, at(values, i, 'result')),
    }));
    const mutated = parameters.flatMap((parameter, i) => {
      const ref = borrowed[i] ?? null;
      if (parameter.kind !== 'reference' || !parameter.mutable || ref === null) return [];
      const { target: type } = parameter;
      return [{ argument: at(args, i, 'argument'), type, bcs: encodeValue(loader, type, ref.get()) }];
    });
    this.outputs.push({ returned, mutated });
  }

  #finish(types: readonly Type[], values: readonly Value[], use: CommandUse): void {
    this.#env.slots.addResults(types, values, use);
    this.#collect(types, values, [], [], []);
  }

  #transferObjects({ objects, address }: CommandOf<'TransferObjects'>, use: CommandUse): void {
    const { loader, runtime, slots } = this.#env;
    const taken = objects.map((argument, position) => {
      const slot = slots.slot(argument, position, ADDRESS);
      if (!loader.has(slot.type, Ability.key | Ability.store))
        throw argumentFault(position, 'INVALID_TRANSFER_OBJECT');
      return { type: slot.type, value: slots.takeSlot(slot, position, use) };
    });
    const recipient = slots.take(address, objects.length, ADDRESS, use) as string;
    for (const { type, value } of taken)
      runtime.transfer(type, value, { kind: 'address', address: recipient });
    this.#finish([], [], use);
  }

  /** Borrows a `Coin<T>` mutably: `Coin { id: UID, balance: Balance { value } }`. */
  #coin(argument: Argument, use: CommandUse): { type: Type; balance: [bigint] } {
    const { slots } = this.#env;
    const { type } = slots.slot(argument, 0, ADDRESS);
    if (coinTypeOf(type) === null) throw argumentFault(0, 'TYPE_MISMATCH');
    const value = slots.borrow(argument, 0, type, true, use).get();
    return { type, balance: (value as Value[])[1] as [bigint] };
  }

  #splitCoins({ coin, amounts }: CommandOf<'SplitCoins'>, use: CommandUse): void {
    const { runtime, slots } = this.#env;
    const source = this.#coin(coin, use);
    const values = amounts.map((argument, i): Value => {
      const amount = slots.take(argument, i + 1, U64, use) as bigint;
      if (amount > source.balance[0]) {
        throw new ExecutionFailure(
          { kind: 'INSUFFICIENT_COIN_BALANCE' },
          `The coin holds ${source.balance[0]}, less than the ${amount} to split off`,
        );
      }
      source.balance[0] -= amount;
      return [[[runtime.freshId()]], [amount]];
    });
    this.#finish(
      values.map(() => source.type),
      values,
      use,
    );
  }

  #mergeCoins({ destination, sources }: CommandOf<'MergeCoins'>, use: CommandUse): void {
    const { runtime, slots } = this.#env;
    const target = this.#coin(destination, use);
    for (const [i, argument] of sources.entries()) {
      const coin = slots.take(argument, i + 1, target.type, use);
      const sum = target.balance[0] + ((coin as Value[])[1] as [bigint])[0];
      if (sum > U64_MAX) {
        throw new ExecutionFailure(
          { kind: 'COIN_BALANCE_OVERFLOW' },
          'The merged coin would hold more than a u64',
        );
      }
      target.balance[0] = sum;
      runtime.deleteId(idOf(coin));
    }
    this.#finish([], [], use);
  }

  #makeMoveVec({ type, elements }: CommandOf<'MakeMoveVec'>, use: CommandUse): void {
    const { loader, slots } = this.#env;
    const [first] = elements;
    if (first === undefined && type === null) {
      throw new ExecutionFailure({ kind: 'ARITY_MISMATCH' }, 'MakeMoveVec needs a type or an element');
    }
    const element =
      type === null ? slots.slot(first as Argument, 0, ADDRESS).type : loader.resolveType(parseType(type));
    if (element === null) throw typeArgumentFault(0, 'TYPE_NOT_FOUND');
    const fault = loader.typeFault(element);
    if (fault !== null) throw typeArgumentFault(0, fault);
    if (type === null && !loader.has(element, Ability.key)) {
      throw argumentFault(0, 'INVALID_MAKE_MOVE_VEC_NON_OBJECT_ARGUMENT');
    }
    const items = elements.map((argument, i) => slots.take(argument, i, element, use));
    this.#finish([vectorOf(element)], [items], use);
  }

  #publish({ modules, dependencies }: CommandOf<'Publish'>, use: CommandUse): void {
    const { loader, machine, runtime, txContext } = this.#env;
    const bytecode = modules.map((text) => deserializeModule(fromBase64(text)));
    const id = runtime.nextId();
    const release = { id, originalId: id, version: 1n, origins: new Map<string, Address>() };
    const linked = this.#keep(publishPackage(loader, release, bytecode, dependencies));
    for (const module of linked.modules.values()) {
      const init = module.functions.get('init');
      if (init === undefined) continue;
      runtime.emitter = { packageId: id, module: module.name };
      // A one-time witness is a struct of the compiler's dummy bool.
      const witness: Value[] = init.parameters.length === 2 ? [[true]] : [];
      machine.call(init, [], [...witness, new Ref([txContext], 0)]);
    }
    // UpgradeCap { id: UID, package: ID, version: 1, policy: 0 (compatible) }
    this.#finish([UPGRADE_CAP], [[[[runtime.freshId()]], [id], 1n, 0]], use);
  }

  #upgrade(command: CommandOf<'Upgrade'>, use: CommandUse): void {
    const { loader, runtime, slots, store } = this.#env;
    const ticket = ticketOf(slots.take(command.ticket, 0, UPGRADE_TICKET, use));
    const before = loader.packageNamed(ticket.package);
    const published = upgradePackage(loader, store, {
      package: fullAddress(command.package),
      modules: command.modules.map(fromBase64),
      dependencies: command.dependencies,
      ticket,
      nextId: () => runtime.nextId(),
    });
    const linked = this.#keep(published);
    const known = new Set(before?.modules.map(moduleName));
    for (const { name, functions } of linked.modules.values()) {
      if (!known.has(name) && functions.has('init')) throw unsupported('`init` in new modules of an upgrade');
    }
    // UpgradeReceipt { cap: ID, package: ID }
    this.#finish([UPGRADE_RECEIPT], [[[ticket.cap], [published.code.id]]], use);
  }

  /** Notes a package that the loader holds: it goes again if the transaction fails. */
  #keep({ code, record }: Published): LinkedPackage {
    this.published.push(code);
    this.packages.push(record);
    const linked = this.#env.loader.linked(code.id, code.linkage);
    if (linked === undefined) throw invariantViolated(`package ${code.id} is not loaded`);
    return linked;
  }
}

function typeArgumentFault(
  argument: number,
  fault: 'TYPE_NOT_FOUND' | 'CONSTRAINT_NOT_SATISFIED',
): ExecutionFailure {
  const what = fault.toLowerCase().replaceAll('_', ' ');
  return new ExecutionFailure(
    { kind: 'TYPE_ARGUMENT_ERROR', argument, fault },
    `Type argument ${argument}: ${what}`,
  );
}
