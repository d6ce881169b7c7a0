import { bcs } from '@mysten/sui/bcs';

import { encodeTypeTag, type Address } from '../vm/types.ts';
import { isPlainFailure, type Failure, type MoveLocation, type UpgradeFault } from '../vm/failure.ts';
import type { Owner } from '../vm/native.ts';
import { typedDigest } from './digests.ts';
import { ownerBcs, type ObjectRecord } from './objects.ts';
import type { EmittedEvent } from './object-runtime.ts';

export type ExecutionStatus =
  | { readonly success: true }
  | {
      readonly success: false;
      readonly failure: Failure;
      readonly message: string;
      readonly command: number | null;
    };

export interface GasUsed {
  readonly computationCost: bigint;
  readonly storageCost: bigint;
  readonly storageRebate: bigint;
  readonly nonRefundableStorageFee: bigint;
}

export interface ObjectVersion {
  readonly version: bigint;
  readonly digest: string;
  readonly owner: Owner;
}

export interface ChangedObject {
  readonly id: Address;
  readonly input: ObjectVersion | null;
  readonly output: (ObjectVersion & { readonly kind: ObjectRecord['kind'] }) | null;
  readonly operation: 'none' | 'created' | 'deleted';
  /** Type of the object as text, `package` for a package. */
  readonly type: string;
}

export interface EffectsContent {
  readonly status: ExecutionStatus;
  readonly epoch: bigint;
  readonly gasUsed: GasUsed;
  readonly transactionDigest: string;
  readonly gasObject: Address | null;
  readonly eventsDigest: string | null;
  readonly dependencies: readonly string[];
  readonly lamportVersion: bigint;
  /** In order of id. */
  readonly changed: readonly ChangedObject[];
  /** Shared objects that were only read. */
  readonly readOnlyShared: readonly Pick<ObjectRecord, 'id' | 'version' | 'digest'>[];
}

export interface Effects extends EffectsContent {
  readonly bcs: Uint8Array;
  readonly digest: string;
}

type EffectsInput = typeof bcs.TransactionEffects.$inferInput;
type EffectsV2 = Extract<EffectsInput, { V2: unknown }>['V2'];
type StatusInput = EffectsV2['status'];
type FailureInput = Extract<StatusInput, { Failure: unknown }>['Failure']['error'];

/** Adds the BCS (TransactionEffectsV2) and its digest. */
export function sealEffects(content: EffectsContent): Effects {
  const { status, gasUsed, changed, gasObject } = content;
  const gasIndex = changed.findIndex(({ id }) => id === gasObject);
  const v2: EffectsV2 = {
    status: statusBcs(status),
    executedEpoch: content.epoch,
    gasUsed,
    transactionDigest: content.transactionDigest,
    gasObjectIndex: gasIndex < 0 ? null : gasIndex,
    eventsDigest: content.eventsDigest,
    dependencies: content.dependencies,
    lamportVersion: content.lamportVersion,
    changedObjects: changed.map((change) => [change.id, changeBcs(change)]),
    unchangedConsensusObjects: content.readOnlyShared.map(({ id, version, digest }) => [
      id,
      { ReadOnlyRoot: [version, digest] },
    ]),
    auxDataDigest: null,
  };
  const bytes = bcs.TransactionEffects.serialize({ V2: v2 }, { maxSize: 1 << 22 }).toBytes();
  return { ...content, bcs: bytes, digest: typedDigest('TransactionEffects', bytes) };
}

function changeBcs({
  input,
  output,
  operation,
}: ChangedObject): EffectsV2['changedObjects'] extends Iterable<readonly [unknown, infer C]> ? C : never {
  return {
    inputState:
      input === null ? { NotExist: null } : { Exist: [[input.version, input.digest], ownerBcs(input.owner)] },
    outputState:
      output === null
        ? { NotExist: null }
        : output.kind === 'package'
          ? { PackageWrite: [output.version, output.digest] }
          : { ObjectWrite: [output.digest, ownerBcs(output.owner)] },
    idOperation:
      operation === 'none' ? { None: null } : operation === 'created' ? { Created: null } : { Deleted: null },
  };
}

function statusBcs(status: ExecutionStatus): StatusInput {
  if (status.success) return { Success: null };
  return { Failure: { error: failureBcs(status.failure), command: status.command } };
}

function locationBcs({ address, module, functionIndex, instruction, functionName }: MoveLocation): {
  module: { address: string; name: string };
  function: number;
  instruction: number;
  functionName: string;
} {
  return { module: { address, name: module }, function: functionIndex, instruction, functionName };
}

const PLAIN_FAILURES = {
  INSUFFICIENT_GAS: 'InsufficientGas',
  FEATURE_NOT_YET_SUPPORTED: 'FeatureNotYetSupported',
  INSUFFICIENT_COIN_BALANCE: 'InsufficientCoinBalance',
  COIN_BALANCE_OVERFLOW: 'CoinBalanceOverflow',
  PUBLISH_ERROR_NON_ZERO_ADDRESS: 'PublishErrorNonZeroAddress',
  VM_VERIFICATION_OR_DESERIALIZATION_ERROR: 'VMVerificationOrDeserializationError',
  VM_INVARIANT_VIOLATION: 'VMInvariantViolation',
  FUNCTION_NOT_FOUND: 'FunctionNotFound',
  ARITY_MISMATCH: 'ArityMismatch',
  TYPE_ARITY_MISMATCH: 'TypeArityMismatch',
  NON_ENTRY_FUNCTION_INVOKED: 'NonEntryFunctionInvoked',
  PUBLISH_UPGRADE_MISSING_DEPENDENCY: 'PublishUpgradeMissingDependency',
  PUBLISH_UPGRADE_DEPENDENCY_DOWNGRADE: 'PublishUpgradeDependencyDowngrade',
  INVALID_LINKAGE: 'InvalidLinkage',
  CONSENSUS_OBJECT_OPERATION_NOT_ALLOWED: 'SharedObjectOperationNotAllowed',
} as const;

