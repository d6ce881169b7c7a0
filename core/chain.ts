import { bcs } from '@mysten/bcs';

import { sha256, utf8, type Bytes } from './bytes.ts';
import { bytes32, suiId, u64, type SuiId } from './codec.ts';

/** Roles of a stake, as in staking.move. */
export const StakeRole = { user: 0, node: 1, admin: 2 } as const;

/** A stake position. Amounts in MIST. */
export interface Stake {
  readonly id: SuiId;
  readonly owner: SuiId;
  readonly role: number;
  readonly active: bigint;
  readonly unbonding: bigint;
}

/** The claim of a node name by a stake. `required` is what the stake must hold for the claimed capacity, in MIST. */
export interface NodeClaim {
  readonly node: string;
  readonly stake: SuiId;
  readonly owner: SuiId;
  /** Raw Ed25519 public key of the node, 32 bytes. */
  readonly nodeKey: Bytes;
  /** SHA-256 of the SubjectPublicKeyInfo of the key in the kubelet's certificate. */
  readonly csrKeyHash: Bytes;
  readonly cpuMilli: bigint;
  readonly memoryMib: bigint;
  readonly required: bigint;
  readonly jailed: boolean;
}

/** A registered enclave: one session is one boot, since its keys live in memory only. */
export interface Session {
  readonly id: SuiId;
  readonly configVersion: bigint;
  readonly decisionKey: Bytes;
  readonly logKey: Bytes;
  readonly tlsKeyHash: Bytes;
  readonly revoked: boolean;
}

export interface ClusterState {
  readonly id: SuiId;
  readonly configDigest: Bytes;
  readonly policyDigest: Bytes;
  /** Newest accepted enclave config. */
  readonly configVersion: bigint;
  readonly active: { readonly session: SuiId; readonly term: bigint } | null;
}

/** The chain as it stood at one checkpoint. Immutable; a change makes a new snapshot. */
export interface ChainSnapshot {
  readonly checkpoint: bigint;
  readonly checkpointDigest: Bytes;
  /** Time of the checkpoint by the chain, ms. */
  readonly checkpointTimestampMs: number;
  readonly cluster: ClusterState;
  readonly stakes: ReadonlyMap<SuiId, Stake>;
  readonly claims: ReadonlyMap<string, NodeClaim>;
  readonly sessions: ReadonlyMap<SuiId, Session>;
  /** SHA-256 over cluster state, stakes, claims and sessions; unchanged while only checkpoints pass. */
  readonly digest: Bytes;
}

/** Source of the latest snapshot; never waits for the chain. */
export interface ChainView {
  /** The latest snapshot, or null before the first one. */
  current(): ChainSnapshot | null;
  /** Calls back after each change of the snapshot's digest; returns the unsubscribe function. */
  onChange(listener: (snapshot: ChainSnapshot) => void): () => void;
}

export type Ineligibility =
  | { readonly code: 'NODE_NOT_CLAIMED' }
  | { readonly code: 'NODE_JAILED' }
  | { readonly code: 'STAKE_MISSING'; readonly stake: SuiId }
  | { readonly code: 'STAKE_FOREIGN'; readonly stake: SuiId }
  | { readonly code: 'STAKE_ROLE_WRONG'; readonly stake: SuiId }
  | {
      readonly code: 'STAKE_TOO_SMALL';
      readonly stake: SuiId;
      readonly active: bigint;
      readonly required: bigint;
    };

export type Eligibility =
  | { readonly eligible: true; readonly stake: Stake; readonly claim: NodeClaim }
  | { readonly eligible: false; readonly reason: Ineligibility };

