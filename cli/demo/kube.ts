import { z } from 'zod';

import { RECEIPT_ANNOTATION } from '@k3s-daas/core';
import { ControlPlaneError, type ControlPlane } from '@k3s-daas/control-plane';

const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({ nodeName: z.string().optional() }),
  status: z.object({ phase: z.string().optional() }).optional(),
});

export interface PlacedPod {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly node: string;
  readonly phase: string;
  /** Empty if there is none. */
  readonly receipt: string;
}

/** Live pods with a label. */
export async function listPods(
  plane: ControlPlane,
  namespace: string,
  selector: string,
): Promise<PlacedPod[]> {
  const query = new URLSearchParams({ labelSelector: selector }).toString();
  const list = await plane.get(`/api/v1/namespaces/${namespace}/pods?${query}`);
  const { items } = z.object({ items: z.array(podSchema) }).parse(list);
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map((pod) => ({
      name: pod.metadata.name,
      namespace: pod.metadata.namespace,
      uid: pod.metadata.uid,
      resourceVersion: pod.metadata.resourceVersion,
      node: pod.spec.nodeName ?? '',
      phase: pod.status?.phase ?? '',
      receipt: pod.metadata.annotations?.[RECEIPT_ANNOTATION] ?? '',
    }));
}

export interface NodeTaints {
  readonly name: string;
  readonly taints: readonly { readonly key: string; readonly effect: string }[];
}

export async function readNode(plane: ControlPlane, name: string): Promise<NodeTaints> {
  const schema = z.object({
    spec: z
      .object({ taints: z.array(z.object({ key: z.string(), effect: z.string() })).optional() })
      .optional(),
  });
  const node = schema.parse(await plane.get(`/api/v1/nodes/${name}`));
  return { name, taints: node.spec?.taints ?? [] };
}

export type Refusal = { readonly refused: true; readonly message: string } | { readonly refused: false };

/** Does something that must be refused by the API server, and says with which words it was. */
export async function attempt(act: () => Promise<unknown>): Promise<Refusal> {
  try {
    await act();
    return { refused: false };
  } catch (error) {
    if (error instanceof ControlPlaneError) return { refused: true, message: error.message };
    throw error;
  }
}
