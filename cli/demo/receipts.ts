import { decodeDecisionMessage, decodeReceipt, verifyEd25519, type Decision } from '@k3s-daas/core';
import {
  readClaim,
  readCluster,
  readPosition,
  readSession,
  verifyReceiptOnChain,
} from '@k3s-daas/sui-client';

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

/** Verifies each pod's receipt twice: here, with its session's key read from the chain, and by Move on the chain. */
export async function verifyReceipts(
  { world }: Stack,
  pods: readonly PlacedPod[],
): Promise<VerifiedPlacement[]> {
  const { client } = world.chain;
  const cluster = await readCluster(client, world.packageId, world.owned.cluster);
  const placements: VerifiedPlacement[] = [];
  for (const pod of pods) {
    const receipt = decodeReceipt(pod.receipt);
    const { payload } = decodeDecisionMessage(receipt.message);
    const session = await readSession(client, world.packageId, payload.session);
    const stake = await readPosition(client, world.packageId, payload.stake);
    const claim = await readClaim(client, world.packageId, cluster, pod.node);
    const here =
      session.cluster === cluster.id &&
      verifyEd25519(session.decisionKey, receipt.message, receipt.signature) &&
      isFor(payload, pod) &&
      claim?.stake === payload.stake;
    const args = { cluster: cluster.id, session: session.id, receipt };
    const onChain = await verifyReceiptOnChain(world.operator, args);
    placements.push({
      pod: pod.name,
      node: pod.node,
      sequence: payload.sequence,
      stake: stake.active,
      receiptBytes: receipt.message.length + receipt.signature.length,
      verified: here && onChain.podUid === pod.uid && onChain.node === pod.node,
    });
  }
  return placements.sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
}

function isFor(decision: Decision, pod: PlacedPod): boolean {
  return (
    decision.podUid === pod.uid &&
    decision.namespace === pod.namespace &&
    decision.pod === pod.name &&
    decision.node === pod.node
  );
}
