import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { stringify } from 'yaml';

import {
  renderAdmissionConfiguration,
  renderOverlay,
  renderSchedulerConfig,
} from '@k3s-daas/admission-webhook/manifests';
import {
  freePorts,
  prepareIdentity,
  startControlPlane,
  type Authority,
  type Binaries,
  type ChildExit,
  type ControlPlane,
  type RunningScheduler,
} from '@k3s-daas/control-plane';
import {
  CONTROLLER_USER,
  parseConfiguration,
  SCHEDULER_NAME,
  SCHEDULER_USER,
  systemClock,
  WEBHOOK_USER,
  type Bytes,
  type Policy,
} from '@k3s-daas/core';
import { createDevelopmentAuthority, measureEnclave } from '@k3s-daas/enclave/nsm';

import { CliError } from '../errors.ts';
import type { ChainWorld } from './chain.ts';
import { REGISTRAR_STATE } from './enclave.ts';
import { derToPem, writeWhole } from './files.ts';
import type { Parts } from './parts.ts';
import { KEY_SERVER_NAMES, masterKeyFile, RELAY_STATE } from './seal.ts';
import type { InstallationState } from './state.ts';

export const LOOPBACK = '127.0.0.1';
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Who may do what: our parts ask as soon as they run. The overlay of the webhook brings the registrar's again. */
const RIGHTS = ['rbac.yaml', 'registrar.yaml'].map((name) => join(REPOSITORY, 'manifests', 'base', name));
const CERTIFICATE_DAYS = 30;
const READY_MS_MAX = 120_000;
const POLL_MS = 25;
/** Users of the embedded installation that have no role of their own in the design. */
const API_SERVER_CLIENT = 'k3s-daas:apiserver';
const READER = 'k3s-daas:admin';
const REGISTRAR = 'k3s-daas:registrar';
/** Somebody who tries things out restarts more often than an operator does. */
const REGISTRATIONS_PER_HOUR_MAX = 60;

/** Ports of the installation. */
export type Ports = InstallationState['ports'];

export async function choosePorts(): Promise<InstallationState['ports']> {
  const [apiServer = 0, ledger = 0, webhook = 0, extender = 0, bootstrap = 0, proxy = 0, ...rest] =
    await freePorts(11);
  const [broker = 0, relay = 0, one = 0, two = 0, three = 0] = rest;
  return {
    apiServer,
    ledger,
    webhook,
    extender,
    bootstrap,
    proxy,
    broker,
    relay,
    keyServers: [one, two, three],
  };
}

export type ImagePcrs = { readonly 0: Bytes; readonly 1: Bytes; readonly 2: Bytes };

/** The measurements that a development enclave of this checkout reports. */
export function enclavePcrs(): ImagePcrs {
  const measured = measureEnclave(REPOSITORY);
  const pcr = (index: number): Bytes => {
    const value = measured.get(index);
    if (value === undefined) throw new RangeError(`PCR${index} is not measured`);
    return value;
  };
  return { 0: pcr(0), 1: pcr(1), 2: pcr(2) };
}

export interface NsmAuthority {
  readonly rootDer: Bytes;
  readonly rootFile: string;
}

/**
 * The development NSM's root, made once per folder: its certificate is the ledger's trust anchor, its key goes to the
 * enclave process.
 */
export async function keptNsmAuthority(dir: string): Promise<NsmAuthority> {
  const rootFile = join(dir, 'enclave', 'nsm-root.crt');
  if (existsSync(rootFile)) return { rootDer: new X509Certificate(await readFile(rootFile)).raw, rootFile };
  const authority = await createDevelopmentAuthority({ clock: systemClock });
  const secret = {
    rootCertificateDer: Buffer.from(authority.rootCertificateDer).toString('base64'),
    rootKeyPkcs8: Buffer.from(authority.rootKeyPkcs8).toString('base64'),
  };
  await writeWhole(join(dir, 'enclave', 'nsm-authority.json'), JSON.stringify(secret));
  await writeWhole(rootFile, derToPem(authority.rootCertificateDer));
  return { rootDer: authority.rootCertificateDer, rootFile };
}

/** The cluster's authority, made at the first start in the folder. */
export async function clusterAuthority(dir: string): Promise<Authority> {
  return (await prepareIdentity(planeFolder(dir), CERTIFICATE_DAYS)).ca;
}

const planeFolder = (dir: string): string => join(dir, 'control-plane');

