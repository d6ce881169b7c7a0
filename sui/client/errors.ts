import { CodedError, type SuiId } from '@k3s-daas/core';
import { ObjectError, SimulationError, type SuiClientTypes } from '@mysten/sui/client';
import { RpcError } from '@mysten/sui/grpc';

import { abortName } from './abort-codes.ts';

export type ChainErrorCode =
  | 'CHAIN_UNREACHABLE'
  | 'CHAIN_TIMEOUT'
  | 'CHAIN_REFUSED'
  | 'CHAIN_FOREIGN'
  | 'CHAIN_MALFORMED'
  | 'TRANSACTION_FAILED'
  | 'TRANSACTION_UNKNOWN'
  | 'OBJECT_MISSING'
  | 'OBJECT_MALFORMED'
  | 'CLUSTER_VERSION'
  | 'SNAPSHOT_REGRESSED'
  | 'SNAPSHOT_FORKED'
  | 'SNAPSHOT_FUTURE'
  | 'SNAPSHOT_TOO_LARGE'
  | 'SNAPSHOT_STOPPED';

const REMEDIES: Readonly<Record<ChainErrorCode, string>> = {
  CHAIN_UNREACHABLE:
    'check the address of the Sui node and that it answers; reads are tried again by themselves',
  CHAIN_TIMEOUT: 'the Sui node is slow or overloaded; raise the deadline or use another node',
  CHAIN_REFUSED: 'the Sui node refused the request; the message says why',
  CHAIN_FOREIGN: 'the node serves another chain than the configured one; correct the address or the chain id',
  CHAIN_MALFORMED: 'the server does not speak sui.rpc.v2 as it should; use another node',
  TRANSACTION_FAILED: 'nothing was changed but the gas; mend the named cause and send a new transaction',
  TRANSACTION_UNKNOWN: 'the transaction may or may not have run; look its digest up before sending another',
  OBJECT_MISSING: 'check the object id, and that it is on this chain',
  OBJECT_MALFORMED:
    'the object is not what this version reads; check the package id and the version of k3s-daas',
  CLUSTER_VERSION: 'run the release of k3s-daas that belongs to the package the cluster was migrated to',
  SNAPSHOT_REGRESSED:
    'the node went back in time; the old snapshot stays and ages; use a node that follows the chain',
  SNAPSHOT_FORKED: 'the node shows another history; distrust it, use another, and restart this process',
  SNAPSHOT_FUTURE: "the node's time is ahead of this machine's; set the clock, or use another node",
  SNAPSHOT_TOO_LARGE: 'the cluster has outgrown the limits of the watcher; see README of sui/client',
  SNAPSHOT_STOPPED: 'the watcher was stopped; start a new one',
};

/** Where a Move abort came from. `name` is the constant's, null for a module that is not ours. */
export interface MoveAbort {
  readonly packageId: string;
  readonly module: string;
  readonly function: string | null;
  readonly code: bigint;
  readonly name: string | null;
}

export interface ChainErrorDetails extends ErrorOptions {
  readonly abort?: MoveAbort;
  /** Digest of the transaction, base58. */
  readonly digest?: string;
  /** What a transaction that ran and failed cost. */
  readonly gasMist?: bigint;
  /** Which of a transaction's commands failed, from 0. */
  readonly command?: number;
}

/** Every failure of the chain layer. `abort` is set when Move refused, `digest` when a transaction was sent. */
export class ChainError extends CodedError<ChainErrorCode> {
  readonly abort: MoveAbort | null;
  readonly digest: string | null;
  readonly gasMist: bigint | null;
  readonly command: number | null;

  constructor(code: ChainErrorCode, message: string, details: ChainErrorDetails = {}) {
    super(code, message, REMEDIES[code], details);
    this.abort = details.abort ?? null;
    this.digest = details.digest ?? null;
    this.gasMist = details.gasMist ?? null;
    this.command = details.command ?? null;
  }
}

// google.rpc.Code as RpcError spells it; whatever is not named here was a refusal by the server.
const GRPC_CODES: Readonly<Record<string, ChainErrorCode>> = {
  UNAVAILABLE: 'CHAIN_UNREACHABLE',
  CANCELLED: 'CHAIN_UNREACHABLE',
  DEADLINE_EXCEEDED: 'CHAIN_TIMEOUT',
  NOT_FOUND: 'OBJECT_MISSING',
  INTERNAL: 'CHAIN_MALFORMED',
  DATA_LOSS: 'CHAIN_MALFORMED',
  UNIMPLEMENTED: 'CHAIN_MALFORMED',
};

/** Brings whatever the SDK throws into this layer's one class. */
export function toChainError(error: unknown): ChainError {
  for (let inner = error; inner instanceof Error; inner = inner.cause)
    if (inner instanceof ChainError) return inner;
  if (error instanceof SimulationError && error.executionError !== undefined) {
    return executionFailed(error.executionError, { cause: error });
  }
  if (error instanceof ObjectError) {
    const code = error.reason === 'notFound' ? 'OBJECT_MISSING' : 'CHAIN_REFUSED';
    return new ChainError(code, error.message, { cause: error });
  }
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if (!(inner instanceof RpcError)) continue;
    const message = inner.methodName === undefined ? inner.message : `${inner.methodName}: ${inner.message}`;
    return new ChainError(GRPC_CODES[inner.code] ?? 'CHAIN_REFUSED', message, { cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ChainError('CHAIN_REFUSED', message, { cause: error });
}

/** TRANSACTION_FAILED with the Move abort, if it was one, named from abort-codes.ts. */
export function executionFailed(
  error: SuiClientTypes.ExecutionError,
  given: ChainErrorDetails = {},
): ChainError {
  const details = { ...given, ...(error.command !== undefined && { command: error.command }) };
  const abort = error.$kind === 'MoveAbort' ? moveAbort(error.MoveAbort) : null;
  if (abort === null) return new ChainError('TRANSACTION_FAILED', error.message, details);
  const place = abort.function === null ? abort.module : `${abort.module}::${abort.function}`;
  const what = abort.name === null ? `code ${abort.code}` : `${abort.name} (code ${abort.code})`;
  return new ChainError('TRANSACTION_FAILED', `Move aborted with ${what} in ${place}`, { ...details, abort });
}

function moveAbort({ abortCode, location, cleverError }: SuiClientTypes.MoveAbort): MoveAbort {
  const packageId = location?.package ?? '';
  const module = location?.module ?? '';
  const code = /^\d{1,20}$/.test(abortCode) ? BigInt(abortCode) : -1n;
  return {
    packageId,
    module,
    function: location?.functionName ?? null,
    code,
    name: cleverError?.constantName ?? (isSystemPackage(packageId) ? null : abortName(module, code)),
  };
}

/** 0x1 … 0xff are the framework's packages, whose modules may share a name with ours. */
function isSystemPackage(packageId: SuiId): boolean {
  return /^(?:0x)?0*[0-9a-f]{1,2}$/i.test(packageId);
}
