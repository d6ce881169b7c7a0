import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { Logger } from 'pino';

import {
  configDigest,
  enclaveUserData,
  equalBytes,
  fromHex,
  policyDigest,
  sha256,
  toHex,
  type Bytes,
  type ChainSnapshot,
  type Clock,
  type Configuration,
  type EnclaveConfiguration,
} from '@k3s-daas/core';
import {
  binder,
  createEngine,
  kubeClient,
  kubeView,
  openDecisionLog,
  serveExtender,
  type Engine,
  type SessionIdentity,
} from '@k3s-daas/scheduler-extender';
import { connectChain, watchChain, type ChainWatcher } from '@k3s-daas/sui-client';

import { checkClock } from './boot/clock.ts';
import { activeIdentity, checkKubernetesCertificate, waitForActivation } from './boot/identity.ts';
import { makeKeys, type EnclaveKeys } from './boot/keys.ts';
import { openNsm } from './boot/nsm.ts';
import { BootRecord } from './boot/steps.ts';
import { EnclaveError } from './errors.ts';
import { serveBootstrap } from './http/bootstrap.ts';

export interface EnclaveOptions {
  readonly configuration: Configuration;
  readonly enclave: EnclaveConfiguration;
  /** Resolves a path of the configuration. */
  readonly path: (relative: string) => string;
  /** Folder whose sources are measured into the development PCRs. */
  readonly repository: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends a boot that waits for its registration. */
  readonly signal: AbortSignal;
}

export interface RunningEnclave {
  readonly bootstrapPort: number;
  /** Resolves when all of the boot is done; rejects with the reason why it cannot be. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

type Closers = (() => Promise<void>)[];

/**
 * Boots the enclave: keys → clock → attestation, then serves the attestation and goes on in the background with
 * registration → Kubernetes identity → cache → log → serving. Each step fails closed.
 */
export async function runEnclave(options: EnclaveOptions): Promise<RunningEnclave> {
  const { configuration, enclave, clock, log, signal } = options;
  const closers: Closers = [];
  const boot = new BootRecord(clock, (step) => {
    log.info({ step }, 'boot step done');
  });

  const keys = await makeKeys({ host: enclave.listen.host, clock });
  boot.done('keys');
  const opened = await openNsm(options);
  const digest = await ownConfigDigest(options);
  const attest = (nonce?: Bytes): Promise<Bytes> =>
    opened.nsm.attest({
      publicKey: keys.decision.publicKey,
      ...(nonce === undefined ? {} : { nonce }),
      userData: enclaveUserData({
        cluster: configuration.cluster.id,
        configDigest: digest,
        decisionKey: keys.decision.publicKey,
        logKey: keys.log.publicKey,
        tlsKeyHash: keys.tls.keyHash,
      }),
    });
  const document = await attest();
  checkClock(document, opened, clock);
  boot.done('clock');
  boot.done('attestation');

  let acceptCertificate: (pem: string) => void = () => undefined;
  let certificatePem = '';
  const clientCa = await readFile(options.path(enclave.clientCaFile), 'utf8');
  const certificate = new Promise<void>((resolve) => {
    acceptCertificate = (pem) => {
      certificatePem = checkKubernetesCertificate(pem, keys, clientCa);
      resolve();
    };
  });
  let failure: string | null = null;
  let serving: () => readonly string[] = () => [];
  const bootstrap = await serveBootstrap({
    ...enclave.bootstrap,
    keys,
    document: (slot) => (slot === null ? Promise.resolve(document) : attest(fromHex(slot.slice(2)))),
    progress: () => boot.progress,
    readiness: () => {
      const { waitingFor } = boot.progress;
      if (failure !== null) return [failure];
      return waitingFor === null ? serving() : [`waiting for ${waitingFor}`];
    },
    acceptCertificate: (pem) => {
      acceptCertificate(pem);
    },
  });
  closers.push(bootstrap.close);

  const chain = startWatcher(options);
  closers.push(() => chain.stop());
  const ready = finishBoot({
    options,
    keys,
    digest,
    boot,
    chain,
    certificate,
    cert: () => certificatePem,
    closers,
  });
  ready.then(
    (readiness) => {
      serving = readiness;
    },
    (error: unknown) => {
      failure = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) log.error({ err: error }, 'boot failed');
    },
  );
  return {
    bootstrapPort: bootstrap.port,
    ready: ready.then(() => undefined),
    close: async () => {
      await ready.catch(() => undefined);
      for (const close of closers.reverse()) await close();
    },
  };
}

interface Rest {
  readonly options: EnclaveOptions;
  readonly keys: EnclaveKeys;
  readonly digest: Bytes;
  readonly boot: BootRecord;
  readonly chain: ChainWatcher;
  readonly certificate: Promise<void>;
  readonly cert: () => string;
  readonly closers: Closers;
}

