import { bcs } from '@mysten/sui/bcs';
import type { Transaction } from '@mysten/sui/transactions';
import { fromBase64, toBase64 } from '@mysten/sui/utils';

import type { Ledger } from '../index.ts';
import { person, type Direct, type Person } from './direct.ts';
import { compileUpgrade, type Compiled } from './packages.ts';

export type Data = Extract<typeof bcs.TransactionData.$inferType, { V1: unknown }>['V1'];
type Program = Extract<Data['kind'], { $kind: 'ProgrammableTransaction' }>['ProgrammableTransaction'];
type Command = Program['commands'][number];
type Input = Program['inputs'][number];
type Argument = Extract<Command, { $kind: 'TransferObjects' }>['TransferObjects']['address'];

/** Reproducible randomness: xorshift32. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** An integer below `limit`. */
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % Math.max(1, limit);
  }

  /** Once in `n`. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** What the fuzzer begins with: packages, objects, functions. */
export interface Arena {
  readonly direct: Direct;
  readonly base: Compiled;
  readonly next: Compiled;
  readonly baseId: string;
  readonly cap: string;
  /** Somebody whom nothing happens to. */
  readonly keeper: Person;
  /** Everything callable of the packages that are known to be sound, and of the framework. */
  readonly functions: readonly (readonly [
    id: string,
    module: string,
    name: string,
    args: number,
    types: number,
  ])[];
}

export async function createArena(direct: Direct): Promise<Arena> {
  const [base, next] = [await compileUpgrade('v1'), await compileUpgrade('v2')];
  const { run, created, user } = direct;
  const keeper = person(3);
  direct.ledger.faucet(keeper.address, 10_000_000n);
  const published = await run((tx) => {
    const cap = tx.publish({ modules: base.modules.map(toBase64), dependencies: [...base.dependencies] });
    tx.transferObjects([cap], user.address);
  });
  const baseId = created(published, 'package');
  await run((tx) => {
    const made = [1, 2, 3].map((n) =>
      tx.moveCall({ target: `${direct.packageId}::counter::ticket`, arguments: [tx.pure.u64(n)] }),
    );
    const [own, shared, party] = made;
    const item = tx.moveCall({ target: `${baseId}::vault::item`, arguments: [tx.pure.u64(3)] });
    if (own === undefined || shared === undefined || party === undefined) return;
    const type = [`${direct.packageId}::counter::Ticket`];
    const [small, large] = tx.splitCoins(tx.gas, [50_000_000, 60_000_000]);
    tx.transferObjects([own, item, small, large], user.address);
    tx.moveCall({ target: '0x2::transfer::public_share_object', typeArguments: type, arguments: [shared] });
    const to = tx.moveCall({
      target: '0x2::party::single_owner',
      arguments: [tx.pure.address(user.address)],
    });
    tx.moveCall({
      target: '0x2::transfer::public_party_transfer',
      typeArguments: type,
      arguments: [party, to],
    });
  });
  const ids = ['0x1', '0x2'].map((id) => `0x${id.slice(2).padStart(64, '0')}`);
  const functions = [...ids, direct.packageId, baseId].flatMap((id) => functionsOf(direct.ledger, id));
  return { direct, base, next, baseId, keeper, cap: created(published, '::package::UpgradeCap'), functions };
}

function functionsOf({ loader }: Ledger, id: string): Arena['functions'] {
  const names = loader.packageNamed(id)?.linkage;
  if (names === undefined) return [];
  const linked = loader.linked(id, names);
  return [...(linked?.modules.values() ?? [])].flatMap((module) =>
    [...module.functions.values()]
      .filter(({ visibility, isEntry }) => visibility === 'Public' || isEntry)
      .map(
        ({ name, parameters, typeParameters }) =>
          [id, module.name, name, parameters.length, typeParameters.length] as const,
      ),
  );
}