/** Whether a live stake of enough MIST stands behind a node name: the one rule of extender, webhook and controller. */
export function nodeEligibility(snapshot: ChainSnapshot, node: string): Eligibility {
  const claim = snapshot.claims.get(node);
  if (claim === undefined) return { eligible: false, reason: { code: 'NODE_NOT_CLAIMED' } };
  if (claim.jailed) return { eligible: false, reason: { code: 'NODE_JAILED' } };
  const stake = snapshot.stakes.get(claim.stake);
  if (stake === undefined) return { eligible: false, reason: { code: 'STAKE_MISSING', stake: claim.stake } };
  if (stake.owner !== claim.owner)
    return { eligible: false, reason: { code: 'STAKE_FOREIGN', stake: stake.id } };
  if (stake.role !== StakeRole.node)
    return { eligible: false, reason: { code: 'STAKE_ROLE_WRONG', stake: stake.id } };
  if (stake.active === 0n || stake.active < claim.required) {
    const { active } = stake;
    return {
      eligible: false,
      reason: { code: 'STAKE_TOO_SMALL', stake: stake.id, active, required: claim.required },
    };
  }
  return { eligible: true, stake, claim };
}

/** One line for people: the reason, the numbers, and what would mend it. */
export function describeIneligibility(node: string, reason: Ineligibility): string {
  switch (reason.code) {
    case 'NODE_NOT_CLAIMED':
      return `NODE_NOT_CLAIMED: no stake claims node ${node}; its owner runs: daas node claim ${node}`;
    case 'NODE_JAILED':
      return `NODE_JAILED: node ${node} is jailed on chain`;
    case 'STAKE_MISSING':
      return `STAKE_MISSING: stake ${reason.stake} of node ${node} does not exist any more`;
    case 'STAKE_FOREIGN':
      return `STAKE_FOREIGN: stake ${reason.stake} belongs to another owner than the claim of node ${node}`;
    case 'STAKE_ROLE_WRONG':
      return `STAKE_ROLE_WRONG: stake ${reason.stake} of node ${node} is not a node stake`;
    case 'STAKE_TOO_SMALL':
      return (
        `STAKE_TOO_SMALL: node ${node} has ${reason.active} MIST staked and needs ${reason.required}: ` +
        `${reason.required - reason.active} MIST are missing`
      );
  }
}

const snapshotBcs = bcs.struct('Snapshot', {
  cluster: suiId,
  configDigest: bytes32,
  policyDigest: bytes32,
  configVersion: u64,
  active: bcs.option(bcs.struct('Active', { session: suiId, term: u64 })),
  stakes: bcs.vector(
    bcs.struct('Stake', { id: suiId, owner: suiId, role: bcs.u8(), active: u64, unbonding: u64 }),
  ),
  claims: bcs.vector(
    bcs.struct('NodeClaim', {
      node: bcs.string(),
      stake: suiId,
      owner: suiId,
      nodeKey: bytes32,
      csrKeyHash: bytes32,
      cpuMilli: u64,
      memoryMib: u64,
      required: u64,
      jailed: bcs.bool(),
    }),
  ),
  sessions: bcs.vector(
    bcs.struct('Session', {
      id: suiId,
      configVersion: u64,
      decisionKey: bytes32,
      logKey: bytes32,
      tlsKeyHash: bytes32,
      revoked: bcs.bool(),
    }),
  ),
});

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;
const sorted = <T>(map: ReadonlyMap<string, T>): T[] => [...map].sort(byKey).map(([, value]) => value);

/** Digest of what a snapshot says, without the checkpoint: entries ordered by id or name (UTF-16 code units). */
export function snapshotDigest(
  snapshot: Pick<ChainSnapshot, 'cluster' | 'stakes' | 'claims' | 'sessions'>,
): Bytes {
  const { cluster } = snapshot;
  const content = snapshotBcs.serialize(
    {
      cluster: cluster.id,
      configDigest: cluster.configDigest,
      policyDigest: cluster.policyDigest,
      configVersion: cluster.configVersion,
      active: cluster.active,
      stakes: sorted(snapshot.stakes),
      claims: sorted(snapshot.claims),
      sessions: sorted(snapshot.sessions),
    },
    { maxSize: 1 << 26 },
  );
  return sha256(utf8('k3s-daas/snapshot/v1'), content.toBytes());
}
