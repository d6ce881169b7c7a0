import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Binaries } from './build.ts';
import { type Child, type ChildExit, Children, refuseIfOwned, stopRecorded } from './children.ts';
import {
  apiServerCommand,
  type Command,
  controllerManagerCommand,
  etcdCommand,
  kwokCommand,
  type Layout,
  schedulerCommand,
} from './components.ts';
import { prepareIdentity } from './identity.ts';
import { kubeconfigText, writePrivate } from './kubeconfig.ts';
import { kubectl } from './kubectl.ts';
import type { Authority, KeyedCertificatePem, Subject } from './pki.ts';
import { freePorts } from './ports.ts';
import { getJson, type Trust, untilAnswers } from './probe.ts';
import { schedulerConfig, type SchedulerConfigOptions } from './scheduler-config.ts';

type Component = 'etcd' | 'apiServer' | 'controllerManager' | 'scheduler' | 'kwok';

export interface ControlPlaneOptions {
  readonly binaries: Binaries;
  /** Keeps data, keys, kubeconfigs and logs; a start in the same folder continues the same cluster. */
  readonly dir: string;
  /** A free port unless given. */
  readonly apiServerPort?: number;
  /** kube-controller-manager, unless false: service accounts, garbage collection, certificate signing. */
  readonly controllerManager?: boolean;
  /** An ordinary kube-scheduler for `default-scheduler`, unless false. */
  readonly scheduler?: SchedulerConfigOptions | false;
  /** kwok plays the kubelet of every node, unless false. */
  readonly kwok?: boolean;
  /** Further flags per program, after ours: feature gates, admission configuration, limits. */
  readonly flags?: Partial<Readonly<Record<Component, readonly string[]>>>;
  /** Whether etcd waits for the disk. Without it (the default) a power cut may lose data; a crash of etcd does not. */
  readonly etcdFsync?: boolean;
  /** Days that certificates live; 30 unless given. */
  readonly certificateDays?: number;
  /** How long each program may take to be ready; 60,000 unless given. */
  readonly readyMsMax?: number;
  /** Stops everything, also in the middle of the start. */
  readonly signal?: AbortSignal;
  /** A program ended that nobody stopped. */
  readonly onExit?: (exit: ChildExit) => void;
}

export interface SchedulerOptions extends SchedulerConfigOptions {
  /** Of process, log and files; the scheduler names of pods are in the configuration's profiles. */
  readonly name: string;
  /** Runs as `system:kube-scheduler` unless given. */
  readonly kubeconfig?: string;
  readonly flags?: readonly string[];
}

export interface RunningScheduler {
  readonly name: string;
  readonly pid: number;
  /** Serves /metrics, with a client certificate of a user that may read them (the admin may). */
  readonly url: string;
  stop(): Promise<void>;
}

