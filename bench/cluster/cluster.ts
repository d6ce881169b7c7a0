import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { startStack, type Progress, type Stack } from '@k3s-daas/cli';
import { SECRETS_MODE_LABEL } from '@k3s-daas/core';
import { startControlPlane, type Binaries, type ChildExit, type ControlPlane } from '@k3s-daas/control-plane';

import { connectApi, type Api } from '../kube-api.ts';
import { needsOurs, type BenchOptions } from '../options.ts';
import { until } from '../wait.ts';
import { capacityOf, createNodes, nodeNames, stakeNodes, untilNodesSettled } from './nodes.ts';
import { startNothing, type NothingExtender } from './nothing.ts';
import { connectOurs, type Ours } from './ours.ts';

const ACCOUNT_MS_MAX = 30_000;

export interface BenchCluster {
  readonly plane: ControlPlane;
  /** As a member of system:masters. */
  readonly api: Api;
  /** Connects to another server that trusts the same authority, a scheduler's metrics. */
  readonly connect: (url: string) => Api;
  readonly nodes: number;
  readonly nothing: NothingExtender | null;
  /** null if no subject needs it: then there is neither chain nor webhook. */
  readonly ours: Ours | null;
  processes(): readonly { readonly name: string; readonly pid: number }[];
  stop(): Promise<void>;
}

export interface ClusterOptions {
  readonly dir: string;
  readonly nodes: number;
  readonly bench: BenchOptions;
  readonly binaries: Binaries;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  readonly onExit: (exit: ChildExit) => void;
}

interface Base {
  readonly plane: ControlPlane;
  readonly stack: Stack | null;
  stop(): Promise<void>;
}

/** One control plane for all subjects, with its nodes: same API server, same etcd, same Node objects. */
export async function startCluster(options: ClusterOptions): Promise<BenchCluster> {
  const { progress, nodes } = options;
  // Ended on purpose below; whatever else ends is a failure.
  const onExit = (exit: ChildExit): void => {
    if (!IDLE.includes(exit.name)) options.onExit(exit);
  };
  const base = await startBase({ ...options, onExit });
  const closers: (() => void | Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
    await base.stop();
  };
  try {
    const connect = await connector(base.plane);
    const api = connect(base.plane.apiServerUrl);
    closers.push(() => {
      api.close();
    });
    await progress.step(`${nodes} nodes`, () => prepareNodes(base, api, options));
    const nothing = options.bench.subjects.includes('nothing')
      ? await startNothing({ ...options, onExit, plane: base.plane, api, k: options.bench.k })
      : null;
    if (nothing !== null) closers.push(() => nothing.stop());
    const ours = base.stack === null ? null : await connectOurs(base.stack);
    if (ours !== null) {
      closers.push(() => {
        ours.close();
      });
      await ours.untilSeen({ nodes }, options.signal);
    }
    const extender = nothing === null ? [] : [{ name: 'nothing', pid: nothing.pid }];
    return {
      plane: base.plane,
      api,
      connect,
      nodes,
      nothing,
      ours,
      processes: () => [...base.plane.children, ...(base.stack?.parts.processes() ?? []), ...extender],
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function connector(plane: ControlPlane): Promise<(url: string) => Api> {
  const { certPem, keyPem } = await plane.issueClient({
    commonName: 'bench',
    organizations: ['system:masters'],
  });
  return (url) => connectApi(url, { caPem: plane.caPem, certPem, keyPem });
}

async function startBase(options: ClusterOptions): Promise<Base> {
  const { dir, bench, nodes, binaries, progress, signal, onExit } = options;
  await mkdir(dir, { recursive: true });
  if (!needsOurs(bench)) {
    const plane = await startControlPlane({ dir, binaries, kwok: false, onExit });
    return { plane, stack: null, stop: () => plane.stop() };
  }
  const policy = { shortlist: bench.k, capacity: capacityOf(nodes) };
  const stack = await startStack({ dir, binaries, progress, policy, kwok: false, signal, onExit });
  await stack.scheduler.stop();
  return { plane: stack.plane, stack, stop: () => stack.stop() };
}

/**
 * Processes that `startControlPlane` brings and the bench does without once namespaces have their accounts: the ordinary
 * scheduler would watch along, and the controller manager would take nodes without a kubelet for dead after 50 s.
 */
const IDLE: readonly string[] = ['kube-scheduler', 'kube-controller-manager'];

async function prepareNodes({ plane, stack }: Base, api: Api, options: ClusterOptions): Promise<void> {
  const { nodes, bench, signal } = options;
  for (const namespace of ['default', 'kube-public']) {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/default`;
    await until(`account of ${namespace}`, ACCOUNT_MS_MAX, signal, async () => {
      const { status } = await api.call({ method: 'GET', path });
      return status === 200 ? null : `status ${status}`;
    });
  }
  if (stack !== null)
    await plane.kubectl(['label', 'namespace', 'default', `${SECRETS_MODE_LABEL}=references`]);
  for (const { name, pid } of plane.children) if (IDLE.includes(name)) process.kill(pid, 'SIGTERM');
  const names = nodeNames(nodes);
  const nudge = stack === null ? null : await stakeNodes(stack, names, Math.min(bench.operators, nodes));
  await createNodes(api, names, signal);
  await nudge?.();
  await untilNodesSettled(api, nodes, stack !== null, signal);
}

/** Folder of the cluster with so many nodes. */
export function clusterDir(root: string, nodes: number): string {
  return join(root, `nodes-${nodes}`);
}
