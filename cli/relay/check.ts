import {
  decodeDecisionMessage,
  decodeReleaseMessage,
  equalBytes,
  FormatError,
  receiptDigest,
  sha256,
  toHex,
  verifyEd25519,
  type Bytes,
  type ChainSnapshot,
  type Decision,
  type Release,
  type SuiId,
} from '@k3s-daas/core';
import type { AccessRequest } from '@k3s-daas/sui-client';

import { RelayError } from './errors.ts';
import type { AccessBody } from './request.ts';

/** A request that the live enclave has consented to. */
export interface CheckedRequest {
  /** Names each release, in order. Signatures are left out: whoever has the message signed is the enclave. */
  readonly keys: readonly string[];
  readonly namespace: string;
  readonly podUid: string;
  readonly recipient: SuiId;
  readonly term: bigint;
  readonly session: SuiId;
  /** Until when any of its releases is good, inclusive. */
  readonly notAfterMs: number;
  readonly access: AccessRequest;
}

/**
 * What Move checks of receipt and releases by themselves: cluster, active session and term, signatures of its decision key,
 * canonical form, every equality between them, expiry. Only the live enclave's consent spends gas.
 * @param snapshot the chain as the relay knows it, fresh.
 * @throws RelayError MALFORMED, RELEASE_INVALID
 */
export function checkRequest(body: AccessBody, snapshot: ChainSnapshot, nowMs: number): CheckedRequest {
  const { cluster, sessions } = snapshot;
  const { active } = cluster;
  const session = active === null ? undefined : sessions.get(active.session);
  if (active === null || session === undefined || session.revoked)
    throw invalid('the cluster has no live enclave');
  const { receipt } = body;
  const decision = decoded('receipt', () => decodeDecisionMessage(receipt.message).payload);
  requireSigned('receipt', session.decisionKey, receipt);
  require(decision.cluster === cluster.id, 'the receipt is of another cluster');
  require(decision.session === active.session, 'the receipt is of another session than the active one');
  require(decision.term === active.term, 'the receipt is of another term than the active one');
  const digest = receiptDigest(receipt);
  const releases = body.releases.map((signed) => {
    const release = decoded('release', () => decodeReleaseMessage(signed.message).payload);
    requireSigned('release', session.decisionKey, signed);
    requireFitting(release, { decision, digest, policy: signed.policy, nowMs });
    return release;
  });
  const recipients = new Set(releases.map(({ recipient }) => recipient));
  const [recipient] = recipients;
  if (recipient === undefined || recipients.size > 1)
    throw invalid('the releases are for several recipients');
  const placement = { cluster: cluster.id, session: session.id, position: decision.stake };
  return {
    keys: body.releases.map(({ message }) => toHex(sha256(message))),
    namespace: decision.namespace,
    podUid: decision.podUid,
    recipient,
    term: decision.term,
    session: session.id,
    notAfterMs: Math.max(...releases.map(({ notAfterMs }) => Number(notAfterMs))),
    access: { placement, receipt, releases: body.releases },
  };
}

function requireFitting(
  release: Release,
  of: { readonly decision: Decision; readonly digest: Bytes; readonly policy: SuiId; readonly nowMs: number },
): void {
  const { decision, digest, policy, nowMs } = of;
  require(release.cluster === decision.cluster, 'a release is of another cluster');
  require(release.session === decision.session, 'a release is of another session');
  require(equalBytes(release.receiptDigest, digest), 'a release is for another receipt');
  require(release.podUid === decision.podUid, 'a release is for another pod');
  require(release.policy === policy, 'a release is for another policy than it is shown for');
  require(BigInt(nowMs) <= release.notAfterMs, 'a release has expired');
}

function requireSigned(
  what: string,
  key: Bytes,
  { message, signature }: { readonly message: Bytes; readonly signature: Bytes },
): void {
  require(verifyEd25519(key, message, signature), `the ${what} is not signed by the live enclave`);
}

function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new RelayError('MALFORMED', `the ${what} is not in its one form: ${cause.message}`, { cause });
  }
}

function require(holds: boolean, otherwise: string): void {
  if (!holds) throw invalid(otherwise);
}

function invalid(message: string): RelayError {
  return new RelayError('RELEASE_INVALID', message);
}