export interface ControlPlane {
  readonly dir: string;
  readonly apiServerUrl: string;
  readonly ca: Authority;
  readonly caPem: string;
  /** Path of a kubeconfig of the group `system:masters`. */
  readonly adminKubeconfig: string;
  /** Running processes, in order of their start. */
  readonly children: readonly { readonly name: string; readonly pid: number }[];
  /** Issues a client certificate and writes a kubeconfig for it; returns its path. */
  kubeconfig(user: Subject): Promise<string>;
  /** A client certificate with a fresh key, for users that are not kubeconfig files. */
  issueClient(user: Subject): Promise<KeyedCertificatePem>;
  /** GET of a path of the API server as the admin, without a process for it; its JSON. */
  get(path: string): Promise<unknown>;
  /** kubectl as the admin, unless another kubeconfig is given. */
  kubectl(args: readonly string[], options?: { kubeconfig?: string; input?: string }): Promise<string>;
  startScheduler(options: SchedulerOptions): Promise<RunningScheduler>;
  /** Ends the API server and starts it again on the same port; `flags` replace those it was started with. */
  restartApiServer(flags?: readonly string[]): Promise<void>;
  /** Ends every process, in at most 4 s. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a real control plane on loopback, ready for pods when it returns: TLS everywhere, client certificates only,
 * Node and RBAC authorisation, NodeRestriction, admission webhooks.
 *
 * @throws ControlPlaneError `already-running`, `start-failed`, `not-ready`, `authority-expired`,
 *   `scheduler-config-invalid`; nothing is left running then.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await refuseIfOwned(dir);
  await stopRecorded(dir);
  const controlPlane = await prepare(dir, options);
  options.signal?.addEventListener('abort', () => void controlPlane.stop(), { once: true });
  try {
    options.signal?.throwIfAborted();
    await controlPlane.startBase();
    await controlPlane.startOptional();
    return controlPlane;
  } catch (error) {
    await controlPlane.stop();
    throw error;
  }
}

async function prepare(dir: string, options: ControlPlaneOptions): Promise<LoopbackControlPlane> {
  const certificateDays = options.certificateDays ?? 30;
  const { ca, pki } = await prepareIdentity(dir, certificateDays);
  const [etcdPort = 0, etcdPeerPort = 0, freePort = 0] = await freePorts(3);
  const apiServerPort = options.apiServerPort ?? freePort;
  const layout: Layout = { dir, binaries: options.binaries, etcdPort, etcdPeerPort, apiServerPort, pki };
  const admin = await ca.issue({
    commonName: 'daas-admin',
    organizations: ['system:masters'],
    usages: ['client'],
    days: certificateDays,
  });
  const adminKubeconfig = await writePrivate(
    join(dir, 'kubeconfigs', 'admin.kubeconfig'),
    kubeconfigText(`https://127.0.0.1:${apiServerPort}`, ca.certPem, admin),
  );
  return new LoopbackControlPlane(layout, { ...options, certificateDays }, ca, admin, adminKubeconfig);
}

class LoopbackControlPlane implements ControlPlane {
  readonly dir: string;
  readonly apiServerUrl: string;
  readonly ca: Authority;
  readonly caPem: string;
  readonly adminKubeconfig: string;
  readonly #layout: Layout;
  readonly #options: ControlPlaneOptions & { readonly certificateDays: number };
  readonly #trust: Trust;
  readonly #children: Children;
  readonly #readyMsMax: number;
  #apiServer: Child | undefined;
  #apiServerFlags: readonly string[];
  #stopped: Promise<void> | undefined;

  constructor(
    layout: Layout,
    options: ControlPlaneOptions & { readonly certificateDays: number },
    ca: Authority,
    admin: KeyedCertificatePem,
    adminKubeconfig: string,
  ) {
    this.dir = layout.dir;
    this.apiServerUrl = `https://127.0.0.1:${layout.apiServerPort}`;
    this.ca = ca;
    this.caPem = ca.certPem;
    this.adminKubeconfig = adminKubeconfig;
    this.#layout = layout;
    this.#options = options;
    this.#trust = { caPem: ca.certPem, client: admin };
    this.#children = new Children(layout.dir, options.onExit ?? (() => undefined));
    this.#readyMsMax = options.readyMsMax ?? 60_000;
    this.#apiServerFlags = options.flags?.apiServer ?? [];
  }

  get children(): readonly { name: string; pid: number }[] {
    return this.#children.list().map(({ name, pid }) => ({ name, pid }));
  }

  /** The API server waits for etcd by itself, so both start at once. */
  async startBase(): Promise<void> {
    const { etcdFsync = false, flags } = this.#options;
    const etcd = await this.#start('etcd', etcdCommand(this.#layout, etcdFsync, flags?.etcd ?? []));
    await this.#startApiServer([etcd]);
  }

  async startOptional(): Promise<void> {
    const { controllerManager = true, scheduler = {}, kwok = true } = this.#options;
    await Promise.all([
      controllerManager ? this.#startControllerManager() : undefined,
      scheduler === false
        ? undefined
        : this.startScheduler({
            ...scheduler,
            name: 'kube-scheduler',
            flags: this.#options.flags?.scheduler ?? [],
          }),
      kwok ? this.#startKwok() : undefined,
    ]);
  }

