import { ANNOTATION_PREFIX, SCHEDULER_NAME } from '@k3s-daas/core';
import { z } from 'zod';

import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import type { Mutation, Warnings } from '../rules.ts';
import { isSealedSpec } from '../sealed/container.ts';
import type { ClusterFacts } from '../sealed/facts.ts';
import { requireOwnSandbox } from '../sealed/host.ts';
import { inject, patchBetween, withScheduler } from '../sealed/inject.ts';
import { podSchema, type Pod, type Toleration } from '../sealed/pod.ts';
import { requireRewritable, secretReferences } from '../sealed/references.ts';
import { checkShape } from '../sealed/shape.ts';
import { requireSealedKept } from './changes.ts';
import { changedMarks, marksOf, metadataSchema, parseObject, type Metadata } from './marks.ts';

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

export interface PodRules {
  readonly facts: ClusterFacts;
  readonly seal: SealSettings;
}

/**
 * Mutation of CREATE: the scheduler where none is named, and references to Secrets (sealed/inject.ts).
 *
 * @throws Denied
 */
export async function mutatePod(request: AdmissionRequest, { facts, seal }: PodRules): Promise<Mutation> {
  const pod = parsePod(request.object);
  // The API server forbids to change one, and the check refuses it with its reason.
  if (isMirror(pod.metadata)) return { patch: [], warnings: [] };
  const { spec, warnings } = await inject(pod, {
    namespace: request.namespace,
    facts,
    seal,
    lenient: false,
  });
  return { patch: patchBetween(pod.spec, withScheduler(spec)), warnings };
}

/**
 * CREATE of a pod in a guarded namespace: it must still have to pass the scheduler and the enclave, stay within itself,
 * and refer to Secrets through seal-fetch only.
 *
 * @throws Denied
 */
export async function checkPodCreate(
  request: AdmissionRequest,
  { facts, seal }: PodRules,
): Promise<Warnings> {
  const pod = parsePod(request.object);
  requirePlain(pod);
  requireOurScheduler(pod);
  await checkShape(pod, { namespace: request.namespace, facts, seal });
  return [];
}

/** What holds of pods and of templates alike. @throws Denied */
export function requirePlain(pod: Pod): void {
  requireNoMirror(pod.metadata);
  requireUnplaced(pod);
  requireNoMarks(pod.metadata);
  for (const toleration of pod.spec.tolerations ?? []) requireHarmless(toleration);
  requireOwnSandbox(pod.spec);
}

/**
 * UPDATE of a pod and of pods/resize: the receipt stays what the binding wrote, no toleration is added that outlives a
 * slash, and what opens secrets on a node stays what was decided. The binding itself is no UPDATE: the API server
 * writes node and annotations within CREATE of pods/binding.
 *
 * @throws Denied
 */
export function checkPodUpdate(request: AdmissionRequest): void {
  const old = parsePod(request.oldObject);
  const pod = parsePod(request.object);
  requireSameMarks(old.metadata, pod.metadata);
  // What was there before the webhook came may stay: a finalizer must remain removable.
  const before = new Set((old.spec.tolerations ?? []).map(tolerationKey));
  for (const toleration of pod.spec.tolerations ?? []) {
    if (!before.has(tolerationKey(toleration))) requireHarmless(toleration);
  }
  requireSealedKept(
    { spec: old.spec, raw: rawSpec(request.oldObject) },
    { spec: pod.spec, raw: rawSpec(request.object) },
  );
}

/** UPDATE of pods/status, which persists labels and annotations too. @throws Denied */
export function checkPodStatus(request: AdmissionRequest): void {
  const [old, pod] = [request.oldObject, request.object].map(
    (object) => parseObject(statusSchema, object, 'Pod').metadata,
  );
  if (old !== undefined && pod !== undefined) requireSameMarks(old, pod);
}

/**
 * UPDATE of pods/ephemeralcontainers: none beside opened secrets; elsewhere none that reaches Secrets or the node.
 *
 * @throws Denied
 */
export function checkEphemeralContainers(request: AdmissionRequest): void {
  const old = parsePod(request.oldObject);
  const { metadata, spec } = parsePod(request.object);
  requireSameMarks(old.metadata, metadata);
  if (isSealedSpec(old.spec) || isSealedSpec(spec)) {
    throw new Denied(
      'POD_EPHEMERAL_CONTAINERS',
      'an ephemeral container could read the opened secrets of the pod it joins',
      'debug a copy of the workload with secrets made for that (daas secret seal), in a namespace of its own',
    );
  }
  const { ephemeralContainers } = spec;
  requireOwnSandbox({ ephemeralContainers });
  requireRewritable(secretReferences({ ephemeralContainers }));
}

const statusSchema = z.object({ metadata: metadataSchema });
const rawSpecSchema = z.object({
  spec: z.custom<object>((spec) => typeof spec === 'object' && spec !== null),
});

function parsePod(object: unknown): Pod {
  return parseObject(podSchema, object, 'Pod');
}

/** Of what was sent, not of what zod made of it: a toleration's seconds belong to the spec, too. */
function rawSpec(pod: unknown): object {
  return parseObject(rawSpecSchema, pod, 'Pod').spec;
}

function isMirror({ annotations }: Metadata): boolean {
  return Object.hasOwn(annotations ?? {}, MIRROR_ANNOTATION);
}

/**
 * A mirror pod shows what a kubelet runs from its own disk. In a guarded namespace it would be a pod with a node and
 * without a receipt, whoever posts it, so none is let in; the kubelet's static pod itself runs outside of the API.
 */
function requireNoMirror(metadata: Metadata): void {
  if (!isMirror(metadata)) return;
  throw new Denied(
    'POD_MIRROR',
    `mirror pods (annotation ${MIRROR_ANNOTATION}) are closed in guarded namespaces: they come without a decision`,
    'put static pods of the control plane in kube-system, and everything else through the scheduler',
  );
}

function requireUnplaced({ spec }: Pod): void {
  if ((spec.nodeName ?? '') === '') return;
  throw new Denied(
    'POD_NODE_PRESET',
    `spec.nodeName is preset to "${spec.nodeName}", which would pass by the scheduler`,
    'leave spec.nodeName out; use nodeSelector or affinity to prefer nodes',
  );
}

function requireNoMarks(metadata: Metadata): void {
  const marks = marksOf(metadata);
  if (marks.length === 0) return;
  throw new Denied(
    'POD_MARKS_FORGED',
    `${marks.join(', ')}: names under ${ANNOTATION_PREFIX} are written by the binding only`,
    'leave them out of the pod and of its template',
  );
}

export function requireOurScheduler({ spec }: Pod): void {
  if (spec.schedulerName === SCHEDULER_NAME) return;
  throw new Denied(
    'POD_SCHEDULER_WRONG',
    `spec.schedulerName is "${spec.schedulerName ?? ''}", and only ${SCHEDULER_NAME} places pods here`,
    `set spec.schedulerName: ${SCHEDULER_NAME} in the pod or its template`,
  );
}

function requireSameMarks(old: Metadata, now: Metadata): void {
  const changed = changedMarks(old, now);
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
