import { bcs } from '@mysten/bcs';
import { bytes32, suiId, type Bytes, type Receipt, type SuiId } from '@k3s-daas/core';
import type { Transaction, TransactionArgument, TransactionResult } from '@mysten/sui/transactions';

import { bytes, call, CLOCK, object, type ObjectInput } from './move-call.ts';
import type { PolicyTerms } from './seal-layouts.ts';

// One function per entry point of seal_policy.move and access_pass.move, as in calls.ts.

/** Whose secrets a policy guards. */
export interface PolicySubject {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Null for whatever service account has that name. */
  readonly serviceAccountUid: string | null;
}

/** What a policy's decision rests on, besides the policy. */
export interface Placement {
  readonly cluster: ObjectInput;
  readonly session: ObjectInput;
  /** The stake behind the node. */
  readonly position: ObjectInput;
}

/** encodeReleaseMessage, signed by the session's decision key. */
export interface SignedRelease {
  readonly message: Bytes;
  readonly signature: Bytes;
}

/** → Terms */
export function newTerms(tx: Transaction, packageId: SuiId, terms: PolicyTerms): TransactionResult {
  return call(tx, packageId, 'seal_policy::new_terms', [
    tx.pure.vector('u64', [...terms.configVersions]),
    tx.pure.u64(terms.stakeMin),
    tx.pure(bcs.vector(suiId).serialize(terms.nodes.map(({ stake }) => stake))),
    digests(
      tx,
      terms.nodes.map(({ nodeKey }) => nodeKey),
    ),
    tx.pure.u64(terms.notBeforeMs),
    tx.pure.u64(terms.notAfterMs),
    tx.pure.u64(terms.usesMax),
    tx.pure.u64(terms.renewalsMax),
    tx.pure.u64(terms.grantMs),
    digests(tx, terms.imageDigests),
  ]);
}

/** → Policy of the sender, which must go to sharePolicy. */
export function createPolicy(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  subject: PolicySubject,
  terms: PolicyTerms,
): TransactionResult {
  const value = newTerms(tx, packageId, terms);
  return call(tx, packageId, 'seal_policy::create', [
    object(tx, cluster),
    tx.pure.string(subject.namespace),
    tx.pure.string(subject.serviceAccount),
    tx.pure.option('string', subject.serviceAccountUid),
    value,
  ]);
}

export function sharePolicy(tx: Transaction, packageId: SuiId, policy: ObjectInput): TransactionResult {
  return call(tx, packageId, 'seal_policy::share', [object(tx, policy)]);
}

export function setTerms(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  policy: ObjectInput,
  terms: PolicyTerms,
): TransactionResult {
  const value = newTerms(tx, packageId, terms);
  return call(tx, packageId, 'seal_policy::set_terms', [object(tx, cluster), object(tx, policy), value]);
}

/** → u64: the next version of the secret. */
export function rotate(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  policy: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'seal_policy::rotate', [object(tx, cluster), object(tx, policy)]);
}

/** Opens nothing older than `versionMin` any more. */
export function retireVersions(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  policy: ObjectInput,
  versionMin: bigint,
): TransactionResult {
  return call(tx, packageId, 'seal_policy::retire_versions', [
    object(tx, cluster),
    object(tx, policy),
    tx.pure.u64(versionMin),
  ]);
}

/** Voids every grant made so far. */
export function revokeGrants(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  policy: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'seal_policy::revoke_grants', [object(tx, cluster), object(tx, policy)]);
}

/** Sends an AccessGrant to the release's recipient, whoever the sender is. */
export function requestAccess(
  tx: Transaction,
  packageId: SuiId,
  placement: Placement,
  policy: ObjectInput,
  receipt: Receipt,
  release: SignedRelease,
): TransactionResult {
  const [access] = requestAccessMany(tx, packageId, placement, receipt, [{ policy, ...release }]);
  if (access === undefined) throw new RangeError('one release makes one command');
  return access;
}

/** As requestAccess, one command for each release of one receipt, whose bytes the transaction holds once. */
export function requestAccessMany(
  tx: Transaction,
  packageId: SuiId,
  placement: Placement,
  receipt: Receipt,
  releases: readonly (SignedRelease & { readonly policy: ObjectInput })[],
): TransactionResult[] {
  const message = bytes(tx, receipt.message);
  const signature = bytes(tx, receipt.signature);
  return releases.map((release) =>
    call(tx, packageId, 'seal_policy::request_access', [
      object(tx, placement.cluster),
      object(tx, placement.session),
      object(tx, release.policy),
      object(tx, placement.position),
      message,
      signature,
      bytes(tx, release.message),
      bytes(tx, release.signature),
      tx.object(CLOCK),
    ]),
  );
}

export function discardGrant(tx: Transaction, packageId: SuiId, grant: ObjectInput): TransactionResult {
  return call(tx, packageId, 'seal_policy::discard', [object(tx, grant)]);
}