  async kubeconfig(user: Subject): Promise<string> {
    const text = kubeconfigText(this.apiServerUrl, this.caPem, await this.issueClient(user));
    const digest = createHash('sha256').update(JSON.stringify(user)).digest('hex').slice(0, 12);
    const name = `${user.commonName.replace(/[^\w.-]/g, '_').slice(0, 60)}-${digest}.kubeconfig`;
    return writePrivate(join(this.dir, 'kubeconfigs', name), text);
  }

  issueClient({ commonName, organizations = [] }: Subject): Promise<KeyedCertificatePem> {
    return this.ca.issue({
      commonName,
      organizations,
      usages: ['client'],
      days: this.#options.certificateDays,
    });
  }

  get(path: string): Promise<unknown> {
    return getJson(`${this.apiServerUrl}${path}`, this.#trust);
  }

  kubectl(args: readonly string[], options: { kubeconfig?: string; input?: string } = {}): Promise<string> {
    const { kubeconfig = this.adminKubeconfig, ...rest } = options;
    return kubectl(args, { ...rest, kubeconfig, kubectl: this.#layout.binaries.kubectl });
  }

  async startScheduler(options: SchedulerOptions): Promise<RunningScheduler> {
    const kubeconfig = options.kubeconfig ?? (await this.kubeconfig({ commonName: 'system:kube-scheduler' }));
    const [port = 0] = await freePorts(1);
    const configFile = join(this.dir, `${options.name}.config.json`);
    await writePrivate(configFile, await schedulerConfig(options, kubeconfig));
    const command = schedulerCommand(this.#layout, configFile, kubeconfig, port, options.flags ?? []);
    const child = await this.#start(options.name, command);
    const url = `https://127.0.0.1:${port}`;
    await this.#ready(`${url}/readyz`, [child]);
    return { name: child.name, pid: child.pid, url, stop: () => child.stop() };
  }

  async restartApiServer(flags = this.#apiServerFlags): Promise<void> {
    await this.#apiServer?.stop();
    this.#apiServerFlags = flags;
    await this.#startApiServer([]);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#children.stop('etcd');
    return this.#stopped;
  }

  async #startApiServer(watched: readonly Child[]): Promise<void> {
    const unmanaged = this.#options.controllerManager === false;
    const command = apiServerCommand(this.#layout, unmanaged, this.#apiServerFlags);
    this.#apiServer = await this.#start('kube-apiserver', command);
    await this.#ready(`${this.apiServerUrl}/readyz`, [...watched, this.#apiServer]);
  }

  async #startControllerManager(): Promise<void> {
    const kubeconfig = await this.kubeconfig({ commonName: 'system:kube-controller-manager' });
    const [port = 0] = await freePorts(1);
    const extra = this.#options.flags?.controllerManager ?? [];
    const command = controllerManagerCommand(this.#layout, kubeconfig, port, extra);
    const child = await this.#start('kube-controller-manager', command);
    await this.#ready(`https://127.0.0.1:${port}/healthz`, [child]);
    // Until it has made this one, the API server refuses every pod in the namespace.
    await this.#ready(`${this.apiServerUrl}/api/v1/namespaces/default/serviceaccounts/default`, [child]);
  }

  async #startKwok(): Promise<void> {
    const kubeconfig = await this.kubeconfig({ commonName: 'kwok', organizations: ['system:masters'] });
    const [port = 0] = await freePorts(1);
    const command = kwokCommand(this.#layout, kubeconfig, port, this.#options.flags?.kwok ?? []);
    const child = await this.#start('kwok', command);
    await this.#ready(`http://127.0.0.1:${port}/healthz`, [child]);
  }

  #start(name: string, { file, args }: Command): Promise<Child> {
    // kwok reads and writes ~/.kwok otherwise.
    return this.#children.start(name, file, args, { KWOK_WORKDIR: join(this.dir, 'kwok') });
  }

  #ready(url: string, watched: readonly Child[]): Promise<void> {
    return untilAnswers(url, this.#trust, this.#children, watched, this.#readyMsMax);
  }
}
