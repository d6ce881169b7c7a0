import { GrpcTypes } from '@mysten/sui/grpc';
import { fromBase64, toBase58 } from '@mysten/sui/utils';

import type { ChangedObject, Effects, ExecutionStatus, ObjectVersion } from '../chain/effects.ts';
import { eventsBcs } from '../chain/effects.ts';
import type { Outcome } from '../chain/execute.ts';
import type { ExecutedTransaction } from '../chain/history.ts';
import type { EmittedEvent } from '../chain/object-runtime.ts';
import type { Argument, CallArg, Command, ParsedTransaction, TransactionData } from '../chain/transaction.ts';
import type { CleverError } from '../vm/clever-error.ts';
import { isPlainFailure, type Failure, type MoveLocation, type UpgradeFault } from '../vm/failure.ts';
import type { Selection } from './mask.ts';
import { protoOwner, protoTimestamp, type Partial } from './proto-objects.ts';

const { Argument_ArgumentKind: ArgumentKind, Input_InputKind: InputKind } = GrpcTypes;

function protoArgument(argument: Argument): Partial<typeof GrpcTypes.Argument> {
  switch (argument.$kind) {
    case 'GasCoin':
      return { kind: ArgumentKind.GAS };
    case 'Input':
      return { kind: ArgumentKind.INPUT, input: argument.Input };
    case 'Result':
      return { kind: ArgumentKind.RESULT, result: argument.Result };
    case 'NestedResult':
      return {
        kind: ArgumentKind.RESULT,
        result: argument.NestedResult[0],
        subresult: argument.NestedResult[1],
      };
  }
}

function protoInput(input: CallArg): Partial<typeof GrpcTypes.Input> {
  if (input.$kind === 'Pure') return { kind: InputKind.PURE, pure: fromBase64(input.Pure.bytes) };
  if (input.$kind === 'FundsWithdrawal') return { kind: InputKind.FUNDS_WITHDRAWAL };
  const { Object: object } = input;
  if (object.$kind === 'SharedObject') {
    const { objectId, initialSharedVersion, mutable } = object.SharedObject;
    return { kind: InputKind.SHARED, objectId, version: BigInt(initialSharedVersion), mutable };
  }
  const receiving = object.$kind === 'Receiving';
  const { objectId, version, digest } = receiving ? object.Receiving : object.ImmOrOwnedObject;
  const kind = receiving ? InputKind.RECEIVING : InputKind.IMMUTABLE_OR_OWNED;
  return { kind, objectId, version: BigInt(version), digest };
}

function protoCommand(command: Command): Partial<typeof GrpcTypes.Command> {
  switch (command.$kind) {
    case 'MoveCall': {
      const { arguments: args, ...call } = command.MoveCall;
      return {
        command: { oneofKind: 'moveCall', moveCall: { ...call, arguments: args.map(protoArgument) } },
      };
    }
    case 'TransferObjects': {
      const { objects, address } = command.TransferObjects;
      const transferObjects = { objects: objects.map(protoArgument), address: protoArgument(address) };
      return { command: { oneofKind: 'transferObjects', transferObjects } };
    }
    case 'SplitCoins': {
      const { coin, amounts } = command.SplitCoins;
      const splitCoins = { coin: protoArgument(coin), amounts: amounts.map(protoArgument) };
      return { command: { oneofKind: 'splitCoins', splitCoins } };
    }
    case 'MergeCoins': {
      const { destination, sources } = command.MergeCoins;
      const mergeCoins = { coin: protoArgument(destination), coinsToMerge: sources.map(protoArgument) };
      return { command: { oneofKind: 'mergeCoins', mergeCoins } };
    }
    case 'Publish': {
      const { modules, dependencies } = command.Publish;
      return {
        command: { oneofKind: 'publish', publish: { modules: modules.map(fromBase64), dependencies } },
      };
    }
    case 'MakeMoveVec': {
      const { type, elements } = command.MakeMoveVec;
      const makeMoveVector = {
        ...(type === null ? {} : { elementType: type }),
        elements: elements.map(protoArgument),
      };
      return { command: { oneofKind: 'makeMoveVector', makeMoveVector } };
    }
    case 'Upgrade': {
      const { modules, dependencies, package: id, ticket } = command.Upgrade;
      const upgrade = {
        modules: modules.map(fromBase64),
        dependencies,
        package: id,
        ticket: protoArgument(ticket),
      };
      return { command: { oneofKind: 'upgrade', upgrade } };
    }
  }
}

