import { BROKER_AUDIENCE, NODE_USER_PREFIX } from '@k3s-daas/core';
import { z } from 'zod';

import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import type { ReviewRules, Warnings } from '../rules.ts';
import { parseObject } from './marks.ts';

const NODES_GROUP = 'system:nodes';

const tokenRequestSchema = z.object({
  spec: z.object({
    audiences: z.array(z.string()).nullish(),
    boundObjectRef: z
      .object({
        kind: z.string().default(''),
        name: z.string().default(''),
        uid: z.string().default(''),
      })
      .nullish(),
  }),
});

/**
 * CREATE of serviceaccounts/token: a token that the enclave's broker takes is issued to the kubelet of the node that its
 * pod is bound to, and to nobody else; whoever may create tokens could otherwise pose as any pod. In all namespaces.
 *
 * @throws Denied
 */
export async function checkToken(
  { object, namespace, user }: AdmissionRequest,
  { facts }: ReviewRules,
): Promise<Warnings> {
  const { spec } = parseObject(tokenRequestSchema, object, 'TokenRequest');
  const audiences = spec.audiences ?? [];
  if (!audiences.includes(BROKER_AUDIENCE)) return [];
  if (audiences.length > 1) {
    throw new Denied(
      'TOKEN_AUDIENCES_MIXED',
      `a token for ${BROKER_AUDIENCE} has that audience alone, and this one has ${audiences.length}`,
      'ask for one token for each audience',
    );
  }
  const node = nodeOf(user);
  if (node === null) {
    throw new Denied(
      'TOKEN_NOT_BY_NODE',
      `"${user.name}" asks for a token for ${BROKER_AUDIENCE}, which only kubelets do, each for pods of its own node`,
      'leave the audience to the webhook: it mounts such a token into the pods that need one',
    );
  }
  const bound = spec.boundObjectRef;
  if (bound?.kind !== 'Pod' || bound.uid === '') throw notForPod(node, 'it is bound to no pod and UID');
  const pod = await facts.pod(namespace, bound.name);
  if (pod?.uid !== bound.uid) throw notForPod(node, `there is no pod ${namespace}/${bound.name} of that UID`);
  if (pod.nodeName !== node)
    throw notForPod(node, `the pod ${namespace}/${bound.name} is on "${pod.nodeName}"`);
  // Whoever has the node of a pod without sealed secrets would else open all of its service account's.
  if (!pod.sealed) throw notForPod(node, `the pod ${namespace}/${bound.name} has no sealed secrets`);
  return [];
}

/** A kubelet is its name and its group: the Node authorizer knows it by both. */
function nodeOf({ name, groups }: AdmissionRequest['user']): string | null {
  if (!name.startsWith(NODE_USER_PREFIX) || !groups.includes(NODES_GROUP)) return null;
  return name.slice(NODE_USER_PREFIX.length) || null;
}

function notForPod(node: string, why: string): Denied {
  return new Denied(
    'TOKEN_NOT_FOR_POD',
    `node ${node} may have tokens for ${BROKER_AUDIENCE} only for pods that are bound to it: ${why}`,
    'none: a kubelet asks again as long as its pod is there',
  );
}
