import { fromBase58 } from '@mysten/bcs';
import { SuiGrpcClient, type GrpcTypes } from '@mysten/sui/grpc';
import type { Bytes } from '@k3s-daas/core';

import { boundedFetch, methodOf, rpcError, type Fetch } from './bounded-fetch.ts';
import { ChainError, toChainError } from './errors.ts';

export interface ChainOptions {
  /** Base URL of a Sui node's gRPC-web endpoint. */
  readonly url: string;
  /**
   * Base58 digest of the genesis checkpoint: nothing else is asked of a node before it said that it serves this chain.
   * Without it the first answer of `info` fixes it for this connection.
   */
  readonly chainId?: string;
  /** Name of the network; only MVR names depend on it. Default `localnet`. */
  readonly network?: string;
  readonly fetch?: Fetch;
  /** For one call with all its attempts. Default 5,000. */
  readonly deadlineMs?: number;
  /** Attempts of a read. Default 3. */
  readonly attemptsMax?: number;
  /** Uniform in [0, 1); jitters retries. */
  readonly random?: () => number;
}

/** Where a node is. */
export interface ChainInfo {
  /** Base58 digest of the genesis checkpoint. */
  readonly chainId: string;
  /** Newest checkpoint that the node has executed. */
  readonly checkpoint: bigint;
  /** Oldest checkpoint that the node still has. */
  readonly checkpointMin: bigint;
}

export interface Checkpoint {
  readonly sequence: bigint;
  readonly digest: Bytes;
  readonly timestampMs: number;
}

/** A connection to one Sui node. `client` is the unmodified SDK client; what it throws, toChainError makes coded. */
export interface Chain {
  readonly url: string;
  readonly client: SuiGrpcClient;
  /** Asks the node where it is. @throws ChainError CHAIN_FOREIGN if it serves another chain. */
  info(): Promise<ChainInfo>;
  /** @throws ChainError */
  checkpoint(sequence: bigint): Promise<Checkpoint>;
}

const RESPONSE_BYTES_MAX = 1 << 26;

/** Prepares a connection; the first call opens it. */
export function connectChain(options: ChainOptions): Chain {
  const { url, chainId, network = 'localnet' } = options;
  const fetch = boundedFetch({
    fetch: options.fetch ?? globalThis.fetch,
    deadlineMs: options.deadlineMs ?? 5_000,
    attemptsMax: options.attemptsMax ?? 3,
    responseBytesMax: RESPONSE_BYTES_MAX,
    random: options.random ?? Math.random,
  });
  let expected = chainId;
  /** That the node serves the expected chain; null until it is asked, and after each time that it did not say so. */
  let checked: Promise<unknown> | null = null;
  const client = new SuiGrpcClient({
    network,
    baseUrl: url,
    format: 'binary',
    fetch: async (input, init) => {
      if (expected !== undefined && methodOf(input) !== 'GetServiceInfo') await (checked ??= check());
      return fetch(input, init);
    },
  });
  async function info(): Promise<ChainInfo> {
    const found = parseInfo(await answer(client.ledgerService.getServiceInfo({}).response));
    expected ??= found.chainId;
    if (found.chainId !== expected) {
      checked = null;
      throw new ChainError('CHAIN_FOREIGN', `${url} serves chain ${found.chainId}, expected ${expected}`);
    }
    checked ??= Promise.resolve();
    return found;
  }
  async function check(): Promise<void> {
    try {
      await info();
    } catch (error) {
      checked = null;
      const { code, message } = toChainError(error);
      throw rpcError(code, 'FAILED_PRECONDITION', message, error);
    }
  }
  return {
    url,
    client,
    info,
    checkpoint: async (sequence) => {
      const call = client.ledgerService.getCheckpoint({
        checkpointId: { oneofKind: 'sequenceNumber', sequenceNumber: sequence },
        readMask: { paths: ['sequence_number', 'digest', 'summary.timestamp'] },
      });
      return parseCheckpoint(sequence, await answer(call.response));
    },
  };
}

async function answer<T>(response: Promise<T>): Promise<T> {
  try {
    return await response;
  } catch (error) {
    throw toChainError(error);
  }
}

function parseInfo(info: GrpcTypes.GetServiceInfoResponse): ChainInfo {
  const { chainId, checkpointHeight, lowestAvailableCheckpoint } = info;
  if (chainId === undefined || checkpointHeight === undefined) {
    throw new ChainError('CHAIN_MALFORMED', 'GetServiceInfo does not name the chain and its checkpoint');
  }
  digest32(chainId);
  return { chainId, checkpoint: checkpointHeight, checkpointMin: lowestAvailableCheckpoint ?? 0n };
}

function parseCheckpoint(sequence: bigint, { checkpoint }: GrpcTypes.GetCheckpointResponse): Checkpoint {
  const timestamp = checkpoint?.summary?.timestamp;
  if (checkpoint?.sequenceNumber !== sequence || checkpoint.digest === undefined || timestamp === undefined) {
    throw new ChainError('CHAIN_MALFORMED', `GetCheckpoint does not answer for checkpoint ${sequence}`);
  }
  const timestampMs = Number(timestamp.seconds) * 1000 + Math.floor(timestamp.nanos / 1e6);
  if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
    throw new ChainError('CHAIN_MALFORMED', `checkpoint ${sequence} has no sensible time`);
  }
  return { sequence, digest: digest32(checkpoint.digest), timestampMs };
}

function digest32(text: string): Bytes {
  let bytes: Bytes | null = null;
  if (text.length <= 44) {
    try {
      bytes = new Uint8Array(fromBase58(text));
    } catch {
      bytes = null;
    }
  }
  if (bytes?.length !== 32) throw new ChainError('CHAIN_MALFORMED', 'a digest is not 32 bytes in base58');
  return bytes;
}