/** Sends a RecoveryGrant to the sender, who must own the policy. */
export function recover(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  policy: ObjectInput,
): TransactionResult {
  return call(tx, packageId, 'seal_policy::recover', [
    object(tx, cluster),
    object(tx, policy),
    tx.object(CLOCK),
  ]);
}

export function discardRecovery(tx: Transaction, packageId: SuiId, grant: ObjectInput): TransactionResult {
  return call(tx, packageId, 'seal_policy::discard_recovery', [object(tx, grant)]);
}

/**
 * The transaction that Seal's clients send to key servers, as its kind only
 * (`tx.build({ client, onlyTransactionKind: true })`). Every object must be given by id.
 * @param identity core encodeSealIdentity.
 */
export function sealApprove(
  tx: Transaction,
  packageId: SuiId,
  identity: Bytes,
  grant: SuiId,
  placement: Placement,
  policy: SuiId,
): TransactionResult {
  return call(tx, packageId, 'seal_policy::seal_approve', [
    bytes(tx, identity),
    tx.object(grant),
    object(tx, placement.cluster),
    tx.object(policy),
    object(tx, placement.session),
    object(tx, placement.position),
    tx.object(CLOCK),
  ]);
}

/** As sealApprove, with the owner's own grant. */
export function sealApproveRecovery(
  tx: Transaction,
  packageId: SuiId,
  identity: Bytes,
  grant: SuiId,
  cluster: SuiId,
  policy: SuiId,
): TransactionResult {
  return call(tx, packageId, 'seal_policy::seal_approve_recovery', [
    bytes(tx, identity),
    tx.object(grant),
    tx.object(cluster),
    tx.object(policy),
    tx.object(CLOCK),
  ]);
}

/** What passes of this name are issued for. */
export function setTier(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  name: string,
  tier: { readonly stakeMin: bigint; readonly groups: readonly string[]; readonly epochsMax: bigint },
): TransactionResult {
  const value = call(tx, packageId, 'parameters::new_tier', [
    tx.pure.u64(tier.stakeMin),
    tx.pure.vector('string', [...tier.groups]),
    tx.pure.u64(tier.epochsMax),
  ]);
  return call(tx, packageId, 'cluster::set_tier', [
    object(tx, cluster),
    object(tx, cap),
    tx.pure.string(name),
    value,
  ]);
}

/** → Pass of the sender, which must go to sharePass. `keyHash`: SHA-256 of a SubjectPublicKeyInfo. */
export function issuePass(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  position: ObjectInput,
  pass: { readonly tier: string; readonly keyHash: Bytes; readonly epochs: bigint },
): TransactionResult {
  return call(tx, packageId, 'access_pass::issue', [
    object(tx, cluster),
    object(tx, position),
    tx.pure.string(pass.tier),
    bytes(tx, pass.keyHash),
    tx.pure.u64(pass.epochs),
  ]);
}

export function sharePass(tx: Transaction, packageId: SuiId, pass: ObjectInput): TransactionResult {
  return call(tx, packageId, 'access_pass::share', [object(tx, pass)]);
}

/** A pass and the stake behind it. */
export interface HeldPass {
  readonly pass: ObjectInput;
  readonly position: ObjectInput;
}

/** Makes the pass last `epochs` from now, on the tier's terms of now. */
export function renewPass(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  held: HeldPass,
  epochs: bigint,
): TransactionResult {
  return call(tx, packageId, 'access_pass::renew', [
    object(tx, cluster),
    object(tx, held.pass),
    object(tx, held.position),
    tx.pure.u64(epochs),
  ]);
}

/** Puts another key in the place of the old one. */
export function rotatePass(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  held: HeldPass,
  keyHash: Bytes,
): TransactionResult {
  return call(tx, packageId, 'access_pass::rotate', [
    object(tx, cluster),
    object(tx, held.pass),
    object(tx, held.position),
    bytes(tx, keyHash),
  ]);
}

/** Ends the pass for good. */
export function revokePass(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  cap: ObjectInput,
  held: HeldPass,
): TransactionResult {
  return call(tx, packageId, 'access_pass::revoke', [
    object(tx, cluster),
    object(tx, cap),
    object(tx, held.pass),
    object(tx, held.position),
  ]);
}

/** Deletes the pass and frees the stake; a revoked one only once none of that is active. */
export function giveBackPass(
  tx: Transaction,
  packageId: SuiId,
  cluster: ObjectInput,
  held: HeldPass,
): TransactionResult {
  return call(tx, packageId, 'access_pass::give_back', [
    object(tx, cluster),
    object(tx, held.pass),
    object(tx, held.position),
  ]);
}

function digests(tx: Transaction, values: readonly Bytes[]): TransactionArgument {
  return tx.pure(bcs.vector(bytes32).serialize([...values]));
}
