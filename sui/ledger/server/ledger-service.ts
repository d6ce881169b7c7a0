import { GrpcTypes } from '@mysten/sui/grpc';

import type { Checkpoint } from '../chain/checkpoints.ts';
import { REFERENCE_GAS_PRICE } from '../chain/gas.ts';
import type { EventRecord } from '../chain/history.ts';
import type { Ledger } from '../chain/ledger.ts';
import { fullAddress } from '../vm/types.ts';
import { GrpcError, Status, streaming, unary, type Method } from './method.ts';
import { protoObject, protoTimestamp, type Mask, type Partial } from './proto-objects.ts';
import { protoEvent, protoExecuted } from './proto-transactions.ts';
import { eventTest, runQuery, transactionTest } from './queries.ts';

const SERVICE = 'sui.rpc.v2.LedgerService';
const PROTOCOL_VERSION = 100n;
const BATCH_MAX = 1_000;

function findObject(
  ledger: Ledger,
  { objectId, version }: GrpcTypes.GetObjectRequest,
  mask: Mask,
): Partial<typeof GrpcTypes.Object> {
  if (objectId === undefined) throw new GrpcError(Status.invalidArgument, 'missing object_id');
  const record = ledger.objects.get(fullAddress(objectId));
  if (record === undefined || (version !== undefined && version !== record.version)) {
    const at = version === undefined ? '' : ` with version ${version}`;
    throw new GrpcError(Status.notFound, `Object ${objectId}${at} not found`);
  }
  return protoObject(record, mask);
}

function batchResult(
  ledger: Ledger,
  request: GrpcTypes.GetObjectRequest,
  mask: Mask,
): GrpcTypes.GetObjectResult {
  try {
    const object = GrpcTypes.Object.create(findObject(ledger, request, mask));
    return { result: { oneofKind: 'object', object } };
  } catch (error) {
    if (!(error instanceof GrpcError)) throw error;
    return {
      result: { oneofKind: 'error', error: { code: error.status, message: error.message, details: [] } },
    };
  }
}

function findTransaction(
  ledger: Ledger,
  digest: string | undefined,
): Partial<typeof GrpcTypes.ExecutedTransaction> {
  const executed = digest === undefined ? undefined : ledger.history.get(digest);
  if (executed === undefined) throw new GrpcError(Status.notFound, `Transaction ${digest ?? ''} not found`);
  return protoExecuted(executed);
}

export function protoCheckpoint(checkpoint: Checkpoint): Partial<typeof GrpcTypes.Checkpoint> {
  const {
    sequence,
    digest,
    epoch,
    contentDigest,
    previousDigest,
    totalTransactions,
    timestampMs,
    transactions,
  } = checkpoint;
  return {
    sequenceNumber: sequence,
    digest,
    summary: {
      bcs: { name: 'CheckpointSummary', value: checkpoint.bcs },
      digest,
      epoch,
      sequenceNumber: sequence,
      totalNetworkTransactions: totalTransactions,
      contentDigest,
      ...(previousDigest === null ? {} : { previousDigest }),
      timestamp: protoTimestamp(timestampMs),
    },
    contents: { digest: contentDigest, version: 1, transactions: transactions.map((one) => ({ ...one })) },
  };
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

function protoEventRecord(record: EventRecord): Partial<typeof GrpcTypes.Event> {
  const { event, sender, transactionDigest, eventIndex, checkpoint } = record;
  return { ...protoEvent(event, sender), transactionDigest, eventIndex, checkpoint };
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
      object: findObject(ledger, request, request.readMask),
    }),
  ),
  unary(
    `${SERVICE}/BatchGetObjects`,
    GrpcTypes.BatchGetObjectsRequest,
    GrpcTypes.BatchGetObjectsResponse,
    (ledger, { requests, readMask }) => {
      if (requests.length > BATCH_MAX)
        throw new GrpcError(Status.invalidArgument, `more than ${BATCH_MAX} objects`);
      return { objects: requests.map((request) => batchResult(ledger, request, readMask)) };
    },
  ),
  unary(
    `${SERVICE}/GetTransaction`,
    GrpcTypes.GetTransactionRequest,
    GrpcTypes.GetTransactionResponse,
    (ledger, { digest }) => ({ transaction: findTransaction(ledger, digest) }),
  ),
  unary(
    `${SERVICE}/GetCheckpoint`,
    GrpcTypes.GetCheckpointRequest,
    GrpcTypes.GetCheckpointResponse,
    (ledger, { checkpointId }) => ({ checkpoint: protoCheckpoint(findCheckpoint(ledger, checkpointId)) }),
  ),
  unary(`${SERVICE}/GetEpoch`, GrpcTypes.GetEpochRequest, GrpcTypes.GetEpochResponse, (ledger, { epoch }) => {
    if (epoch !== undefined && epoch !== ledger.epoch)
      throw new GrpcError(Status.notFound, `Epoch ${epoch} not found`);
    return { epoch: protoEpoch(ledger) };
  }),
  streaming(
    `${SERVICE}/ListEvents`,
    GrpcTypes.ListEventsRequest,
    GrpcTypes.ListEventsResponse,
    function* (ledger, request) {
      for (const { item, ...frame } of runQuery(
        ledger,
        ledger.history.events,
        request,
        eventTest(request.filter),
      )) {
        yield item === undefined ? frame : { ...frame, event: protoEventRecord(item) };
      }
    },
  ),
  streaming(
    `${SERVICE}/ListTransactions`,
    GrpcTypes.ListTransactionsRequest,
    GrpcTypes.ListTransactionsResponse,
    function* (ledger, request) {
      const test = transactionTest(request.filter);
      for (const { item, ...frame } of runQuery(ledger, ledger.history.transactions, request, test)) {
        yield item === undefined ? frame : { ...frame, transaction: protoExecuted(item) };
      }
    },
  ),
];
