/** The webhook of the sealed attacks' world in a process of its own, so that it can run with a check taken out. */
import { readFileSync } from 'node:fs';

import { serveWebhook, startClusterFacts } from '@k3s-daas/admission-webhook';
import { systemClock } from '@k3s-daas/core';

import { kubeConfigFrom, silentLog } from '../../../admission-webhook/test/outside.ts';
import { FileChain } from '../sealed/chain-file.ts';
import type { WebhookSetup } from '../sealed/world.ts';

const setup = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as WebhookSetup;
const chain = new FileChain(setup.dir);
const kubeConfig = kubeConfigFrom(setup.kubeconfig);
const log = silentLog();
const facts = startClusterFacts({ kubeConfig, seal: setup.config.seal, clock: systemClock, log });
const { port, config, tls } = setup;
await serveWebhook({ port, config, tls, chain, clock: systemClock, facts, host: '127.0.0.1', log });
// The parent kills it; and it does not outlive the parent.
process.stdin.resume().once('end', () => process.exit());
console.log('ready');
