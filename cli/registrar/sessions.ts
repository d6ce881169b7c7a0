import { equalBytes, toHex, type Clock, type Configuration, type SuiId } from '@k3s-daas/core';
import {
  addressOf,
  listSessionIds,
  readObjects,
  shapes,
  type Actor,
  type Chain,
  type ClusterRecord,
  type SessionRecord,
} from '@k3s-daas/sui-client';

import type { EnclaveAttestation } from '../enclave-client.ts';
import type { Books } from './books.ts';
import { RegistrarError } from './errors.ts';

const SESSIONS_MAX = 10_000;
/** The chain's clock trails ours. */
const CLOCK_LAG_MS = 5_000n;
const BATCH = 50;

/** Through what the registrar sees and changes the chain. */
export interface OnChain {
  readonly chain: Chain;
  readonly actor: Actor;
  readonly cluster: Configuration['cluster'];
  readonly books: Books;
  readonly clock: Clock;
}

/** The public keys of one boot, by which it is told from others. */
export type BootKeys = Pick<EnclaveAttestation, 'decisionKey' | 'logKey' | 'tlsKeyHash'>;

export function sameKeys(one: BootKeys, other: BootKeys): boolean {
  return (
    equalBytes(one.decisionKey, other.decisionKey) &&
    equalBytes(one.logKey, other.logKey) &&
    equalBytes(one.tlsKeyHash, other.tlsKeyHash)
  );
}

/** The session on chain that has exactly these keys, or null. @throws RegistrarError SESSION_HIDDEN */
export async function sessionOf(
  { chain, actor, cluster, books }: OnChain,
  { active }: ClusterRecord,
  keys: BootKeys,
): Promise<SessionRecord | null> {
  const read = (ids: readonly SuiId[]) => readSessions(actor, cluster.id, ids);
  const matching = (sessions: readonly SessionRecord[]): SessionRecord | undefined =>
    sessions.find((session) => sameKeys(session, keys));
  const current = active === null ? undefined : matching(await read([active.session]));
  if (current !== undefined) return current;
  const boot = toHex(keys.decisionKey);
  const recorded = books.state.registrations.find((registration) => registration.boot === boot);
  if (recorded !== undefined) {
    const known = matching(await read([recorded.session]));
    if (known !== undefined) return known;
    // Registered already: a node that hides it does not make us pay for it again.
    throw new RegistrarError(
      'SESSION_HIDDEN',
      `the Sui node does not show session ${recorded.session}, registered in transaction ${recorded.digest}`,
      'use another node; it lags far behind or lies',
    );
  }
  const all = await listSessionIds(chain, cluster.package, cluster.id, SESSIONS_MAX);
  return matching(await read([...all])) ?? null;
}

/** Whether this address has sponsored a session of the cluster. */
export async function hasSponsored(
  chain: Chain,
  actor: Actor,
  cluster: Configuration['cluster'],
): Promise<boolean> {
  const ids = await listSessionIds(chain, cluster.package, cluster.id, SESSIONS_MAX);
  const address = addressOf(actor.signer);
  return (await readSessions(actor, cluster.id, [...ids])).some(({ sponsor }) => sponsor === address);
}

async function readSessions(
  { client, packageId }: Actor,
  cluster: SuiId,
  ids: readonly SuiId[],
): Promise<SessionRecord[]> {
  const found = await readObjects(client, ids, shapes.session(packageId));
  return [...found.values()].map(({ value }) => value).filter((session) => session.cluster === cluster);
}

/** What is to be done with sessions that we sponsored. */
export interface Tidying {
  /** Superseded for an anchor window: their bonds come back a window after they have ended. */
  readonly toEnd: readonly SuiId[];
  readonly toReclaim: readonly SuiId[];
  /** Those whose bond is still out. */
  readonly bonds: readonly { readonly session: SuiId; readonly mist: string }[];
}

/**
 * Sorts our sessions. A session is superseded when a later one of ours is active, and it is ended an anchor window after
 * that, so that the last records of its log can still be anchored. Never the one that the running enclave has.
 */
export function sortSessions(
  sessions: readonly SessionRecord[],
  options: {
    readonly cluster: ClusterRecord;
    readonly address: SuiId;
    readonly running: BootKeys | null;
    readonly nowMs: number;
  },
): Tidying {
  const { cluster, address, running } = options;
  const nowMs = BigInt(options.nowMs) - CLOCK_LAG_MS;
  const ours = sessions.filter(({ sponsor, bond }) => sponsor === address && bond > 0n);
  const active = ours.find(({ id }) => id === cluster.active?.session);
  const superseded = (session: SessionRecord): boolean =>
    active !== undefined &&
    session.id !== active.id &&
    !session.revoked &&
    session.registeredMs < active.registeredMs &&
    nowMs > active.registeredMs + cluster.parameters.enclaves.anchorWindowMs &&
    !(running !== null && sameKeys(session, running));
  const reclaimable = ({ revoked, endedMs, bondHeldMs }: SessionRecord): boolean =>
    revoked && nowMs > endedMs + bondHeldMs;
  const ids = (wanted: (session: SessionRecord) => boolean): SuiId[] =>
    ours
      .filter(wanted)
      .map(({ id }) => id)
      .slice(0, BATCH);
  return {
    toEnd: ids(superseded),
    toReclaim: ids(reclaimable),
    bonds: ours.map(({ id, bond }) => ({ session: id, mist: bond.toString() })),
  };
}

/** Our sessions whose bond may be out: those on the books, and once in a process's life all that the chain names. */
export async function ownSessions(
  { chain, actor, cluster, books }: OnChain,
  all: boolean,
): Promise<SessionRecord[]> {
  const ids = new Set<SuiId>(books.state.bonds.map(({ session }) => session));
  if (all) {
    const listed = await listSessionIds(chain, cluster.package, cluster.id, SESSIONS_MAX);
    for (const id of listed) ids.add(id);
  }
  return readSessions(actor, cluster.id, [...ids]);
}
