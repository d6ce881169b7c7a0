import { bcs } from '@mysten/sui/bcs';
import { GrpcTypes } from '@mysten/sui/grpc';
import { toBase64 } from '@mysten/sui/utils';

import { LedgerError } from '../chain/errors.ts';
import { feeAt, PAYMENT_COINS_MAX, REFERENCE_GAS_PRICE } from '../chain/gas.ts';
import type { Ledger } from '../chain/ledger.ts';
import { coinBalance, SUI_COIN, SUI_ID, type MoveObjectRecord } from '../chain/objects.ts';
import type { ObjectRef, TransactionData } from '../chain/transaction.ts';
import { fullAddress, isDatatype, type Type } from '../vm/types.ts';

type TransactionInput = Extract<typeof bcs.TransactionData.$inferInput, { V1: unknown }>['V1'];
type ProgramInput = Extract<
  TransactionInput['kind'],
  { ProgrammableTransaction: unknown }
>['ProgrammableTransaction'];
type CallArgInput = ProgramInput['inputs'] extends Iterable<infer T> ? T : never;
type CommandInput = ProgramInput['commands'] extends Iterable<infer T> ? T : never;
type ArgumentInput = Extract<CommandInput, { TransferObjects: unknown }>['TransferObjects']['address'];

function bad(message: string): LedgerError {
  return new LedgerError('INPUT_INVALID', message);
}

function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw bad(`missing ${field}`);
  return value;
}

function argumentInput(argument: GrpcTypes.Argument | undefined): ArgumentInput {
  const { ARGUMENT_KIND_UNKNOWN, GAS, INPUT, RESULT } = GrpcTypes.Argument_ArgumentKind;
  switch (argument?.kind ?? ARGUMENT_KIND_UNKNOWN) {
    case GAS:
      return { GasCoin: null };
    case INPUT:
      return { Input: required(argument?.input, 'argument.input') };
    case RESULT: {
      const result = required(argument?.result, 'argument.result');
      return argument?.subresult === undefined
        ? { Result: result }
        : { NestedResult: [result, argument.subresult] };
    }
    case ARGUMENT_KIND_UNKNOWN:
      throw bad('argument of unknown kind');
  }
}

function commandInput({ command }: GrpcTypes.Command): CommandInput {
  switch (command.oneofKind) {
    case 'moveCall': {
      const { package: id, module, function: name, typeArguments, arguments: args } = command.moveCall;
      return {
        MoveCall: {
          package: required(id, 'move_call.package'),
          module: required(module, 'move_call.module'),
          function: required(name, 'move_call.function'),
          typeArguments,
          arguments: args.map(argumentInput),
        },
      };
    }
    case 'transferObjects': {
      const { objects, address } = command.transferObjects;
      return { TransferObjects: { objects: objects.map(argumentInput), address: argumentInput(address) } };
    }
    case 'splitCoins': {
      const { coin, amounts } = command.splitCoins;
      return { SplitCoins: { coin: argumentInput(coin), amounts: amounts.map(argumentInput) } };
    }
    case 'mergeCoins': {
      const { coin, coinsToMerge } = command.mergeCoins;
      return { MergeCoins: { destination: argumentInput(coin), sources: coinsToMerge.map(argumentInput) } };
    }
    case 'publish':
      return {
        Publish: {
          modules: command.publish.modules.map(toBase64),
          dependencies: command.publish.dependencies,
        },
      };
    case 'makeMoveVector': {
      const { elementType, elements } = command.makeMoveVector;
      return { MakeMoveVec: { type: elementType ?? null, elements: elements.map(argumentInput) } };
    }
    case 'upgrade': {
      const { modules, dependencies, package: id, ticket } = command.upgrade;
      return {
        Upgrade: {
          modules: modules.map(toBase64),
          dependencies,
          package: required(id, 'upgrade.package'),
          ticket: argumentInput(ticket),
        },
      };
    }
    case undefined:
      throw bad('command of unknown kind');
  }
}

/** How the commands of a transaction use one of its inputs. */
interface InputUse {
  readonly mutable: boolean;
  readonly receiving: boolean;
}

