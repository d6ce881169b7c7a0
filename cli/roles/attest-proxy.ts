import { readTlsFiles, type TlsFiles } from '@k3s-daas/admission-webhook/tls-files';
import { describeError, systemClock, type Clock, type ProxyConfiguration } from '@k3s-daas/core';
import { connectChain, watchChain } from '@k3s-daas/sui-client';
import type { Logger } from 'pino';

import { followedChain } from '../attest-proxy/chain.ts';
import { enclaveAccess, linkOf } from '../attest-proxy/proxy.ts';
import { serveProxy, type ProxyServer, type ProxyTls } from '../attest-proxy/serve.ts';
import { loadConfiguration, type LoadedConfiguration } from '../configuration.ts';
import { CliError } from '../errors.ts';
import { partLogger } from './log.ts';
import type { RunningPart } from './role.ts';

const FILES_MS = 10_000;

/** The configuration, which must have a section `proxy`. */
export async function loadProxyConfiguration(
  configFile: string | undefined,
): Promise<LoadedConfiguration & { readonly proxy: ProxyConfiguration }> {
  const loaded = await loadConfiguration(configFile);
  const { proxy } = loaded.configuration;
  if (proxy !== undefined) return { ...loaded, proxy };
  throw new CliError(
    'USAGE',
    'the configuration has no section "proxy"',
    'add it; docs/attest-proxy.md shows one',
  );
}

/** Beside kube-scheduler: listens at once, and forwards as soon as there is an enclave that was attested. */
export async function startAttestProxy(
  configFile: string | undefined,
  clock: Clock = systemClock,
): Promise<RunningPart> {
  const loaded = await loadProxyConfiguration(configFile);
  const { configuration, proxy, path } = loaded;
  const { cluster, chain: node } = configuration;
  const log = partLogger('attest-proxy');
  const files = {
    certFile: path(proxy.certFile),
    keyFile: path(proxy.keyFile),
    clientCaFile: path(proxy.clientCaFile),
  };
  const tls = await readTlsFiles(files);
  const chain = connectChain({ url: node.url, chainId: cluster.chainId });
  const subject = { chain, packageId: cluster.package, clusterId: cluster.id };
  const watcher = watchChain({ ...subject, clock, log, pollMs: node.pollMs });
  const options = { ...loaded, clock, log, chain: followedChain(watcher, subject) };
  const link = linkOf(options, await enclaveAccess(options));
  const server = await serveProxy({
    link,
    tls,
    allowedClients: proxy.allowedClients,
    ...proxy.listen,
    clock,
    log,
  });
  watcher.start();
  link.start();
  const unfollow = followFiles(files, tls, server, log);
  return {
    ready: { port: server.port },
    async close() {
      unfollow();
      await server.close();
      await link.close();
      await watcher.stop();
    },
  };
}

/** Takes renewed certificates; a half-written or broken set is left alone until it is whole. */
function followFiles(files: TlsFiles, tls: ProxyTls, server: ProxyServer, log: Logger): () => void {
  let current = JSON.stringify(tls);
  const look = async (): Promise<void> => {
    try {
      const next = await readTlsFiles(files);
      if (JSON.stringify(next) === current) return;
      server.setTls(next);
      current = JSON.stringify(next);
    } catch (error) {
      log.warn(
        { reason: describeError(error) },
        'the new certificates cannot be used yet; the old ones stay',
      );
    }
  };
  const timer = setInterval(() => void look(), FILES_MS);
  return () => {
    clearInterval(timer);
  };
}
