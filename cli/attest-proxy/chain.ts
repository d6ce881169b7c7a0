import type { Clock, Session, SuiId } from '@k3s-daas/core';
import { readCluster, readSession, sessionOf, type Chain, type ChainWatcher } from '@k3s-daas/sui-client';

import type { AcceptingCluster } from '../enclave-verify.ts';
import { ProxyError } from './errors.ts';

/** The session whose enclave may decide now. */
export interface Active {
  readonly session: Session;
  readonly term: bigint;
}

/** What the chain says at one checkpoint. */
export interface ChainState {
  readonly active: Active | null;
  /** Time of the checkpoint by the chain, ms. */
  readonly atMs: number;
}

/** What the proxy asks of the chain. */
export interface ChainPort {
  /** The latest state, or null before the first; never waits. */
  current(): ChainState | null;
  /** Calls back when the state may have changed; returns the unsubscribe function. */
  onChange(listener: () => void): () => void;
  /** The cluster with the images that it accepts, read now. @throws ChainError */
  cluster(): Promise<AcceptingCluster>;
}

interface Subject {
  readonly chain: Chain;
  readonly packageId: SuiId;
  readonly clusterId: SuiId;
}

/** The chain as a watcher follows it. */
export function followedChain(watcher: ChainWatcher, { chain, packageId, clusterId }: Subject): ChainPort {
  let last: { of: object; state: ChainState } | null = null;
  return {
    current() {
      const snapshot = watcher.current();
      if (snapshot === null) return null;
      if (last?.of === snapshot) return last.state;
      const { active } = snapshot.cluster;
      const session = active === null ? undefined : snapshot.sessions.get(active.session);
      const state: ChainState = {
        active: active === null || session === undefined ? null : { session, term: active.term },
        atMs: snapshot.checkpointTimestampMs,
      };
      last = { of: snapshot, state };
      return state;
    },
    onChange: (listener) => watcher.onChange(listener),
    cluster: () => readCluster(chain.client, packageId, clusterId),
  };
}

/** The chain read once, for somebody who asks once. @throws ChainError */
export async function readChainOnce({ chain, packageId, clusterId }: Subject): Promise<ChainPort> {
  const { checkpoint } = await chain.info();
  // Read after the checkpoint was named, so that the state is at least as new.
  const [at, cluster] = await Promise.all([
    chain.checkpoint(checkpoint),
    readCluster(chain.client, packageId, clusterId),
  ]);
  const { active } = cluster;
  const state: ChainState = {
    active:
      active === null
        ? null
        : {
            session: sessionOf(await readSession(chain.client, packageId, active.session)),
            term: active.term,
          },
    atMs: at.timestampMs,
  };
  return { current: () => state, onChange: () => () => undefined, cluster: () => Promise.resolve(cluster) };
}

/**
 * The active session, by a state of the chain that is young enough: a host that cuts the proxy off from the chain must
 * not keep a revoked enclave in use.
 *
 * @throws ProxyError CHAIN_UNREADABLE, SESSION_NOT_ACTIVE, SESSION_REVOKED
 */
export function activeSession(chain: Pick<ChainPort, 'current'>, clock: Clock, ageMsMax: number): Active {
  const state = chain.current();
  const ageMs = state === null ? null : clock.now() - state.atMs;
  // From the future is as bad: by a clock that was set back, a state would not age for as long.
  if (state === null || ageMs === null || Math.abs(ageMs) > ageMsMax) {
    throw new ProxyError(
      'CHAIN_UNREADABLE',
      ageMs === null ? 'nothing is known of the chain yet' : `the chain was last read as of ${ageMs} ms ago`,
      'see that chain.url can be reached and goes on making checkpoints, and that this clock is right',
    );
  }
  const { active } = state;
  if (active === null) {
    throw new ProxyError(
      'SESSION_NOT_ACTIVE',
      'the chain names no active session of an enclave',
      'start the enclave and register it (daas registrar)',
    );
  }
  if (active.session.revoked) {
    throw new ProxyError(
      'SESSION_REVOKED',
      `session ${active.session.id} is revoked`,
      'start an enclave anew and register it: a revoked session never comes back',
    );
  }
  return active;
}
