import {
  equalBytes,
  policyDigest,
  toHex,
  type Bytes,
  type ChainSnapshot,
  type ChainView,
  type Configuration,
  type Session,
} from '@k3s-daas/core';
import type { SessionIdentity } from '@k3s-daas/scheduler-extender';

import { EnclaveError } from '../errors.ts';
import type { EnclaveKeys } from './keys.ts';

/** The public halves of the three keys of a boot, as a session on chain names them. */
export type PublicKeys = Pick<Session, 'decisionKey' | 'logKey' | 'tlsKeyHash'>;

export function publicKeys(keys: EnclaveKeys): PublicKeys {
  return {
    decisionKey: keys.decision.publicKey,
    logKey: keys.log.publicKey,
    tlsKeyHash: keys.tls.keyHash,
  };
}

export function isOurs(session: PublicKeys, keys: PublicKeys): boolean {
  return (
    equalBytes(session.decisionKey, keys.decisionKey) &&
    equalBytes(session.logKey, keys.logKey) &&
    equalBytes(session.tlsKeyHash, keys.tlsKeyHash)
  );
}

/** The session of this boot, active or not, or undefined before it is registered. */
export function ownSession(snapshot: ChainSnapshot | null, keys: PublicKeys): Session | undefined {
  return [...(snapshot?.sessions.values() ?? [])].find((session) => isOurs(session, keys));
}

/** The session that the chain shows as active with exactly our three keys, or null. */
export function activeIdentity(snapshot: ChainSnapshot | null, keys: PublicKeys): SessionIdentity | null {
  const active = snapshot?.cluster.active;
  if (snapshot === null || active === null || active === undefined) return null;
  const session = snapshot.sessions.get(active.session);
  if (session === undefined || session.revoked || !isOurs(session, keys)) return null;
  return {
    cluster: snapshot.cluster.id,
    session: session.id,
    term: active.term,
    configVersion: session.configVersion,
  };
}

/**
 * Resolves when our session is the active one of the cluster that this process was configured for.
 * @throws EnclaveError CONFIG_DIGEST_DIFFERS or POLICY_DIFFERS as soon as the chain shows another cluster,
 * SESSION_REVOKED, BOOT_CANCELLED
 */
export async function waitForRegistration(options: {
  readonly chain: ChainView;
  readonly keys: PublicKeys;
  readonly configuration: Pick<Configuration, 'policy'>;
  readonly configDigest: Bytes;
  readonly signal: AbortSignal;
}): Promise<SessionIdentity> {
  const { chain, keys, configuration, configDigest, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<SessionIdentity>();
  const look = (snapshot: ChainSnapshot | null): void => {
    if (snapshot === null) return;
    try {
      checkCluster(snapshot, configuration, configDigest);
      requireUnrevoked(snapshot, keys);
      const identity = activeIdentity(snapshot, keys);
      if (identity !== null) resolve(identity);
    } catch (error) {
      reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  const cancel = (): void => {
    reject(
      new EnclaveError(
        'BOOT_CANCELLED',
        'the enclave was stopped before it was registered',
        'start it again',
      ),
    );
  };
  const unsubscribe = chain.onChange(look);
  signal.addEventListener('abort', cancel, { once: true });
  if (signal.aborted) cancel();
  look(chain.current());
  return promise.finally(() => {
    unsubscribe();
    signal.removeEventListener('abort', cancel);
  });
}

function requireUnrevoked(snapshot: ChainSnapshot, keys: PublicKeys): void {
  const session = ownSession(snapshot, keys);
  if (session?.revoked !== true) return;
  throw new EnclaveError(
    'SESSION_REVOKED',
    `session ${session.id} of this boot was revoked before it was active`,
    'start the enclave again: a new boot has new keys',
  );
}

/** The cluster on chain must be the one this process was configured for: same CA, chain, package and policy. */
function checkCluster(
  { cluster }: ChainSnapshot,
  { policy }: Pick<Configuration, 'policy'>,
  configDigest: Bytes,
): void {
  if (!equalBytes(cluster.policyDigest, policyDigest(policy))) {
    throw new EnclaveError(
      'POLICY_DIFFERS',
      `the policy in daas.yaml is not that of cluster ${cluster.id}`,
      'take the policy that the cluster was created with',
    );
  }
  if (equalBytes(cluster.configDigest, configDigest)) return;
  throw new EnclaveError(
    'CONFIG_DIGEST_DIFFERS',
    `this installation has config digest ${toHex(configDigest)}, the cluster ${toHex(cluster.configDigest)}`,
    'compare API server CA, chain id, package and policy in daas.yaml with those of the cluster',
  );
}
