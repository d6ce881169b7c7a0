import { GrpcTypes } from '@mysten/sui/grpc';

import type { Checkpoint } from '../chain/checkpoints.ts';
import type { ExecutedTransaction } from '../chain/history.ts';
import type { Ledger } from '../chain/ledger.ts';
import { eventTest, transactionTest } from './filters.ts';
import { select } from './mask.ts';
import { GrpcError, Status, subscription, type CallContext, type Method } from './method.ts';
import { protoCheckpoint, protoEventRecord } from './proto-checkpoints.ts';
import { CHECKPOINT_FIELDS, EVENT_FIELDS, TRANSACTION_FIELDS, type Partial } from './proto-objects.ts';
import { selectedTransaction } from './proto-transactions.ts';
import { cursorOf, endOf, positionIn } from './queries.ts';

const SERVICE = 'sui.rpc.v2.SubscriptionService';
/** Time of the chain after which a subscriber learns how far the stream is although nothing matched. */
const PROGRESS_MS = 5_000n;

function fellBehind(): GrpcError {
  return new GrpcError(Status.resourceExhausted, 'the subscriber is too slow and was cut off');
}

/**
 * Checkpoints from now on, each once it is durable, until the signal is aborted. Throws GrpcError RESOURCE_EXHAUSTED
 * for a consumer that is more than `backlogMax` behind; from then on nothing is kept for it.
 */
async function* checkpointsOf({ ledger, signal, backlogMax }: CallContext): AsyncGenerator<Checkpoint> {
  const waiting: Checkpoint[] = [];
  const state = { overflow: false, wake: (): void => undefined };
  const unsubscribe = ledger.onCheckpoint((checkpoint) => {
    if (waiting.length < backlogMax) waiting.push(checkpoint);
    else {
      state.overflow = true;
      unsubscribe();
    }
    state.wake();
  });
  const onAbort = (): void => {
    state.wake();
  };
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else if (state.overflow) throw fellBehind();
      else {
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    unsubscribe();
  }
}

function transactionsOf(ledger: Ledger, checkpoint: Checkpoint): ExecutedTransaction[] {
  return checkpoint.transactions.map(({ transaction }) => {
    const executed = ledger.history.get(transaction);
    // Dropped from the history before this subscriber came to it.
    if (executed === undefined) throw fellBehind();
    return executed;
  });
}

/**
 * Runs `framesOf` over the checkpoints to come; where it gives no frames, `progress` gives one now and then, which
 * also keeps the connection from looking dead.
 */
async function* follow<F>(
  context: CallContext,
  framesOf: (checkpoint: Checkpoint) => readonly F[],
  progress: (checkpoint: Checkpoint) => F,
): AsyncGenerator<F> {
  let spokenMs: bigint | null = null;
  for await (const checkpoint of checkpointsOf(context)) {
    const frames = framesOf(checkpoint);
    const { timestampMs } = checkpoint;
    spokenMs ??= timestampMs;
    if (frames.length > 0) yield* frames;
    else if (timestampMs - spokenMs >= PROGRESS_MS) yield progress(checkpoint);
    else continue;
    spokenMs = timestampMs;
  }
}

/** The watermark of the `index`th of `count` frames of a checkpoint: the last one covers all of it. */
function watermark(
  { sequence }: Checkpoint,
  index: number,
  isLast: boolean,
): Partial<typeof GrpcTypes.Watermark> {
  if (isLast) return { cursor: cursorOf(endOf(sequence)), checkpoint: sequence };
  const below = sequence === 0n ? {} : { checkpoint: sequence - 1n };
  return { cursor: cursorOf(positionIn(sequence, index)), ...below };
}

export const subscriptionService: readonly Method[] = [
  subscription(
    `${SERVICE}/SubscribeCheckpoints`,
    GrpcTypes.SubscribeCheckpointsRequest,
    GrpcTypes.SubscribeCheckpointsResponse,
    (context, { filter, readMask }) => {
      const { ledger } = context;
      const selection = select(GrpcTypes.Checkpoint, readMask, CHECKPOINT_FIELDS);
      const test = transactionTest(filter);
      return follow<Partial<typeof GrpcTypes.SubscribeCheckpointsResponse>>(
        context,
        (checkpoint) =>
          filter !== undefined && !transactionsOf(ledger, checkpoint).some(test)
            ? []
            : [{ cursor: checkpoint.sequence, checkpoint: protoCheckpoint(ledger, checkpoint, selection) }],
        ({ sequence }) => ({ cursor: sequence }),
      );
    },
  ),
  subscription(
    `${SERVICE}/SubscribeTransactions`,
    GrpcTypes.SubscribeTransactionsRequest,
    GrpcTypes.SubscribeTransactionsResponse,
    (context, { filter, readMask }) => {
      const selection = select(GrpcTypes.ExecutedTransaction, readMask, TRANSACTION_FIELDS);
      const test = transactionTest(filter);
      return follow<Partial<typeof GrpcTypes.SubscribeTransactionsResponse>>(
        context,
        (checkpoint) => {
          const matching = transactionsOf(context.ledger, checkpoint).filter(test);
          return matching.map((executed, i) => ({
            transaction: selectedTransaction(executed, selection),
            watermark: watermark(checkpoint, 0, i === matching.length - 1),
          }));
        },
        (checkpoint) => ({ watermark: watermark(checkpoint, 0, true) }),
      );
    },
  ),
  subscription(
    `${SERVICE}/SubscribeEvents`,
    GrpcTypes.SubscribeEventsRequest,
    GrpcTypes.SubscribeEventsResponse,
    (context, { filter, readMask }) => {
      const selection = select(GrpcTypes.Event, readMask, EVENT_FIELDS);
      const test = eventTest(filter);
      return follow<Partial<typeof GrpcTypes.SubscribeEventsResponse>>(
        context,
        (checkpoint) => {
          const matching = transactionsOf(context.ledger, checkpoint)
            .flatMap(({ transaction, events }) =>
              events.map((event, eventIndex) => ({
                event,
                eventIndex,
                sender: transaction.data.sender,
                transactionDigest: transaction.digest,
                checkpoint: checkpoint.sequence,
              })),
            )
            .filter(test);
          return matching.map((record, i) => ({
            event: protoEventRecord(record, selection),
            watermark: watermark(checkpoint, record.eventIndex, i === matching.length - 1),
          }));
        },
        (checkpoint) => ({ watermark: watermark(checkpoint, 0, true) }),
      );
    },
  ),
];
