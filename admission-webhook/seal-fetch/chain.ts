import { toHex, type Clock, type FetchPlan, type SuiId } from '@k3s-daas/core';
import {
  accessGrantBcs,
  ChainError,
  readCluster,
  readObjects,
  readPolicy,
  readSession,
  sealTypes,
  type Chain,
} from '@k3s-daas/sui-client';

import { FetchError } from './errors.ts';
import { agreed, type Agreed, type FullNodes } from './majority.ts';

/** The enclave that may answer for the cluster now. */
export interface ActiveEnclave {
  readonly session: SuiId;
  /** SHA-256 of the SubjectPublicKeyInfo of its TLS key. */
  readonly tlsKeyHash: string;
}

/** As key servers allow a full node to lag (sui-and-seal.md). */
const CHAIN_AGE_MS_MAX = 120_000;

/** @throws ChainError, also CHAIN_FOREIGN; FetchError CHAIN_DISAGREES, CHAIN_STALE, ENCLAVE_MISSING */
export function findEnclave(full: FullNodes, plan: FetchPlan, clock: Clock): Promise<Agreed<ActiveEnclave>> {
  return agreed(full, 'the active enclave', async (node) => {
    const [enclave] = await Promise.all([activeEnclave(node, plan), requireFresh(node, clock)]);
    return enclave;
  });
}

async function activeEnclave({ client }: Chain, plan: FetchPlan): Promise<ActiveEnclave> {
  const { active } = await readCluster(client, plan.package, plan.cluster);
  if (active === null)
    throw new FetchError('ENCLAVE_MISSING', `cluster ${plan.cluster} has no active enclave`);
  const session = await readSession(client, plan.package, active.session);
  if (session.cluster !== plan.cluster || session.revoked)
    throw new FetchError('ENCLAVE_MISSING', `session ${session.id} is revoked or of another cluster`);
  return { session: session.id, tlsKeyHash: toHex(session.tlsKeyHash) };
}

async function requireFresh(node: Chain, clock: Clock): Promise<void> {
  const { timestampMs } = await node.checkpoint((await node.info()).checkpoint);
  const ageMs = clock.now() - timestampMs;
  if (ageMs > CHAIN_AGE_MS_MAX)
    throw new FetchError('CHAIN_STALE', `${node.url} is ${Math.floor(ageMs / 1000)} s behind`);
}

/** Who may publish new versions of a policy's secrets. @throws ChainError, FetchError */
export async function readPolicyOwner(full: FullNodes, plan: FetchPlan, policy: SuiId): Promise<SuiId> {
  const { value } = await agreed(full, `policy ${policy}`, async ({ client }) => {
    const found = await readPolicy(client, plan.package, policy);
    return { cluster: found.cluster, owner: found.owner };
  });
  const { cluster, owner } = value;
  if (cluster !== plan.cluster)
    throw new ChainError('OBJECT_MALFORMED', `policy ${policy} is of cluster ${cluster}`);
  return owner;
}

/**
 * Whether the node has all grants, each for its policy and this recipient.
 * @param grants ids of grants by policy.
 * @throws ChainError; FetchError RELAY_MALFORMED
 */
export async function hasGrants(
  { client }: Chain,
  plan: FetchPlan,
  grants: ReadonlyMap<SuiId, SuiId>,
  recipient: SuiId,
): Promise<boolean> {
  const shape = { type: sealTypes(plan.package).accessGrant, layout: accessGrantBcs };
  const found = await readObjects(client, [...grants.values()], shape);
  for (const [policy, grant] of grants) {
    const value = found.get(grant)?.value;
    if (value === undefined) return false;
    if (value.policy !== policy || value.recipient !== recipient)
      throw new FetchError('RELAY_MALFORMED', `grant ${grant} is not what was asked for`);
  }
  return true;
}
