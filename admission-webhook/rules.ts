import type { ChainView, Clock } from '@k3s-daas/core';

import type { WebhookConfig } from './config.ts';
import type { ClusterFacts } from './sealed/facts.ts';

/** What reviews and mutations decide on, besides the object itself. */
export interface ReviewDependencies {
  readonly chain: ChainView;
  readonly clock: Clock;
  readonly config: WebhookConfig;
  readonly facts: ClusterFacts;
}

/** The same, flat: each check names what it reads. */
export interface ReviewRules extends WebhookConfig {
  readonly chain: ChainView;
  readonly clock: Clock;
  readonly facts: ClusterFacts;
}

/** What kubectl prints as `Warning: …` although the request is allowed; one sentence each. */
export type Warnings = readonly string[];

/** RFC 6902, of which webhooks need no more. Paths are JSON pointers from the object's root. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** Nothing to do is an empty patch, which is answered without one. */
export interface Mutation {
  readonly patch: readonly JsonPatchOperation[];
  readonly warnings: Warnings;
}