function protoExpiration(
  expiration: TransactionData['expiration'],
): Partial<typeof GrpcTypes.TransactionExpiration> {
  const { TransactionExpiration_TransactionExpirationKind: Kind } = GrpcTypes;
  if (expiration.$kind === 'Epoch') return { kind: Kind.EPOCH, epoch: BigInt(expiration.Epoch) };
  if (expiration.$kind === 'None') return { kind: Kind.NONE };
  const isValidity = expiration.$kind === 'Validity';
  const bounds = isValidity ? expiration.Validity : expiration.ValidDuring;
  const { minEpoch, maxEpoch, minTimestamp, maxTimestamp, chain, nonce } = bounds;
  return {
    kind: isValidity ? Kind.VALIDITY : Kind.VALID_DURING,
    ...(minTimestamp === null ? {} : { minTimestamp: protoTimestamp(BigInt(minTimestamp)) }),
    ...(maxTimestamp === null ? {} : { maxTimestamp: protoTimestamp(BigInt(maxTimestamp)) }),
    ...(minEpoch === null ? {} : { minEpoch: BigInt(minEpoch) }),
    ...(maxEpoch === null ? {} : { epoch: BigInt(maxEpoch) }),
    chain,
    nonce,
  };
}

function protoTransaction({
  data,
  program,
  bytes,
  digest,
}: ParsedTransaction): Partial<typeof GrpcTypes.Transaction> {
  const { owner, price, budget, payment } = data.gasData;
  const programmableTransaction = GrpcTypes.ProgrammableTransaction.create({
    inputs: program.inputs.map(protoInput),
    commands: program.commands.map(protoCommand),
  });
  return {
    bcs: { name: 'TransactionData', value: bytes },
    digest,
    version: 1,
    kind: {
      kind: GrpcTypes.TransactionKind_Kind.PROGRAMMABLE_TRANSACTION,
      data: { oneofKind: 'programmableTransaction', programmableTransaction },
    },
    sender: data.sender,
    gasPayment: {
      owner,
      price: BigInt(price),
      budget: BigInt(budget),
      objects: payment.map((ref) => ({ ...ref, version: BigInt(ref.version) })),
    },
    expiration: protoExpiration(data.expiration),
  };
}

function protoLocation(location: MoveLocation): Partial<typeof GrpcTypes.MoveLocation> {
  const { address, module, functionIndex, functionName, instruction } = location;
  return { package: address, module, function: functionIndex, functionName, instruction };
}

function protoClever({ line, errorCode, constantName, text }: CleverError): GrpcTypes.CleverError {
  return {
    lineNumber: BigInt(line),
    ...(errorCode === null ? {} : { errorCode: BigInt(errorCode) }),
    ...(constantName === null ? {} : { constantName }),
    ...(text === null ? {} : { constantType: 'vector<u8>' }),
    value: text === null ? { oneofKind: undefined } : { oneofKind: 'rendered', rendered: text },
  };
}

type ErrorDetails = GrpcTypes.ExecutionError['errorDetails'];

function protoUpgradeFault(fault: UpgradeFault): GrpcTypes.PackageUpgradeError {
  const kind = GrpcTypes.PackageUpgradeError_PackageUpgradeErrorKind[fault.kind];
  return {
    kind,
    ...('packageId' in fault ? { packageId: fault.packageId } : {}),
    ...('ticketId' in fault ? { ticketId: fault.ticketId } : {}),
    ...('policy' in fault ? { policy: fault.policy } : {}),
    ...('digest' in fault ? { digest: toBase58(fault.digest) } : {}),
  };
}

function protoErrorDetails(failure: Failure): ErrorDetails {
  // A primitive runtime error is reported by its kind and text alone.
  if (isPlainFailure(failure) || failure.kind === 'MOVE_PRIMITIVE_RUNTIME_ERROR')
    return { oneofKind: undefined };
  switch (failure.kind) {
    case 'MOVE_ABORT': {
      const { code: abortCode, location, clever } = failure;
      const details = clever === null ? {} : { cleverError: protoClever(clever) };
      return { oneofKind: 'abort', abort: { abortCode, location: protoLocation(location), ...details } };
    }
    case 'COMMAND_ARGUMENT_ERROR': {
      const kind = GrpcTypes.CommandArgumentError_CommandArgumentErrorKind[failure.fault];
      return {
        oneofKind: 'commandArgumentError',
        commandArgumentError: { argument: failure.argument, kind },
      };
    }
    case 'TYPE_ARGUMENT_ERROR': {
      const kind = GrpcTypes.TypeArgumentError_TypeArgumentErrorKind[failure.fault];
      return { oneofKind: 'typeArgumentError', typeArgumentError: { typeArgument: failure.argument, kind } };
    }
    case 'UNUSED_VALUE_WITHOUT_DROP':
      return { oneofKind: 'indexError', indexError: { index: failure.result, subresult: failure.subresult } };
    case 'INVALID_PUBLIC_FUNCTION_RETURN_TYPE':
      return { oneofKind: 'indexError', indexError: { index: failure.index } };
    case 'PACKAGE_UPGRADE_ERROR':
      return { oneofKind: 'packageUpgradeError', packageUpgradeError: protoUpgradeFault(failure.fault) };
    case 'OBJECT_TOO_BIG':
    case 'PACKAGE_TOO_BIG':
      return {
        oneofKind: 'sizeError',
        sizeError: { size: BigInt(failure.size), maxSize: BigInt(failure.sizeMax) },
      };
  }
}