/** Transactions that are right, for the state as it is. */
const SOUND: readonly ((tx: Transaction, arena: Arena, dice: Dice) => void)[] = [
  (tx, { direct }, dice) => {
    const [a, b] = tx.splitCoins(tx.gas, [dice.below(1_000), dice.below(1_000)]);
    tx.transferObjects([a, b], direct.stranger.address);
  },
  (tx, { direct }, dice) => {
    const args = [direct.input(tx, direct.counterId), tx.pure.u64(dice.below(20)), tx.object.clock()];
    args[2] = tx.sharedObjectRef({ objectId: '0x6', initialSharedVersion: 1, mutable: false });
    tx.moveCall({ target: `${direct.packageId}::counter::add`, arguments: args });
  },
  (tx, { direct }, dice) => {
    const made = tx.moveCall({
      target: `${direct.packageId}::counter::ticket`,
      arguments: [tx.pure.u64(dice.below(9))],
    });
    tx.moveCall({
      target: `${direct.packageId}::counter::${dice.pick(['tear', 'wrap', 'freeze_ticket'])}`,
      arguments: [made],
    });
  },
  (tx, { direct }, dice) => {
    const owned = objectsOf(direct, '::Ticket');
    if (owned.length === 0) return;
    const args = [
      direct.input(tx, dice.pick(owned)),
      tx.pure.string('k'),
      tx.pure.string('v'.repeat(dice.below(40))),
    ];
    tx.moveCall({ target: `${direct.packageId}::counter::note`, arguments: args });
  },
  (tx, { direct, baseId }, dice) => {
    const owned = objectsOf(direct, '::vault::Item');
    if (owned.length === 0) return;
    tx.moveCall({
      target: `${baseId}::vault::tag`,
      typeArguments: ['u64'],
      arguments: [direct.input(tx, dice.pick(owned)), tx.pure.u64(dice.below(1_000_000)), tx.pure.u64(1)],
    });
  },
  (tx, { direct }) => {
    const coins = objectsOf(direct, '::coin::Coin<').slice(-2);
    const [first, second] = coins.filter(
      (id) => !tx.getData().gasData.payment?.some(({ objectId }) => objectId === id),
    );
    if (first === undefined || second === undefined) return;
    const inputs = [first, second].map((id) => direct.input(tx, id));
    const vector = tx.makeMoveVec({ elements: inputs });
    const coin = '0x2::coin::Coin<0x2::sui::SUI>';
    const popped = tx.moveCall({
      target: '0x1::vector::pop_back',
      typeArguments: [coin],
      arguments: [vector],
    });
    const other = tx.moveCall({
      target: '0x1::vector::pop_back',
      typeArguments: [coin],
      arguments: [vector],
    });
    tx.moveCall({ target: '0x1::vector::destroy_empty', typeArguments: [coin], arguments: [vector] });
    tx.mergeCoins(tx.gas, [popped]);
    tx.transferObjects([other], direct.user.address);
  },
  (tx, { direct }, dice) => {
    // Balances inside a table inside an object of its own: SUI that no coin holds.
    const balance = tx.moveCall({
      target: '0x2::coin::into_balance',
      typeArguments: ['0x2::sui::SUI'],
      arguments: [tx.splitCoins(tx.gas, [dice.below(5_000) + 1])],
    });
    const types = ['u64', '0x2::balance::Balance<0x2::sui::SUI>'];
    const table = tx.moveCall({ target: '0x2::table::new', typeArguments: types });
    tx.moveCall({
      target: '0x2::table::add',
      typeArguments: types,
      arguments: [table, tx.pure.u64(1), balance],
    });
    tx.transferObjects([table], direct.user.address);
  },
  (tx, { base, direct }) => {
    const cap = tx.publish({ modules: base.modules.map(toBase64), dependencies: [...base.dependencies] });
    tx.transferObjects([cap], direct.user.address);
  },
  (tx, { direct, cap, next, baseId }) => {
    const ticket = tx.moveCall({
      target: '0x2::package::authorize_upgrade',
      arguments: [direct.input(tx, cap), tx.pure.u8(0), tx.pure.vector('u8', Array.from(next.digest))],
    });
    const modules = next.modules.map(toBase64);
    const receipt = tx.upgrade({ modules, dependencies: [...next.dependencies], package: baseId, ticket });
    tx.moveCall({ target: '0x2::package::commit_upgrade', arguments: [direct.input(tx, cap), receipt] });
  },
];

