import { bcs } from '@mysten/bcs';
import { bytes32, suiId, u64, type Bytes, type SuiId } from '@k3s-daas/core';
import { normalizeStructTag } from '@mysten/sui/utils';

import { parametersBcs, parseObject, tierBcs, type Layout } from './layouts.ts';
import { termsBcs } from './seal-layouts.ts';

const pcr = bcs.byteVector().transform({ name: 'pcr', output: (bytes) => new Uint8Array(bytes) });

/** What a proposal would do (governance.move). */
const actionBcs = bcs.enum('Action', {
  SetParameters: bcs.struct('SetParameters', { parameters: parametersBcs }),
  AcceptConfig: bcs.struct('AcceptConfig', {
    config: bcs.struct('EnclaveConfig', { pcr0: pcr, pcr1: pcr, pcr2: pcr }),
  }),
  Slash: bcs.struct('Slash', { target: suiId, amount: u64, reason: bcs.string(), evidence: bytes32 }),
});

// One entry per event struct of sui/move/daas/sources, keyed as Move names it.
const EVENTS = {
  'cluster::ClusterCreated': bcs.struct('ClusterCreated', {
    cluster: suiId,
    configDigest: bytes32,
    policyDigest: bytes32,
  }),
  'cluster::ConfigAccepted': bcs.struct('ConfigAccepted', {
    cluster: suiId,
    configVersion: u64,
    pcr0: pcr,
    pcr1: pcr,
    pcr2: pcr,
  }),
  'cluster::ConfigRetired': bcs.struct('ConfigRetired', { cluster: suiId, configVersion: u64 }),
  'cluster::ParametersChanged': bcs.struct('ParametersChanged', {
    cluster: suiId,
    parameters: parametersBcs,
  }),
  'cluster::Governed': bcs.struct('Governed', { cluster: suiId }),
  'cluster::TierSet': bcs.struct('TierSet', { cluster: suiId, name: bcs.string(), tier: tierBcs }),
  'cluster::TierRemoved': bcs.struct('TierRemoved', { cluster: suiId, name: bcs.string() }),
  'cluster::Migrated': bcs.struct('Migrated', { cluster: suiId, fromVersion: u64, toVersion: u64 }),
  'staking::Staked': bcs.struct('Staked', {
    cluster: suiId,
    position: suiId,
    owner: suiId,
    role: bcs.u8(),
    amount: u64,
  }),
  'staking::ToppedUp': bcs.struct('ToppedUp', { cluster: suiId, position: suiId, amount: u64 }),
  'staking::UnbondRequested': bcs.struct('UnbondRequested', {
    cluster: suiId,
    position: suiId,
    amount: u64,
    untilMs: u64,
  }),
  'staking::Withdrawn': bcs.struct('Withdrawn', { cluster: suiId, position: suiId, amount: u64 }),
  'staking::Slashed': bcs.struct('Slashed', {
    cluster: suiId,
    position: suiId,
    amount: u64,
    reason: bcs.string(),
  }),
  'staking::Rewarded': bcs.struct('Rewarded', { cluster: suiId, position: suiId, amount: u64 }),
  'staking::RewardsTaken': bcs.struct('RewardsTaken', { cluster: suiId, position: suiId, amount: u64 }),
  'staking::PositionClosed': bcs.struct('PositionClosed', { cluster: suiId, position: suiId }),
  'nodes::NodeClaimed': bcs.struct('NodeClaimed', {
    cluster: suiId,
    node: bcs.string(),
    stake: suiId,
    owner: suiId,
  }),
  'nodes::CertificateRecorded': bcs.struct('CertificateRecorded', {
    cluster: suiId,
    node: bcs.string(),
    untilMs: u64,
  }),
  'nodes::NodeLeft': bcs.struct('NodeLeft', {
    cluster: suiId,
    node: bcs.string(),
    stake: suiId,
    freeMs: u64,
  }),
  'nodes::NodeJailed': bcs.struct('NodeJailed', { cluster: suiId, node: bcs.string() }),
  'nodes::NodeUnjailed': bcs.struct('NodeUnjailed', { cluster: suiId, node: bcs.string() }),
  'enclaves::SlotGranted': bcs.struct('SlotGranted', {
    cluster: suiId,
    slot: suiId,
    registrar: suiId,
    configVersion: u64,
  }),
  'enclaves::SessionRegistered': bcs.struct('SessionRegistered', {
    cluster: suiId,
    session: suiId,
    configVersion: u64,
    decisionKey: bytes32,
    logKey: bytes32,
    tlsKeyHash: bytes32,
    sponsor: suiId,
    bond: u64,
  }),
  'enclaves::SessionActivated': bcs.struct('SessionActivated', { cluster: suiId, session: suiId, term: u64 }),
  'enclaves::SessionRevoked': bcs.struct('SessionRevoked', { cluster: suiId, session: suiId }),
  'enclaves::SessionEnded': bcs.struct('SessionEnded', { cluster: suiId, session: suiId }),
  'enclaves::BondReclaimed': bcs.struct('BondReclaimed', { cluster: suiId, session: suiId, amount: u64 }),
  'enclaves::BondSlashed': bcs.struct('BondSlashed', { cluster: suiId, session: suiId, amount: u64 }),
  'anchors::Anchored': bcs.struct('Anchored', {
    cluster: suiId,
    session: suiId,
    size: u64,
    root: bytes32,
    lastSequence: u64,
  }),
  'slashing::DecisionsEquivocated': bcs.struct('DecisionsEquivocated', {
    cluster: suiId,
    session: suiId,
    sequence: u64,
    bond: u64,
  }),
  'slashing::AnchorsEquivocated': bcs.struct('AnchorsEquivocated', {
    cluster: suiId,
    session: suiId,
    size: u64,
    bond: u64,
  }),
  'governance::ProposalMade': bcs.struct('ProposalMade', {
    cluster: suiId,
    proposal: suiId,
    proposer: suiId,
    action: actionBcs,
    electorate: u64,
    quorumBps: u64,
    votingEndsMs: u64,
    executableFromMs: u64,
    expiresMs: u64,
    deposit: u64,
  }),
  'governance::Voted': bcs.struct('Voted', {
    cluster: suiId,
    proposal: suiId,
    position: suiId,
    yes: bcs.bool(),
    weight: u64,
    votesFor: u64,
    votesAgainst: u64,
  }),
  'governance::ProposalExecuted': bcs.struct('ProposalExecuted', { cluster: suiId, proposal: suiId }),
  'governance::ProposalClosed': bcs.struct('ProposalClosed', {
    cluster: suiId,
    proposal: suiId,
    passed: bcs.bool(),
  }),
  'seal_policy::PolicyCreated': bcs.struct('PolicyCreated', {
    cluster: suiId,
    policy: suiId,
    owner: suiId,
    namespace: bcs.string(),
    serviceAccount: bcs.string(),
    serviceAccountUid: bcs.option(bcs.string()),
  }),
  'seal_policy::TermsChanged': bcs.struct('TermsChanged', { cluster: suiId, policy: suiId, terms: termsBcs }),
  'seal_policy::Rotated': bcs.struct('Rotated', { cluster: suiId, policy: suiId, version: u64 }),
  'seal_policy::VersionsRetired': bcs.struct('VersionsRetired', {
    cluster: suiId,
    policy: suiId,
    versionMin: u64,
  }),
  'seal_policy::GrantsRevoked': bcs.struct('GrantsRevoked', {
    cluster: suiId,
    policy: suiId,
    generation: u64,
  }),
  'seal_policy::AccessGranted': bcs.struct('AccessGranted', {
    cluster: suiId,
    policy: suiId,
    grant: suiId,
    podUid: bcs.string(),
    node: bcs.string(),
    stake: suiId,
    recipient: suiId,
    receiptDigest: bytes32,
    charged: bcs.bool(),
    uses: u64,
    expiresMs: u64,
  }),
  'seal_policy::Recovered': bcs.struct('Recovered', {
    cluster: suiId,
    policy: suiId,
    owner: suiId,
    expiresMs: u64,
  }),
  'access_pass::PassIssued': bcs.struct('PassIssued', {
    cluster: suiId,
    pass: suiId,
    stake: suiId,
    owner: suiId,
    tier: bcs.string(),
    groups: bcs.vector(bcs.string()),
    keyHash: bytes32,
    expiresEpoch: u64,
  }),
  'access_pass::PassRenewed': bcs.struct('PassRenewed', {
    cluster: suiId,
    pass: suiId,
    groups: bcs.vector(bcs.string()),
    expiresEpoch: u64,
  }),
  'access_pass::PassRotated': bcs.struct('PassRotated', {
    cluster: suiId,
    pass: suiId,
    serial: u64,
    keyHash: bytes32,
  }),
  'access_pass::PassRevoked': bcs.struct('PassRevoked', { cluster: suiId, pass: suiId }),
  'access_pass::PassReturned': bcs.struct('PassReturned', { cluster: suiId, pass: suiId }),
};