/** Kinds with a payload of indices that the failure does not carry are written with index 0. */
const ARGUMENT_FAULTS = {
  TYPE_MISMATCH: { TypeMismatch: null },
  INVALID_BCS_BYTES: { InvalidBCSBytes: null },
  INVALID_USAGE_OF_PURE_ARGUMENT: { InvalidUsageOfPureArg: null },
  INVALID_ARGUMENT_TO_PRIVATE_ENTRY_FUNCTION: { InvalidArgumentToPrivateEntryFunction: null },
  INDEX_OUT_OF_BOUNDS: { IndexOutOfBounds: { idx: 0 } },
  SECONDARY_INDEX_OUT_OF_BOUNDS: { SecondaryIndexOutOfBounds: { resultIdx: 0, secondaryIdx: 0 } },
  INVALID_RESULT_ARITY: { InvalidResultArity: { resultIdx: 0 } },
  INVALID_GAS_COIN_USAGE: { InvalidGasCoinUsage: null },
  INVALID_VALUE_USAGE: { InvalidValueUsage: null },
  INVALID_OBJECT_BY_VALUE: { InvalidObjectByValue: null },
  INVALID_OBJECT_BY_MUT_REF: { InvalidObjectByMutRef: null },
  CONSENSUS_OBJECT_OPERATION_NOT_ALLOWED: { SharedObjectOperationNotAllowed: null },
  INVALID_TRANSFER_OBJECT: { InvalidTransferObject: null },
  INVALID_MAKE_MOVE_VEC_NON_OBJECT_ARGUMENT: { InvalidMakeMoveVecNonObjectArgument: null },
} as const;

function upgradeFaultBcs(
  fault: UpgradeFault,
): Extract<FailureInput, { PackageUpgradeError: unknown }>['PackageUpgradeError']['upgradeError'] {
  switch (fault.kind) {
    case 'UNABLE_TO_FETCH_PACKAGE':
      return { UnableToFetchPackage: { packageId: fault.packageId } };
    case 'NOT_A_PACKAGE':
      return { NotAPackage: { objectId: fault.packageId } };
    case 'INCOMPATIBLE_UPGRADE':
      return { IncompatibleUpgrade: null };
    case 'DIGEST_DOES_NOT_MATCH':
      return { DigestDoesNotMatch: { digest: fault.digest } };
    case 'UNKNOWN_UPGRADE_POLICY':
      return { UnknownUpgradePolicy: { policy: fault.policy } };
    case 'PACKAGE_ID_DOES_NOT_MATCH':
      return { PackageIDDoesNotMatch: { packageId: fault.packageId, ticketId: fault.ticketId } };
  }
}

function failureBcs(failure: Failure): FailureInput {
  if (isPlainFailure(failure)) return { [PLAIN_FAILURES[failure.kind]]: null } as FailureInput;
  switch (failure.kind) {
    case 'MOVE_ABORT':
      return { MoveAbort: [locationBcs(failure.location), failure.code] };
    case 'MOVE_PRIMITIVE_RUNTIME_ERROR':
      return { MovePrimitiveRuntimeError: locationBcs(failure.location) };
    case 'COMMAND_ARGUMENT_ERROR':
      return { CommandArgumentError: { argIdx: failure.argument, kind: ARGUMENT_FAULTS[failure.fault] } };
    case 'TYPE_ARGUMENT_ERROR': {
      const kind =
        failure.fault === 'TYPE_NOT_FOUND' ? { TypeNotFound: null } : { ConstraintNotSatisfied: null };
      return { TypeArgumentError: { argumentIdx: failure.argument, kind } };
    }
    case 'UNUSED_VALUE_WITHOUT_DROP':
      return { UnusedValueWithoutDrop: { resultIdx: failure.result, secondaryIdx: failure.subresult } };
    case 'INVALID_PUBLIC_FUNCTION_RETURN_TYPE':
      return { InvalidPublicFunctionReturnType: { idx: failure.index } };
    case 'PACKAGE_UPGRADE_ERROR':
      return { PackageUpgradeError: { upgradeError: upgradeFaultBcs(failure.fault) } };
    case 'OBJECT_TOO_BIG':
      return { MoveObjectTooBig: { objectSize: failure.size, maxObjectSize: failure.sizeMax } };
    case 'PACKAGE_TOO_BIG':
      return { MovePackageTooBig: { objectSize: failure.size, maxObjectSize: failure.sizeMax } };
  }
}

/** Digest of a transaction's events (TransactionEvents in sui-types), or null without events. */
export function eventsDigest(events: readonly EmittedEvent[], sender: Address): string | null {
  return events.length === 0 ? null : typedDigest('TransactionEvents', eventsBcs(events, sender));
}

const EventBcs = bcs.struct('Event', {
  packageId: bcs.Address,
  transactionModule: bcs.string(),
  sender: bcs.Address,
  type: bcs.StructTag,
  contents: bcs.byteVector(),
});

/** BCS of TransactionEvents. */
export function eventsBcs(events: readonly EmittedEvent[], sender: Address): Uint8Array {
  const items = events.map(({ packageId, module, type, contents }) => ({
    packageId,
    transactionModule: module,
    sender,
    // A StructTag is a TypeTag without its leading variant byte.
    type: bcs.StructTag.parse(Uint8Array.from(encodeTypeTag(type).slice(1))),
    contents,
  }));
  return bcs
    .vector(EventBcs)
    .serialize(items, { maxSize: 1 << 24 })
    .toBytes();
}
