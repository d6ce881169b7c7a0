import { createHash } from 'node:crypto';

import { nodeManifest } from '@k3s-daas/control-plane';
import type { Stack } from '@k3s-daas/cli';
import { generateEd25519, NODE_USER_PREFIX, STAKE_STATE_ANNOTATION, type SuiId } from '@k3s-daas/core';
import { BATCH_MAX, claimMany, proveNodeKey, stakeMany, topUp } from '@k3s-daas/sui-client';
import { z } from 'zod';

import { inParallel } from '../frame/rounds.ts';
import type { Api } from '../kube-api.ts';
import { BenchError } from '../errors.ts';
import { until } from '../wait.ts';

/** Room for every pod of the bench on any node, so that no subject is stopped by a full one. */
const CPU = '16';
const MEMORY = '64Gi';
const CPU_MILLI = 16_000n;
const MEMORY_MIB = 65_536n;
const PODS = '1000';
/** Of the embedded chain's terms: 1,000 for a node, or 100 per CPU and 10 per GiB, whichever is more. */
const STAKE_MIST = 10_000n;
const WIDTH = 16;
const OWNERS_AT_ONCE = 4;
const SETTLE_MS_MAX = 240_000;
const SETTLE_POLL_MS = 2_000;
const ADMIT_MS_MAX = 60_000;

export function nodeNames(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `node-${String(at + 1).padStart(5, '0')}`);
}

/** What all nodes together offer, as the policy of the cluster says it. */
export function capacityOf(count: number): { cpuMilli: bigint; memoryBytes: bigint } {
  const nodes = BigInt(count);
  return { cpuMilli: nodes * CPU_MILLI, memoryBytes: nodes * MEMORY_MIB * (1n << 20n) };
}

type Owner = Awaited<ReturnType<Stack['world']['fundedActor']>>;

/** Adds a little to one node's stake. */
export type Nudge = () => Promise<unknown>;

/**
 * Stakes for every name and claims it; owner number i stakes (1 + i mod 5) units behind each of its nodes.
 *
 * @returns a change of the chain to make when the nodes are there: the stake controller then looks at all nodes at once,
 *   and not in its next regular round, in the middle of what is measured.
 */
export async function stakeNodes(stack: Stack, names: readonly string[], owners: number): Promise<Nudge> {
  const share = Math.ceil(names.length / owners);
  const shares = Array.from({ length: owners }, (_, at) => ({
    names: names.slice(at * share, (at + 1) * share),
    amount: STAKE_MIST * BigInt(1 + (at % 5)),
  })).filter((one) => one.names.length > 0);
  const nudges: Nudge[] = [];
  await inParallel(shares, OWNERS_AT_ONCE, async (one) => {
    const owner = await stack.world.fundedActor();
    for (let at = 0; at < one.names.length; at += BATCH_MAX) {
      const position = await stakeBatch(stack, owner, one.names.slice(at, at + BATCH_MAX), one.amount);
      nudges.push(() => topUp(owner, { cluster: stack.world.owned.cluster, position, amount: 1n }));
    }
  });
  return async () => nudges[0]?.();
}

/** @returns one of the positions. */
async function stakeBatch(
  { world }: Stack,
  owner: Owner,
  names: readonly string[],
  amount: bigint,
): Promise<SuiId> {
  const { cluster } = world.owned;
  const amounts = names.map(() => amount);
  const { positions } = await stakeMany(owner, { cluster, role: 1, amounts });
  const claims = names.map((name, at) => {
    const position = positions[at];
    if (position === undefined) throw new RangeError('stakeMany gives a position per amount');
    const nodeKey = generateEd25519();
    // No kubelet joins with this name, so the hash is that of a key which nobody has.
    const csrKeyHash = new Uint8Array(createHash('sha256').update(`bench ${name}`).digest());
    const proof = proveNodeKey(nodeKey, { cluster, position, name, csrKeyHash });
    const terms = {
      name,
      nodeKey: nodeKey.publicKey,
      csrKeyHash,
      cpuMilli: CPU_MILLI,
      memoryMib: MEMORY_MIB,
    };
    return { ...terms, position, proof };
  });
  await claimMany(owner, cluster, claims);
  const [first] = positions;
  if (first === undefined) throw new RangeError('a batch is not empty');
  return first;
}

/**
 * Every node creates itself: an administrator impersonates `system:node:NAME`, which is what authorizer, NodeRestriction
 * and webhook then see, without a TLS handshake for each of 5,000 certificates.
 */
export async function createNodes(api: Api, names: readonly string[], signal: AbortSignal): Promise<void> {
  await inParallel(names, WIDTH, async (name) => {
    signal.throwIfAborted();
    const headers = { 'impersonate-user': `${NODE_USER_PREFIX}${name}`, 'impersonate-group': 'system:nodes' };
    const body = nodeManifest({ name, cpu: CPU, memory: MEMORY, pods: PODS });
    // The webhook's snapshot of the chain follows the claims within its polling interval.
    await until(`node ${name}`, ADMIT_MS_MAX, signal, async () => {
      const { status, text } = await api.call({ method: 'POST', path: '/api/v1/nodes', body, headers });
      if (status === 201 || status === 409) return null;
      if (status === 403) return text.slice(0, 300);
      throw new BenchError(
        'API_REFUSED',
        `POST of node ${name}: ${status} ${text.slice(0, 300)}`,
        'see the logs',
      );
    });
    // Admission taints every new node as not ready, and nobody plays the controller that lifts it.
    await api.json({
      method: 'PATCH',
      path: `/api/v1/nodes/${name}`,
      body: { spec: { taints: null } },
      headers: { 'content-type': 'application/merge-patch+json' },
    });
  });
}

const nodeList = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), annotations: z.record(z.string(), z.string()).optional() }),
      spec: z.object({ taints: z.array(z.unknown()).optional() }).optional(),
    }),
  ),
});

/** Waits until every node is free of taints and, with our controller running, marked as eligible. */
export async function untilNodesSettled(
  api: Api,
  count: number,
  staked: boolean,
  signal: AbortSignal,
): Promise<void> {
  const settled = async (): Promise<string | null> => {
    // From the API server's cache: a list of 5,000 nodes is megabytes, and etcd is busy with them.
    const list = await api.json({ method: 'GET', path: '/api/v1/nodes?resourceVersion=0' });
    const ready = nodeList.parse(list).items.filter(({ metadata, spec }) => {
      const marked = metadata.annotations?.[STAKE_STATE_ANNOTATION] === 'ELIGIBLE';
      return (spec?.taints ?? []).length === 0 && marked === staked;
    });
    return ready.length === count ? null : `${ready.length} of ${count} are settled`;
  };
  await until('nodes', SETTLE_MS_MAX, signal, settled, SETTLE_POLL_MS);
}