/** Looks at the signatures of the called functions: an input is mutable unless only `&T` parameters take it. */
function inputUse(ledger: Ledger, commands: readonly GrpcTypes.Command[], index: number): InputUse {
  const isInput = (argument: GrpcTypes.Argument | undefined): boolean =>
    argument?.kind === GrpcTypes.Argument_ArgumentKind.INPUT && argument.input === index;
  let mutable = false;
  let receiving = false;
  for (const { command } of commands) {
    if (command.oneofKind !== 'moveCall') {
      mutable ||= mentions(command, isInput);
      continue;
    }
    const { package: id = '', module = '', function: name = '', arguments: args } = command.moveCall;
    const callee = ledger.loader.moduleNamed(fullAddress(id), module)?.functions.get(name);
    if (callee === undefined) throw bad(`Function ${id}::${module}::${name} does not exist`);
    for (const [position, argument] of args.entries()) {
      const token = callee.parameters[position];
      if (!isInput(argument) || token === undefined) continue;
      mutable ||= typeof token === 'string' || !('Reference' in token);
      receiving ||=
        typeof token === 'object' &&
        'DatatypeInstantiation' in token &&
        isReceiving(callee.module.type(token, ANY));
    }
  }
  return { mutable, receiving };
}

/** Stand-ins for type arguments where only the outer type matters. */
const ANY: readonly Type[] = Array.from({ length: 32 }, () => SUI_COIN);

function isReceiving(type: Type): boolean {
  return isDatatype(type, SUI_ID, 'transfer', 'Receiving');
}

function mentions(
  command: Exclude<GrpcTypes.Command['command'], { oneofKind: 'moveCall' }>,
  test: (argument: GrpcTypes.Argument | undefined) => boolean,
): boolean {
  switch (command.oneofKind) {
    case 'transferObjects':
      return command.transferObjects.objects.some(test);
    case 'splitCoins':
      return test(command.splitCoins.coin);
    case 'mergeCoins':
      return test(command.mergeCoins.coin) || command.mergeCoins.coinsToMerge.some(test);
    case 'makeMoveVector':
      return command.makeMoveVector.elements.some(test);
    case 'upgrade':
      return test(command.upgrade.ticket);
    case 'publish':
    case undefined:
      return false;
  }
}

function refInput(input: GrpcTypes.Input): { objectId: string; version: bigint; digest: string } {
  return {
    objectId: required(input.objectId, 'input.object_id'),
    version: required(input.version, 'input.version'),
    digest: required(input.digest, 'input.digest'),
  };
}

function callArgInput(ledger: Ledger, input: GrpcTypes.Input, use: () => InputUse): CallArgInput {
  const { INPUT_KIND_UNKNOWN, PURE, IMMUTABLE_OR_OWNED, SHARED, RECEIVING, FUNDS_WITHDRAWAL } =
    GrpcTypes.Input_InputKind;
  switch (input.kind ?? INPUT_KIND_UNKNOWN) {
    case PURE:
      return { Pure: { bytes: toBase64(required(input.pure, 'input.pure')) } };
    case IMMUTABLE_OR_OWNED:
      return { Object: { ImmOrOwnedObject: refInput(input) } };
    case RECEIVING:
      return { Object: { Receiving: refInput(input) } };
    case SHARED: {
      const objectId = required(input.objectId, 'input.object_id');
      const initialSharedVersion = required(input.version, 'input.version');
      return {
        Object: { SharedObject: { objectId, initialSharedVersion, mutable: input.mutable ?? use().mutable } },
      };
    }
    case FUNDS_WITHDRAWAL:
      throw new LedgerError('UNSUPPORTED', 'Funds withdrawal inputs are not supported');
    case INPUT_KIND_UNKNOWN:
      return unresolvedInput(ledger, input, use);
  }
}

/** An input of which the client knows only the id (or only bytes). */
function unresolvedInput(ledger: Ledger, input: GrpcTypes.Input, use: () => InputUse): CallArgInput {
  if (input.pure !== undefined) return { Pure: { bytes: toBase64(input.pure) } };
  if (input.literal !== undefined) throw new LedgerError('UNSUPPORTED', 'Literal inputs are not supported');
  const id = fullAddress(required(input.objectId, 'input.object_id'));
  const record = ledger.objects.get(id);
  if (record === undefined) throw new LedgerError('OBJECT_NOT_FOUND', `Object ${id} not found`);
  if (record.owner.kind === 'shared' || record.owner.kind === 'party') {
    const { owner } = record;
    const initialSharedVersion = owner.kind === 'shared' ? owner.initialVersion : owner.startVersion;
    return {
      Object: {
        SharedObject: { objectId: id, initialSharedVersion, mutable: input.mutable ?? use().mutable },
      },
    };
  }
  const version = input.version ?? record.version;
  const ref = { objectId: id, version, digest: input.digest ?? record.digest };
  return use().receiving ? { Object: { Receiving: ref } } : { Object: { ImmOrOwnedObject: ref } };
}

