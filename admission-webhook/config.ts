import { isSuiId, type FetchResources } from '@k3s-daas/core';
import { z } from 'zod';

const id = z.string().refine(isSuiId, 'expected 0x and 64 lower-case hex digits');
const names = z.array(z.string().min(1).max(253)).max(256);
const milliseconds = z.number().int().positive();

/** Kubernetes' own namespaces: placed by an ordinary scheduler on control-plane nodes, so that a cluster can start. */
export const EXEMPT_NAMESPACES: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease'];

const quantity = z.string().min(1).max(16);
const amounts = z.strictObject({
  cpu: quantity,
  memory: quantity,
  'ephemeral-storage': quantity,
}) satisfies z.ZodType<FetchResources['limits']>;

/** What counts as sealed in this cluster, and what is written into the plan of each pod (core/fetch-plan.ts). */
const sealSettingsSchema = z.strictObject({
  cluster: id,
  /** First version of the Move package: the one that Seal's identities are under. */
  package: id,
  broker: z.url(),
  relay: z.url(),
  chain: z.strictObject({ chainId: z.string().min(1).max(64), urls: z.array(z.url()).min(1).max(3) }),
  keyServers: z
    .array(z.strictObject({ objectId: id, weight: z.number().int().min(1).max(255) }))
    .min(1)
    .max(16),
  threshold: z.number().int().min(1).max(255),
  /** Image of seal-fetch, by digest. */
  image: z
    .string()
    .max(512)
    .regex(/^[^@\s]+@sha256:[0-9a-f]{64}$/, 'expected NAME@sha256:DIGEST'),
  /** Canonical quantities, as core/fetch-resources.ts makes them. */
  fetchResources: z.strictObject({ requests: amounts, limits: amounts }).optional(),
});

export type SealSettings = z.infer<typeof sealSettingsSchema>;

/** What the webhook must be told. The policy's two times come from the cluster's policy (core/policy.ts). */
export const webhookConfigSchema = z.strictObject({
  /** Must be the namespaces that the overlay's namespaceSelector leaves out. */
  exemptNamespaces: names.default([...EXEMPT_NAMESPACES]),
  /** Exact names of the nodes that need no stake. */
  controlPlaneNodes: names.default([]),
  /** Groups whose members may create control-plane nodes and mend their marks. */
  adminGroups: names.default(['system:masters']),
  /** Common names of client certificates that may ask for a review: kube-apiserver's, nothing else. */
  allowedClients: names.min(1),
  receiptLifetimeMs: milliseconds,
  stakeSnapshotAgeMsMax: milliseconds,
  /** Tolerated difference between the enclave's clock and this one. */
  clockSkewMsMax: milliseconds.default(5_000),
  /** How long a closing webhook still answers while it reports itself not ready. */
  drainMs: z.number().int().nonnegative().default(10_000),
  /** How long a review may wait for the cluster's answers before it is refused with LOOKUP_FAILED. */
  lookupMsMax: milliseconds.max(4_000).default(1_000),
  seal: sealSettingsSchema,
});

export type WebhookConfig = z.infer<typeof webhookConfigSchema>;
export type WebhookConfigInput = z.input<typeof webhookConfigSchema>;
