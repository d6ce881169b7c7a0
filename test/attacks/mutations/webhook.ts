/** The webhook of the sealed attacks' world in a process of its own, so that it can run with a check taken out. */
import { readFileSync } from 'node:fs';

import { serveWebhook, startClusterFacts } from '@k3s-daas/admission-webhook';
import { systemClock } from '@k3s-daas/core';

import { kubeConfigFrom, silentLog } from '../../../admission-webhook/test/outside.ts';
import { healthy, MemoryChain } from '../../../admission-webhook/test/world.ts';
import type { WebhookSetup } from '../sealed/world.ts';

const setup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as WebhookSetup;
const chain = new MemoryChain();
const fresh = (): void => {
  chain.set(healthy, Date.now());
};
fresh();
setInterval(fresh, 1_000);
const kubeConfig = kubeConfigFrom(setup.kubeconfig);
const log = silentLog();
const facts = startClusterFacts({ kubeConfig, seal: setup.config.seal, clock: systemClock, log });
await serveWebhook({ ...setup, chain, clock: systemClock, facts, host: '127.0.0.1', log });
// The parent kills it; and it does not outlive the parent.
process.stdin.resume().once('end', () => process.exit());
console.log('ready');
