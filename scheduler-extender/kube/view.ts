import { podFacts, type Clock } from '@k3s-daas/core';
import type { Logger } from 'pino';

import type { KubeView, NodeFacts, PodFacts } from '../ports.ts';
import type { KubeClient } from './client.ts';
import { watchList, type WatchLimits, type WatchStatus, type WatchedList } from './watch-list.ts';

export interface KubeViewOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** 0 ≤ x < 1; jitter of reconnection. */
  readonly random: () => number;
  readonly log: Logger;
  /** A view that has been cut off for longer than this is not synced. */
  readonly lagMsMax?: number;
  readonly limits?: Partial<WatchLimits>;
}

/** A KubeView that is kept up to date by watches. */
export interface WatchedKubeView extends KubeView {
  /** One status per watched resource. */
  resources(): readonly WatchStatus[];
  close(): Promise<void>;
}

const LAG_MS_MAX = 30_000;

/** Follows pods, nodes and service accounts of all namespaces and keeps the facts that decisions need. */
export function kubeView(options: KubeViewOptions): WatchedKubeView {
  const { lagMsMax = LAG_MS_MAX, ...rest } = options;
  const pods = watchList<PodFacts>({
    ...rest,
    path: '/api/v1/pods',
    key: ({ uid }) => uid,
    project: podFacts,
  });
  const nodes = watchList<NodeFacts>({
    ...rest,
    path: '/api/v1/nodes',
    key: ({ name }) => name,
    project: (_, { name, uid }) => ({ name, uid }),
  });
  const accounts = watchList<{ readonly uid: string }>({
    ...rest,
    path: '/api/v1/serviceaccounts',
    key: ({ namespace, name }) => accountKey(namespace, name),
    project: (_, { uid }) => ({ uid }),
  });
  const all: readonly WatchedList<unknown>[] = [pods, nodes, accounts];
  return {
    get synced() {
      return all.every((list) => {
        const { synced, lagMs } = list.status();
        return synced && lagMs !== null && lagMs <= lagMsMax;
      });
    },
    get nodesVersion() {
      return nodes.version;
    },
    pod: (uid) => pods.items.get(uid),
    pods: () => pods.items.values(),
    node: (name) => nodes.items.get(name),
    nodes: () => nodes.items.values(),
    serviceAccountUid: (namespace, name) => accounts.items.get(accountKey(namespace, name))?.uid,
    resources: () => all.map((list) => list.status()),
    async close() {
      await Promise.all(all.map((list) => list.close()));
    },
  };
}

/** Neither part can hold a slash (DNS-1123). */
function accountKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
