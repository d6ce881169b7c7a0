import type { SuiId } from '@k3s-daas/core';
import { listGrants, readPolicy, type Actor, type HeldGrant } from '@k3s-daas/sui-client';

import type { CheckedRequest } from './check.ts';

/**
 * Grants on chain that a request would bring again, by policy: of this recipient, pod, session and term, neither ended nor
 * revoked. @throws ChainError
 */
export async function heldGrants(
  { client, packageId }: Pick<Actor, 'client' | 'packageId'>,
  request: CheckedRequest,
  nowMs: number,
): Promise<Map<SuiId, HeldGrant>> {
  const { recipient, podUid, session, term, access } = request;
  const wanted = new Set(access.releases.map(({ policy }) => policy));
  const found = new Map<SuiId, HeldGrant>();
  for (const grant of await listGrants(client, packageId, recipient)) {
    const ours = grant.podUid === podUid && grant.session === session && grant.term === term;
    if (!ours || grant.recipient !== recipient || !wanted.has(grant.policy)) continue;
    const other = found.get(grant.policy);
    if (other === undefined || grant.expiresMs > other.expiresMs) found.set(grant.policy, grant);
  }
  const good = async ({ policy, generation, expiresMs }: HeldGrant): Promise<boolean> =>
    expiresMs > BigInt(nowMs) && (await readPolicy(client, packageId, policy)).generation === generation;
  const grants = [...found.values()];
  const judged = await Promise.all(grants.map(good));
  return new Map(grants.filter((_, index) => judged[index]).map((grant) => [grant.policy, grant]));
}
