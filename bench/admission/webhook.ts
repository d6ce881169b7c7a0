/** The webhook as a process of its own, on what its parent says in one argument. Prints `ready` when it serves. */
import { once } from 'node:events';

import { serveWebhook, startClusterFacts, type WebhookOptions } from '@k3s-daas/admission-webhook';
import { systemClock } from '@k3s-daas/core';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';

import { healthy, MemoryChain } from '../../admission-webhook/test/world.ts';

export interface WebhookArgument extends Pick<WebhookOptions, 'config' | 'tls' | 'host' | 'port'> {
  /** Of the user k3s-daas:webhook. */
  readonly kubeconfig: string;
}

const { kubeconfig, ...rest } = JSON.parse(process.argv[2] ?? '') as WebhookArgument;
const kubeConfig = new KubeConfig();
kubeConfig.loadFromFile(kubeconfig);
const log = pino({ level: 'warn' }, pino.destination(2));
const facts = startClusterFacts({ kubeConfig, seal: rest.config.seal, clock: systemClock, log });
const chain = new MemoryChain();
chain.set(healthy, systemClock.now());
const webhook = await serveWebhook({ ...rest, chain, clock: systemClock, facts, log });
process.stdout.write('ready\n');
// A stream that nobody reads never ends.
await once(process.stdin.resume(), 'end');
await facts.close();
await webhook.close();
