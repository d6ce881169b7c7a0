import { bcs } from '@mysten/sui/bcs';

import { encodeTypeTag, type Address } from '../vm/types.ts';
import { isPlainFailure, type Failure, type MoveLocation, type UpgradeFault } from '../vm/failure.ts';
import type { Owner } from '../vm/native.ts';
import { ByteWriter } from '../vm/writer.ts';
import { typedDigest } from './digests.ts';
import { writeOwner, type ObjectRecord } from './objects.ts';
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
  /** Type of the object as text, `package` for a package, null for one that the store never held. */
  readonly type: string | null;
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

const writer = new ByteWriter();

/** Adds the BCS (TransactionEffectsV2, sui-types/effects/effects_v2.rs) and its digest. */
export function sealEffects(content: EffectsContent): Effects {
  const bytes = effectsBcs(content);
  return { ...content, bcs: bytes, digest: typedDigest('TransactionEffects', bytes) };
}

/** Written by hand and not by the SDK's schema, which takes ten times as long. */
function effectsBcs({ status, gasUsed, changed, gasObject, ...content }: EffectsContent): Uint8Array {
  const gasIndex = changed.findIndex(({ id }) => id === gasObject);
  const failed = status.success ? null : failedStatusBcs(status);
  writer.clear();
  writer.u8(1);
  if (failed === null) writer.u8(0);
  else writer.raw(failed);
  writer.u64(content.epoch);
  writer.u64(gasUsed.computationCost);
  writer.u64(gasUsed.storageCost);
  writer.u64(gasUsed.storageRebate);
  writer.u64(gasUsed.nonRefundableStorageFee);
  writer.digest(content.transactionDigest);
  writer.bool(gasIndex >= 0);
  if (gasIndex >= 0) writer.u32(gasIndex);
  writer.bool(content.eventsDigest !== null);
  if (content.eventsDigest !== null) writer.digest(content.eventsDigest);
  writer.uleb(content.dependencies.length);
  for (const digest of content.dependencies) writer.digest(digest);
  writer.u64(content.lamportVersion);
  writer.uleb(changed.length);
  for (const change of changed) writeChange(change);
  writer.uleb(content.readOnlyShared.length);
  for (const { id, version, digest } of content.readOnlyShared) {
    writer.address(id);
    // ReadOnlyRoot
    writer.u8(0);
    writer.u64(version);
    writer.digest(digest);
  }
  // No digest of auxiliary data.
  writer.u8(0);
  return writer.finish();
}

const ID_OPERATIONS = { none: 0, created: 1, deleted: 2 } as const;

/** EffectsObjectChange (sui-types/effects/object_change.rs) after the id it belongs to. */
function writeChange({ id, input, output, operation }: ChangedObject): void {
  writer.address(id);
  writer.bool(input !== null);
  if (input !== null) {
    writer.u64(input.version);
    writer.digest(input.digest);
    writeOwner(writer, input.owner);
  }
  if (output === null) {
    writer.u8(0);
  } else if (output.kind === 'package') {
    writer.u8(2);
    writer.u64(output.version);
    writer.digest(output.digest);
  } else {
    writer.u8(1);
    writer.digest(output.digest);
    writeOwner(writer, output.owner);
  }
  writer.u8(ID_OPERATIONS[operation]);
}

const ZERO_DIGEST = '1'.repeat(32);

/** ExecutionStatus of a failure by the SDK's schema, which is exported with the whole of the effects only. */
function failedStatusBcs({ failure, command }: ExecutionStatus & { success: false }): Uint8Array {
  const status = { Failure: { error: failureBcs(failure), command } };
  const after = effectsWith({ Success: null }).length - 2;
  return effectsWith(status).slice(1, -after);
}

function effectsWith(status: StatusInput): Uint8Array {
  const gasUsed = { computationCost: 0, storageCost: 0, storageRebate: 0, nonRefundableStorageFee: 0 };
  const v2: EffectsV2 = {
    status,
    executedEpoch: 0,
    gasUsed,
    transactionDigest: ZERO_DIGEST,
    gasObjectIndex: null,
    eventsDigest: null,
    dependencies: [],
    lamportVersion: 0,
    changedObjects: [],
    unchangedConsensusObjects: [],
    auxDataDigest: null,
  };
  return bcs.TransactionEffects.serialize({ V2: v2 }).toBytes();
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

/** BCS of TransactionEvents (sui-types/event.rs). */
export function eventsBcs(events: readonly EmittedEvent[], sender: Address): Uint8Array {
  writer.clear();
  writer.uleb(events.length);
  for (const { packageId, module, type, contents } of events) {
    writer.address(packageId);
    writer.ascii(module);
    writer.address(sender);
    // A StructTag is a TypeTag without its leading variant byte.
    writer.raw(encodeTypeTag(type).subarray(1));
    writer.blob(contents);
  }
  return writer.finish();
}
