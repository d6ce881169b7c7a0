import {
  decodeDecisionMessage,
  decodeReceipt,
  encodeDecisionMessage,
  encodeReceipt,
  generateEd25519,
  RECEIPT_ANNOTATION,
  SCHEDULER_NAME,
} from '@k3s-daas/core';
import type { ControlPlane } from '@k3s-daas/control-plane';

import { attempt, listPods, type PlacedPod, type Refusal } from './kube.ts';

/** One attack that must fail, with the code that admission must answer; any other refusal does not count. */
export interface Attack {
  readonly name: string;
  readonly code: string;
  readonly act: () => Promise<unknown>;
}

export interface AttackResult {
  readonly name: string;
  readonly refused: boolean;
  readonly message: string;
}

/** Runs an attack; it counts as refused only if the API server answers with the expected code. */
export async function tryAttack({ name, code, act }: Attack): Promise<AttackResult> {
  const result: Refusal = await attempt(act);
  if (!result.refused) return { name, refused: false, message: 'it was accepted' };
  return { name, refused: result.message.includes(`${code}:`), message: firstLine(result.message, code) };
}

interface BindingTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  readonly node: string;
  readonly receipt?: string;
}

const bindingManifest = ({ namespace, pod, uid, node, receipt }: BindingTarget): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: {
      name: pod,
      namespace,
      uid,
      ...(receipt === undefined ? {} : { annotations: { [RECEIPT_ANNOTATION]: receipt } }),
    },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  });

export interface AttackerOptions {
  readonly plane: ControlPlane;
  /**
   * Kubeconfig of somebody who stole the enclave's Kubernetes identity: RBAC lets it create bindings, so that what
   * refuses them is the receipt.
   */
  readonly stolenKubeconfig: string;
  /** A pod that stays pending, and a staked node to bind it to. */
  readonly victim: PlacedPod;
  readonly node: string;
  /** A pod that the enclave placed. */
  readonly placed: PlacedPod;
}

/** Posts a binding with `kubectl create --raw`: to the pod's own subresource, or to the legacy resource. */
function postBinding(options: AttackerOptions, target: BindingTarget, legacy = false): Promise<string> {
  const { plane, stolenKubeconfig } = options;
  const collection = `/api/v1/namespaces/${target.namespace}`;
  const path = legacy ? `${collection}/bindings` : `${collection}/pods/${target.pod}/binding`;
  const kubeconfig = legacy ? plane.adminKubeconfig : stolenKubeconfig;
  return plane.kubectl(['create', '--raw', path, '-f', '-'], { kubeconfig, input: bindingManifest(target) });
}

/** The attacks of the demonstration, but for those that need time or a node of their own. */
export function bindingAttacks(options: AttackerOptions): readonly Attack[] {
  const { victim, node, placed } = options;
  const target = { namespace: victim.namespace, pod: victim.name, uid: victim.uid, node };
  return [
    {
      name: 'bindingWithoutReceipt',
      code: 'BINDING_ANNOTATIONS_WRONG',
      act: () => postBinding(options, target),
    },
    {
      name: 'foreignReceipt',
      code: 'RECEIPT_POD_WRONG',
      act: () => postBinding(options, { ...target, node: placed.node, receipt: placed.receipt }),
    },
    {
      name: 'unregisteredKey',
      code: 'RECEIPT_SIGNATURE_WRONG',
      act: () => postBinding(options, { ...target, receipt: forgeReceipt(placed, victim, node) }),
    },
    {
      name: 'legacyBinding',
      code: 'BINDING_LEGACY',
      act: () => postBinding(options, { ...target, receipt: placed.receipt }, true),
    },
    {
      name: 'presetNodeName',
      code: 'POD_NODE_PRESET',
      act: () => createPod(options.plane, podManifest('preset', node)),
    },
  ];
}

/** A real receipt of the enclave, for this very pod and node, posted again when its time has passed. */
export function expiredReceiptAttack(options: AttackerOptions): Attack {
  const { placed } = options;
  const target = { namespace: placed.namespace, pod: placed.name, uid: placed.uid, node: placed.node };
  return {
    name: 'expiredReceipt',
    code: 'RECEIPT_EXPIRED',
    act: () => postBinding(options, { ...target, receipt: placed.receipt }),
  };
}

export function receiptExpiresAtMs(pod: PlacedPod): number {
  return Number(decodeDecisionMessage(decodeReceipt(pod.receipt).message).payload.notAfterMs);
}

/** A decision right in every field, for the victim, signed by a key that no chain knows. */
function forgeReceipt(placed: PlacedPod, victim: PlacedPod, node: string): string {
  const { timestampMs, payload } = decodeDecisionMessage(decodeReceipt(placed.receipt).message);
  const forged = { ...payload, podUid: victim.uid, namespace: victim.namespace, pod: victim.name, node };
  const now = BigInt(Date.now());
  const lifetime = payload.notAfterMs - timestampMs;
  const message = encodeDecisionMessage(now, { ...forged, notAfterMs: now + lifetime });
  return encodeReceipt({ message, signature: generateEd25519().sign(message) });
}

const NAMESPACE = 'app';

function podManifest(name: string, nodeName?: string, nodeSelector?: Record<string, string>): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: NAMESPACE, labels: { app: name } },
    spec: {
      schedulerName: SCHEDULER_NAME,
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(nodeSelector === undefined ? {} : { nodeSelector }),
      serviceAccountName: 'web',
      containers: [
        {
          name: 'main',
          image: 'registry.example/app:1',
          env: [
            { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'web-credentials', key: 'password' } } },
          ],
          resources: { requests: { cpu: '100m' } },
        },
      ],
    },
  };
}

async function createPod(plane: ControlPlane, manifest: object): Promise<void> {
  await plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(manifest) });
}

/** A pod that stays pending, since no node has the label it asks for: something to bind by hand. */
export async function createVictim(plane: ControlPlane): Promise<PlacedPod> {
  await createPod(plane, podManifest('victim', undefined, { 'example.com/nowhere': 'true' }));
  const [victim] = await listPods(plane, NAMESPACE, 'app=victim');
  if (victim === undefined) throw new Error('the pod that was just created is gone');
  return victim;
}

function firstLine(message: string, code: string): string {
  const at = message.indexOf(code);
  const from = at === -1 ? message : message.slice(at);
  return (from.split('\n')[0] ?? '').slice(0, 160);
}
