import { GrpcTypes } from '@mysten/sui/grpc';

import type { Checkpoint } from '../chain/checkpoints.ts';
import type { EventRecord } from '../chain/history.ts';
import type { Ledger } from '../chain/ledger.ts';
import type { Selection } from './mask.ts';
import { protoTimestamp, type Partial } from './proto-objects.ts';
import { protoEvent, protoExecuted } from './proto-transactions.ts';

/** A checkpoint as the API shows it, with what `selection` wants of it. */
export function protoCheckpoint(
  ledger: Ledger,
  checkpoint: Checkpoint,
  selection: Selection,
): GrpcTypes.Checkpoint {
  const { sequence, digest, epoch, contentDigest, previousDigest, totalTransactions } = checkpoint;
  const message: Partial<typeof GrpcTypes.Checkpoint> = { sequenceNumber: sequence, digest };
  if (selection.wants('summary')) {
    message.summary = {
      bcs: { name: 'CheckpointSummary', value: checkpoint.bcs },
      digest,
      epoch,
      sequenceNumber: sequence,
      totalNetworkTransactions: totalTransactions,
      contentDigest,
      ...(previousDigest === null ? {} : { previousDigest }),
      timestamp: protoTimestamp(checkpoint.timestampMs),
    };
  }
  if (selection.wants('contents')) {
    const transactions = checkpoint.transactions.map((one) => ({ ...one }));
    message.contents = { digest: contentDigest, version: 1, transactions };
  }
  if (selection.wants('transactions')) {
    message.transactions = checkpoint.transactions.flatMap(({ transaction }) => {
      const executed = ledger.history.get(transaction);
      return executed === undefined ? [] : [protoExecuted(executed)];
    });
  }
  return selection.trim(GrpcTypes.Checkpoint.create(message));
}

/** An event on its own, with its place in the ledger. */
export function protoEventRecord(
  { event, sender, transactionDigest, eventIndex, checkpoint }: Omit<EventRecord, 'sequence'>,
  selection: Selection,
): GrpcTypes.Event {
  return selection.trim(
    GrpcTypes.Event.create({
      ...protoEvent(event, sender),
      transactionDigest,
      transactionIndex: 0n,
      eventIndex,
      checkpoint,
    }),
  );
}
