import { policyDigest, type ChainView, type SuiId } from '@k3s-daas/core';
import type { SessionIdentity } from '@k3s-daas/scheduler-extender';
import type { ChainWatcher } from '@k3s-daas/sui-client';

import { attest, type Attested } from './boot/attestation.ts';
import { readFirstDocument } from './boot/clock.ts';
import {
  describeLag,
  followKubernetes,
  openEngine,
  reconcileOnTimer,
  serve,
  serveReleases,
  type ExtenderParts,
} from './boot/extender.ts';
import { makeKeys, type EnclaveKeys } from './boot/keys.ts';
import { activeIdentity, ownSession, publicKeys, waitForRegistration } from './boot/registration.ts';
import { describeAge, isFreshSnapshot } from './boot/snapshot.ts';
import { BootRecord, type BootFailure, type Waiting } from './boot/steps.ts';
import type { OpenedNsm } from './boot/nsm.ts';
import { requireAwsRoot } from './boot/trust-anchor.ts';
import { orCancelled, until } from './boot/wait.ts';
import { hostWorld, type EnclaveOptions, type EnclaveWorld } from './boot/world.ts';
import { EnclaveError } from './errors.ts';
import type { EnclaveClock } from './guard/enclave-clock.ts';
import { Guard } from './guard/guard.ts';
import { NsmQueue, nsmFailed } from './guard/nsm-queue.ts';
import { notAttested, serveBootstrap, type Attesting } from './http/bootstrap.ts';
import { FreshDocuments } from './http/fresh-documents.ts';
import { Slots, type FindSlots } from './http/slots.ts';
import type { HostTime } from './time.ts';

export type { EnclaveOptions, EnclaveWorld } from './boot/world.ts';

