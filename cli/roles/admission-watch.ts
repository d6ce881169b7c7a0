import { readFile } from 'node:fs/promises';

import { startAdmissionGuard, startSealEvents, type Webhook } from '@k3s-daas/admission-webhook';
import type { WebhookConfiguration } from '@k3s-daas/core';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';

/** Tells of what admission itself cannot: registrations that are gone or altered, and pods that wait for their secrets. */
export async function startAdmissionWatch(options: {
  readonly webhook: WebhookConfiguration;
  /** Where the webhook listens. */
  readonly port: number;
  /** Path of a file that the configuration names. */
  readonly path: (file: string) => string;
  /** Of the user k3s-daas:controller. */
  readonly kubeConfig: KubeConfig;
  readonly log: Logger;
  readonly registry: Webhook['registry'];
}): Promise<{ close(): Promise<void> }> {
  const { webhook, port, path, ...rest } = options;
  const authorities = (): Promise<string> => readFile(path(webhook.caFile ?? webhook.clientCaFile), 'utf8');
  const guard = await startAdmissionGuard({
    ...rest,
    site: {
      webhookUrl: webhook.url ?? `https://${webhook.listen.host}:${port}/validate`,
      webhookCaPem: await authorities(),
      controlPlaneNodes: webhook.controlPlaneNodes,
    },
    authorities,
  });
  const events = startSealEvents(rest);
  return {
    async close() {
      await Promise.all([guard.close(), events.close()]);
    },
  };
}
