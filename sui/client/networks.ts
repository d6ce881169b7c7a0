import { ChainError } from './errors.ts';

export const NETWORKS = ['embedded', 'localnet', 'devnet', 'testnet', 'mainnet'] as const;
export type Network = (typeof NETWORKS)[number];

/** The fullnodes that Mysten Labs runs for everybody, and where `daas chain up` and `sui start` listen. */
const DEFAULT_URLS: Readonly<Record<Network, string>> = {
  embedded: 'http://127.0.0.1:9000',
  localnet: 'http://127.0.0.1:9000',
  devnet: 'https://fullnode.devnet.sui.io:443',
  testnet: 'https://fullnode.testnet.sui.io:443',
  mainnet: 'https://fullnode.mainnet.sui.io:443',
};

/** Digest of the genesis checkpoint (sui-types, digests.rs). Devnet begins anew every week. */
const CHAIN_IDS: Readonly<Partial<Record<Network, string>>> = {
  mainnet: '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S',
  testnet: '69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD',
};

export function defaultUrl(network: Network): string {
  return DEFAULT_URLS[network];
}

/** Whether strangers see what is done there, and gas has to be paid for with coins that are not one's own to make. */
export function isPublicNetwork(network: Network): boolean {
  return network !== 'embedded' && network !== 'localnet';
}

/**
 * Refuses a node that serves another network than the one that was named: neither is mainnet taken for a test, nor a
 * test for mainnet.
 * @throws ChainError CHAIN_FOREIGN
 */
export function requireNetwork(network: Network, url: string, chainId: string): void {
  const served = NETWORKS.find((name) => CHAIN_IDS[name] === chainId);
  if (served === network) return;
  if (served !== undefined) throw new ChainError('CHAIN_FOREIGN', `${url} serves ${served}, not ${network}`);
  const expected = CHAIN_IDS[network];
  if (expected !== undefined)
    throw new ChainError('CHAIN_FOREIGN', `${url} serves chain ${chainId}, ${network} is ${expected}`);
}
