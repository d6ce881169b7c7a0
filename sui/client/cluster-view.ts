import type { ClusterState, NodeClaim, Session, Stake, SuiId } from '@k3s-daas/core';

import type { Chain } from './client.ts';
import { listSessionIds } from './event-log.ts';
import { ChainError } from './errors.ts';
import type { ChainEvent } from './events.ts';
import type { ClusterRecord } from './layouts.ts';
import {
  checkedClaim,
  claimFieldId,
  claimOf,
  clusterState,
  listFieldIds,
  readObjects,
  readVersionedCluster,
  sessionOf,
  shapes,
  stakeOf,
  type Versioned,
} from './reads.ts';

/** Which cluster is watched, and through what. */
export interface Subject {
  readonly chain: Chain;
  readonly packageId: SuiId;
  readonly clusterId: SuiId;
}

/** What is known of a cluster. A poll works on a copy, and only a poll that succeeds replaces the view. */
export interface ClusterView {
  cluster: ClusterState;
  claimsTable: SuiId;
  readonly claims: Map<string, NodeClaim>;
  /** The positions behind claims, and no others. */
  readonly stakes: Map<SuiId, Stake>;
  readonly sessions: Map<SuiId, Session>;
  /** Newest version seen of each object, so that an older one is noticed. */
  readonly versions: Map<SuiId, bigint>;
  /** Claimed by an event, but the node did not show the claim yet; asked for again. */
  readonly awaited: Set<string>;
}

const CLAIMS_MAX = 20_000;
const SESSIONS_MAX = 10_000;

interface Touched {
  cluster: boolean;
  readonly claims: Set<string>;
  readonly stakes: Set<SuiId>;
  readonly sessions: Set<SuiId>;
}

export function copyView(view: ClusterView): ClusterView {
  return {
    cluster: view.cluster,
    claimsTable: view.claimsTable,
    claims: new Map(view.claims),
    stakes: new Map(view.stakes),
    sessions: new Map(view.sessions),
    versions: new Map(view.versions),
    awaited: new Set(view.awaited),
  };
}

/**
 * Reads everything. The sessions of `before` are read beside those whose events the node still has, and no object may
 * be older than it was there, else a node could undo a slash by a resync.
 * @throws ChainError
 */
export async function loadView(subject: Subject, before: ClusterView | null): Promise<ClusterView> {
  const { chain, packageId, clusterId } = subject;
  const read = await readClusterObject(subject);
  const view: ClusterView = {
    cluster: clusterState(read.value),
    claimsTable: read.value.claims.id,
    claims: new Map(),
    stakes: new Map(),
    sessions: new Map(),
    versions: new Map([[clusterId, read.version]]),
    awaited: new Set(),
  };
  const fields = await listFieldIds(chain.client, view.claimsTable, CLAIMS_MAX);
  for (const [id, field] of await readObjects(chain.client, fields, shapes.claimField(packageId))) {
    const claim = claimOf(checkedClaim(field.value));
    if (claimFieldId(view.claimsTable, claim.node) !== id) {
      throw new ChainError(
        'OBJECT_MALFORMED',
        `${id} is not the claim of node ${claim.node} in this cluster`,
      );
    }
    seen(view, id, field.version);
    view.claims.set(claim.node, claim);
  }
  await readStakes(subject, view, new Set());
  const sessions = new Set(await listSessionIds(chain, packageId, clusterId, SESSIONS_MAX));
  for (const id of before?.sessions.keys() ?? []) sessions.add(id);
  if (view.cluster.active !== null) sessions.add(view.cluster.active.session);
  await readSessions(subject, view, sessions);
  if (before !== null)
    for (const [id, version] of view.versions) requireNotOlder(id, before.versions.get(id), version);
  return view;
}

/** Reads again what the events touched, and what is still awaited. @returns whether anything was read. */
export async function applyEvents(
  subject: Subject,
  view: ClusterView,
  events: readonly ChainEvent[],
): Promise<boolean> {
  if (events.length === 0 && view.awaited.size === 0) return false;
  const touched: Touched = {
    cluster: false,
    claims: new Set(view.awaited),
    stakes: new Set(),
    sessions: new Set(),
  };
  for (const event of events) if (event.cluster === subject.clusterId) touch(view, touched, event);
  if (touched.cluster) {
    const read = await readClusterObject(subject);
    seen(view, subject.clusterId, read.version);
    view.cluster = clusterState(read.value);
  }
  await readClaims(subject, view, touched.claims);
  const stakes = await readStakes(subject, view, touched.stakes);
  await readSessions(subject, view, touched.sessions);
  return touched.cluster || touched.claims.size + touched.sessions.size + stakes > 0;
}

