import type { ChainView, Clock } from '@k3s-daas/core';
import {
  binder,
  createEngine,
  kubeClient,
  kubeView,
  openDecisionLog,
  serveExtender,
  type Engine,
  type ExtenderServer,
  type KubeClient,
  type SessionIdentity,
  type WatchedKubeView,
} from '@k3s-daas/scheduler-extender';
import type { Logger } from 'pino';

import { serveBroker, type BrokerServer } from '../broker/server.ts';
import type { Guard } from '../guard/guard.ts';
import type { HostTime } from '../time.ts';
import type { KubernetesIdentity } from './kubernetes-identity.ts';
import type { EnclaveKeys } from './keys.ts';
import type { Waiting } from './steps.ts';
import type { EnclaveOptions } from './world.ts';

/** What the extender is made of. Its clock is the NSM's time. */
export interface ExtenderParts {
  readonly options: EnclaveOptions;
  readonly clock: Clock;
  readonly keys: EnclaveKeys;
  readonly kubernetes: KubernetesIdentity;
  /** PEM of the CA of the API server, and of those of clients. */
  readonly apiServerCa: string;
  readonly clientCa: string;
  readonly chain: ChainView;
  readonly guard: Guard;
  /** null while the chain shows another session as active, or a guard objects. */
  readonly identity: () => SessionIdentity | null;
}

export interface KubernetesCache {
  readonly client: KubeClient;
  readonly kube: WatchedKubeView;
}

/** Begins to follow the API server as the user that the certificate names. @throws KubeError */
export function followKubernetes({
  options,
  clock,
  keys,
  kubernetes,
  apiServerCa,
}: ExtenderParts): KubernetesCache & { close: () => Promise<void> } {
  const { configuration, log } = options;
  const client = kubeClient({
    server: configuration.kubernetes.server,
    ca: apiServerCa,
    cert: () => kubernetes.pem,
    key: keys.tls.keyPem,
  });
  const kube = kubeView({ client, clock, log, random: Math.random });
  return {
    client,
    kube,
    close: async () => {
      await kube.close();
      client.close();
    },
  };
}

/** What the API server's cache still lacks, for people. */
export function describeLag(kube: WatchedKubeView): Waiting {
  const behind = kube.resources().filter(({ synced }) => !synced);
  const message = behind.map(({ path, lastError }) => `${path}: ${lastError ?? 'not listed yet'}`).join('; ');
  return { reason: message, message };
}

/** Opens the decision log and replays it. @throws ExtenderError LOG_CORRUPT, LOG_LOCKED */
export async function openEngine(parts: ExtenderParts, { client, kube }: KubernetesCache): Promise<Engine> {
  const { options, clock, keys, chain, identity } = parts;
  const { configuration, enclave, path } = options;
  return createEngine({
    policy: configuration.policy,
    clock,
    chain,
    kube,
    binder: binder(client),
    signer: keys.decision,
    identity,
    log: await openDecisionLog({ path: `${path(enclave.dataDir)}/decisions.log` }),
  });
}

/** Serves kube-scheduler over TLS with the attested key. */
export function serve(
  parts: ExtenderParts,
  { kube }: KubernetesCache,
  engine: Engine,
): Promise<ExtenderServer> {
  const { options, clock, keys, clientCa, chain, guard, identity } = parts;
  const { configuration, enclave, log } = options;
  return serveExtender({
    engine,
    kube,
    chain,
    identity,
    guards: () => guard.reasons(),
    stakeSnapshotAgeMsMax: configuration.policy.stakeSnapshotAgeMsMax,
    tls: { cert: keys.tls.certificatePem, key: keys.tls.keyPem, clientCa },
    allowedClients: enclave.allowedClients,
    allowedReaders: enclave.allowedReaders,
    ...enclave.listen,
    clock,
    log,
  });
}

/** Serves pods with releases, if the configuration has a broker; what stops decisions stops releases. */
export async function serveReleases(
  parts: ExtenderParts,
  { client }: KubernetesCache,
  engine: Engine,
  extender: Pick<ExtenderServer, 'readiness'>,
  time: HostTime,
): Promise<BrokerServer | null> {
  const { options, clock, keys, identity } = parts;
  const { configuration, enclave } = options;
  const { broker } = enclave;
  if (broker === undefined) return null;
  return serveBroker({
    client,
    engine,
    cluster: configuration.cluster,
    identity,
    clock,
    signer: keys.decision,
    readiness: () => extender.readiness(),
    monotonic: () => time.monotonic(),
    releasesPerMinuteMax: broker.releasesPerMinuteMax,
    tls: { cert: keys.tls.certificatePem, key: keys.tls.keyPem },
    ...broker.listen,
    log: options.log,
  });
}

const RECONCILE_MS = 1_000;

/** Settles what earlier boots and lost answers left open, now and then for ever; returns what ends it. */
export function reconcileOnTimer(engine: Engine, time: HostTime, log: Logger): () => Promise<void> {
  let cancel: () => void = () => undefined;
  let closed = false;
  let running = Promise.resolve();
  const round = async (): Promise<void> => {
    await engine.reconcile().catch((error: unknown) => {
      log.warn({ err: error }, 'decisions left open');
    });
    if (!closed) cancel = time.after(RECONCILE_MS, begin);
  };
  const begin = (): void => {
    running = round();
  };
  begin();
  return async () => {
    closed = true;
    cancel();
    await running;
  };
}
