import { GrpcTypes } from '@mysten/sui/grpc';

import { eventTest, transactionTest } from './filters.ts';
import { select } from './mask.ts';
import { listing, type Method } from './method.ts';
import { protoCheckpoint, protoEventRecord } from './proto-checkpoints.ts';
import { CHECKPOINT_FIELDS, EVENT_FIELDS, TRANSACTION_FIELDS } from './proto-objects.ts';
import { selectedTransaction } from './proto-transactions.ts';
import { checkpointSource, journalSource, runQuery } from './queries.ts';

const SERVICE = 'sui.rpc.v2.LedgerService';

export const listService: readonly Method[] = [
  listing(
    `${SERVICE}/ListEvents`,
    GrpcTypes.ListEventsRequest,
    GrpcTypes.ListEventsResponse,
    (ledger, request) => {
      const selection = select(GrpcTypes.Event, request.readMask, EVENT_FIELDS);
      const source = journalSource(ledger.history.events, ({ eventIndex }) => eventIndex);
      const frames = runQuery(ledger, source, request, eventTest(request.filter));
      return frames.map(({ item, ...frame }) =>
        item === undefined ? frame : { ...frame, event: protoEventRecord(item, selection) },
      );
    },
  ),
  listing(
    `${SERVICE}/ListTransactions`,
    GrpcTypes.ListTransactionsRequest,
    GrpcTypes.ListTransactionsResponse,
    (ledger, request) => {
      const selection = select(GrpcTypes.ExecutedTransaction, request.readMask, TRANSACTION_FIELDS);
      const source = journalSource(ledger.history.transactions, () => 0);
      const frames = runQuery(ledger, source, request, transactionTest(request.filter));
      return frames.map(({ item, ...frame }) =>
        item === undefined ? frame : { ...frame, transaction: selectedTransaction(item, selection) },
      );
    },
  ),
  listing(
    `${SERVICE}/ListCheckpoints`,
    GrpcTypes.ListCheckpointsRequest,
    GrpcTypes.ListCheckpointsResponse,
    (ledger, request) => {
      const selection = select(GrpcTypes.Checkpoint, request.readMask, CHECKPOINT_FIELDS);
      const test = transactionTest(request.filter);
      const frames = runQuery(
        ledger,
        checkpointSource(ledger),
        request,
        ({ transactions }) =>
          request.filter === undefined ||
          transactions.some(({ transaction }) => {
            const executed = ledger.history.get(transaction);
            return executed !== undefined && test(executed);
          }),
      );
      return frames.map(({ item, ...frame }) =>
        item === undefined ? frame : { ...frame, checkpoint: protoCheckpoint(ledger, item, selection) },
      );
    },
  ),
];
