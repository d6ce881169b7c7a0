import type { PodFacts } from '@k3s-daas/core';
import { ExtenderError, type Engine, type LiveReceipt } from '@k3s-daas/scheduler-extender';

import { BrokerError, type BrokerErrorCode } from './errors.ts';
import type { TokenHolder } from './token.ts';

/** What the engine says of the pod, the node or the receipt; all else says that nothing can be decided now. */
const REFUSALS: Readonly<Partial<Record<string, BrokerErrorCode>>> = {
  RECEIPT_UNKNOWN: 'RECEIPT_UNKNOWN',
  RECEIPT_FOREIGN: 'RECEIPT_FOREIGN',
  POD_CHANGED: 'POD_CHANGED',
  NODE_UNKNOWN: 'NODE_UNKNOWN',
  NODE_INELIGIBLE: 'NODE_INELIGIBLE',
};

/**
 * The live session's receipt for the pod, out of the enclave's own log, on a node that is eligible now; adopts the pod if
 * an earlier session has placed it.
 * @throws BrokerError RECEIPT_UNKNOWN, RECEIPT_FOREIGN, POD_CHANGED, NODE_UNKNOWN, NODE_INELIGIBLE, TOKEN_FOREIGN, NOT_READY
 */
export async function requireReceipt(
  engine: Pick<Engine, 'adopt'>,
  pod: PodFacts,
  holder: TokenHolder,
): Promise<LiveReceipt> {
  const placed = await adopt(engine, pod);
  if (placed.decision.serviceAccountUid !== holder.serviceAccountUid) {
    throw new BrokerError(
      'TOKEN_FOREIGN',
      'the service account of the token is not the one that the pod was placed with',
    );
  }
  return placed;
}

async function adopt(engine: Pick<Engine, 'adopt'>, pod: PodFacts): Promise<LiveReceipt> {
  try {
    return await engine.adopt(pod);
  } catch (cause) {
    if (!(cause instanceof ExtenderError)) throw cause;
    const code = REFUSALS[cause.code];
    if (code !== undefined) throw new BrokerError(code, cause.message, { cause });
    throw new BrokerError('NOT_READY', `${cause.code}: ${cause.message}`, { cause });
  }
}
