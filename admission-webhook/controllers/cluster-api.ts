import {
  type ObservableMiddleware,
  ApiException,
  CoreV1Event,
  V1DeleteOptions,
  V1Preconditions,
  CoreV1Api,
  PatchStrategy,
  setHeaderMiddleware,
  type KubeConfig,
} from '@kubernetes/client-node';
import { STAKE_STATE_ANNOTATION } from '@k3s-daas/core';

import type { NodePatch, NodeView, Toleration } from './node-state.ts';

export interface PodOnNode {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly deleting: boolean;
  readonly tolerations: readonly Toleration[];
}

export type PatchOutcome = 'done' | 'conflict' | 'gone';

/** The few routes of the API server that the stake controller uses. Each call ends within its deadline. */
export interface ClusterApi {
  /** All nodes, page by page, from the API server's storage: never an informer's possibly silent cache. */
  nodes(): AsyncIterable<readonly NodeView[]>;
  node(name: string): Promise<NodeView | null>;
  patchNode(name: string, patch: NodePatch): Promise<PatchOutcome>;
  podsOn(node: string): Promise<readonly PodOnNode[]>;
  /** Deletes the pod with this UID; a pod that is gone or another one by now is left alone. */
  deletePod(pod: PodOnNode): Promise<void>;
  event(node: NodeView, event: NodeEvent): Promise<void>;
}

export interface NodeEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

const PAGE = 500;
const CALL_MS_MAX = 10_000;
const COMPONENT = 'k3s-daas-stake-watch';

export function clusterApi(kubeConfig: KubeConfig): ClusterApi {
  const core = kubeConfig.makeApiClient(CoreV1Api);
  return {
    async *nodes() {
      let next: string | undefined;
      do {
        const page = await core.listNode(
          { limit: PAGE, ...(next === undefined ? {} : { _continue: next }) },
          limited(),
        );
        yield page.items.map(viewOf);
        next = page.metadata?._continue;
      } while (next !== undefined && next !== '');
    },
    async node(name) {
      try {
        return viewOf(await core.readNode({ name }, limited()));
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
    },
    async patchNode(name, body) {
      try {
        await core.patchNode({ name, body }, limited(PatchStrategy.MergePatch));
        return 'done';
      } catch (error) {
        if (statusOf(error) === 409) return 'conflict';
        if (statusOf(error) === 404) return 'gone';
        throw error;
      }
    },
    async podsOn(node) {
      const { items } = await core.listPodForAllNamespaces(
        { fieldSelector: `spec.nodeName=${node}` },
        limited(),
      );
      return items.map(({ metadata, spec }) => ({
        namespace: metadata?.namespace ?? '',
        name: metadata?.name ?? '',
        uid: metadata?.uid ?? '',
        deleting: metadata?.deletionTimestamp !== undefined,
        tolerations: spec?.tolerations ?? [],
      }));
    },
    async deletePod({ namespace, name, uid }) {
      try {
        await core.deleteNamespacedPod({ namespace, name, body: deleteOptions(uid) }, limited());
      } catch (error) {
        const status = statusOf(error);
        if (status !== 404 && status !== 409) throw error;
      }
    },
    async event({ name, uid }, { type, reason, message }) {
      const now = new Date();
      const body = Object.assign(new CoreV1Event(), {
        metadata: { generateName: `${name}.`, namespace: 'default' },
        involvedObject: { apiVersion: 'v1', kind: 'Node', name, uid },
        source: { component: COMPONENT },
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
        type,
        reason,
        message,
      });
      await core.createNamespacedEvent({ namespace: 'default', body }, limited());
    },
  };
}

type Options = NonNullable<Parameters<CoreV1Api['listNode']>[1]>;

/** fetch waits for ever unless told not to: a vanished API server must not hold the controller. */
function limited(contentType?: string): Options {
  const header = setHeaderMiddleware('user-agent', COMPONENT);
  const first: ObservableMiddleware = {
    pre: (request) => {
      request.setSignal(AbortSignal.timeout(CALL_MS_MAX));
      return header.pre(request);
    },
    post: (response) => header.post(response),
  };
  const more = contentType === undefined ? [] : [setHeaderMiddleware('content-type', contentType)];
  return { middleware: [first, ...more], middlewareMergeStrategy: 'append' };
}

function deleteOptions(uid: string): V1DeleteOptions {
  const preconditions = Object.assign(new V1Preconditions(), { uid });
  return Object.assign(new V1DeleteOptions(), { preconditions });
}

function statusOf(error: unknown): number | undefined {
  return error instanceof ApiException ? error.code : undefined;
}

type ApiNode = Awaited<ReturnType<CoreV1Api['readNode']>>;

function viewOf({ metadata, spec }: ApiNode): NodeView {
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    resourceVersion: metadata?.resourceVersion ?? '',
    taints: (spec?.taints ?? []).map(({ key, value, effect, timeAdded }) => ({
      key,
      effect,
      ...(value === undefined ? {} : { value }),
      ...(timeAdded === undefined ? {} : { timeAdded: timeText(timeAdded) }),
    })),
    stakeState: metadata?.annotations?.[STAKE_STATE_ANNOTATION],
  };
}

/** The client makes Dates of times; the API server takes metav1.Time only without fractions of a second. */
function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