function protoStatus(status: ExecutionStatus): Partial<typeof GrpcTypes.ExecutionStatus> {
  if (status.success) return { success: true };
  const { failure, message, command } = status;
  return {
    success: false,
    error: {
      description: message,
      ...(command === null ? {} : { command: BigInt(command) }),
      kind: GrpcTypes.ExecutionError_ExecutionErrorKind[failure.kind],
      errorDetails: protoErrorDetails(failure),
    },
  };
}

function protoChange(change: ChangedObject): Partial<typeof GrpcTypes.ChangedObject> {
  const {
    ChangedObject_InputObjectState: Input,
    ChangedObject_OutputObjectState: Output,
    ChangedObject_IdOperation: Operation,
  } = GrpcTypes;
  const { id, input, output, operation, type } = change;
  return {
    objectId: id,
    ...(type === null ? {} : { objectType: type }),
    ...(input === null
      ? { inputState: Input.DOES_NOT_EXIST }
      : { inputState: Input.EXISTS, ...inputOf(input) }),
    ...(output === null
      ? { outputState: Output.DOES_NOT_EXIST }
      : {
          outputState: output.kind === 'package' ? Output.PACKAGE_WRITE : Output.OBJECT_WRITE,
          outputVersion: output.version,
          outputDigest: output.digest,
          outputOwner: protoOwner(output.owner),
        }),
    idOperation:
      operation === 'created'
        ? Operation.CREATED
        : operation === 'deleted'
          ? Operation.DELETED
          : Operation.NONE,
  };
}

function inputOf({ version, digest, owner }: ObjectVersion): Partial<typeof GrpcTypes.ChangedObject> {
  return { inputVersion: version, inputDigest: digest, inputOwner: protoOwner(owner) };
}

function protoEffects(effects: Effects): Partial<typeof GrpcTypes.TransactionEffects> {
  const gas = effects.changed.find(({ id }) => id === effects.gasObject);
  return {
    bcs: { name: 'TransactionEffects', value: effects.bcs },
    digest: effects.digest,
    version: 2,
    status: protoStatus(effects.status),
    epoch: effects.epoch,
    gasUsed: effects.gasUsed,
    transactionDigest: effects.transactionDigest,
    ...(gas === undefined ? {} : { gasObject: protoChange(gas) }),
    ...(effects.eventsDigest === null ? {} : { eventsDigest: effects.eventsDigest }),
    dependencies: [...effects.dependencies],
    lamportVersion: effects.lamportVersion,
    changedObjects: effects.changed.map(protoChange),
    unchangedConsensusObjects: effects.readOnlyShared.map(({ id, version, digest }) => ({
      kind: GrpcTypes.UnchangedConsensusObject_UnchangedConsensusObjectKind.READ_ONLY_ROOT,
      objectId: id,
      version,
      digest,
    })),
  };
}

export function protoEvent(event: EmittedEvent, sender: string): Partial<typeof GrpcTypes.Event> {
  const { packageId, module, type, contents } = event;
  return { packageId, module, sender, eventType: type.key, contents: { name: type.key, value: contents } };
}

/** What was or would be executed, without the place in the chain; without the larger parts that nobody `wants`. */
export function protoOutcome(
  transaction: ParsedTransaction,
  { effects, events, balanceChanges }: Pick<Outcome, 'effects' | 'events' | 'balanceChanges'>,
  wants: Selection['wants'] = () => true,
): Partial<typeof GrpcTypes.ExecutedTransaction> {
  const { sender } = transaction.data;
  return {
    digest: transaction.digest,
    ...(wants('transaction') && { transaction: protoTransaction(transaction) }),
    ...(wants('effects') && { effects: protoEffects(effects) }),
    ...(effects.eventsDigest !== null &&
      wants('events') && {
        events: {
          bcs: { name: 'TransactionEvents', value: eventsBcs(events, sender) },
          digest: effects.eventsDigest,
          events: events.map((event) => protoEvent(event, sender)),
        },
      }),
    balanceChanges: balanceChanges.map(({ amount, ...change }) => ({ ...change, amount: amount.toString() })),
  };
}

export function protoExecuted(
  executed: ExecutedTransaction,
  wants?: Selection['wants'],
): Partial<typeof GrpcTypes.ExecutedTransaction> {
  return {
    ...protoOutcome(executed.transaction, executed, wants),
    signatures: executed.signatures.map((signature) => ({
      bcs: { name: 'UserSignatureBytes', value: fromBase64(signature) },
      signature: { oneofKind: undefined },
    })),
    checkpoint: executed.checkpoint,
    transactionIndex: 0n,
    timestamp: protoTimestamp(executed.timestampMs),
  };
}

/** What `selection` wants of an executed transaction. */
export function selectedTransaction(
  executed: ExecutedTransaction,
  selection: Selection,
): GrpcTypes.ExecutedTransaction {
  return selection.trim(GrpcTypes.ExecutedTransaction.create(protoExecuted(executed, selection.wants)));
}
