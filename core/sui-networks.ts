import { fromBase58 } from '@mysten/bcs';

/** Where a chain is: `daas chain up`, `sui start` on a machine of one's own, or what Mysten Labs runs for everybody. */
export const NETWORKS = ['embedded', 'localnet', 'devnet', 'testnet', 'mainnet'] as const;
export type Network = (typeof NETWORKS)[number];

/** Digest of the genesis checkpoint (sui-types, digests.rs). Devnet has a new one with each reset. */
const CHAIN_IDS: Readonly<Partial<Record<Network, string>>> = {
  mainnet: '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S',
  testnet: '69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD',
};

const PUBLIC_NETWORKS: readonly Network[] = ['devnet', 'testnet', 'mainnet'];

/** Whether strangers see what is done there, and gas has to be paid for with coins that are not one's own to make. */
export function isPublicNetwork(network: Network): boolean {
  return PUBLIC_NETWORKS.includes(network);
}

/** A digest of 32 bytes in base58, the one form in which chains are compared. */
export function isChainId(text: string): boolean {
  if (text.length > 44) return false;
  try {
    return fromBase58(text).length === 32;
  } catch {
    return false;
  }
}

/** What a configuration says of its chain. */
export interface NamedChain {
  readonly chain: { readonly network: Network };
  readonly cluster: { readonly chainId: string };
}

/** The public network that the name or the chain id says; null if neither does. */
export function publicNetworkOf({ chain, cluster }: NamedChain): Network | null {
  if (isPublicNetwork(chain.network)) return chain.network;
  return networkOfChain(cluster.chainId);
}

/** Why the chain of this id is not the named network, for people; null if it may be. */
export function networkMismatch(network: Network, chainId: string): string | null {
  const actual = networkOfChain(chainId);
  if (actual === network) return null;
  if (actual !== null) return `chain ${chainId} is ${actual}, not ${network}`;
  const expected = CHAIN_IDS[network];
  return expected === undefined ? null : `${network} is chain ${expected}, not ${chainId}`;
}

function networkOfChain(chainId: string): Network | null {
  return NETWORKS.find((network) => CHAIN_IDS[network] === chainId) ?? null;
}
