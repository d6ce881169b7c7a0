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

/** What the chain says against this session. None without a snapshot: then there is no identity to decide with. */
export function chainReasons(snapshot: ChainSnapshot | null, own: OwnRegistration): GuardReason[] {
  if (snapshot === null) return [];
  return [...sessionReasons(snapshot, own), ...configReasons(snapshot, own)];
}

function sessionReasons({ cluster, sessions }: ChainSnapshot, own: OwnRegistration): GuardReason[] {
  const session = sessions.get(own.session);
  if (session?.revoked === true) {
    return [{ code: 'SESSION_REVOKED', message: `session ${own.session} is revoked on chain, for good` }];
  }
  // Revoking and retiring are all that can leave a cluster without an active session (cluster.move).
  if (cluster.active === null) {
    const version = session === undefined ? '' : ` ${session.configVersion}`;
    return [
      { code: 'CONFIG_RETIRED', message: `image config${version} of this enclave is retired on chain` },
    ];
  }
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
