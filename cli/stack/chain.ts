import { fileURLToPath } from 'node:url';

import { configDigest, equalBytes, policyDigest, type Policy, type SuiId } from '@k3s-daas/core';
import { compilePackage } from '@k3s-daas/move';
import {
  acceptConfig,
  accountFromSecret,
  addressOf,
  connectChain,
  createCluster,
  generateAccount,
  publishPackage,
  readCluster,
  type Account,
  type Actor,
  type Chain,
  type ClusterTerms,
  type EnclaveConfig,
  type Owned,
} from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { certificateDigest } from './files.ts';
import { createSealWorld, type SealWorld } from './seal.ts';
import type { InstallationState } from './state.ts';

const PACKAGE_DIR = fileURLToPath(new URL('../../sui/move/daas', import.meta.url));
const MIST_PER_SUI = 1_000_000_000n;
/** Enough for a demonstration and for a bench with thousands of stakes. */
const OPERATOR_MIST = 1_000_000n * MIST_PER_SUI;

/** What an account of the demonstration begins with. */
const FUNDED_MIST = 100n * MIST_PER_SUI;

/** The embedded chain's terms: the defaults of development. A public network needs its own. */
const DEVELOPMENT_TERMS: ClusterTerms['parameters'] = {
  stakes: {
    userMin: 100n,
    nodeMin: 1_000n,
    adminMin: 10_000n,
    mistPerCpu: 100n,
    mistPerGib: 10n,
    userUnbondingMs: 300_000n,
    nodeUnbondingMs: 600_000n,
    adminUnbondingMs: 1_200_000n,
  },
  enclaves: { documentAgeMsMax: 300_000n, bondMin: 10_000n, anchorWindowMs: 120_000n },
  votes: {
    votingMs: 120_000n,
    timelockMs: 60_000n,
    executionMs: 600_000n,
    quorumBps: 3_334n,
    electorateMin: 10_000n,
    deposit: 1_000n,
  },
};

/** A published package with its cluster, and the account that owns the ClusterCap. */
export interface ChainWorld {
  readonly chain: Chain;
  readonly chainId: string;
  readonly packageId: SuiId;
  readonly owned: Owned;
  readonly operator: Actor;
  /** Secret key of the operator, `suiprivkey…`: written down so that `daas stake slash` can sign with it. */
  readonly operatorSecret: string;
  /** Key servers and the package of their objects. */
  readonly seal: SealWorld;
  /** A new account with some SUI, as an owner of nodes has one. */
  fundedActor(): Promise<Actor>;
  fundedAccount(): Promise<Account & { getSecretKey(): string }>;
}

/** Compiles and publishes the Move package and creates the cluster with the digest of this installation. */
export async function createChainWorld(options: {
  readonly url: string;
  readonly chainId: string;
  readonly apiServerCaPem: string;
  readonly policy: Policy;
  readonly enclave: EnclaveConfig;
  /** Folder, host and ports of the key servers. */
  readonly keyServers: {
    readonly dir: string;
    readonly host: string;
    readonly ports: readonly [number, number, number];
  };
  readonly detail: (message: string) => void;
}): Promise<ChainWorld> {
  const { url, chainId, policy, detail } = options;
  const chain = connectChain({ url, chainId });
  const account = generateAccount();
  await faucet(url, addressOf(account), OPERATOR_MIST);

  detail('compiling the Move package');
  const compiled = await compilePackage({ dir: PACKAGE_DIR });
  detail('publishing it');
  const signing = { client: chain.client, signer: account };
  const { packageId } = await publishPackage(signing, compiled.modules, compiled.dependencies);

  detail('creating the cluster');
  const operator: Actor = { ...signing, packageId };
  const policyHash = policyDigest(policy);
  const { clusterId, capId } = await createCluster(operator, {
    configDigest: configDigest({
      apiServerCaDigest: certificateDigest(options.apiServerCaPem),
      chainId,
      packageId,
      policyDigest: policyHash,
    }),
    policyDigest: policyHash,
    enclave: options.enclave,
    parameters: DEVELOPMENT_TERMS,
  });
  detail('registering the key servers');
  const seal = await createSealWorld({ ...options.keyServers, operator: signing });
  return worldOf({
    url,
    chain,
    chainId,
    owned: { cluster: clusterId, cap: capId },
    seal,
    operator,
    secret: account.getSecretKey(),
  });
}

/**
 * The world of an earlier start. If the enclave's sources have changed since, the owner of the cluster accepts their
 * measurements as a new config, as an operator does for a new image.
 */
export async function reopenChainWorld(options: {
  readonly url: string;
  readonly chainId: string;
  readonly saved: InstallationState['chain'];
  readonly enclave: EnclaveConfig;
}): Promise<ChainWorld> {
  const { url, chainId, saved, enclave } = options;
  if (chainId !== saved.chainId) {
    throw new CliError(
      'DATA_DIR_UNUSABLE',
      `the ledger serves chain ${chainId}, the installation is on ${saved.chainId}`,
      'start in a new folder, or put the journal of the ledger back',
    );
  }
  const chain = connectChain({ url, chainId });
  const signer = accountFromSecret(saved.operatorSecret);
  const operator: Actor = { client: chain.client, signer, packageId: saved.packageId };
  const owned: Owned = { cluster: saved.cluster, cap: saved.cap };
  const { configs } = await readCluster(chain.client, saved.packageId, saved.cluster);
  const newest = configs.at(-1)?.value;
  const same =
    newest !== undefined &&
    equalBytes(newest.pcr0, enclave.pcr0) &&
    equalBytes(newest.pcr1, enclave.pcr1) &&
    equalBytes(newest.pcr2, enclave.pcr2);
  if (!same) await acceptConfig(operator, owned, enclave);
  return worldOf({ url, chain, chainId, owned, seal: saved.seal, operator, secret: saved.operatorSecret });
}

function worldOf(parts: {
  readonly url: string;
  readonly chain: Chain;
  readonly chainId: string;
  readonly owned: Owned;
  readonly seal: SealWorld;
  readonly operator: Actor;
  readonly secret: string;
}): ChainWorld {
  const { url, chain, chainId, owned, seal, operator, secret } = parts;
  const { packageId } = operator;
  const fundedAccount: ChainWorld['fundedAccount'] = async () => {
    const account = generateAccount();
    await faucet(url, addressOf(account), FUNDED_MIST);
    return account;
  };
  return {
    chain,
    chainId,
    packageId,
    owned,
    seal,
    operator,
    operatorSecret: secret,
    fundedAccount,
    fundedActor: async () => ({ client: chain.client, signer: await fundedAccount(), packageId }),
  };
}

async function faucet(url: string, address: SuiId, mist: bigint): Promise<void> {
  const response = await fetch(new URL('/faucet', url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address, mist: mist.toString() }),
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) {
    throw new CliError(
      'REQUEST_FAILED',
      `the faucet answered ${response.status}: ${await response.text()}`,
      'see the ledger log',
    );
  }
}
