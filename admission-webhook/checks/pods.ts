import { ANNOTATION_PREFIX, SCHEDULER_NAME } from '@k3s-daas/core';
import { z } from 'zod';

import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import { changedMarks, marksOf, metadataSchema, parseObject } from './marks.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

const tolerationSchema = z.object({
  key: z.string().default(''),
  operator: z.string().default(''),
  value: z.string().default(''),
  effect: z.string().default(''),
});

const podSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({
    nodeName: z.string().default(''),
    schedulerName: z.string().default(''),
    tolerations: z.array(tolerationSchema).nullish(),
  }),
});

type Pod = z.infer<typeof podSchema>;
type Toleration = z.infer<typeof tolerationSchema>;

/**
 * CREATE of a pod in a guarded namespace: it must still have to pass the scheduler and the enclave.
 *
 * @throws Denied
 */
export function checkPodCreate(request: AdmissionRequest): void {
  const pod = parsePod(request.object);
  requireNoMirror(pod);
  requireUnplaced(pod);
  requireNoMarks(pod);
  requireOurScheduler(pod);
  for (const toleration of pod.spec.tolerations ?? []) requireHarmless(toleration);
}

/**
 * UPDATE of a pod: the receipt stays what the binding wrote, and no toleration is added that outlives a slash.
 * The binding itself is no UPDATE: the API server writes node and annotations within CREATE of pods/binding.
 *
 * @throws Denied
 */
export function checkPodUpdate(request: AdmissionRequest): void {
  const old = parsePod(request.oldObject);
  const pod = parsePod(request.object);
  requireSameMarks(old, pod);
  // What was there before the webhook came may stay: a finalizer must remain removable.
  const before = new Set((old.spec.tolerations ?? []).map(tolerationKey));
  for (const toleration of pod.spec.tolerations ?? []) {
    if (!before.has(tolerationKey(toleration))) requireHarmless(toleration);
  }
}

/** UPDATE of pods/status, which persists labels and annotations too. @throws Denied */
export function checkPodStatus(request: AdmissionRequest): void {
  requireSameMarks(parsePod(request.oldObject), parsePod(request.object));
}

function parsePod(object: unknown): Pod {
  return parseObject(podSchema, object, 'Pod');
}

/**
 * A mirror pod shows what a kubelet runs from its own disk. In a guarded namespace it would be a pod with a node and
 * without a receipt, whoever posts it, so none is let in; the kubelet's static pod itself runs outside of the API.
 */
function requireNoMirror({ metadata }: Pod): void {
  if (!Object.hasOwn(metadata.annotations ?? {}, MIRROR_ANNOTATION)) return;
  throw new Denied(
    'POD_MIRROR',
    `mirror pods (annotation ${MIRROR_ANNOTATION}) are closed in guarded namespaces: they come without a decision`,
    'put static pods of the control plane in kube-system, and everything else through the scheduler',
  );
}

function requireUnplaced({ spec }: Pod): void {
  if (spec.nodeName === '') return;
  throw new Denied(
    'POD_NODE_PRESET',
    `spec.nodeName is preset to "${spec.nodeName}", which would pass by the scheduler`,
    'leave spec.nodeName out; use nodeSelector or affinity to prefer nodes',
  );
}

function requireNoMarks({ metadata }: Pod): void {
  const marks = marksOf(metadata);
  if (marks.length === 0) return;
  throw new Denied(
    'POD_MARKS_FORGED',
    `${marks.join(', ')}: names under ${ANNOTATION_PREFIX} are written by the binding only`,
    'leave them out of the pod and of its template',
  );
}

function requireOurScheduler({ spec }: Pod): void {
  if (spec.schedulerName === SCHEDULER_NAME) return;
  throw new Denied(
    'POD_SCHEDULER_WRONG',
    `spec.schedulerName is "${spec.schedulerName}", and only ${SCHEDULER_NAME} places pods here`,
    `set spec.schedulerName: ${SCHEDULER_NAME} in the pod or its template`,
  );
}

function requireSameMarks(old: Pod, pod: Pod): void {
  const changed = changedMarks(old.metadata, pod.metadata);
  if (changed.length === 0) return;
  throw new Denied(
    'POD_MARKS_CHANGED',
    `${changed.join(', ')}: the binding wrote it and it stays as it is`,
    'delete the pod to be rid of its placement',
  );
}

/** DaemonSets pass: the tolerations that their controller adds all name a key (node.kubernetes.io/…). */
function requireHarmless({ key }: Toleration): void {
  if (key === '') {
    throw new Denied(
      'POD_TOLERATES_EVERYTHING',
      'a toleration without a key tolerates every taint, that of a node whose stake is gone included',
      'name the key of each taint to tolerate',
    );
  }
  if (key.startsWith(ANNOTATION_PREFIX)) {
    throw new Denied(
      'POD_TOLERATES_UNSTAKED',
      `the toleration of "${key}" would keep the pod on a node whose stake is gone`,
      'leave the toleration out',
    );
  }
}

function tolerationKey({ key, operator, value, effect }: Toleration): string {
  return JSON.stringify([key, operator, value, effect]);
}
