import { readFile } from 'node:fs/promises';

import { nodeManifest, type ControlPlane } from '@k3s-daas/control-plane';
import { cpuMilli, generateEd25519, memoryBytes, NODE_USER_PREFIX, type SuiId } from '@k3s-daas/core';
import { addressOf, stakeAndClaim, type Actor } from '@k3s-daas/sui-client';
import { parse } from 'yaml';
import { z } from 'zod';

import type { ChainWorld } from './chain.ts';
import { certificateKeyHash } from './files.ts';

const MEBIBYTE = 1n << 20n;

export interface NodeSpec {
  readonly name: string;
  /** Kubernetes quantities. */
  readonly cpu: string;
  readonly memory: string;
}

/** A node's own identity: user `system:node:NAME` in group `system:nodes`. */
export interface NodeIdentity extends NodeSpec {
  readonly kubeconfig: string;
  /** SHA-256 of the public key in its client certificate, as the claim on chain names it. */
  readonly csrKeyHash: Uint8Array;
}

export interface StakedNode {
  readonly name: string;
  readonly owner: SuiId;
  readonly position: SuiId;
  readonly stake: bigint;
}

export async function issueNodeIdentity(plane: ControlPlane, spec: NodeSpec): Promise<NodeIdentity> {
  const commonName = `${NODE_USER_PREFIX}${spec.name}`;
  const kubeconfig = await plane.kubeconfig({ commonName, organizations: ['system:nodes'] });
  return { ...spec, kubeconfig, csrKeyHash: certificateKeyHash(await clientCertificate(kubeconfig)) };
}

/** An owner of its own stakes and claims the node's name for the node's keys. */
export async function stakeForNode(
  world: ChainWorld,
  node: NodeIdentity,
  amount: bigint,
): Promise<StakedNode> {
  const owner: Actor = await world.fundedActor();
  const { position } = await stakeAndClaim(owner, {
    cluster: world.owned.cluster,
    amount,
    name: node.name,
    nodeKey: generateEd25519(),
    csrKeyHash: node.csrKeyHash,
    cpuMilli: cpuMilli(node.cpu),
    memoryMib: memoryBytes(node.memory) / MEBIBYTE,
  });
  return { name: node.name, owner: addressOf(owner.signer), position, stake: amount };
}

/** The node creates itself, as a kubelet does. Refused by admission unless a live stake stands behind the name. */
export async function createNode(plane: ControlPlane, node: NodeIdentity): Promise<void> {
  const manifest = nodeManifest({ name: node.name, cpu: node.cpu, memory: node.memory, pods: '110' });
  await plane.kubectl(['create', '-f', '-'], {
    kubeconfig: node.kubeconfig,
    input: JSON.stringify(manifest),
  });
}

const kubeconfigSchema = z.object({
  users: z.tuple([z.object({ user: z.object({ 'client-certificate-data': z.base64() }) })]),
});

async function clientCertificate(kubeconfig: string): Promise<string> {
  const { users } = kubeconfigSchema.parse(parse(await readFile(kubeconfig, 'utf8')));
  return Buffer.from(users[0].user['client-certificate-data'], 'base64').toString('utf8');
}
