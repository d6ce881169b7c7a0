import { systemClock } from '@k3s-daas/core';
import { addressOf, connectChain } from '@k3s-daas/sui-client';
import type { Logger } from 'pino';

import { loadConfiguration, type LoadedConfiguration } from '../configuration.ts';
import { trustAnchorOf } from '../enclave-verify.ts';
import { CliError } from '../errors.ts';
import { apiCaller } from '../kube-api.ts';
import { readKeyFile } from '../sui-key.ts';
import { Books } from './books.ts';
import { kubernetesIssuer } from './kubernetes.ts';
import { Registrar } from './registrar.ts';
import { hasSponsored } from './sessions.ts';
import { lockState } from './state.ts';

export interface OpenRegistrar {
  readonly registrar: Registrar;
  /** Lets another process have the books. */
  readonly close: () => Promise<void>;
}

/** The section of the configuration. @throws CliError USAGE */
export function registrarSection({ configuration }: LoadedConfiguration) {
  const { registrar } = configuration;
  if (registrar !== undefined) return registrar;
  throw new CliError(
    'USAGE',
    'the configuration has no section "registrar"',
    'add it; docs/configuration.md shows one',
  );
}

/** A registrar of the configuration, which holds the books until it is closed. */
export async function openRegistrar(
  configFile: string | undefined,
  options: { readonly newState: boolean; readonly log: Pick<Logger, 'info' | 'warn'> },
): Promise<OpenRegistrar> {
  const loaded = await loadConfiguration(configFile);
  const { configuration, path } = loaded;
  const { cluster, attestation } = configuration;
  const registrar = registrarSection(loaded);
  const signer = await readKeyFile(path(registrar.suiKeyFile), undefined);
  const chain = connectChain({ url: configuration.chain.url, chainId: cluster.chainId });
  const actor = { client: chain.client, signer, packageId: cluster.package };
  const trustAnchor = await trustAnchorOf(attestation, path);
  const file = path(registrar.stateFile);
  const unlock = await lockState(file);
  try {
    const books = await Books.open({
      file,
      cluster: cluster.id,
      address: addressOf(signer),
      budget: registrar.budget,
      clock: systemClock,
      newState: options.newState,
      hasHistory: () => hasSponsored(chain, actor, cluster),
    });
    const opened = new Registrar({
      registrar,
      accepted: attestation,
      trustAnchor,
      chain,
      actor,
      cluster,
      books,
      clock: systemClock,
      issuer: kubernetesIssuer(apiCaller(path(registrar.kubeconfig))),
      log: options.log,
    });
    return { registrar: opened, close: unlock };
  } catch (error) {
    await unlock();
    throw error;
  }
}