type Events = typeof EVENTS;
export type ChainEventKind = keyof Events;

/** An event of the package; `kind` is `module::Name`. */
export type ChainEvent = {
  [K in ChainEventKind]: { readonly kind: K } & Readonly<Events[K]['$inferType']>;
}[ChainEventKind];

export type EventOf<K extends ChainEventKind> = Extract<ChainEvent, { kind: K }>;

/** The modules whose events change what a snapshot holds. */
export const EVENT_MODULES = ['cluster', 'staking', 'nodes', 'enclaves'] as const;

/**
 * @returns null for a type that this version does not know.
 * @throws ChainError OBJECT_MALFORMED if a known event does not parse.
 */
export function parseEvent(packageId: SuiId, eventType: string, content: Bytes): ChainEvent | null {
  const prefix = `${normalizeStructTag(`${packageId}::m::T`).slice(0, 66)}::`;
  const type = normalizeStructTag(eventType);
  if (!type.startsWith(prefix)) return null;
  const kind = type.slice(prefix.length);
  if (!Object.hasOwn(EVENTS, kind)) return null;
  const value: object = parseObject(
    // One of many layouts, chosen at run time: its value is typed again by the kind, below.
    EVENTS[kind as ChainEventKind] as unknown as Layout<object>,
    kind,
    content,
  );
  return { kind, ...value } as ChainEvent;
}

/** The events of one kind, in order. */
export function eventsOf<K extends ChainEventKind>(events: readonly ChainEvent[], kind: K): EventOf<K>[] {
  return events.filter((event): event is EventOf<K> => event.kind === kind);
}
