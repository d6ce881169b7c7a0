import { bcs, type BcsType } from '@mysten/bcs';
import { bytes32, parseStrict, suiId, u64, type Bytes, type SuiId } from '@k3s-daas/core';
import { normalizeStructTag } from '@mysten/sui/utils';

import { ChainError } from './errors.ts';

// BCS of the structs in sui/move/daas/sources: field order is Move's, `Balance<SUI>` is its u64, `UID` and `ID` are
// 32 bytes, `Table` is UID and size, `VecMap` is a vector of entries.

/** A layout whose values can be encoded again, which is what strict parsing does. */
export type Layout<T> = BcsType<T, T>;

export function layout<T extends I, I>(type: BcsType<T, I>): Layout<T> {
  // BcsType is invariant in its input; T extends I makes what is parsed encodable, which the compiler cannot follow.
  return type as unknown as Layout<T>;
}

const bytes48: BcsType<Bytes, Bytes> = bcs.byteVector().transform({
  name: 'bytes48',
  input: (bytes: Bytes) => bytes,
  output: (bytes) => {
    if (bytes.length !== 48)
      throw new ChainError('OBJECT_MALFORMED', `a PCR has 48 bytes, got ${bytes.length}`);
    return new Uint8Array(bytes);
  },
});

export interface EnclaveConfig {
  /** PCRs 0, 1 and 2 of an accepted image, 48 bytes each. */
  readonly pcr0: Bytes;
  readonly pcr1: Bytes;
  readonly pcr2: Bytes;
}

/** What a cluster asks of stakes, by role. Amounts in MIST. */
export interface StakeParameters {
  readonly userMin: bigint;
  readonly nodeMin: bigint;
  readonly adminMin: bigint;
  readonly mistPerCpu: bigint;
  readonly mistPerGib: bigint;
  readonly userUnbondingMs: bigint;
  readonly nodeUnbondingMs: bigint;
  readonly adminUnbondingMs: bigint;
}

/** What a cluster asks of enclaves. The bond in MIST. */
export interface EnclaveParameters {
  /** Oldest attestation document that registration takes. */
  readonly documentAgeMsMax: bigint;
  readonly bondMin: bigint;
  readonly anchorWindowMs: bigint;
}

/** How the stakers of a governed cluster vote. Amounts in MIST. */
export interface VoteParameters {
  readonly votingMs: bigint;
  readonly timelockMs: bigint;
  readonly executionMs: bigint;
  readonly quorumBps: bigint;
  readonly electorateMin: bigint;
  readonly deposit: bigint;
}

/** The terms of a cluster; parameters.move says what must hold among them. */
export interface Parameters {
  readonly stakes: StakeParameters;
  readonly enclaves: EnclaveParameters;
  readonly votes: VoteParameters;
}

const configBcs = bcs.struct('EnclaveConfig', { pcr0: bytes48, pcr1: bytes48, pcr2: bytes48 });

export const parametersBcs = layout(
  bcs.struct('Parameters', {
    stakes: bcs.struct('StakeParameters', {
      userMin: u64,
      nodeMin: u64,
      adminMin: u64,
      mistPerCpu: u64,
      mistPerGib: u64,
      userUnbondingMs: u64,
      nodeUnbondingMs: u64,
      adminUnbondingMs: u64,
    }),
    enclaves: bcs.struct('EnclaveParameters', {
      documentAgeMsMax: u64,
      bondMin: u64,
      anchorWindowMs: u64,
    }),
    votes: bcs.struct('VoteParameters', {
      votingMs: u64,
      timelockMs: u64,
      executionMs: u64,
      quorumBps: u64,
      electorateMin: u64,
      deposit: u64,
    }),
  }),
);

export const tierBcs = layout(
  bcs.struct('Tier', { stakeMin: u64, groups: bcs.vector(bcs.string()), epochsMax: u64 }),
);

const tableBcs = bcs.struct('Table', { id: suiId, size: u64 });

/** The object itself: it only says where its state is and of which version. */
export const clusterBcs = layout(
  bcs.struct('Cluster', { id: suiId, inner: bcs.struct('Versioned', { id: suiId, version: u64 }) }),
);

/** Version of `ClusterInner` that this client reads. */
export const CLUSTER_VERSION = 1n;

