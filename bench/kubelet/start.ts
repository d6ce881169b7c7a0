import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { type Child, type ChildExit, Children, type ControlPlane, freePorts } from '@k3s-daas/control-plane';

import {
  cniConfig,
  containerdConfig,
  containerdSocket,
  kubeletConfig,
  type NodeLayout,
  SANDBOX_IMAGE,
} from './configuration.ts';
import { KubeletError } from './errors.ts';
import { buildImage } from './image.ts';
import { isolate, type Isolation } from './isolation.ts';
import { groupOfThisRun, HOST_ADDRESS } from './private-network.ts';
import type { NodePrograms } from './programs.ts';

const run = promisify(execFile);
const READY_MS_MAX = 60_000;
const PAUSE_MS = 100;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** The longest path of a Unix socket is 107 bytes, and the kubelet's are deep. */
const DIR_CHARACTERS_MAX = 60;
const PRIVATE = ['/run', '/var/lib', '/var/log'];

export interface RealNodeOptions {
  readonly plane: ControlPlane;
  readonly programs: NodePrograms;
  readonly name: string;
  /** New or empty, of a short path, not below /run, /var/lib or /var/log. */
  readonly dir: string;
  /** The node's own identity; a certificate of `system:node:NAME` by the plane's authority unless given. */
  readonly kubeconfig?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** As `key=value:effect`. */
  readonly taints?: readonly string[];
  /** Further fields of KubeletConfiguration, before ours where both say something. */
  readonly kubelet?: Readonly<Record<string, unknown>>;
  /** A process of the node ended that nobody stopped. */
  readonly onExit?: (exit: ChildExit) => void;
}

export interface RealNode {
  readonly name: string;
  readonly dir: string;
  /** Whether containers are filtered by the seccomp profile they ask for. */
  readonly seccomp: boolean;
  readonly children: readonly { readonly name: string; readonly pid: number }[];
  /**
   * Gives containerd what is in an OCI or Docker archive. Pods that name it by a reference that is returned, with
   * `imagePullPolicy: IfNotPresent`, need no registry.
   *
   * @param name without tag and digest, as in `k3s-daas.local/workload`.
   * @returns `name@sha256:…`, of each manifest and index in the archive.
   * @throws KubeletError `image-refused`.
   */
  importImage(file: string, name: string, tag?: string): Promise<string[]>;
  /**
   * Runs a command as root of the node, who sees its volumes: what the machine's owner can do.
   *
   * @returns standard output.
   */
  asRoot(command: readonly string[], input?: string): Promise<string>;
  /** Ends the kubelet and starts it again; containers go on. */
  restartKubelet(): Promise<void>;
  /** Ends kubelet, containerd and every container, and their control groups. The Node object stays. May be called twice. */
  stop(): Promise<void>;
}

let nodes = 0;

/**
 * A kubelet with a containerd of its own, in mount and cgroup namespaces of their own, registered and Ready in `plane`.
 * To be called inside a private network (`place`), to which its pods' bridge belongs.
 *
 * @throws KubeletError; nothing is left running then.
 */
export async function startNode(options: RealNodeOptions): Promise<RealNode> {
  const dir = resolve(options.dir);
  const group = groupOfThisRun();
  if (
    group === undefined ||
    dir.length > DIR_CHARACTERS_MAX ||
    PRIVATE.some((p) => `${dir}/`.startsWith(`${p}/`))
  )
    throw new KubeletError(
      'start-failed',
      `A real node cannot be started in ${dir}${group === undefined ? ' outside a private network' : ''}.`,
      `Use inPrivateNetwork, and a folder of at most ${DIR_CHARACTERS_MAX} characters not below ${PRIVATE.join(', ')}.`,
    );
  const layout = await prepare(dir, options);
  const children = new Children(dir, options.onExit ?? (() => undefined));
  const isolation = await isolate(children, `${group}/${options.name}`, dir);
  const node = new ContainedNode(layout, children, isolation, options);
  try {
    await node.start();
    return node;
  } catch (error) {
    await node.stop();
    throw error;
  }
}

