import type { ChainView, Clock } from '@k3s-daas/core';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface WebhookMetrics {
  readonly registry: Registry;
  /** `code` is empty when the request was allowed. */
  readonly reviews: Counter<'subject' | 'code'>;
  readonly rejectedCalls: Counter<'reason'>;
  readonly seconds: Histogram<'subject'>;
}

export function webhookMetrics(chain: ChainView, clock: Clock, registry = new Registry()): WebhookMetrics {
  const registers = [registry];
  new Gauge({
    name: 'daas_admission_snapshot_age_seconds',
    help: 'Age of the chain snapshot that reviews decide on; -1 before the first one.',
    registers,
    collect() {
      const snapshot = chain.current();
      this.set(snapshot === null ? -1 : (clock.now() - snapshot.checkpointTimestampMs) / 1000);
    },
  });
  return {
    registry,
    reviews: new Counter({
      name: 'daas_admission_reviews_total',
      help: 'Reviews by what they were about and by denial code (empty: allowed).',
      labelNames: ['subject', 'code'],
      registers,
    }),
    rejectedCalls: new Counter({
      name: 'daas_admission_rejected_calls_total',
      help: 'Calls that were no review: wrong client, route, content type or body.',
      labelNames: ['reason'],
      registers,
    }),
    seconds: new Histogram({
      name: 'daas_admission_review_duration_seconds',
      help: 'Time from the decoded body to the verdict.',
      labelNames: ['subject'],
      buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25],
      registers,
    }),
  };
}
