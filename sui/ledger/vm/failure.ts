import type { CleverError } from './clever-error.ts';
import type { Address } from './types.ts';

/** Where in the bytecode something happened. `functionIndex` counts function definitions, `instruction` operations. */
export interface MoveLocation {
  readonly address: Address;
  readonly module: string;
  readonly functionIndex: number;
  readonly functionName: string;
  readonly instruction: number;
}

/** Names as in the enum CommandArgumentErrorKind of Sui's gRPC API. */
export type ArgumentFault =
  | 'TYPE_MISMATCH'
  | 'INVALID_BCS_BYTES'
  | 'INVALID_USAGE_OF_PURE_ARGUMENT'
  | 'INVALID_ARGUMENT_TO_PRIVATE_ENTRY_FUNCTION'
  | 'INDEX_OUT_OF_BOUNDS'
  | 'SECONDARY_INDEX_OUT_OF_BOUNDS'
  | 'INVALID_RESULT_ARITY'
  | 'INVALID_GAS_COIN_USAGE'
  | 'INVALID_VALUE_USAGE'
  | 'INVALID_OBJECT_BY_VALUE'
  | 'INVALID_OBJECT_BY_MUT_REF'
  | 'CONSENSUS_OBJECT_OPERATION_NOT_ALLOWED'
  | 'INVALID_TRANSFER_OBJECT'
  | 'INVALID_MAKE_MOVE_VEC_NON_OBJECT_ARGUMENT';

/** Kinds as in the enum PackageUpgradeErrorKind of Sui's gRPC API. */
export type UpgradeFault =
  | { readonly kind: 'UNABLE_TO_FETCH_PACKAGE' | 'NOT_A_PACKAGE'; readonly packageId: Address }
  | { readonly kind: 'INCOMPATIBLE_UPGRADE' }
  | { readonly kind: 'DIGEST_DOES_NOT_MATCH'; readonly digest: Uint8Array }
  | { readonly kind: 'UNKNOWN_UPGRADE_POLICY'; readonly policy: number }
  | { readonly kind: 'PACKAGE_ID_DOES_NOT_MATCH'; readonly packageId: Address; readonly ticketId: Address };

/** Names as in the enum ExecutionErrorKind of Sui's gRPC API. */
export type Failure =
  | {
      readonly kind: 'MOVE_ABORT';
      readonly code: bigint;
      readonly location: MoveLocation;
      readonly clever: CleverError | null;
    }
  | { readonly kind: 'MOVE_PRIMITIVE_RUNTIME_ERROR'; readonly location: MoveLocation }
  | { readonly kind: 'COMMAND_ARGUMENT_ERROR'; readonly argument: number; readonly fault: ArgumentFault }
  | {
      readonly kind: 'TYPE_ARGUMENT_ERROR';
      readonly argument: number;
      readonly fault: 'TYPE_NOT_FOUND' | 'CONSTRAINT_NOT_SATISFIED';
    }
  | { readonly kind: 'UNUSED_VALUE_WITHOUT_DROP'; readonly result: number; readonly subresult: number }
  | { readonly kind: 'INVALID_PUBLIC_FUNCTION_RETURN_TYPE'; readonly index: number }
  | { readonly kind: 'PACKAGE_UPGRADE_ERROR'; readonly fault: UpgradeFault }
  | { readonly kind: 'OBJECT_TOO_BIG' | 'PACKAGE_TOO_BIG'; readonly size: number; readonly sizeMax: number }
  | { readonly kind: PlainFailureKind };

/** Kinds that say everything by themselves. */
const PLAIN_FAILURE_KINDS = [
  'INSUFFICIENT_GAS',
  'FEATURE_NOT_YET_SUPPORTED',
  'INSUFFICIENT_COIN_BALANCE',
  'COIN_BALANCE_OVERFLOW',
  'PUBLISH_ERROR_NON_ZERO_ADDRESS',
  'VM_VERIFICATION_OR_DESERIALIZATION_ERROR',
  'VM_INVARIANT_VIOLATION',
  'FUNCTION_NOT_FOUND',
  'ARITY_MISMATCH',
  'TYPE_ARITY_MISMATCH',
  'NON_ENTRY_FUNCTION_INVOKED',
  'PUBLISH_UPGRADE_MISSING_DEPENDENCY',
  'PUBLISH_UPGRADE_DEPENDENCY_DOWNGRADE',
  'INVALID_LINKAGE',
  'CONSENSUS_OBJECT_OPERATION_NOT_ALLOWED',
] as const;
export type PlainFailureKind = (typeof PLAIN_FAILURE_KINDS)[number];

export function isPlainFailure(failure: Failure): failure is { readonly kind: PlainFailureKind } {
  return PLAIN_FAILURE_KINDS.some((kind) => kind === failure.kind);
}

/** Ends one transaction as failed: gas is charged, nothing else changes. */
export class ExecutionFailure extends Error {
  readonly failure: Failure;
  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** An abort inside a native function; the interpreter adds where. */
export class NativeAbort extends Error {
  readonly abortCode: bigint;
  constructor(abortCode: bigint) {
    super(`native abort ${abortCode}`);
    this.abortCode = abortCode;
  }
}

/** A primitive runtime error inside a native function; the interpreter adds where. */
export class NativeRuntimeError extends Error {}

/** What this ledger does not do, named, instead of doing it wrongly. */
export function unsupported(what: string): ExecutionFailure {
  return new ExecutionFailure(
    { kind: 'FEATURE_NOT_YET_SUPPORTED' },
    `the embedded ledger does not support ${what}`,
  );
}

export function invariantViolated(what: string): ExecutionFailure {
  return new ExecutionFailure({ kind: 'VM_INVARIANT_VIOLATION' }, what);
}
