import { once } from 'node:events';

import { GrpcTypes } from '@mysten/sui/grpc';

import type { Checkpoint } from '../chain/checkpoints.ts';
import type { Ledger } from '../chain/ledger.ts';
import { protoCheckpoint } from './ledger-service.ts';
import { GrpcError, Status, streaming, type Method } from './method.ts';

/** A subscriber that reads more slowly than this many checkpoints behind is cut off. */
const BACKLOG_MAX = 1_000;

/** Checkpoints from now on, until the client leaves or the server stops. */
async function* checkpoints(ledger: Ledger, signal: AbortSignal): AsyncGenerator<Checkpoint> {
  const waiting: Checkpoint[] = [];
  const wake = new EventTarget();
  const unsubscribe = ledger.onCheckpoint((checkpoint) => {
    waiting.push(checkpoint);
    wake.dispatchEvent(new Event('checkpoint'));
  });
  try {
    while (!signal.aborted) {
      if (waiting.length > BACKLOG_MAX) throw new GrpcError(Status.internal, 'the subscriber fell behind');
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else await once(wake, 'checkpoint', { signal }).catch(() => undefined);
    }
  } finally {
    unsubscribe();
  }
}

export const subscriptionService: readonly Method[] = [
  streaming(
    'sui.rpc.v2.SubscriptionService/SubscribeCheckpoints',
    GrpcTypes.SubscribeCheckpointsRequest,
    GrpcTypes.SubscribeCheckpointsResponse,
    async function* (ledger, { filter }, signal) {
      if (filter !== undefined)
        throw new GrpcError(Status.unimplemented, 'filters of subscriptions are not supported');
      for await (const checkpoint of checkpoints(ledger, signal)) {
        yield { cursor: checkpoint.sequence, checkpoint: protoCheckpoint(checkpoint) };
      }
    },
  ),
];
