import { GrpcTypes } from '@mysten/sui/grpc';

import type { Checkpoint } from '../chain/checkpoints.ts';
import { REFERENCE_GAS_PRICE } from '../chain/gas.ts';
import type { Ledger } from '../chain/ledger.ts';
import { fullAddress } from '../vm/types.ts';
import { select, type Selection } from './mask.ts';
import { GrpcError, Status, statusOf, unary, type Method } from './method.ts';
import { protoCheckpoint } from './proto-checkpoints.ts';
import {
  CHECKPOINT_FIELDS,
  OBJECT_FIELDS,
  protoObject,
  protoTimestamp,
  TRANSACTION_FIELDS,
  type Partial,
} from './proto-objects.ts';
import { selectedTransaction } from './proto-transactions.ts';

const SERVICE = 'sui.rpc.v2.LedgerService';
const PROTOCOL_VERSION = 100n;
const BATCH_MAX = 1_000;

function findObject(
  ledger: Ledger,
  { objectId, version }: GrpcTypes.GetObjectRequest,
  selection: Selection,
): GrpcTypes.Object {
  if (objectId === undefined) throw new GrpcError(Status.invalidArgument, 'missing object_id');
  const record = ledger.objects.get(fullAddress(objectId));
  if (record === undefined || (version !== undefined && version !== record.version)) {
    const at = version === undefined ? '' : ` with version ${version}`;
    throw new GrpcError(Status.notFound, `Object ${objectId}${at} not found`);
  }
  return protoObject(record, selection);
}

function batchResult(
  ledger: Ledger,
  request: GrpcTypes.GetObjectRequest,
  selection: Selection,
): GrpcTypes.GetObjectResult {
  try {
    return { result: { oneofKind: 'object', object: findObject(ledger, request, selection) } };
  } catch (error) {
    return { result: { oneofKind: 'error', error: itemError(error) } };
  }
}

/** The error of one item of a batch; what is no refusal fails the whole call. */
function itemError(error: unknown): { code: number; message: string; details: [] } {
  if (!(error instanceof GrpcError || error instanceof SyntaxError)) throw error;
  const { status: code, message } = statusOf(error);
  return { code, message, details: [] };
}

function findTransaction(
  ledger: Ledger,
  digest: string | undefined,
  selection: Selection,
): GrpcTypes.ExecutedTransaction {
  const executed = digest === undefined ? undefined : ledger.history.get(digest);
  if (executed === undefined) throw new GrpcError(Status.notFound, `Transaction ${digest ?? ''} not found`);
  return selectedTransaction(executed, selection);
}

function transactionResult(
  ledger: Ledger,
  digest: string,
  selection: Selection,
): GrpcTypes.GetTransactionResult {
  try {
    const transaction = findTransaction(ledger, digest, selection);
    return { result: { oneofKind: 'transaction', transaction } };
  } catch (error) {
    return { result: { oneofKind: 'error', error: itemError(error) } };
  }
}

function findCheckpoint(ledger: Ledger, id: GrpcTypes.GetCheckpointRequest['checkpointId']): Checkpoint {
  const { latest } = ledger.checkpoints;
  switch (id.oneofKind) {
    case undefined:
      return latest;
    case 'sequenceNumber':
    case 'digest': {
      const key = id.oneofKind === 'digest' ? id.digest : id.sequenceNumber;
      const found = ledger.checkpoints.get(key);
      if (found === undefined) throw new GrpcError(Status.notFound, `Checkpoint ${key} not found`);
      return found;
    }
  }
}

/** System state as far as clients ask for it: one epoch, no validators, no stake. */
function protoEpoch(ledger: Ledger): Partial<typeof GrpcTypes.Epoch> {
  const { epoch, epochStartMs } = ledger;
  return {
    epoch,
    start: protoTimestamp(epochStartMs),
    referenceGasPrice: REFERENCE_GAS_PRICE,
    protocolConfig: { protocolVersion: PROTOCOL_VERSION },
    systemState: {
      version: 2n,
      epoch,
      protocolVersion: PROTOCOL_VERSION,
      referenceGasPrice: REFERENCE_GAS_PRICE,
      epochStartTimestampMs: epochStartMs,
      safeMode: false,
      parameters: { epochDurationMs: 86_400_000n },
    },
  };
}