function objectsOf({ ledger, user }: Direct, type: string): string[] {
  return ledger.objects
    .ownedBy('address', user.address)
    .filter((record) => record.type.key.includes(type))
    .map(({ id }) => id);
}

/** Whether the user can still pay: some transactions give all away. */
export function hasFunds({ direct: { ledger, user } }: Arena): boolean {
  return ledger.objects
    .ownedBy('address', user.address)
    .some(
      ({ owner, contents, type }) =>
        owner.kind === 'address' &&
        type.key.endsWith('::sui::SUI>') &&
        contents.length === 40 &&
        Buffer.from(contents).readBigUInt64LE(32) > 10_000_000n,
    );
}

/** A right transaction. */
export async function soundTransaction(arena: Arena, dice: Dice): Promise<Data> {
  const bytes = await arena.direct.build((tx) => {
    dice.pick(SOUND)(tx, arena, dice);
  });
  return bcs.TransactionData.parse(bytes).V1;
}

function programOf(data: Data): Program {
  if (data.kind.$kind !== 'ProgrammableTransaction') throw new TypeError('not programmable');
  return data.kind.ProgrammableTransaction;
}

const TYPES = [
  'u8',
  'u64',
  'u256',
  'bool',
  'address',
  'vector<u8>',
  'vector<vector<u64>>',
  '0x1::string::String',
  '0x1::option::Option<u64>',
  '0x2::sui::SUI',
  '0x2::coin::Coin<0x2::sui::SUI>',
  '0x2::balance::Balance<0x2::sui::SUI>',
  '0x2::object::ID',
  '0x2::table::Table<u64,u64>',
  '0x2::package::UpgradeCap',
  '0x2::nowhere::Nothing',
];

/** Damages a transaction in one way. Returns whether it touched bytecode. */
export function damage(data: Data, arena: Arena, dice: Dice): boolean {
  const program = programOf(data);
  switch (dice.below(9)) {
    case 0:
      editArgument(program, dice);
      return false;
    case 1:
      editTypes(program, arena, dice);
      return false;
    case 2:
      editInput(program, arena, dice);
      return false;
    case 3:
      editCommands(program, arena, dice);
      return false;
    case 4:
      editGas(data, arena, dice);
      return false;
    case 5:
      return editPackages(program, arena, dice);
    case 6:
      editCall(program, arena, dice);
      return false;
    case 7:
      program.commands.push(randomCall(program, arena, dice));
      return false;
    default:
      if (dice.once(2)) data.sender = arena.direct.stranger.address;
      else program.inputs.push(randomInput(arena, dice));
      return false;
  }
}

function randomArgument(program: Program, dice: Dice): Argument {
  switch (dice.below(6)) {
    case 0:
      return { $kind: 'GasCoin', GasCoin: true };
    case 1:
      return { $kind: 'Result', Result: dice.below(program.commands.length + 2) };
    case 2:
      return {
        $kind: 'NestedResult',
        NestedResult: [dice.below(program.commands.length + 2), dice.below(3)],
      };
    default:
      return { $kind: 'Input', Input: dice.below(program.inputs.length + 1) };
  }
}

/** The argument lists of a command. */
function argumentsOf(command: Command): Argument[] {
  switch (command.$kind) {
    case 'MoveCall':
      return command.MoveCall.arguments;
    case 'TransferObjects':
      return command.TransferObjects.objects;
    case 'SplitCoins':
      return command.SplitCoins.amounts;
    case 'MergeCoins':
      return command.MergeCoins.sources;
    case 'MakeMoveVec':
      return command.MakeMoveVec.elements;
    case 'Publish':
    case 'Upgrade':
      return [];
  }
}

