import { Transaction } from '@mysten/sui/transactions';
import type { SuiId } from '@k3s-daas/core';

import { createdOne, execute, type Executed } from './execute.ts';
import { ChainError } from './errors.ts';
import { eventsOf } from './events.ts';
import * as calls from './seal-calls.ts';
import { sealTypes, type PolicyTerms } from './seal-layouts.ts';
import type { Actor } from './transactions.ts';

// What the owner of a policy does, one transaction each; all throw ChainError.

interface Guarded {
  readonly cluster: SuiId;
  readonly policy: SuiId;
}

function run(
  { client, signer, packageId, gas }: Actor,
  add: (tx: Transaction) => unknown,
): Promise<Executed> {
  const tx = new Transaction();
  add(tx);
  return execute(client, tx, signer, packageId, { ...(gas && { gas }) });
}

/** Creates and shares a policy of the signer. */
export async function createSealPolicy(
  actor: Actor,
  cluster: SuiId,
  subject: calls.PolicySubject,
  terms: PolicyTerms,
): Promise<Executed & { readonly policy: SuiId }> {
  const { packageId } = actor;
  const executed = await run(actor, (tx) => {
    calls.sharePolicy(tx, packageId, calls.createPolicy(tx, packageId, cluster, subject, terms));
  });
  return { ...executed, policy: createdOne(executed, sealTypes(packageId).policy) };
}

export function setPolicyTerms(
  actor: Actor,
  { cluster, policy }: Guarded,
  terms: PolicyTerms,
): Promise<Executed> {
  return run(actor, (tx) => calls.setTerms(tx, actor.packageId, cluster, policy, terms));
}

/** Begins the next version of a policy's secrets. `version`: the one that this very transaction began. */
export async function rotateSecrets(
  actor: Actor,
  { cluster, policy }: Guarded,
): Promise<Executed & { readonly version: bigint }> {
  const executed = await run(actor, (tx) => calls.rotate(tx, actor.packageId, cluster, policy));
  const [rotated] = eventsOf(executed.events, 'seal_policy::Rotated');
  if (rotated !== undefined) return { ...executed, version: rotated.version };
  throw new ChainError('CHAIN_MALFORMED', `the node does not show what ${executed.digest} rotated`);
}

/** Nothing older than `versionMin` opens any more. */
export function retireSecrets(
  actor: Actor,
  { cluster, policy }: Guarded,
  versionMin: bigint,
): Promise<Executed> {
  return run(actor, (tx) => calls.retireVersions(tx, actor.packageId, cluster, policy, versionMin));
}

/** Voids every grant made so far. */
export function revokePolicyGrants(actor: Actor, { cluster, policy }: Guarded): Promise<Executed> {
  return run(actor, (tx) => calls.revokeGrants(tx, actor.packageId, cluster, policy));
}

/** Gives the signer, who owns the policies, a grant of an hour for each. Leaves an event for each. */
export async function recoverSecrets(
  actor: Actor,
  cluster: SuiId,
  policies: readonly SuiId[],
): Promise<Executed & { readonly grants: ReadonlyMap<SuiId, SuiId> }> {
  const grants = new Map<SuiId, SuiId>();
  let last: Executed | null = null;
  // One each, so that what was created is certainly this policy's.
  for (const policy of policies) {
    last = await run(actor, (tx) => calls.recover(tx, actor.packageId, cluster, policy));
    grants.set(policy, createdOne(last, sealTypes(actor.packageId).recoveryGrant));
  }
  if (last === null) throw new RangeError('there is no policy to recover');
  return { ...last, grants };
}

export function discardRecoveryGrants(actor: Actor, grants: readonly SuiId[]): Promise<Executed> {
  return run(actor, (tx) => {
    for (const grant of grants) calls.discardRecovery(tx, actor.packageId, grant);
  });
}
