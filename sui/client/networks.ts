import { networkMismatch, type Network } from '@k3s-daas/core';

import { ChainError } from './errors.ts';

/** The fullnodes that Mysten Labs runs for everybody, and where `daas chain up` and `sui start` listen. */
const DEFAULT_URLS: Readonly<Record<Network, string>> = {
  embedded: 'http://127.0.0.1:9000',
  localnet: 'http://127.0.0.1:9000',
  devnet: 'https://fullnode.devnet.sui.io:443',
  testnet: 'https://fullnode.testnet.sui.io:443',
  mainnet: 'https://fullnode.mainnet.sui.io:443',
};

export function defaultUrl(network: Network): string {
  return DEFAULT_URLS[network];
}

/**
 * Refuses a node that serves another network than the one that was named: neither is mainnet taken for a test, nor a
 * test for mainnet.
 * @throws ChainError CHAIN_FOREIGN
 */
export function requireNetwork(network: Network, url: string, chainId: string): void {
  const mismatch = networkMismatch(network, chainId);
  if (mismatch !== null) throw new ChainError('CHAIN_FOREIGN', `${url} is not ${network}: ${mismatch}`);
}
