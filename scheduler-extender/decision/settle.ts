import { OutcomeResult } from '../log/record.ts';
import type { OpenDecision } from '../log/state.ts';
import type { PodFacts } from '../ports.ts';
import type { EngineContext } from './context.ts';

/** Records what became of a decision; resolves when the record is durable. */
export async function settleOutcome(
  context: EngineContext,
  open: OpenDecision,
  result: (typeof OutcomeResult)[keyof typeof OutcomeResult],
  code: string,
): Promise<void> {
  const { sequence, podUid } = open.decision;
  // Another call may have settled it while this one waited for the API server.
  if (context.state.openBySequence(sequence) !== open) return;
  await context.journal.append({ $kind: 'outcome', outcome: { sequence, result, code } }).durable;
  if (result === OutcomeResult.bound) context.calls.delete(podUid);
}

/**
 * Ends a decision whose receipt has expired: bound if the API server shows the pod with it, else reversed. Only a GET
 * after the expiry proves that the receipt cannot bind the pod any more.
 * @throws whatever the read throws; then the decision stays open
 */
export async function settleExpired(context: EngineContext, open: OpenDecision): Promise<void> {
  const { namespace, pod, podUid } = open.decision;
  const found = await context.binder.read(namespace, pod, podUid);
  if (isBoundBy(found, open)) return settleOutcome(context, open, OutcomeResult.bound, '');
  const code =
    found === null ? 'POD_UNKNOWN' : found.nodeName === '' ? 'RECEIPT_EXPIRED' : 'POD_ALREADY_BOUND';
  return settleOutcome(context, open, OutcomeResult.reversed, code);
}

/** Whether this very receipt has bound the pod. */
export function isBoundBy(pod: PodFacts | null, { decision, receipt }: OpenDecision): boolean {
  return pod !== null && pod.nodeName === decision.node && pod.receipt === receipt;
}
