import { executeOver, grpcClient, type SignedTransaction } from '@k3s-daas/ledger/workload';

import { endChild, messageOf, startChild } from '../frame/children.ts';
import type { Progress } from '../frame/command.ts';
import { inParallel } from '../frame/rounds.ts';
import { quantile } from '../statistics.ts';

const WIDTHS = [1, 8, 32] as const;
/** Before the first round, so that both processes are compiled; not recorded. */
const WARM_UP = 500;

export interface GrpcSample {
  readonly round: number;
  /** Transactions that wait for their answer at the same time. */
  readonly width: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Signed transactions from this process to a ledger in another one, through the SDK's client as it is. */
export async function measureGrpc(rounds: number, count: number, progress: Progress): Promise<GrpcSample[]> {
  const child = startChild(new URL('grpc-server.ts', import.meta.url), {
    transactions: WARM_UP + rounds * WIDTHS.length * count,
  });
  try {
    const { url, signed } = (await messageOf(child)) as { url: string; signed: SignedTransaction[] };
    const client = grpcClient(url);
    const next = (length: number): SignedTransaction[] => signed.splice(0, length);
    const send = async (transaction: SignedTransaction): Promise<void> => {
      if (!(await executeOver(client, transaction))) throw new Error('a transaction failed');
    };
    await inParallel(next(WARM_UP), 8, send);
    const samples: GrpcSample[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const width of WIDTHS) {
        const latencies: number[] = [];
        const start = performance.now();
        await inParallel(next(count), width, async (transaction) => {
          const sent = performance.now();
          await send(transaction);
          latencies.push(performance.now() - sent);
        });
        const perSecond = (count * 1000) / (performance.now() - start);
        const [p50Ms, p99Ms] = [quantile(latencies, 0.5), quantile(latencies, 0.99)];
        samples.push({ round, width, perSecond, p50Ms, p99Ms });
        progress(`round ${round + 1}: gRPC, ${width} in flight: ${perSecond.toFixed(0)} tx/s`);
      }
    }
    return samples;
  } finally {
    await endChild(child);
  }
}
