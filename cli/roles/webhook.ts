import { KubeConfig } from '@kubernetes/client-node';

import {
  followTlsFiles,
  readTlsFiles,
  serveWebhook,
  startClusterFacts,
  startStakeWatch,
  type SealSettings,
} from '@k3s-daas/admission-webhook';
import { systemClock, type Configuration } from '@k3s-daas/core';
import { connectChain, watchChain } from '@k3s-daas/sui-client';

import { loadConfiguration } from '../configuration.ts';
import { CliError } from '../errors.ts';
import { startAdmissionWatch } from './admission-watch.ts';
import { partLogger } from './log.ts';
import type { RunningPart } from './role.ts';

/** Admission webhook and stake controller, which share one watched snapshot of the chain. */
export async function startWebhook(configFile: string | undefined): Promise<RunningPart> {
  const { configuration, path } = await loadConfiguration(configFile);
  const { webhook, chain, cluster, policy } = configuration;
  if (webhook === undefined) {
    throw new CliError(
      'USAGE',
      'the configuration has no section "webhook"',
      'add it; docs/configuration.md shows one',
    );
  }
  const seal = sealSettings(configuration);
  const log = partLogger('webhook');
  const watcher = watchChain({
    chain: connectChain({ url: chain.url, chainId: cluster.chainId }),
    packageId: cluster.package,
    clusterId: cluster.id,
    clock: systemClock,
    log,
    pollMs: chain.pollMs,
  });
  watcher.start();
  const files = {
    certFile: path(webhook.certFile),
    keyFile: path(webhook.keyFile),
    clientCaFile: path(webhook.clientCaFile),
  };
  const tls = await readTlsFiles(files);
  const kubeConfigOf = (file: string): KubeConfig => {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(path(file));
    return kubeConfig;
  };
  const facts = startClusterFacts({
    kubeConfig: kubeConfigOf(webhook.readerKubeconfig),
    seal,
    clock: systemClock,
    log,
  });
  const server = await serveWebhook({
    chain: watcher,
    clock: systemClock,
    config: {
      controlPlaneNodes: webhook.controlPlaneNodes,
      allowedClients: webhook.allowedClients,
      receiptLifetimeMs: policy.receiptLifetimeMs,
      stakeSnapshotAgeMsMax: policy.stakeSnapshotAgeMsMax,
      drainMs: webhook.drainMs,
      seal,
    },
    facts,
    registry: facts.registry,
    tls,
    ...webhook.listen,
    log,
  });
  const unfollow = followTlsFiles({ webhook: server, files, tls, log });
  const { port, registry } = server;
  const kubeConfig = kubeConfigOf(webhook.kubeconfig);
  const controller = startStakeWatch({
    chain: watcher,
    clock: systemClock,
    kubeConfig,
    config: {
      controlPlaneNodes: webhook.controlPlaneNodes,
      stakeSnapshotAgeMsMax: policy.stakeSnapshotAgeMsMax,
    },
    registry,
    log,
  });
  const watch = await startAdmissionWatch({ webhook, port, path, kubeConfig, log, registry });
  return {
    ready: { port },
    async close() {
      unfollow();
      await watch.close();
      await controller.close();
      await server.close();
      await facts.close();
      await watcher.stop();
    },
  };
}

/** @throws CliError USAGE: without it no Secret could be sealed, and none else is let in. */
function sealSettings({ seal, cluster }: Configuration): SealSettings {
  if (seal === undefined) {
    throw new CliError(
      'USAGE',
      'the configuration has no section "seal", by which the webhook knows what a sealed Secret is',
      'add it; docs/configuration.md shows one',
    );
  }
  return {
    cluster: cluster.id,
    package: cluster.package,
    broker: seal.brokerUrl,
    relay: seal.relayUrl,
    chain: { chainId: cluster.chainId, urls: seal.chainUrls },
    keyServers: seal.keyServers,
    threshold: seal.threshold,
    image: seal.image,
    ...(seal.fetchResources && { fetchResources: seal.fetchResources }),
  };
}
