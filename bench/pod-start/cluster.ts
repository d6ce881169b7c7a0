import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { issueNodeIdentity, type Progress, stakeForNode, startStack, type Stack } from '@k3s-daas/cli';
import { cacheRoot, ensureControlPlane } from '@k3s-daas/control-plane';
import { buildImage, ensureNodePrograms, HOST_ADDRESS, type RealNode, startNode } from '@k3s-daas/kubelet';
import { keptSealFetchImage } from '@k3s-daas/seal-fetch/image';
import { z } from 'zod';

const run = promisify(execFile);
const GIBIBYTE = 1n << 30n;
const LAUNCHER = join(import.meta.dirname, '../../cli/bin/daas.js');
const NAMESPACE = 'app';
const SERVICE_ACCOUNT = 'api';
const WAIT_MS_MAX = 60_000;
const POLL_MS = 50;

const podSchema = z.object({
  metadata: z.object({ name: z.string(), uid: z.string() }),
  spec: z.object({ nodeName: z.string().default('') }),
  status: z.object({
    phase: z.string(),
    podIP: z.string().default(''),
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    initContainerStatuses: z.array(z.object({ name: z.string(), restartCount: z.number() })).default([]),
    containerStatuses: z
      .array(z.object({ name: z.string(), restartCount: z.number(), containerID: z.string().default('') }))
      .default([]),
  }),
});
export type Pod = z.infer<typeof podSchema>;

export interface ContainerSpec {
  /** Actions of `workload`. */
  readonly args: readonly string[];
  readonly [field: string]: unknown;
}

/** A whole installation with a real node, and a namespace whose pods have sealed secrets. */
export interface SealedCluster {
  readonly dir: string;
  readonly stack: Stack;
  readonly node: RealNode;
  readonly policy: string;
  /** Reference of `workload` (bench/kubelet/programs/workload). */
  readonly image: string;
  /** `daas ARGS… --config …`; `input` is its standard input. */
  daas(args: readonly string[], input?: string): Promise<string>;
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Seals with `daas secret seal`, and applies what it printed. */
  seal(name: string, values: Readonly<Record<string, string>>, type?: string): Promise<void>;
  /** Seals the next version with `daas secret rotate`, and applies it. */
  rotate(name: string, values: Readonly<Record<string, string>>, type?: string): Promise<void>;
  create(name: string, container: ContainerSpec, more?: PodParts): Promise<void>;
  remove(name: string): Promise<void>;
  pod(name: string): Promise<Pod>;
  log(pod: string, container: string): Promise<string>;
  /** Until the log of a container matches. @returns the log. */
  untilLogged(pod: string, container: string, pattern: RegExp, msMax?: number): Promise<string>;
  untilPlaced(pod: string): Promise<Pod>;
  untilReady(pod: string, msMax?: number): Promise<Pod>;
  /** Stops a part's processor time while `work` runs: it answers nobody, and closes no connection. */
  frozen<T>(parts: (name: string) => boolean, work: () => Promise<T>): Promise<T>;
}

