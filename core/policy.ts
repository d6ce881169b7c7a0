import { bcs } from '@mysten/bcs';
import { z } from 'zod';

import { sha256, utf8, type Bytes } from './bytes.ts';
import { u64 } from './codec.ts';

const count = z.number().int();
const positive = z.coerce
  .bigint()
  .positive()
  .max((1n << 63n) - 1n);

/** What every decision depends on; its digest is in the cluster's config digest and in each decision. */
export const policySchema = z.strictObject({
  /** The filter returns the fairest this many of the eligible nodes. */
  shortlist: count.min(1).max(1024).default(64),
  /** The cluster's capacity by policy: denominators of the dominant share. Never what a kubelet reports. */
  capacity: z.strictObject({ cpuMilli: positive, memoryBytes: positive }),
  /** Least cost of a pod, in 10⁻⁹ of the capacity: a pod without requests is not free. */
  dominantShareMin: positive.default(1_000n),
  /** Bound on an operator's lag, in the same unit. */
  lagMax: positive.default(1_000_000_000n),
  receiptLifetimeMs: count.min(1_000).max(60_000).default(10_000),
  stakeSnapshotAgeMsMax: count.min(1_000).max(600_000).default(30_000),
  /** After this many failed binds of a pod to a node, the node is left out for that pod. */
  bindFailuresMax: count.min(1).max(100).default(3),
});

export type Policy = z.infer<typeof policySchema>;

const policyBcs = bcs.struct('Policy', {
  shortlist: bcs.u32(),
  capacity: bcs.struct('Capacity', { cpuMilli: u64, memoryBytes: u64 }),
  dominantShareMin: u64,
  lagMax: u64,
  receiptLifetimeMs: bcs.u32(),
  stakeSnapshotAgeMsMax: bcs.u32(),
  bindFailuresMax: bcs.u32(),
});

export function policyDigest(policy: Policy): Bytes {
  return sha256(utf8('k3s-daas/policy/v1'), policyBcs.serialize(policy).toBytes());
}