export const ledgerService: readonly Method[] = [
  unary(
    `${SERVICE}/GetServiceInfo`,
    GrpcTypes.GetServiceInfoRequest,
    GrpcTypes.GetServiceInfoResponse,
    (ledger) => {
      const { latest, lowest } = ledger.checkpoints;
      return {
        chainId: ledger.chainId,
        chain: 'localnet',
        epoch: ledger.epoch,
        checkpointHeight: latest.sequence,
        timestamp: protoTimestamp(latest.timestampMs),
        lowestAvailableCheckpoint: lowest,
        lowestAvailableCheckpointObjects: latest.sequence,
        server: 'k3s-daas-ledger/0.1.0',
      };
    },
  ),
  unary(
    `${SERVICE}/GetObject`,
    GrpcTypes.GetObjectRequest,
    GrpcTypes.GetObjectResponse,
    (ledger, request) => ({
      object: findObject(ledger, request, select(GrpcTypes.Object, request.readMask, OBJECT_FIELDS)),
    }),
  ),
  unary(
    `${SERVICE}/BatchGetObjects`,
    GrpcTypes.BatchGetObjectsRequest,
    GrpcTypes.BatchGetObjectsResponse,
    (ledger, { requests, readMask }) => {
      if (requests.length > BATCH_MAX)
        throw new GrpcError(Status.invalidArgument, `more than ${BATCH_MAX} objects`);
      const selection = select(GrpcTypes.Object, readMask, OBJECT_FIELDS);
      return { objects: requests.map((request) => batchResult(ledger, request, selection)) };
    },
  ),
  unary(
    `${SERVICE}/GetTransaction`,
    GrpcTypes.GetTransactionRequest,
    GrpcTypes.GetTransactionResponse,
    (ledger, { digest, readMask }) => ({
      transaction: findTransaction(
        ledger,
        digest,
        select(GrpcTypes.ExecutedTransaction, readMask, TRANSACTION_FIELDS),
      ),
    }),
  ),
  unary(
    `${SERVICE}/BatchGetTransactions`,
    GrpcTypes.BatchGetTransactionsRequest,
    GrpcTypes.BatchGetTransactionsResponse,
    (ledger, { digests, readMask }) => {
      if (digests.length > BATCH_MAX)
        throw new GrpcError(Status.invalidArgument, `more than ${BATCH_MAX} transactions`);
      const selection = select(GrpcTypes.ExecutedTransaction, readMask, TRANSACTION_FIELDS);
      return { transactions: digests.map((digest) => transactionResult(ledger, digest, selection)) };
    },
  ),
  unary(
    `${SERVICE}/GetCheckpoint`,
    GrpcTypes.GetCheckpointRequest,
    GrpcTypes.GetCheckpointResponse,
    (ledger, { checkpointId, readMask }) => {
      const selection = select(GrpcTypes.Checkpoint, readMask, CHECKPOINT_FIELDS);
      return { checkpoint: protoCheckpoint(ledger, findCheckpoint(ledger, checkpointId), selection) };
    },
  ),
  unary(
    `${SERVICE}/GetEpoch`,
    GrpcTypes.GetEpochRequest,
    GrpcTypes.GetEpochResponse,
    (ledger, { epoch, readMask }) => {
      if (epoch !== undefined && epoch !== ledger.epoch)
        throw new GrpcError(Status.notFound, `Epoch ${epoch} not found`);
      const selection = select(GrpcTypes.Epoch, readMask, 'epoch');
      return { epoch: selection.trim(GrpcTypes.Epoch.create(protoEpoch(ledger))) };
    },
  ),
];
