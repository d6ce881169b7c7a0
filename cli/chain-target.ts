import { z } from 'zod';

import { NETWORKS, type Network } from '@k3s-daas/core';
import { ChainError, connectChain, defaultUrl, requireNetwork, type Chain } from '@k3s-daas/sui-client';

import { CliError } from './errors.ts';
import { userPath } from './files.ts';
import { readYaml } from './yaml-file.ts';

export interface TargetOptions {
  readonly network?: string;
  readonly url?: string;
  readonly config?: string;
}

/** The node that a command of `daas chain` talks to. */
export interface Target {
  readonly network: Network;
  readonly url: string;
}

/** The file that `--config` or DAAS_CONFIG names, or `daas.yaml` in the person's folder. */
export function configPath({ config }: Pick<TargetOptions, 'config'>): string {
  const name = config ?? process.env['DAAS_CONFIG'] ?? '';
  return userPath(name === '' ? 'daas.yaml' : name);
}

const chainSection = z.object({
  chain: z.object({ network: z.enum(NETWORKS), url: z.url() }).optional(),
});

/**
 * `--url` and `--network` if given; else the section `chain` of the configuration; else the embedded ledger where
 * `daas chain up` listens. A network without a URL has that of its section, or its own.
 */
export async function resolveTarget(
  options: TargetOptions,
  file: string | null = configPath(options),
): Promise<Target> {
  const named = options.network === undefined ? null : parseNetwork(options.network);
  const content = file === null ? null : await readYaml(file);
  const section = chainSection.safeParse(content?.toJS({ maxAliasCount: 0 }) ?? {}).data?.chain ?? null;
  if (options.url !== undefined) {
    const same = section !== null && section.url === options.url;
    return { network: named ?? (same ? section.network : 'localnet'), url: parseUrl(options.url) };
  }
  if (section !== null && (named === null || named === section.network)) return section;
  const network = named ?? 'embedded';
  return { network, url: defaultUrl(network) };
}

function parseNetwork(text: string): Network {
  const found = NETWORKS.find((name) => name === text);
  if (found !== undefined) return found;
  throw new CliError('USAGE', `${text} is no network`, `choose one of ${NETWORKS.join(', ')}`);
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return text;
  throw new CliError('USAGE', `${text} is no URL of a node`, 'it looks like http://127.0.0.1:9000');
}

/** Connects and checks that the node answers, and for the network that was named. */
export async function connectTarget(
  { network, url }: Target,
  deadlineMs: number,
): Promise<{ readonly chain: Chain; readonly chainId: string }> {
  const chain = connectChain({ url, network, deadlineMs });
  try {
    const { chainId } = await chain.info();
    requireNetwork(network, url, chainId);
    return { chain, chainId };
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    const { code, message } = error;
    if (code === 'CHAIN_FOREIGN') {
      const remedy = 'name the network that is meant with --network, or its node with --url';
      throw new CliError('NETWORK_UNREACHABLE', message, remedy, { cause: error });
    }
    const unreachable = `${network} cannot be reached at ${url}: ${message}`;
    throw new CliError('NETWORK_UNREACHABLE', unreachable, remedyFor(network), { cause: error });
  }
}

function remedyFor(network: Network): string {
  if (network === 'embedded') return 'start it with: daas chain up; or name its address with --url';
  if (network === 'localnet') return 'start it (daas chain up, or sui start), or name its address with --url';
  return "check this machine's way to the internet, or name another node of the network with --url";
}
