import { equalBytes, toHex, type Bytes, type ChainSnapshot, type SuiId } from '@k3s-daas/core';

import { isOurs, type PublicKeys } from '../boot/registration.ts';
import type { GuardReason } from './reason.ts';

/** What this process is, to be found unchanged on chain. */
export interface OwnRegistration {
  readonly session: SuiId;
  readonly keys: PublicKeys;
  readonly configDigest: Bytes;
  readonly policyDigest: Bytes;
}

/**
 * What the chain says against this session; `lastActive` is the session that was active last. None without a snapshot:
 * then there is no identity to decide with.
 */
export function chainReasons(
  snapshot: ChainSnapshot | null,
  own: OwnRegistration,
  lastActive: SuiId,
): GuardReason[] {
  if (snapshot === null) return [];
  return [...sessionReasons(snapshot, own, lastActive), ...configReasons(snapshot, own)];
}

function sessionReasons(
  { cluster, sessions }: ChainSnapshot,
  own: OwnRegistration,
  lastActive: SuiId,
): GuardReason[] {
  const session = sessions.get(own.session);
  if (session?.revoked === true) {
    return [{ code: 'SESSION_REVOKED', message: `session ${own.session} is revoked on chain, for good` }];
  }
  if (cluster.active === null) return [noneActive(own, session?.configVersion, lastActive)];
  if (cluster.active.session !== own.session) {
    const message = `session ${cluster.active.session} is the active one, in place of ${own.session}`;
    return [{ code: 'SESSION_SUPERSEDED', message }];
  }
  if (session === undefined || !isOurs(session, own.keys)) {
    const message = `the chain shows session ${own.session} without the keys of this boot`;
    return [{ code: 'SESSION_SUPERSEDED', message }];
  }
  return [];
}

/**
 * A session stops being active by its end, or with its image config (cluster.move). Ours has not ended: if it was the
 * last to be active, its config was retired. If another one was, that is what became of the other.
 */
function noneActive(own: OwnRegistration, version: bigint | undefined, lastActive: SuiId): GuardReason {
  if (lastActive === own.session) {
    const message = `no session is active: image config ${String(version)} of this enclave was retired`;
    return { code: 'CONFIG_RETIRED', message };
  }
  const message = `no session is active since ${lastActive}, which had taken the place of ${own.session}`;
  return { code: 'SESSION_SUPERSEDED', message };
}

function configReasons({ cluster }: ChainSnapshot, own: OwnRegistration): GuardReason[] {
  if (!equalBytes(cluster.configDigest, own.configDigest)) {
    const message = `the cluster has config digest ${toHex(cluster.configDigest)}, this enclave ${toHex(own.configDigest)}`;
    return [{ code: 'CONFIG_DIGEST_DIFFERS', message }];
  }
  if (!equalBytes(cluster.policyDigest, own.policyDigest)) {
    const message = `the cluster has policy ${toHex(cluster.policyDigest)}, this enclave ${toHex(own.policyDigest)}`;
    return [{ code: 'CONFIG_DIGEST_DIFFERS', message }];
  }
  return [];
}