/** registration → kubernetes-identity → kubernetes-cache → decision-log → serving; returns its readiness. */
async function finishBoot(rest: Rest): Promise<() => readonly string[]> {
  const { options, keys, digest, boot, chain, closers } = rest;
  const { configuration, enclave, clock, log, path, signal } = options;
  await waitForActivation(chain, keys, signal);
  checkCluster(chain.current(), configuration, digest);
  boot.done('registration');
  await raceAbort(rest.certificate, signal);
  boot.done('kubernetes-identity');

  const ca = await readFile(path(configuration.kubernetes.caFile), 'utf8');
  const client = kubeClient({
    server: configuration.kubernetes.server,
    ca,
    cert: rest.cert,
    key: keys.tls.keyPem,
  });
  closers.push(() => {
    client.close();
    return Promise.resolve();
  });
  const kube = kubeView({ client, clock, log, random: Math.random });
  closers.push(() => kube.close());
  await raceAbort(
    untilSynced(() => kube.synced, signal),
    signal,
  );
  boot.done('kubernetes-cache');

  const decisionLog = await openDecisionLog({ path: `${path(enclave.dataDir)}/decisions.log` });
  const identity = (): SessionIdentity | null => activeIdentity(chain.current(), keys);
  const engine = await createEngine({
    policy: configuration.policy,
    clock,
    chain,
    kube,
    binder: binder(client),
    signer: keys.decision,
    identity,
    log: decisionLog,
  });
  closers.push(() => engine.close());
  closers.push(reconcileOnTimer(engine, log));
  boot.done('decision-log');

  const server = await serveExtender({
    engine,
    kube,
    chain,
    identity,
    stakeSnapshotAgeMsMax: configuration.policy.stakeSnapshotAgeMsMax,
    tls: {
      cert: keys.tls.certificatePem,
      key: keys.tls.keyPem,
      clientCa: await readFile(path(enclave.clientCaFile), 'utf8'),
    },
    allowedClients: enclave.allowedClients,
    allowedReaders: enclave.allowedReaders,
    ...enclave.listen,
    clock,
    log,
  });
  closers.push(() => server.close());
  boot.done('serving');
  return () => server.readiness().reasons.map(({ code, message }) => `${code}: ${message}`);
}

/** The digest of what this installation is, from what this process was given: not from the chain. */
async function ownConfigDigest({ configuration, path }: EnclaveOptions): Promise<Bytes> {
  const ca = new X509Certificate(await readFile(path(configuration.kubernetes.caFile), 'utf8'));
  return configDigest({
    apiServerCaDigest: sha256(ca.raw),
    chainId: configuration.cluster.chainId,
    packageId: configuration.cluster.package,
    policyDigest: policyDigest(configuration.policy),
  });
}

/** The cluster on chain must be the one this process was configured for: same CA, chain, package and policy. */
function checkCluster(snapshot: ChainSnapshot | null, configuration: Configuration, digest: Bytes): void {
  if (snapshot === null)
    throw new EnclaveError('CONFIG_DIGEST_DIFFERS', 'the chain has no snapshot', 'see its log');
  if (!equalBytes(snapshot.cluster.policyDigest, policyDigest(configuration.policy))) {
    throw new EnclaveError(
      'POLICY_DIFFERS',
      `the policy in daas.yaml is not that of cluster ${snapshot.cluster.id}`,
      'take the policy that the cluster was created with',
    );
  }
  if (equalBytes(snapshot.cluster.configDigest, digest)) return;
  throw new EnclaveError(
    'CONFIG_DIGEST_DIFFERS',
    `this installation has config digest ${toHex(digest)}, the cluster ${toHex(snapshot.cluster.configDigest)}`,
    'compare API server CA, chain id, package and policy in daas.yaml with those of the cluster',
  );
}

function startWatcher({ configuration, clock, log }: EnclaveOptions): ChainWatcher {
  const { chain, cluster } = configuration;
  const watcher = watchChain({
    chain: connectChain({ url: chain.url, chainId: cluster.chainId }),
    packageId: cluster.package,
    clusterId: cluster.id,
    clock,
    log,
    pollMs: chain.pollMs,
  });
  watcher.start();
  return watcher;
}

const RECONCILE_MS = 1_000;

/** Settles what earlier boots and lost answers left open, now and then for ever; returns what ends it. */
function reconcileOnTimer(engine: Engine, log: Logger): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const round = async (): Promise<void> => {
    await engine.reconcile().catch((error: unknown) => {
      log.warn({ err: error }, 'decisions left open');
    });
    if (!closed) timer = setTimeout(() => void round(), RECONCILE_MS);
  };
  const first = round();
  return async () => {
    closed = true;
    clearTimeout(timer);
    await first;
  };
}

const SYNC_POLL_MS = 20;

async function untilSynced(synced: () => boolean, signal: AbortSignal): Promise<void> {
  while (!synced() && !signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, SYNC_POLL_MS));
  }
}

async function raceAbort(work: Promise<void>, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const cancel = (): void => {
      reject(new EnclaveError('BOOT_CANCELLED', 'the enclave was stopped during its boot', 'start it again'));
    };
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', cancel);
    });
  });
}