function editArgument(program: Program, dice: Dice): void {
  if (program.commands.length === 0) return;
  const command = dice.pick(program.commands);
  const args = argumentsOf(command);
  const index = dice.below(args.length + 1);
  if (dice.once(4)) args.splice(index, 1);
  else args[index] = randomArgument(program, dice);
  if (!dice.once(3)) return;
  if (command.$kind === 'SplitCoins') command.SplitCoins.coin = randomArgument(program, dice);
  if (command.$kind === 'MergeCoins') command.MergeCoins.destination = randomArgument(program, dice);
  if (command.$kind === 'TransferObjects') command.TransferObjects.address = randomArgument(program, dice);
  if (command.$kind === 'Upgrade') command.Upgrade.ticket = randomArgument(program, dice);
}

function randomType({ direct, baseId }: Arena, dice: Dice): string {
  const own = [`${direct.packageId}::counter::Ticket`, `${baseId}::vault::Item`, `${baseId}::vault::Shape`];
  const type = dice.pick([...TYPES, ...own]);
  if (dice.once(6)) return `vector<${type}>`;
  return dice.once(8) ? `${baseId}::vault::Pair<${type},u8>` : type;
}

function editTypes(program: Program, arena: Arena, dice: Dice): void {
  for (const command of program.commands) {
    if (command.$kind === 'MoveCall' && !dice.once(3)) {
      const { typeArguments } = command.MoveCall;
      if (dice.once(3)) typeArguments.push(randomType(arena, dice));
      else if (dice.once(4)) typeArguments.pop();
      else typeArguments[dice.below(typeArguments.length + 1)] = randomType(arena, dice);
    }
    if (command.$kind === 'MakeMoveVec')
      command.MakeMoveVec.type = dice.once(3) ? null : randomType(arena, dice);
  }
}

function randomInput({ direct }: Arena, dice: Dice): Input {
  if (dice.once(2))
    return { $kind: 'Pure', Pure: { bytes: toBase64(dice.bytes(dice.pick([0, 1, 2, 8, 32, 33, 300]))) } };
  const records = [...direct.ledger.objects.all()];
  const { id, version, digest, owner } = dice.pick(records);
  const ref = { objectId: id, version: String(dice.once(5) ? version + 1n : version), digest };
  switch (dice.below(4)) {
    case 0:
      return { $kind: 'Object', Object: { $kind: 'Receiving', Receiving: ref } };
    case 1: {
      const since =
        owner.kind === 'shared'
          ? owner.initialVersion
          : owner.kind === 'party'
            ? owner.startVersion
            : version;
      const SharedObject = { objectId: id, initialSharedVersion: String(since), mutable: dice.once(2) };
      return { $kind: 'Object', Object: { $kind: 'SharedObject', SharedObject } };
    }
    default:
      return { $kind: 'Object', Object: { $kind: 'ImmOrOwnedObject', ImmOrOwnedObject: ref } };
  }
}

function editInput(program: Program, arena: Arena, dice: Dice): void {
  const { inputs } = program;
  const index = dice.below(inputs.length + 1);
  const input = inputs[index];
  if (input?.$kind === 'Pure' && !dice.once(4)) {
    const bytes = fromBase64(input.Pure.bytes);
    if (bytes.length > 0) bytes[dice.below(bytes.length)] = dice.below(256);
    input.Pure.bytes = toBase64(dice.once(3) ? Uint8Array.from([...bytes, ...dice.bytes(3)]) : bytes);
  } else if (input?.$kind === 'Object' && input.Object.$kind === 'SharedObject' && dice.once(2)) {
    input.Object.SharedObject.mutable = !input.Object.SharedObject.mutable;
  } else if (dice.once(5)) inputs.splice(index, 1);
  else inputs[index] = randomInput(arena, dice);
}

function editCommands(program: Program, arena: Arena, dice: Dice): void {
  const { commands } = program;
  const [a, b] = [dice.below(commands.length), dice.below(commands.length)];
  const [first, second] = [commands[a], commands[b]];
  if (first === undefined || second === undefined) commands.push(randomCall(program, arena, dice));
  else if (dice.once(3)) commands.splice(a, 1);
  else if (dice.once(2)) commands.splice(b, 0, structuredClone(first));
  else [commands[a], commands[b]] = [second, first];
}

