import { join } from 'node:path';

import {
  cacheRoot,
  ensureControlPlane,
  type Binaries,
  type Child,
  type ChildExit,
  type ControlPlane,
  type RunningScheduler,
} from '@k3s-daas/control-plane';
import { policySchema, SCHEDULER_NAME, type Policy } from '@k3s-daas/core';
import { z } from 'zod';

import type { Progress } from '../progress.ts';
import { createChainWorld, reopenChainWorld, type ChainWorld } from './chain.ts';
import { registeredEnclave, withRegistrarReason, type RegisteredEnclave } from './enclave.ts';
import {
  choosePorts,
  clusterAuthority,
  enclavePcrs,
  LOOPBACK,
  proxyUrl,
  startPlane,
  startScheduler,
  startWebhook,
  untilReady,
  writeConfiguration,
  keptNsmAuthority,
  type Ports,
} from './installation.ts';
import { createParts, type Parts } from './parts.ts';
import { untilForwarding } from './proxy.ts';
import { startSealParts } from './seal.ts';
import { loadState, saveState, type InstallationState } from './state.ts';

export interface StackOptions {
  /** Folder of everything that is written. */
  readonly dir: string;
  readonly progress: Progress;
  readonly policy: z.input<typeof policySchema>;
  /** kwok plays the kubelets, unless false: a bench that only measures placement does without. */
  readonly kwok?: boolean;
  readonly binaries?: Binaries;
  /** Where pods reach what opens their secrets; loopback unless given, which only pods in the host's network reach. */
  readonly host?: string;
  /** Image of seal-fetch by digest; built from this checkout unless given. */
  readonly sealFetchImage?: string;
  /** Ends everything, also in the middle of the start; `startStack` then rejects. */
  readonly signal: AbortSignal;
  /** A process of the installation ended that nobody stopped. */
  readonly onExit: (exit: ChildExit) => void;
}

/** A whole installation on loopback: control plane, chain, webhook, enclave and our kube-scheduler. */
export interface Stack {
  readonly dir: string;
  /** Whether an earlier start left this cluster in the folder. */
  readonly continued: boolean;
  readonly plane: ControlPlane;
  readonly world: ChainWorld;
  readonly policy: Policy;
  readonly enclave: RegisteredEnclave;
  readonly scheduler: RunningScheduler;
  /** `daas.yaml` of this installation. */
  readonly configFile: string;
  /** Our own processes: ledger, webhook, enclave, registrar, attesting proxy, relay, key servers. */
  readonly parts: Parts;
  /** Ends the enclave and boots another: new keys, new session, the same decision log. The scheduler is not touched. */
  restartEnclave(): Promise<void>;
  /** Ends every process, within 5 s. May be called twice. */
  stop(): Promise<void>;
}

const ledgerReady = z.object({ url: z.url(), chainId: z.string() });