async function prepare(dir: string, options: RealNodeOptions): Promise<NodeLayout> {
  const { plane, programs, name } = options;
  nodes += 1;
  const [port = 0] = await freePorts(1);
  await Promise.all(
    ['cni', 'images', 'volume-plugins', 'kubelet', 'tmp'].map((folder) =>
      mkdir(join(dir, folder), { recursive: true, mode: 0o700 }),
    ),
  );
  const serving = await plane.ca.issue({
    commonName: `system:node:${name}`,
    organizations: ['system:nodes'],
    usages: ['server'],
    ips: [HOST_ADDRESS],
    days: 30,
  });
  const layout: NodeLayout = {
    name,
    dir,
    index: nodes,
    address: HOST_ADDRESS,
    port,
    caFile: join(dir, 'ca.crt'),
    certFile: join(dir, 'kubelet.crt'),
    keyFile: join(dir, 'kubelet.key'),
    cniPrograms: dirname(programs.files.bridge),
    runc: programs.seccomp ? programs.files.runc : join(dir, 'runc'),
  };
  const write = (path: string, text: string): Promise<void> =>
    writeFile(join(dir, path), text, { mode: 0o600 });
  await Promise.all([
    write('ca.crt', plane.caPem),
    write('kubelet.crt', serving.certPem),
    write('kubelet.key', serving.keyPem),
    write('resolv.conf', ''),
    writeFile(
      join(dir, 'runc'),
      `#!/bin/sh\nexec '${programs.files['runc-without-seccomp']}' '${programs.files.runc}' "$@"\n`,
      { mode: 0o700 },
    ),
    write('containerd.toml', containerdConfig(layout)),
    write('cni/10-daas.conflist', JSON.stringify(cniConfig(layout))),
    write('kubelet.json', JSON.stringify(kubeletConfig(layout, options.kubelet ?? {}), null, 1)),
  ]);
  return layout;
}

class ContainedNode implements RealNode {
  readonly name: string;
  readonly dir: string;
  readonly seccomp: boolean;
  readonly #layout: NodeLayout;
  readonly #children: Children;
  readonly #isolation: Isolation;
  readonly #options: RealNodeOptions;
  #kubelet: Child | undefined;
  #stopped: Promise<void> | undefined;

  constructor(layout: NodeLayout, children: Children, isolation: Isolation, options: RealNodeOptions) {
    this.name = layout.name;
    this.dir = layout.dir;
    this.seccomp = options.programs.seccomp;
    this.#layout = layout;
    this.#children = children;
    this.#isolation = isolation;
    this.#options = options;
  }

  get children(): readonly { name: string; pid: number }[] {
    return this.#children.list().map(({ name, pid }) => ({ name, pid }));
  }

