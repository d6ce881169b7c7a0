import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import { sha256, utf8, type Bytes, type SuiId } from '@k3s-daas/core';
import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import {
  addressOf,
  connectChain,
  createCluster,
  createSealPolicy,
  generateAccount,
  publishPackage,
  type Account,
  type Actor,
  type Chain,
} from '@k3s-daas/sui-client';

import {
  generateMasterKey,
  MasterKey,
  registerKeyServer,
  serveKeyServer,
  suiChain,
  updateKeyServerUrl,
  type KeyServer,
} from '../index.ts';
import { readSealConfig, type SealConfig } from '../sealed/index.ts';

const HOUR_MS = 3_600_000n;
const MOVE_DIR = join(import.meta.dirname, '../../move');
const random = (length: number): Bytes => new Uint8Array(randomBytes(length));
const pcr = (index: number): Bytes => new Uint8Array(48).fill(index + 1);

export interface WorldKeyServer {
  readonly objectId: SuiId;
  /** The master key's bytes. */
  readonly secret: Bytes;
  readonly server: KeyServer;
}

/** Our own package with a cluster on an embedded chain, and key servers that serve it. */
export interface DaasWorld extends AsyncDisposable {
  readonly url: string;
  readonly chain: Chain;
  readonly actor: Actor;
  readonly cluster: SuiId;
  readonly keyServerPackage: SuiId;
  readonly servers: readonly WorldKeyServer[];
  readonly config: SealConfig;
  /** By how much the clock of the key servers is ahead. */
  readonly skew: { ms: number };
  /** A policy of the actor's. */
  policy(namespace: string): Promise<SuiId>;
  funded(): Account;
}

export async function createDaasWorld(
  options: { readonly servers?: number; readonly threshold?: number; readonly perMinuteMax?: number } = {},
): Promise<DaasWorld> {
  const { servers: count = 3, threshold = 2, perMinuteMax = 100_000 } = options;
  const ledger = createLedger({
    framework: await compileFramework(),
    verifyAttestation: () => {
      throw new Error('no attestation is trusted here');
    },
  });
  const served = await serveLedger(ledger);
  const chain = connectChain({ url: served.url, chainId: ledger.chainId });
  const funded = (): Account => {
    const account = generateAccount();
    ledger.faucet(addressOf(account), 1_000_000_000_000n);
    return account;
  };
  const signer = funded();
  const publish = async (name: string): Promise<SuiId> => {
    const { modules, dependencies } = await compilePackage({ dir: join(MOVE_DIR, name) });
    return (await publishPackage({ client: chain.client, signer }, modules, dependencies)).packageId;
  };
  const packageId = await publish('daas');
  const keyServerPackage = await publish('seal_key_server');
  const actor: Actor = { client: chain.client, signer, packageId };
  const cluster = await newCluster(actor);
  const skew = { ms: 0 };
  const servers: WorldKeyServer[] = [];
  for (let index = 0; index < count; index += 1)
    servers.push(
      await addKeyServer(`server-${index}`, actor, { chain, keyServerPackage, skew, perMinuteMax }),
    );
  const config = await readSealConfig({
    client: chain.client,
    cluster,
    packageId,
    keyServers: servers.map(({ objectId }) => ({ objectId, weight: 1 })),
    threshold,
  });
  return {
    url: served.url,
    chain,
    actor,
    cluster,
    keyServerPackage,
    servers,
    config,
    skew,
    funded,
    async policy(namespace) {
      const subject = { namespace, serviceAccount: 'api', serviceAccountUid: null };
      const { policy } = await createSealPolicy(actor, cluster, subject, {
        configVersions: [1n],
        stakeMin: 0n,
        nodes: [],
        notBeforeMs: 0n,
        notAfterMs: BigInt(Date.now()) + HOUR_MS,
        usesMax: 1_000n,
        renewalsMax: 1_000n,
        grantMs: 600_000n,
        imageDigests: [],
      });
      return policy;
    },
    async [Symbol.asyncDispose]() {
      for (const { server } of servers) await server.close();
      await served.close();
      ledger.close();
    },
  };
}

async function newCluster(actor: Actor): Promise<SuiId> {
  const delays = { userUnbondingMs: HOUR_MS, nodeUnbondingMs: HOUR_MS, adminUnbondingMs: HOUR_MS };
  const minima = { userMin: 100n, nodeMin: 1_000n, adminMin: 10_000n };
  const { clusterId } = await createCluster(actor, {
    configDigest: sha256(utf8('config')),
    policyDigest: sha256(utf8('policy')),
    enclave: { pcr0: pcr(0), pcr1: pcr(1), pcr2: pcr(2) },
    parameters: {
      stakes: { ...minima, mistPerCpu: 100n, mistPerGib: 10n, ...delays },
      enclaves: { documentAgeMsMax: 300_000n, bondMin: 1n, anchorWindowMs: 60_000n },
      votes: {
        votingMs: 60_000n,
        timelockMs: 60_000n,
        executionMs: 60_000n,
        quorumBps: 5_000n,
        electorateMin: 1_000n,
        deposit: 100n,
      },
    },
  });
  return clusterId;
}

async function addKeyServer(
  name: string,
  actor: Actor,
  world: {
    readonly chain: Chain;
    readonly keyServerPackage: SuiId;
    readonly skew: { readonly ms: number };
    readonly perMinuteMax: number;
  },
): Promise<WorldKeyServer> {
  const { chain, keyServerPackage, skew } = world;
  const secret = generateMasterKey(random);
  const masterKey = new MasterKey(secret);
  const owner = { ...actor, packageId: keyServerPackage };
  const { publicKey } = masterKey;
  const objectId = await registerKeyServer(owner, { name, url: 'http://127.0.0.1:9', publicKey });
  const server = await serveKeyServer({
    objectId,
    masterKey,
    packages: new Set([actor.packageId]),
    chain: suiChain(chain.client),
    clock: { now: () => Date.now() + skew.ms },
    random,
    stalenessPackage: keyServerPackage,
    stalenessMsMax: 120_000,
    requestsPerClientAndMinuteMax: world.perMinuteMax,
  });
  await updateKeyServerUrl(owner, objectId, server.url);
  return { objectId, secret, server };
}