/** programs → control plane beside chain → webhook beside enclave, registrar, proxy and then the scheduler. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dir, progress, signal, onExit } = options;
  const policy = policySchema.parse(options.policy);
  const binaries = options.binaries ?? (await buildPrograms(progress));
  const saved = await loadState(dir);
  const ports = saved?.ports ?? (await choosePorts());
  const pcrs = enclavePcrs();
  const host = options.host ?? LOOPBACK;
  const authority = await keptNsmAuthority(dir);
  const ca = await clusterAuthority(dir);
  const parts = await createParts(join(dir, 'parts'), onExit);
  const abandoned = new AbortController();
  let starting: Promise<ControlPlane> | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all([
      parts.stop(),
      starting?.then(
        (plane) => plane.stop(),
        () => undefined,
      ),
    ]);
  };
  // Whatever step is under way fails when its processes end, so an abort does not wait for it.
  signal.addEventListener('abort', () => void parts.stop(), { once: true });
  try {
    signal.throwIfAborted();
    const kwok = options.kwok ?? true;
    const either = AbortSignal.any([signal, abandoned.signal]);
    starting = progress.step('control plane: etcd, kube-apiserver, controller manager, scheduler', () =>
      startPlane({ dir, ca, ports, binaries, kwok, signal: either, onExit }),
    );
    // The chain needs of the cluster its authority alone, and the API server spends half of its start waiting.
    const chain = progress.step('chain: embedded ledger, Move package, cluster', async (detail) => {
      const args = ['--host', host, '--port', String(ports.ledger), '--trust-anchor', authority.rootFile];
      const { ready } = await parts.start('ledger', [...args, '--data-dir', join(dir, 'ledger')]);
      const enclave = { pcr0: pcrs[0], pcr1: pcrs[1], pcr2: pcrs[2] };
      const at = ledgerReady.parse(ready);
      if (saved !== null) return reopenChainWorld({ ...at, saved: saved.chain, enclave });
      const keyServers = { dir, host, ports: ports.keyServers };
      return createChainWorld({ ...at, apiServerCaPem: ca.certPem, policy, enclave, keyServers, detail });
    });
    const image = options.sealFetchImage ?? buildSealFetch(progress);
    const [plane, world, sealFetchImage] = await Promise.all([starting, chain, image]);
    await saveState(dir, stateOf(ports, world));
    const site: Site = { dir, ports, parts, plane, world, policy, host, sealFetchImage };
    const configFile = await writeConfiguration(site);
    const [, first] = await Promise.all([
      progress.step('admission webhook: start and register', () => startWebhook({ ...site, configFile })),
      startEnclaveParts(site, configFile, progress),
    ]);
    const { scheduler } = first;
    let { booted } = first;
    return {
      dir,
      continued: saved !== null,
      plane,
      world,
      policy,
      parts,
      get enclave() {
        return booted.enclave;
      },
      scheduler,
      configFile,
      async restartEnclave() {
        await booted.child.stop();
        booted = await bootEnclave(site, configFile);
        await untilForwarding({ dir, url: proxyUrl(ports), session: booted.enclave.session });
      },
      stop,
    };
  } catch (error) {
    abandoned.abort();
    await stop();
    throw error;
  }
}

/** The enclave and what stands around it, then the scheduler that asks it: it must not ask before it is answered. */
async function startEnclaveParts(
  site: Site,
  configFile: string,
  progress: Progress,
): Promise<{ booted: BootedEnclave; scheduler: RunningScheduler }> {
  const { dir, ports, parts } = site;
  const [booted] = await progress.step(
    'enclave: boot, attest, register on chain; key servers and relay',
    () =>
      Promise.all([
        bootEnclave(site, configFile),
        parts.start('registrar', ['--config', configFile]),
        parts.start('attest-proxy', ['--config', configFile]),
        startSealParts(parts, configFile),
      ]),
  );
  const scheduler = await progress.step(`${SCHEDULER_NAME}: start behind the attesting proxy`, async () => {
    await untilForwarding({ dir, url: proxyUrl(ports), session: booted.enclave.session });
    return startScheduler(site);
  });
  return { booted, scheduler };
}

/** What the steps of a start hand on to each other. */
interface Site {
  readonly dir: string;
  readonly ports: Ports;
  readonly parts: Parts;
  readonly plane: ControlPlane;
  readonly world: ChainWorld;
  readonly policy: Policy;
  readonly host: string;
  readonly sealFetchImage: string;
}

function stateOf(ports: Ports, world: ChainWorld): InstallationState {
  const { chainId, packageId, owned, operatorSecret, seal } = world;
  return { version: 3, ports, chain: { chainId, packageId, ...owned, operatorSecret, seal } };
}

interface BootedEnclave {
  readonly enclave: RegisteredEnclave;
  readonly child: Child;
}

/** Boots an enclave; the registrar sees it, registers it and hands it its Kubernetes certificate. */
async function bootEnclave(site: Site, configFile: string): Promise<BootedEnclave> {
  const { dir, ports, parts, world } = site;
  const bootstrapUrl = `http://${LOOPBACK}:${ports.bootstrap}`;
  const { child } = await parts.start('enclave', ['--config', configFile]);
  await untilReady(`${bootstrapUrl}/readyz`).catch(async (error: unknown) => {
    throw await withRegistrarReason(dir, error);
  });
  return { enclave: await registeredEnclave({ bootstrapUrl, world }), child };
}

/** Nobody runs it where kwok plays the kubelets, yet what the webhook writes into pods must be an image that exists. */
async function buildSealFetch(progress: Progress): Promise<string> {
  return progress.step('seal-fetch: image', async (detail) => {
    const { keptSealFetchImage } = await import('@k3s-daas/seal-fetch/image');
    return (await keptSealFetchImage(join(cacheRoot(process.env), 'seal-fetch'), detail)).reference;
  });
}

function buildPrograms(progress: Progress): Promise<Binaries> {
  return progress.step('control plane: programs', (detail) =>
    ensureControlPlane({
      progress: ({ message }) => {
        detail(message);
      },
    }),
  );
}