export interface RunningEnclave {
  readonly bootstrapPort: number;
  /** Resolves when all of the boot is done; rejects with the reason why it cannot be. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

interface Reason {
  readonly code: string;
  readonly message: string;
}

/** What the bootstrap listener shows of the boot; each is null until its step is done. */
interface Shown {
  attesting: Attesting | null;
  attested: Attested | null;
  guard: Guard | null;
  /** The extender's own readiness, which has the guard's reasons in it. */
  serving: (() => readonly Reason[]) | null;
}

interface Booting {
  readonly options: EnclaveOptions;
  readonly world: EnclaveWorld;
  readonly record: BootRecord;
  readonly shown: Shown;
  /** What ends the parts, in the order in which they began. */
  readonly closers: (() => Promise<void>)[];
}

/**
 * Opens the bootstrap listener and boots behind it, so that every refusal can be read there. A failed step ends the
 * boot for good: the process stays up to say so, until whoever watches /livez starts a new one.
 */
export async function runEnclave(
  options: EnclaveOptions,
  world: EnclaveWorld = hostWorld(options),
): Promise<RunningEnclave> {
  const record = new BootRecord(world.time, options.log);
  const shown: Shown = { attesting: null, attested: null, guard: null, serving: null };
  const bootstrap = await serveBootstrap({
    ...options.enclave.bootstrap,
    attesting: () => shown.attesting,
    progress: () => record.progress,
    reasons: () => notReady(record, shown),
    dead: () => record.failure ?? shown.guard?.final() ?? null,
    acceptCertificate: (pem) => {
      if (shown.attested === null) throw notAttested();
      shown.attested.kubernetes.accept(pem);
    },
  });
  const closers = [bootstrap.close];
  const ready = boot({ options, world, record, shown, closers }).catch((error: unknown) => {
    record.fail(error);
    throw error;
  });
  const settled = ready.catch(() => undefined);
  return {
    bootstrapPort: bootstrap.port,
    ready,
    close: async () => {
      await settled;
      for (const close of closers.reverse()) await close();
    },
  };
}

/** The boot: each step only after the one before it, and none after one that failed. */
async function boot(booting: Booting): Promise<void> {
  const own = await attestOwn(booting);
  const registered = await becomeActive(booting, own);
  await serveScheduler(booting, own, registered);
}

/** What this boot is, by the NSM's word. */
interface Own extends Attested {
  readonly clock: EnclaveClock;
  readonly keys: EnclaveKeys;
  readonly guard: Guard;
}

/** entropy → clock → keys → attestation; from then on the guard renews it. */
async function attestOwn({ options, world, record, shown, closers }: Booting): Promise<Own> {
  const { time } = world;
  const { opened } = await record.run('entropy', () => openSource(options, world), {
    detail: ({ source }) => source,
  });
  const queue = new NsmQueue(opened.nsm, time);
  const first = await record.run('clock', () => readFirstDocument(queue, opened, time), {
    detail: ({ clock }) => `NSM time ${new Date(clock.now()).toISOString()}`,
  });
  const { clock } = first;
  const keys = await record.run('keys', () => makeKeys({ host: options.enclave.listen.host, clock }));
  const attested = await record.run('attestation', () => attest({ options, opened, queue, first, keys }));
  const guard = new Guard({ attestor: attested.attestor, clock, time, log: options.log });
  closers.push(() => guard.close());
  shown.attested = attested;
  shown.guard = guard;
  return { ...attested, clock, keys, guard };
}

/** What the chain and the API server know this boot by. */
interface Registered {
  readonly chain: ChainWatcher;
  /** null while the chain shows another session as active, or the guard objects. */
  readonly identity: () => SessionIdentity | null;
}

/** registration → snapshot → kubernetes-identity: waits for the registrar, and for a chain that is fresh. */
async function becomeActive(
  { options, world, record, shown, closers }: Booting,
  own: Own,
): Promise<Registered> {
  const { configuration, signal } = options;
  const { policy } = configuration;
  const { clock, guard, configDigest } = own;
  const keys = publicKeys(own.keys);
  const chain = world.watchChain(clock);
  chain.start();
  closers.push(() => chain.stop());
  const { time, findSlots } = world;
  shown.attesting = attesting({ own, chain, record, time, findSlots, cluster: configuration.cluster.id });

  const { session } = await record.run(
    'registration',
    () => waitForRegistration({ chain, keys, configuration, configDigest, signal }),
    {
      detail: (identity) => `session ${identity.session}, term ${identity.term.toString()}`,
      waiting: () => describeChain(chain),
    },
  );
  guard.watch(chain, { session, keys, configDigest, policyDigest: policyDigest(policy) });
  const isFresh = (): boolean => isFreshSnapshot(chain, clock, policy.stakeSnapshotAgeMsMax);
  await record.run('snapshot', () => until(isFresh, world.time, signal), {
    waiting: () => describeAge(chain, clock),
  });
  await record.run('kubernetes-identity', () => orCancelled(own.kubernetes.received, signal), {
    waiting: () => ({
      reason: 'CERTIFICATE',
      message: 'a certificate at /api/v1/tee/kubernetes-certificate',
    }),
  });
  return {
    chain,
    identity: () => (guard.reasons().length === 0 ? activeIdentity(chain.current(), keys) : null),
  };
}

/** kubernetes-cache → decision-log → serving → broker. */
async function serveScheduler(booting: Booting, own: Own, registered: Registered): Promise<void> {
  const { options, world, record, shown, closers } = booting;
  const parts: ExtenderParts = { ...own, ...registered, options };
  const followed = { lag: (): Waiting => ({ reason: '', message: '' }) };
  const cache = await record.run(
    'kubernetes-cache',
    async () => {
      const { close, ...rest } = followKubernetes(parts);
      closers.push(close);
      followed.lag = () => describeLag(rest.kube);
      await until(() => rest.kube.synced, world.time, options.signal);
      return rest;
    },
    { waiting: () => followed.lag() },
  );
  const engine = await record.run('decision-log', () => openEngine(parts, cache));
  closers.push(() => engine.close());
  const server = await record.run('serving', () => serve(parts, cache, engine));
  closers.push(() => server.close());
  closers.push(reconcileOnTimer(engine, world.time, options.log));
  const broker = await record.run('broker', () => serveReleases(parts, cache, engine, server, world.time), {
    detail: (opened) => (opened === null ? 'none' : 'serving'),
  });
  if (broker !== null) closers.push(() => broker.close());
  shown.serving = () => server.readiness().reasons;
}

/** The NSM that the configuration names, with a root that this network allows, and where entropy comes from. */
async function openSource(
  { configuration }: EnclaveOptions,
  world: EnclaveWorld,
): Promise<{ opened: OpenedNsm; source: string }> {
  const opened = await world.openNsm();
  requireAwsRoot(opened, configuration);
  const { source } = await world.checkEntropy(opened.nsm);
  return { opened, source };
}

/** What strangers may have attested. A slot is worth money: none for a boot that cannot use it any more. */
function attesting(of: {
  readonly own: Own;
  readonly chain: ChainView;
  readonly record: BootRecord;
  readonly time: HostTime;
  readonly findSlots: FindSlots;
  readonly cluster: SuiId;
}): Attesting {
  const { own, chain, record, time, findSlots, cluster } = of;
  const { attestor, clock, guard, keys } = own;
  const fresh = new FreshDocuments({
    attest: (nonce, caller) =>
      attestor.fresh(nonce, caller).catch((error: unknown) => {
        if (error instanceof EnclaveError && error.code === 'NSM_FAILED') guard.nsmFailed();
        throw error;
      }),
    monotonic: () => time.monotonic(),
  });
  const slots = new Slots({ find: findSlots, cluster, clock, time });
  const requireUnregistered = (): void => {
    if (record.failure !== null) throw failed(record.failure);
    if (ownSession(chain.current(), publicKeys(keys)) !== undefined) throw alreadyRegistered();
  };
  return {
    keys,
    standing: () => {
      const { standing } = attestor;
      if (standing === null) throw notAttested();
      if (standing.leafEndMs < clock.now()) throw nsmFailed('its last document has ended');
      return standing.document;
    },
    fresh: (nonce, network) => fresh.get(nonce, 'nonce', network),
    forSlot: async (slot, gone) => {
      requireUnregistered();
      await slots.require(`0x${slot}`, gone);
      requireUnregistered();
      return fresh.get(slot, 'slot');
    },
  };
}

function failed({ step, code, message, remedy }: BootFailure): EnclaveError {
  return new EnclaveError('BOOT_FAILED', `the boot failed at ${step}: ${code}: ${message}`, remedy);
}

function alreadyRegistered(): EnclaveError {
  return new EnclaveError(
    'ALREADY_REGISTERED',
    'the chain shows a session with the keys of this boot',
    'activate that session; a slot is for one that is not registered',
  );
}

function notReady(record: BootRecord, { guard, serving }: Shown): readonly Reason[] {
  if (record.failure !== null) return [record.failure];
  if (serving !== null) return serving();
  const { waitingFor } = record.progress;
  const what = record.waiting === '' ? '' : `: ${record.waiting}`;
  return [
    { code: 'BOOT_WAITING', message: `waiting for ${String(waitingFor)}${what}` },
    ...(guard?.reasons() ?? []),
  ];
}

function describeChain(chain: ChainWatcher): Waiting {
  const { failures, lastError } = chain.status();
  if (failures > 0 && lastError !== null)
    return { reason: lastError.code, message: `${lastError.code}: ${lastError.message}` };
  if (chain.current() === null) return { reason: 'UNREAD', message: 'the chain has not been read yet' };
  return { reason: 'UNREGISTERED', message: 'no active session has the keys of this boot (daas registrar)' };
}