function touch(view: ClusterView, touched: Touched, event: ChainEvent): void {
  switch (event.kind) {
    case 'cluster::ClusterCreated':
    case 'cluster::ConfigAccepted':
    case 'cluster::ConfigRetired':
    case 'cluster::ParametersChanged':
    case 'cluster::Migrated':
      touched.cluster = true;
      return;
    case 'staking::ToppedUp':
    case 'staking::UnbondRequested':
    case 'staking::Withdrawn':
    case 'staking::Slashed':
      touched.stakes.add(event.position);
      return;
    case 'nodes::NodeClaimed':
      touched.stakes.add(event.stake);
      touched.claims.add(event.node);
      view.awaited.add(event.node);
      return;
    case 'nodes::NodeLeft':
      touched.stakes.add(event.stake);
      touched.claims.add(event.node);
      view.awaited.delete(event.node);
      return;
    case 'nodes::NodeJailed':
    case 'nodes::NodeUnjailed':
      touched.claims.add(event.node);
      return;
    case 'enclaves::SessionRegistered':
      touched.sessions.add(event.session);
      return;
    case 'enclaves::SessionActivated':
    case 'enclaves::SessionRevoked':
    case 'enclaves::SessionEnded':
      touched.cluster = true;
      touched.sessions.add(event.session);
      return;
    case 'staking::Staked': // no claim stands on it yet
    case 'staking::Rewarded':
    case 'staking::RewardsTaken':
    case 'staking::PositionClosed': // nor any more
    case 'nodes::CertificateRecorded':
    case 'enclaves::SlotGranted':
    case 'enclaves::BondReclaimed':
    case 'enclaves::BondSlashed':
    case 'cluster::Governed':
    case 'cluster::TierSet':
    case 'cluster::TierRemoved':
    case 'anchors::Anchored':
    case 'slashing::DecisionsEquivocated': // enclaves::SessionRevoked goes before it
    case 'slashing::AnchorsEquivocated':
    case 'governance::ProposalMade':
    case 'governance::Voted':
    case 'governance::ProposalExecuted': // staking::Slashed, cluster::… go before it
    case 'governance::ProposalClosed':
    case 'seal_policy::PolicyCreated':
    case 'seal_policy::TermsChanged':
    case 'seal_policy::Rotated':
    case 'seal_policy::VersionsRetired':
    case 'seal_policy::GrantsRevoked':
    case 'seal_policy::AccessGranted':
    case 'seal_policy::Recovered':
    case 'access_pass::PassIssued':
    case 'access_pass::PassRenewed':
    case 'access_pass::PassRotated':
    case 'access_pass::PassRevoked':
    case 'access_pass::PassReturned':
      return;
  }
}

function readClusterObject({ chain, packageId, clusterId }: Subject): Promise<Versioned<ClusterRecord>> {
  return readVersionedCluster(chain.client, packageId, clusterId);
}

async function readClaims(
  { chain, packageId }: Subject,
  view: ClusterView,
  names: ReadonlySet<string>,
): Promise<void> {
  const ids = new Map([...names].map((name) => [claimFieldId(view.claimsTable, name), name]));
  const found = await readObjects(chain.client, [...ids.keys()], shapes.claimField(packageId));
  for (const [id, name] of ids) {
    const field = found.get(id);
    if (field === undefined) {
      view.claims.delete(name);
      continue;
    }
    const claim = claimOf(checkedClaim(field.value));
    if (claim.node !== name)
      throw new ChainError('OBJECT_MALFORMED', `the claim of ${name} is of ${claim.node}`);
    seen(view, id, field.version);
    view.claims.set(name, claim);
    view.awaited.delete(name);
  }
  if (view.claims.size > CLAIMS_MAX) {
    throw new ChainError('SNAPSHOT_TOO_LARGE', `the cluster has more than ${CLAIMS_MAX} claims`);
  }
}

/** Reads positions that claims stand on and that are new or touched; forgets the others. @returns how many it read. */
async function readStakes(subject: Subject, view: ClusterView, touched: ReadonlySet<SuiId>): Promise<number> {
  const { chain, packageId, clusterId } = subject;
  const needed = new Set([...view.claims.values()].map((claim) => claim.stake));
  for (const id of view.stakes.keys()) if (!needed.has(id)) view.stakes.delete(id);
  const ids = [...needed].filter((id) => touched.has(id) || !view.stakes.has(id));
  const found = await readObjects(chain.client, ids, shapes.position(packageId));
  for (const id of ids) {
    const position = found.get(id);
    // A position of another cluster backs nothing here: the claim then has no stake.
    if (position?.value.cluster !== clusterId) {
      view.stakes.delete(id);
      continue;
    }
    seen(view, id, position.version);
    view.stakes.set(id, stakeOf(position.value));
  }
  return ids.length;
}

async function readSessions(subject: Subject, view: ClusterView, ids: ReadonlySet<SuiId>): Promise<void> {
  const { chain, packageId, clusterId } = subject;
  const found = await readObjects(chain.client, [...ids], shapes.session(packageId));
  for (const [id, session] of found) {
    if (session.value.cluster !== clusterId) continue;
    seen(view, id, session.version);
    view.sessions.set(id, sessionOf(session.value));
  }
}

function seen(view: Pick<ClusterView, 'versions'>, id: SuiId, version: bigint): void {
  requireNotOlder(id, view.versions.get(id), version);
  view.versions.set(id, version);
}

/** @throws ChainError SNAPSHOT_REGRESSED if the node shows an object as it was before. */
function requireNotOlder(id: SuiId, known: bigint | undefined, version: bigint): void {
  if (known !== undefined && version < known) {
    throw new ChainError('SNAPSHOT_REGRESSED', `object ${id} went from version ${known} back to ${version}`);
  }
}
