import { OutcomeResult } from '../log/record.ts';
import type { OpenDecision } from '../log/state.ts';
import type { EngineContext } from './context.ts';
import { isBoundBy, settleExpired, settleOutcome } from './settle.ts';

/** One decision without an end, by what is known of its pod now; left as it is while its receipt may still bind. */
export async function reconcileOne(context: EngineContext, open: OpenDecision): Promise<void> {
  const { podUid, notAfterMs } = open.decision;
  if (isBoundBy(context.kube.pod(podUid) ?? null, open)) {
    await settleOutcome(context, open, OutcomeResult.bound, '');
  } else if (context.clock.now() >= Number(notAfterMs)) {
    await settleExpired(context, open);
  }
}

/** Forgets the failed binds of pods that are gone. */
export function forgetGonePods({ kube, state }: EngineContext): void {
  if (!kube.synced) return;
  for (const podUid of state.podsWithFailures()) {
    if (kube.pod(podUid) === undefined && !state.open.has(podUid)) state.forgetFailures(podUid);
  }
}