export const clusterFieldBcs = layout(
  bcs.struct('Field<u64, ClusterInner>', {
    id: suiId,
    key: u64,
    value: bcs.struct('ClusterInner', {
      configDigest: bytes32,
      policyDigest: bytes32,
      configVersion: u64,
      configs: bcs.vector(bcs.struct('Entry', { key: u64, value: configBcs })),
      active: bcs.option(bcs.struct('ActiveSession', { session: suiId, term: u64, configVersion: u64 })),
      term: u64,
      parameters: parametersBcs,
      governed: bcs.bool(),
      claims: tableBcs,
      claimedStakes: tableBcs,
      reserved: tableBcs,
      tiers: bcs.vector(bcs.struct('Entry', { key: bcs.string(), value: tierBcs })),
      activeTotal: u64,
      unbondingTotal: u64,
      treasury: u64,
    }),
  }),
);

export const positionBcs = layout(
  bcs.struct('Position', {
    id: suiId,
    cluster: suiId,
    owner: suiId,
    role: bcs.u8(),
    active: u64,
    unbonding: u64,
    unbondingUntilMs: u64,
    increasedMs: u64,
    rewards: u64,
    node: bcs.option(bcs.string()),
    heartbeatMs: u64,
    pass: bcs.option(bcs.struct('PassLien', { pass: suiId, stakeMin: u64 })),
    votingUntilMs: u64,
    freezes: u64,
  }),
);

export const claimFieldBcs = layout(
  bcs.struct('Field<String, NodeClaim>', {
    id: suiId,
    key: bcs.string(),
    value: bcs.struct('NodeClaim', {
      node: bcs.string(),
      stake: suiId,
      owner: suiId,
      nodeKey: bytes32,
      csrKeyHash: bytes32,
      cpuMilli: u64,
      memoryMib: u64,
      required: u64,
      jailed: bcs.bool(),
      claimedMs: u64,
      certificateUntilMs: u64,
    }),
  }),
);

export const slotBcs = layout(
  bcs.struct('EnclaveSlot', { id: suiId, cluster: suiId, configVersion: u64, expiresMs: u64 }),
);

export const capBcs = layout(bcs.struct('ClusterCap', { id: suiId, cluster: suiId }));

export const sessionBcs = layout(
  bcs.struct('Session', {
    id: suiId,
    cluster: suiId,
    configVersion: u64,
    decisionKey: bytes32,
    logKey: bytes32,
    tlsKeyHash: bytes32,
    documentMs: u64,
    registeredMs: u64,
    revoked: bcs.bool(),
    endedMs: u64,
    head: bcs.struct('Head', { size: u64, root: bytes32, lastSequence: u64 }),
    sponsor: suiId,
    bond: u64,
    bondHeldMs: u64,
  }),
);

/** A cluster's state, with the id that names it. */
export type ClusterRecord = { readonly id: SuiId } & (typeof clusterFieldBcs.$inferType)['value'];
export type PositionRecord = typeof positionBcs.$inferType;
export type ClaimRecord = (typeof claimFieldBcs.$inferType)['value'];
export type SessionRecord = typeof sessionBcs.$inferType;
export type SlotRecord = typeof slotBcs.$inferType;

/** Full Move type names of a package's objects, in the normal form that the SDK answers with. */
export function moveTypes(
  packageId: SuiId,
): Readonly<
  Record<'cluster' | 'clusterField' | 'cap' | 'position' | 'claimField' | 'session' | 'slot', string>
> {
  const own = (name: string): string => normalizeStructTag(`${packageId}::${name}`);
  return {
    cluster: own('cluster::Cluster'),
    clusterField: normalizeStructTag(`0x2::dynamic_field::Field<u64, ${packageId}::cluster::ClusterInner>`),
    cap: own('cluster::ClusterCap'),
    position: own('staking::Position'),
    claimField: normalizeStructTag(
      `0x2::dynamic_field::Field<0x1::string::String, ${packageId}::cluster::NodeClaim>`,
    ),
    session: own('enclaves::Session'),
    slot: own('enclaves::EnclaveSlot'),
  };
}

/** @throws ChainError OBJECT_MALFORMED unless the bytes are the one canonical form of the layout. */
export function parseObject<T>(type: Layout<T>, id: string, content: Bytes): T {
  try {
    return parseStrict(type, content);
  } catch (cause) {
    throw new ChainError('OBJECT_MALFORMED', `${id} is not a ${type.name}`, { cause });
  }
}
