import {
  encodeReleaseMessage,
  receiptDigest,
  toBase64,
  type Bytes,
  type Clock,
  type Signer,
  type SuiId,
} from '@k3s-daas/core';
import type { LiveReceipt, SessionIdentity } from '@k3s-daas/scheduler-extender';

import { BrokerError } from './errors.ts';
import type { ReleaseRequest } from './request.ts';

/** Long enough for a pod to get it on chain, through a relay that batches. */
const LIFETIME_MS = 60_000;

interface Signed {
  /** Base64. */
  readonly message: string;
  readonly signature: string;
}

export interface ReleaseReply {
  readonly cluster: SuiId;
  readonly session: SuiId;
  /** The stake behind the node. */
  readonly position: SuiId;
  readonly node: string;
  readonly receipt: Signed;
  readonly releases: readonly (Signed & { readonly policy: SuiId; readonly notAfterMs: string })[];
}

export interface SigningParts {
  readonly signer: Signer;
  readonly clock: Clock;
  /** null while this enclave may not decide. */
  readonly identity: () => SessionIdentity | null;
}

/** One release for each policy. @throws BrokerError NOT_READY if the receipt is not of the session that is live now */
export function signReleases(
  { signer, clock, identity }: SigningParts,
  { recipient, policies }: ReleaseRequest,
  { receipt, decision }: LiveReceipt,
  imageDigests: readonly Bytes[],
): ReleaseReply {
  const live = identity();
  if (live?.session !== decision.session || live.term !== decision.term) {
    throw new BrokerError(
      'NOT_READY',
      'another session or term is active than when the receipt was looked up',
    );
  }
  const nowMs = BigInt(clock.now());
  const notAfterMs = nowMs + BigInt(LIFETIME_MS);
  const { cluster, session, podUid } = decision;
  const common = { cluster, session, podUid, receiptDigest: receiptDigest(receipt), recipient, imageDigests };
  return {
    cluster,
    session,
    position: decision.stake,
    node: decision.node,
    receipt: { message: toBase64(receipt.message), signature: toBase64(receipt.signature) },
    releases: policies.map((policy) => {
      const message = encodeReleaseMessage(nowMs, { ...common, policy, notAfterMs });
      return {
        policy,
        message: toBase64(message),
        signature: toBase64(signer.sign(message)),
        notAfterMs: notAfterMs.toString(),
      };
    }),
  };
}