/** A control plane whose API server shows the webhook a client certificate, and where our parts have their rights. */
export async function startPlane(options: {
  readonly dir: string;
  readonly ca: Authority;
  readonly ports: Ports;
  readonly binaries: Binaries;
  readonly kwok: boolean;
  readonly signal: AbortSignal;
  readonly onExit: (exit: ChildExit) => void;
}): Promise<ControlPlane> {
  const { ports, ca, binaries, kwok, signal, onExit } = options;
  const client = await ca.issue({
    commonName: API_SERVER_CLIENT,
    usages: ['client'],
    days: CERTIFICATE_DAYS,
  });
  const configuration = await renderAdmissionConfiguration({
    dir: join(options.dir, 'admission'),
    webhookUrl: webhookUrl(ports),
    cert: client.certPem,
    key: client.keyPem,
  });
  const plane = await startControlPlane({
    binaries,
    dir: planeFolder(options.dir),
    apiServerPort: ports.apiServer,
    kwok,
    certificateDays: CERTIFICATE_DAYS,
    signal,
    onExit,
    flags: { apiServer: [`--admission-control-config-file=${configuration}`] },
  });
  try {
    await plane.kubectl(['apply', ...RIGHTS.flatMap((file) => ['-f', file])]);
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

export const proxyUrl = (ports: Ports): string => `https://${LOOPBACK}:${ports.proxy}`;

const webhookUrl = (ports: Ports): string => `https://${LOOPBACK}:${ports.webhook}/validate`;

/** Issues the certificates of webhook, proxy and reader and writes `daas.yaml`, the one file that all parts read. */
export async function writeConfiguration(options: {
  readonly dir: string;
  readonly ports: Ports;
  readonly plane: ControlPlane;
  readonly world: ChainWorld;
  readonly policy: Policy;
  /** Where pods reach ledger, broker, relay and key servers. */
  readonly host: string;
  readonly sealFetchImage: string;
}): Promise<string> {
  const { dir, ports, plane, world, policy, host } = options;
  const pki = (name: string): string => join(dir, 'pki', name);
  await writeWhole(pki('ca.crt'), plane.caPem);
  const serving = await plane.ca.issue({
    commonName: 'k3s-daas-webhook',
    usages: ['server'],
    ips: [LOOPBACK],
    days: CERTIFICATE_DAYS,
  });
  await writeKeyPair(pki('webhook'), serving);
  await writeKeyPair(
    pki('proxy'),
    await plane.ca.issue({
      commonName: 'k3s-daas-attest-proxy',
      usages: ['server'],
      ips: [LOOPBACK],
      days: CERTIFICATE_DAYS,
    }),
  );
  // What the enclave knows is the scheduler's name: the proxy lets nobody else through.
  await writeKeyPair(pki('proxy-client'), await plane.issueClient({ commonName: SCHEDULER_USER }));
  await writeKeyPair(pki('reader'), await plane.issueClient({ commonName: READER }));
  await writeWhole(pki('operator.suikey'), world.operatorSecret);
  // Its books are of one key: a later start in the same folder goes on with it.
  if (!existsSync(pki('relay.suikey')))
    await writeWhole(pki('relay.suikey'), (await world.fundedAccount()).getSecretKey());
  const configuration = {
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'DaaSConfiguration',
    cluster: { id: world.owned.cluster, package: world.packageId, chainId: world.chainId },
    chain: { network: 'embedded', url: world.chain.url, pollMs: 250 },
    kubernetes: { server: plane.apiServerUrl, caFile: 'pki/ca.crt' },
    policy: {
      ...policy,
      capacity: {
        cpuMilli: policy.capacity.cpuMilli.toString(),
        memoryBytes: policy.capacity.memoryBytes.toString(),
      },
      dominantShareMin: policy.dominantShareMin.toString(),
      lagMax: policy.lagMax.toString(),
    },
    attestation: { root: { kind: 'development', certificateFile: 'enclave/nsm-root.crt' } },
    enclave: {
      listen: { host: LOOPBACK, port: ports.extender },
      bootstrap: { host: LOOPBACK, port: ports.bootstrap },
      dataDir: 'enclave/data',
      clientCaFile: 'pki/ca.crt',
      allowedReaders: [READER],
      nsm: { kind: 'development', authorityFile: 'enclave/nsm-authority.json' },
      broker: { listen: { host, port: ports.broker } },
    },
    registrar: {
      bootstrapUrl: `http://${LOOPBACK}:${ports.bootstrap}`,
      suiKeyFile: 'pki/operator.suikey',
      clusterCap: world.owned.cap,
      kubeconfig: await plane.kubeconfig({ commonName: REGISTRAR }),
      stateFile: REGISTRAR_STATE,
      budget: { registrationsPerHourMax: REGISTRATIONS_PER_HOUR_MAX },
    },
    proxy: {
      listen: { host: LOOPBACK, port: ports.proxy },
      certFile: 'pki/proxy.crt',
      keyFile: 'pki/proxy.key',
      clientCaFile: 'pki/ca.crt',
      enclaveUrl: `https://${LOOPBACK}:${ports.extender}`,
      bootstrapUrl: `http://${LOOPBACK}:${ports.bootstrap}`,
      clientCertFile: 'pki/proxy-client.crt',
      clientKeyFile: 'pki/proxy-client.key',
    },
    webhook: {
      listen: { host: LOOPBACK, port: ports.webhook },
      certFile: 'pki/webhook.crt',
      keyFile: 'pki/webhook.key',
      clientCaFile: 'pki/ca.crt',
      allowedClients: [API_SERVER_CLIENT],
      kubeconfig: await plane.kubeconfig({ commonName: CONTROLLER_USER }),
      readerKubeconfig: await plane.kubeconfig({ commonName: WEBHOOK_USER }),
      drainMs: 0,
    },
    seal: {
      keyServers: world.seal.keyServers.map((objectId) => ({ objectId })),
      threshold: 2,
      brokerUrl: `https://${host}:${ports.broker}`,
      relayUrl: `http://${host}:${ports.relay}`,
      chainUrls: [world.chain.url],
      image: options.sealFetchImage,
    },
    relay: {
      listen: { host, port: ports.relay },
      suiKeyFile: 'pki/relay.suikey',
      stateFile: RELAY_STATE,
    },
    keyServers: Object.fromEntries(
      KEY_SERVER_NAMES.map((name, index) => [
        name,
        {
          listen: { host, port: ports.keyServers[index] },
          objectId: world.seal.keyServers[index],
          masterKey: { kind: 'file', file: masterKeyFile(name) },
          stalenessPackage: world.seal.packageId,
        },
      ]),
    ),
    client: {
      kubeconfig: plane.adminKubeconfig,
      enclaveUrl: `https://${LOOPBACK}:${ports.extender}`,
      bootstrapUrl: `http://${LOOPBACK}:${ports.bootstrap}`,
      certFile: 'pki/reader.crt',
      keyFile: 'pki/reader.key',
      suiKeyFile: 'pki/operator.suikey',
    },
  };
  parseConfiguration(configuration);
  return writeWhole(join(dir, 'daas.yaml'), stringify(configuration));
}

/** The webhook, then its registration: the order in which nothing is refused for want of an answer. */
export async function startWebhook(options: {
  readonly dir: string;
  readonly ports: Ports;
  readonly plane: ControlPlane;
  readonly parts: Parts;
  readonly configFile: string;
}): Promise<void> {
  const { dir, ports, plane, parts, configFile } = options;
  await parts.start('webhook', ['--config', configFile]);
  const overlay = await renderOverlay({
    dir: join(dir, 'overlay'),
    webhookUrl: webhookUrl(ports),
    webhookCaPem: plane.caPem,
  });
  await plane.kubectl(['apply', '-k', overlay]);
}

/** kube-scheduler calls the attesting proxy, which has the cluster's own CA: no restart of an enclave changes that. */
export async function startScheduler(options: {
  readonly dir: string;
  readonly ports: Ports;
  readonly plane: ControlPlane;
}): Promise<RunningScheduler> {
  const { dir, ports, plane } = options;
  const kubeconfig = await plane.kubeconfig({ commonName: SCHEDULER_USER });
  const client = join(dir, 'pki', 'scheduler');
  await writeKeyPair(client, await plane.issueClient({ commonName: SCHEDULER_USER }));
  const text = await renderSchedulerConfig({
    kubeconfig,
    extenderUrl: `${proxyUrl(ports)}/scheduler`,
    extenderCaPem: plane.caPem,
    clientCertFile: `${client}.crt`,
    clientKeyFile: `${client}.key`,
  });
  const configFile = await writeWhole(join(dir, 'scheduler-config.yaml'), text);
  return plane.startScheduler({ name: SCHEDULER_NAME, kubeconfig, configFile });
}

/** Waits until a part's `/readyz` says 200; the last reasons are in the error. */
export async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + READY_MS_MAX;
  for (;;) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
    if (answer?.status === 200) return;
    if (Date.now() > deadline) {
      const reasons = answer === null ? 'no answer' : await answer.text();
      throw new CliError('CHILD_TIMEOUT', `${url} is not ready: ${reasons}`, 'see the logs of the parts');
    }
    await sleep(POLL_MS);
  }
}

async function writeKeyPair(
  name: string,
  pair: { readonly certPem: string; readonly keyPem: string },
): Promise<void> {
  await writeWhole(`${name}.crt`, pair.certPem);
  await writeWhole(`${name}.key`, pair.keyPem);
}