  async start(): Promise<void> {
    const { containerd, pause } = this.#options.programs.files;
    const child = await this.#start('containerd', [
      containerd,
      '--config',
      join(this.dir, 'containerd.toml'),
    ]);
    await this.#until('containerd', [child], () => this.#ctr(['version']));
    const content = await readFile(pause);
    const { archive } = buildImage({
      files: [{ path: '/pause', content, mode: 0o755 }],
      entrypoint: ['/pause'],
    });
    const file = join(this.dir, 'images', 'pause.tar');
    await writeFile(file, archive);
    const [name = '', tag = ''] = SANDBOX_IMAGE.split(':');
    await this.importImage(file, name, tag);
    await this.#startKubelet();
    await this.#until('kubelet', [child, this.#kubelet], () => this.#isReady());
  }

  async importImage(file: string, name: string, tag?: string): Promise<string[]> {
    // Names in the archive that begin with the base would keep it from giving them by digest.
    const base = `import.k3s-daas.local/${randomUUID()}`;
    await this.#ctr(['images', 'import', '--digests', `--base-name=${base}`, file]).catch(
      (cause: unknown) => {
        throw imageRefused(file, cause);
      },
    );
    const images = (await this.#ctr(['images', 'list', '--quiet'])).split('\n');
    const imported = images.filter((image) => image.startsWith(`${base}@`));
    const [first] = imported;
    if (first === undefined) throw imageRefused(file);
    const references = imported.map((image) => `${name}${image.slice(base.length)}`);
    for (const [i, image] of imported.entries())
      await this.#ctr(['images', 'tag', '--force', image, references[i] ?? '']);
    if (tag !== undefined) await this.#ctr(['images', 'tag', '--force', first, `${name}:${tag}`]);
    await this.#ctr(['images', 'remove', ...imported]);
    return references;
  }

  async asRoot(command: readonly string[], input = ''): Promise<string> {
    const [program = '', ...args] = this.#isolation.inside(command);
    const running = run(program, args, { maxBuffer: OUTPUT_BYTES_MAX });
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  async restartKubelet(): Promise<void> {
    await this.#kubelet?.stop();
    await this.#startKubelet();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    await this.#children.stop('namespaces');
    await this.#isolation.end();
  }

  async #startKubelet(): Promise<void> {
    const { plane, programs, labels = {}, taints = [] } = this.#options;
    const kubeconfig =
      this.#options.kubeconfig ??
      (await plane.kubeconfig({ commonName: `system:node:${this.name}`, organizations: ['system:nodes'] }));
    const list = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    this.#kubelet = await this.#start('kubelet', [
      programs.files.kubelet,
      `--config=${join(this.dir, 'kubelet.json')}`,
      `--root-dir=${join(this.dir, 'kubelet')}`,
      `--cert-dir=${join(this.dir, 'kubelet', 'pki')}`,
      `--kubeconfig=${kubeconfig}`,
      `--hostname-override=${this.name}`,
      `--node-ip=${this.#layout.address}`,
      ...(list.length === 0 ? [] : [`--node-labels=${list.join()}`]),
      ...(taints.length === 0 ? [] : [`--register-with-taints=${taints.join()}`]),
      '--v=2',
    ]);
  }

  #start(name: string, command: readonly string[]): Promise<Child> {
    const [program = '', ...args] = this.#isolation.inside(command);
    // containerd finds its shim by PATH.
    const path = `${dirname(this.#options.programs.files.containerd)}:${process.env['PATH'] ?? ''}`;
    return this.#children.start(name, program, args, { PATH: path, TMPDIR: join(this.dir, 'tmp') });
  }

  async #ctr(args: readonly string[]): Promise<string> {
    const { stdout } = await run(this.#options.programs.files.ctr, [
      `--address=${containerdSocket(this.#layout)}`,
      '--namespace=k8s.io',
      ...args,
    ]);
    return stdout;
  }

  async #isReady(): Promise<void> {
    const path = '{.status.conditions[?(@.type=="Ready")].status}';
    const status = await this.#options.plane.kubectl(['get', 'node', this.name, '-o', `jsonpath=${path}`]);
    if (status !== 'True') throw new Error(`Ready is ${status === '' ? 'not known' : status}`);
  }

  async #until(
    name: string,
    watched: readonly (Child | undefined)[],
    probe: () => Promise<unknown>,
  ): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX;
    for (;;) {
      const why = await probe().then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      if (why === undefined) return;
      const ended = watched.some((child) => child?.hasExited() === true);
      if (ended || performance.now() > deadline)
        throw new KubeletError(
          ended ? 'start-failed' : 'not-ready',
          `${name} of node ${this.name} ${ended ? 'ended' : `is not ready: ${why}`}. The end of its log:\n` +
            (await this.#children.lastLines(name)),
          `Read ${join(this.dir, 'logs')}.`,
        );
      await delay(PAUSE_MS);
    }
  }
}

function imageRefused(file: string, cause?: unknown): KubeletError {
  return new KubeletError(
    'image-refused',
    `containerd takes no image from ${file}: ${cause instanceof Error ? cause.message : 'it holds none'}`,
    'Give it an OCI image layout, or what `docker save` writes, for this architecture.',
    { cause },
  );
}