function randomCall(program: Program, { functions, direct, baseId }: Arena, dice: Dice): Command {
  const arena = { direct, baseId } as Arena;
  const [id, module, name, args, types] = dice.pick(functions);
  return {
    $kind: 'MoveCall',
    MoveCall: {
      package: id,
      module,
      function: name,
      typeArguments: Array.from({ length: types }, () => randomType(arena, dice)),
      arguments: Array.from({ length: dice.once(2) ? args : Math.max(0, args - 1) }, () =>
        randomArgument(program, dice),
      ),
    },
  };
}

function editCall(program: Program, { functions, direct }: Arena, dice: Dice): void {
  const calls = program.commands.flatMap((command) =>
    command.$kind === 'MoveCall' ? [command.MoveCall] : [],
  );
  if (calls.length === 0) return;
  const call = dice.pick(calls);
  const [id, module, name] = dice.pick(functions);
  switch (dice.below(4)) {
    case 0:
      call.package = dice.pick([id, direct.counterId, `0x${'9'.repeat(64)}`]);
      return;
    case 1:
      call.module = dice.pick([module, '', 'a b', 'x'.repeat(300)]);
      return;
    case 2:
      call.function = dice.pick([name, 'init', '', 'é']);
      return;
    default:
      Object.assign(call, { package: id, module, function: name });
  }
}

function editGas(data: Data, { direct }: Arena, dice: Dice): void {
  const { gasData } = data;
  const numbers = ['0', '1', '999', '1000', '1000000', '50000000000', '18446744073709551615'];
  switch (dice.below(6)) {
    case 0:
      gasData.price = dice.pick(numbers);
      return;
    case 1:
      gasData.budget = dice.pick(numbers);
      return;
    case 2:
      gasData.owner = direct.stranger.address;
      return;
    case 3:
      gasData.payment = [...gasData.payment, ...gasData.payment].slice(dice.below(2));
      return;
    case 4:
      gasData.payment = direct.ledger.objects
        .ownedBy('address', direct.user.address)
        .map(({ id, version, digest }) => ({ objectId: id, version: version.toString(), digest }))
        .slice(0, dice.below(6));
      return;
    default:
      data.expiration = { $kind: 'Epoch', Epoch: dice.below(3) };
  }
}

function editPackages(program: Program, { direct, baseId }: Arena, dice: Dice): boolean {
  const packages = program.commands.flatMap((command) =>
    command.$kind === 'Publish' ? [command.Publish] : command.$kind === 'Upgrade' ? [command.Upgrade] : [],
  );
  if (packages.length === 0) return false;
  const one = dice.pick(packages);
  if (dice.once(3)) {
    const ids = [direct.packageId, baseId, direct.counterId, '0x1', `0x${'9'.repeat(64)}`];
    if (dice.once(2)) one.dependencies.splice(dice.below(one.dependencies.length), 1);
    else one.dependencies.push(dice.pick(ids));
    return false;
  }
  const index = dice.below(one.modules.length);
  const bytes = fromBase64(one.modules[index] ?? '');
  if (bytes.length === 0) return false;
  if (dice.once(5)) one.modules.push(toBase64(bytes));
  else if (dice.once(6)) one.modules[index] = toBase64(bytes.slice(0, dice.below(bytes.length)));
  else {
    for (let i = 0; i <= dice.below(3); i += 1) bytes[dice.below(bytes.length)] = dice.below(256);
    one.modules[index] = toBase64(bytes);
  }
  return true;
}

/** Damages bytes: a bit, a cut, some more, a part doubled. */
export function damageBytes(bytes: Uint8Array, dice: Dice): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = dice.below(copy.length);
  switch (dice.below(5)) {
    case 0:
      return copy.slice(0, at);
    case 1:
      return Uint8Array.from([...copy, ...dice.bytes(1 + dice.below(9))]);
    case 2:
      return Uint8Array.from([...copy.slice(0, at), ...copy.slice(Math.max(0, at - 8))]);
    default:
      copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8));
      return copy;
  }
}
