import { bcs } from '@mysten/bcs';
import { bytes32, suiId, u64, type Bytes, type SuiId } from '@k3s-daas/core';
import { normalizeStructTag } from '@mysten/sui/utils';

import { layout } from './layouts.ts';

// BCS of the objects of seal_policy.move and access_pass.move; the rules of layouts.ts.

/** A node that a policy allows: the stake behind it and its raw Ed25519 key. */
export interface AllowedNode {
  readonly stake: SuiId;
  readonly nodeKey: Bytes;
}

/** What a policy asks; seal_policy.move says what must hold. Amounts in MIST, times in ms since 1970. */
export interface PolicyTerms {
  /** Enclave configs of the cluster whose images the owner accepts, 1 to 16. */
  readonly configVersions: readonly bigint[];
  readonly stakeMin: bigint;
  /** At most 64; none allows any node. */
  readonly nodes: readonly AllowedNode[];
  /** The first moment at which the policy opens. */
  readonly notBeforeMs: bigint;
  /** The first moment at which it does not any more. */
  readonly notAfterMs: bigint;
  readonly usesMax: bigint;
  /** How often one pod may have its grant made anew. */
  readonly renewalsMax: bigint;
  /** One second to one day. */
  readonly grantMs: bigint;
  /** SHA-256 of image manifests, at most 64; none allows any image. */
  readonly imageDigests: readonly Bytes[];
}

export const termsBcs = bcs.struct('Terms', {
  configVersions: bcs.vector(u64),
  stakeMin: u64,
  nodes: bcs.vector(bcs.struct('AllowedNode', { stake: suiId, nodeKey: bytes32 })),
  notBeforeMs: u64,
  notAfterMs: u64,
  usesMax: u64,
  renewalsMax: u64,
  grantMs: u64,
  imageDigests: bcs.vector(bytes32),
});

export const policyBcs = layout(
  bcs.struct('Policy', {
    id: suiId,
    cluster: suiId,
    owner: suiId,
    namespace: bcs.string(),
    serviceAccount: bcs.string(),
    serviceAccountUid: bcs.option(bcs.string()),
    terms: termsBcs,
    version: u64, // newest version of the secret, from 1
    versionMin: u64, // oldest version that still opens
    generation: u64, // grants of an earlier one are void
    uses: u64,
    // By pod UID.
    charges: bcs.struct('Table', { id: suiId, size: u64 }),
  }),
);

export const accessGrantBcs = layout(
  bcs.struct('AccessGrant', {
    id: suiId,
    cluster: suiId,
    policy: suiId,
    generation: u64,
    session: suiId,
    term: u64,
    podUid: bcs.string(),
    node: bcs.string(),
    stake: suiId,
    nodeKeyHash: bytes32,
    imageDigests: bcs.vector(bytes32),
    recipient: suiId,
    expiresMs: u64, // the first moment at which it opens nothing any more
  }),
);

export const recoveryGrantBcs = layout(
  bcs.struct('RecoveryGrant', { id: suiId, policy: suiId, expiresMs: u64 }),
);

export const passBcs = layout(
  bcs.struct('Pass', {
    id: suiId,
    cluster: suiId,
    stake: suiId,
    owner: suiId,
    tier: bcs.string(),
    groups: bcs.vector(bcs.string()),
    stakeMin: u64,
    keyHash: bytes32, // SHA-256 of the SubjectPublicKeyInfo of the holder's key
    serial: u64, // counts the keys, from 1
    expiresEpoch: u64, // good before it
    revoked: bcs.bool(),
  }),
);

/** A policy as the chain holds it. */
export type PolicyRecord = typeof policyBcs.$inferType;
/** What a pod's ephemeral key was given. */
export type AccessGrantRecord = typeof accessGrantBcs.$inferType;
/** What the owner of a policy gave itself. */
export type RecoveryGrantRecord = typeof recoveryGrantBcs.$inferType;
/** A person's pass. */
export type PassRecord = typeof passBcs.$inferType;

/** Full Move type names, in the normal form that the SDK answers with. */
export function sealTypes(
  packageId: SuiId,
): Readonly<Record<'policy' | 'accessGrant' | 'recoveryGrant' | 'pass', string>> {
  const own = (name: string): string => normalizeStructTag(`${packageId}::${name}`);
  return {
    policy: own('seal_policy::Policy'),
    accessGrant: own('seal_policy::AccessGrant'),
    recoveryGrant: own('seal_policy::RecoveryGrant'),
    pass: own('access_pass::Pass'),
  };
}
