import { decodeDecisionMessage, decodeReceipt, verifyEd25519, type Decision } from '@k3s-daas/core';
import { readSession, verifyReceiptOnChain } from '@k3s-daas/sui-client';

import type { StakedNode } from '../stack/nodes.ts';
import type { Stack } from '../stack/stack.ts';
import type { PlacedPod } from './kube.ts';

export interface VerifiedPlacement {
  readonly pod: string;
  readonly node: string;
  readonly sequence: bigint;
  readonly stake: bigint;
  readonly receiptBytes: number;
  /** The signature holds and every field is that of this pod, by this program and by Move. */
  readonly verified: boolean;
}

/** Verifies each pod's receipt twice: here, with the session's key read from the chain, and by Move on the chain. */
export async function verifyReceipts(
  stack: Stack,
  staked: readonly StakedNode[],
  pods: readonly PlacedPod[],
): Promise<VerifiedPlacement[]> {
  const { world, enclave } = stack;
  const session = await readSession(world.chain.client, world.packageId, enclave.session);
  const placements: VerifiedPlacement[] = [];
  for (const pod of pods) {
    const receipt = decodeReceipt(pod.receipt);
    const { payload } = decodeDecisionMessage(receipt.message);
    const here =
      verifyEd25519(session.decisionKey, receipt.message, receipt.signature) && isFor(payload, pod, staked);
    const args = { cluster: world.owned.cluster, session: enclave.session, receipt };
    const onChain = await verifyReceiptOnChain(world.operator, args);
    placements.push({
      pod: pod.name,
      node: pod.node,
      sequence: payload.sequence,
      stake: staked.find(({ name }) => name === pod.node)?.stake ?? 0n,
      receiptBytes: receipt.message.length + receipt.signature.length,
      verified: here && onChain.podUid === pod.uid && onChain.node === pod.node,
    });
  }
  return placements.sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
}

function isFor(decision: Decision, pod: PlacedPod, staked: readonly StakedNode[]): boolean {
  const node = staked.find(({ name }) => name === pod.node);
  return (
    node !== undefined &&
    decision.podUid === pod.uid &&
    decision.namespace === pod.namespace &&
    decision.pod === pod.name &&
    decision.node === pod.node &&
    decision.stake === node.position
  );
}
