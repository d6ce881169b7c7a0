import { z } from 'zod';

const names = z.array(z.string().min(1).max(253)).max(256);
const milliseconds = z.number().int().positive();

/** Kubernetes' own namespaces: placed by an ordinary scheduler on control-plane nodes, so that a cluster can start. */
export const EXEMPT_NAMESPACES: readonly string[] = ['kube-system', 'kube-public', 'kube-node-lease'];

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
});

export type WebhookConfig = z.infer<typeof webhookConfigSchema>;
export type WebhookConfigInput = z.input<typeof webhookConfigSchema>;