export interface PodParts {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** Inside a private network. */
export async function startSealedCluster(dir: string, progress: Progress): Promise<SealedCluster> {
  const programs = await ensureNodePrograms();
  const binaries = await ensureControlPlane();
  const image = await keptSealFetchImage(join(cacheRoot(process.env), 'seal-fetch'));
  const abort = new AbortController();
  const options = {
    dir: join(dir, 'stack'),
    binaries,
    progress,
    kwok: false,
    host: HOST_ADDRESS,
    sealFetchImage: image.reference,
    policy: {
      capacity: { cpuMilli: BigInt(cpus().length) * 1000n, memoryBytes: BigInt(Math.floor(totalmem())) },
      receiptLifetimeMs: 10_000,
      stakeSnapshotAgeMsMax: 4_000,
    },
    signal: abort.signal,
    onExit: ({ name, lastLines }: { name: string; lastLines: string }): void => {
      progress.note(`${name} ended: ${lastLines.slice(-2000)}`);
    },
  };
  const stack = await startStack(options);
  try {
    const memory = `${BigInt(Math.floor(totalmem())) / GIBIBYTE}Gi`;
    const identity = await issueNodeIdentity(stack.plane, {
      name: 'real',
      cpu: String(cpus().length),
      memory,
    });
    await stakeForNode(stack.world, identity, 100_000n);
    // The kubelet registers itself, as soon as the webhook has seen the stake.
    const node = await startNode({
      plane: stack.plane,
      programs,
      name: 'real',
      dir: join(dir, 'node'),
      kubeconfig: identity.kubeconfig,
      // How often a running pod's volumes are looked at: by default once a minute.
      kubelet: { syncFrequency: '2s' },
      onExit: options.onExit,
    });
    await node.importImage(image.archive, image.reference.replace(/@.*/, ''));
    return await openNamespace(dir, stack, node, programs.files.workload);
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function openNamespace(
  dir: string,
  stack: Stack,
  node: RealNode,
  workload: string,
): Promise<SealedCluster> {
  const built = buildImage({
    files: [{ path: '/workload', content: readFileSync(workload), mode: 0o755 }],
    entrypoint: ['/workload'],
    user: '65532:65532',
  });
  writeFileSync(join(dir, 'workload.tar'), built.archive);
  await node.importImage(join(dir, 'workload.tar'), 'k3s-daas.local/workload');
  const kubectl = (args: readonly string[], input = ''): Promise<string> =>
    stack.plane.kubectl(args, { input });
  await kubectl(['create', 'namespace', NAMESPACE]);
  await kubectl(['create', 'serviceaccount', SERVICE_ACCOUNT, '-n', NAMESPACE]);
  const key = join(dir, 'owner.key');
  writeFileSync(key, stack.world.operatorSecret, { mode: 0o600 });
  const cluster = new Cluster(dir, stack, node, key, `k3s-daas.local/workload@${built.digest}`);
  await cluster.createPolicy();
  return cluster;
}

class Cluster implements SealedCluster {
  readonly dir: string;
  readonly stack: Stack;
  readonly node: RealNode;
  policy = '';
  readonly #ownerKey: string;
  readonly image: string;

  constructor(dir: string, stack: Stack, node: RealNode, ownerKey: string, image: string) {
    this.dir = dir;
    this.stack = stack;
    this.node = node;
    this.#ownerKey = ownerKey;
    this.image = image;
  }

  async createPolicy(): Promise<void> {
    const subject = ['--namespace', NAMESPACE, '--service-account', SERVICE_ACCOUNT];
    const terms = ['--uses', '100', '--grant-seconds', '600', '--sui-key', this.#ownerKey, '--json'];
    const text = await this.daas(['secret', 'policy', 'create', ...subject, ...terms]);
    this.policy = z.object({ policy: z.string() }).parse(JSON.parse(text)).policy;
  }

  async daas(args: readonly string[], input = ''): Promise<string> {
    const running = run(process.execPath, [LAUNCHER, ...args, '--config', this.stack.configFile]);
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  kubectl(args: readonly string[], input = ''): Promise<string> {
    return this.stack.plane.kubectl(args, { input });
  }

  async seal(name: string, values: Readonly<Record<string, string>>, type = 'Opaque'): Promise<void> {
    const sealed = await this.daas(
      ['secret', 'seal', '--policy', this.policy],
      plainSecret(name, values, type),
    );
    await this.kubectl(['apply', '-f', '-'], sealed);
  }

  async rotate(name: string, values: Readonly<Record<string, string>>, type = 'Opaque'): Promise<void> {
    const args = ['secret', 'rotate', '--policy', this.policy, '--sui-key', this.#ownerKey];
    await this.kubectl(['apply', '-f', '-'], await this.daas(args, plainSecret(name, values, type)));
  }

  async create(
    name: string,
    container: ContainerSpec,
    { annotations = {}, spec = {} }: PodParts = {},
  ): Promise<void> {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: NAMESPACE, annotations },
      spec: {
        serviceAccountName: SERVICE_ACCOUNT,
        terminationGracePeriodSeconds: 1,
        automountServiceAccountToken: false,
        containers: [{ name: 'c', image: this.image, imagePullPolicy: 'IfNotPresent', ...container }],
        ...spec,
      },
    };
    await this.kubectl(['create', '-f', '-'], JSON.stringify(pod));
  }

  async remove(name: string): Promise<void> {
    await this.kubectl(['delete', 'pod', '-n', NAMESPACE, name, '--timeout=30s']);
  }

  async pod(name: string): Promise<Pod> {
    return podSchema.parse(
      JSON.parse(await this.kubectl(['get', 'pod', '-n', NAMESPACE, name, '-o', 'json'])),
    );
  }

  /** Of the container that runs, and of the one before it; empty until there is one. */
  async log(pod: string, container: string): Promise<string> {
    const args = ['logs', '-n', NAMESPACE, pod, '-c', container];
    const [before, now] = await Promise.all([
      this.kubectl([...args, '--previous']).catch(() => ''),
      this.kubectl(args).catch(() => ''),
    ]);
    return `${before}${now}`;
  }

  untilLogged(pod: string, container: string, pattern: RegExp, msMax = WAIT_MS_MAX): Promise<string> {
    return this.#until(`${container} of ${pod} to say ${String(pattern)}`, pod, msMax, async () => {
      const log = await this.log(pod, container);
      return pattern.test(log) ? log : undefined;
    });
  }

  untilPlaced(pod: string): Promise<Pod> {
    return this.#until(`pod ${pod} to be placed`, pod, WAIT_MS_MAX, async () => {
      const found = await this.pod(pod);
      return found.spec.nodeName === '' ? undefined : found;
    });
  }

  untilReady(pod: string, msMax = WAIT_MS_MAX): Promise<Pod> {
    return this.#until(`pod ${pod} to be ready`, pod, msMax, async () => {
      const found = await this.pod(pod);
      const ready = found.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
      return ready ? found : undefined;
    });
  }

  async frozen<T>(parts: (name: string) => boolean, work: () => Promise<T>): Promise<T> {
    const found = this.stack.parts.processes().filter(({ name }) => parts(name));
    if (found.length === 0) throw new Error('no such part runs');
    for (const { pid } of found) process.kill(pid, 'SIGSTOP');
    try {
      return await work();
    } finally {
      for (const { pid } of found) process.kill(pid, 'SIGCONT');
    }
  }

  async #until<T>(
    what: string,
    pod: string,
    msMax: number,
    attempt: () => Promise<T | undefined>,
  ): Promise<T> {
    const deadline = performance.now() + msMax;
    for (;;) {
      const result = await attempt();
      if (result !== undefined) return result;
      if (performance.now() > deadline) {
        const about = await this.kubectl(['describe', 'pod', '-n', NAMESPACE, pod]).catch(String);
        throw new Error(`waited in vain for ${what}\n${await this.log(pod, 'seal-fetch')}\n${about}`);
      }
      await delay(POLL_MS);
    }
  }
}

function plainSecret(name: string, values: Readonly<Record<string, string>>, type: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Secret',
    type,
    metadata: { name, namespace: NAMESPACE },
    stringData: values,
  });
}