function expirationInput(
  expiration: GrpcTypes.TransactionExpiration | undefined,
): TransactionInput['expiration'] {
  const Kind = GrpcTypes.TransactionExpiration_TransactionExpirationKind;
  switch (expiration?.kind ?? Kind.NONE) {
    case Kind.NONE:
    case Kind.TRANSACTION_EXPIRATION_KIND_UNKNOWN:
      return { None: null };
    case Kind.EPOCH:
      return { Epoch: Number(required(expiration?.epoch, 'expiration.epoch')) };
    case Kind.VALID_DURING: {
      const { minEpoch = null, epoch: maxEpoch = null, chain = '', nonce = 0 } = expiration ?? {};
      return { ValidDuring: { minEpoch, maxEpoch, minTimestamp: null, maxTimestamp: null, chain, nonce } };
    }
    case Kind.VALIDITY:
      throw new LedgerError('UNSUPPORTED', 'Expiration of kind Validity is not supported');
  }
}

/**
 * Completes a transaction that a client built by ids only: versions and kinds of inputs, gas price, budget and coins.
 * This is what `Transaction.build({ client })` asks of SimulateTransaction.
 */
export function resolveTransaction(
  ledger: Ledger,
  transaction: GrpcTypes.Transaction,
  selectGas: boolean,
): TransactionData {
  if (transaction.bcs?.value !== undefined) return bcs.TransactionData.parse(transaction.bcs.value).V1;
  const data = transaction.kind?.data;
  if (data?.oneofKind !== 'programmableTransaction') {
    throw new LedgerError('UNSUPPORTED', 'Only programmable transactions are supported');
  }
  const { inputs, commands } = data.programmableTransaction;
  const ProgrammableTransaction: ProgramInput = {
    inputs: inputs.map((input, index) =>
      callArgInput(ledger, input, () => inputUse(ledger, commands, index)),
    ),
    commands: commands.map(commandInput),
  };
  const sender = fullAddress(required(transaction.sender, 'sender'));
  const gas = transaction.gasPayment;
  const price = gas?.price ?? REFERENCE_GAS_PRICE;
  const budget = gas?.budget ?? feeAt(price);
  const owner = fullAddress(gas?.owner ?? sender);
  const given = (gas?.objects ?? []).map(({ objectId, version, digest }) => ({
    objectId: required(objectId, 'gas object id'),
    version: required(version, 'gas object version').toString(),
    digest: required(digest, 'gas object digest'),
  }));
  const payment =
    given.length > 0 || !selectGas ? given : selectCoins(ledger, owner, budget, inputs, commands);
  const v1: TransactionInput = {
    kind: { ProgrammableTransaction },
    sender,
    gasData: { payment, owner, price, budget },
    expiration: expirationInput(transaction.expiration),
  };
  // Through BCS and back: so that what is simulated is what would be signed.
  return bcs.TransactionData.parse(bcs.TransactionData.serialize({ V1: v1 }, { maxSize: 1 << 20 }).toBytes())
    .V1;
}

/** The owner's largest SUI coins that are not inputs: enough for the budget, or all if commands use the gas coin. */
function selectCoins(
  ledger: Ledger,
  owner: string,
  budget: bigint,
  inputs: readonly GrpcTypes.Input[],
  commands: readonly GrpcTypes.Command[],
): ObjectRef[] {
  const used = new Set(
    inputs.flatMap(({ objectId }) => (objectId === undefined ? [] : [fullAddress(objectId)])),
  );
  const coins = ledger.objects
    .ownedBy('address', owner)
    .filter(
      ({ id, owner: { kind }, type }) => kind === 'address' && type.key === SUI_COIN.key && !used.has(id),
    )
    .sort((a, b) => (coinBalance(a) < coinBalance(b) ? 1 : -1));
  const takeAll = commands.some(usesGasCoin);
  const chosen: MoveObjectRecord[] = [];
  let sum = 0n;
  for (const coin of coins) {
    if (chosen.length >= PAYMENT_COINS_MAX || (sum >= budget && !takeAll)) break;
    chosen.push(coin);
    sum += coinBalance(coin);
  }
  if (sum < budget) {
    throw new LedgerError(
      'GAS_INSUFFICIENT',
      `Unable to perform gas selection due to insufficient SUI balance for account ${owner} to satisfy required budget ${budget}.`,
    );
  }
  return chosen.map(({ id, version, digest }) => ({ objectId: id, version: version.toString(), digest }));
}

function usesGasCoin({ command }: GrpcTypes.Command): boolean {
  const isGas = (argument: GrpcTypes.Argument | undefined): boolean =>
    argument?.kind === GrpcTypes.Argument_ArgumentKind.GAS;
  return command.oneofKind === 'moveCall' ? command.moveCall.arguments.some(isGas) : mentions(command, isGas);
}
