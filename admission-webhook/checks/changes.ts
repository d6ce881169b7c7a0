import { isDeepStrictEqual } from 'node:util';

import { cpuMilli, equalBytes, FormatError, memoryBytes, podSpecDigest } from '@k3s-daas/core';

import { Denied } from '../denied.ts';
import { isSealedSpec, SEAL_FETCH } from '../sealed/container.ts';
import { allContainers, type PodSpec, type Resources } from '../sealed/pod.ts';

/** A pod's spec as it was parsed, and as the API server sent it. */
export interface BothSpecs {
  readonly spec: PodSpec;
  readonly raw: object;
}

/**
 * What stays of a pod with sealed secrets: seal-fetch always; once it is bound, all of its spec. The receipt holds the
 * spec's digest, and the broker gives nothing to a pod that is another one by now: whatever passed here, even less of a
 * request or a longer toleration, would keep the pod from its secrets for good. What would matter even without that has
 * words of its own: images, of which the policies speak, and what it takes of its node, for which the stake stands.
 *
 * @throws Denied
 */
export function requireSealedKept(
  { spec: old, raw: oldRaw }: BothSpecs,
  { spec: now, raw }: BothSpecs,
): void {
  if (!isSealedSpec(old) && !isSealedSpec(now)) return;
  requireSealFetchKept(old, now);
  if ((old.nodeName ?? '') === '') return;
  const [before, after] = [allContainers(old), allContainers(now)];
  after.forEach(({ container, path }, i) => {
    const was = before[i]?.container;
    if (container.image !== was?.image) throw imageChanged(`${path}.image (${container.name})`);
    requireNoGrowth(was?.resources, container.resources, path);
  });
  requireNoGrowth(old.resources, now.resources, 'spec');
  requireSameSpec(oldRaw, raw);
}

function requireSameSpec(old: object, now: object): void {
  if (equalBytes(podSpecDigest(old), podSpecDigest(now))) return;
  throw new Denied(
    'POD_SPEC_CHANGED',
    'the spec of a bound pod with sealed secrets would no longer be the one that was placed, and the pod could never get its secrets again',
    'change the template, so that new pods are placed, or delete the pod',
  );
}

function requireSealFetchKept(old: PodSpec, now: PodSpec): void {
  const ours = ({ initContainers }: PodSpec): unknown =>
    initContainers?.find(({ name }) => name === SEAL_FETCH);
  if (!isDeepStrictEqual(ours(old), ours(now))) throw imageChanged(`the container ${SEAL_FETCH}`);
}

function imageChanged(what: string): Denied {
  return new Denied(
    'POD_IMAGE_CHANGED',
    `${what} would change in a pod with sealed secrets, which were released to what was placed`,
    'change the template, so that new pods are placed, or delete the pod',
  );
}

/** More of a request, more of a limit, or a limit gone. Other kinds than CPU and memory cannot be resized. */
function requireNoGrowth(old: Resources, now: Resources, path: string): void {
  for (const kind of ['requests', 'limits'] as const) {
    for (const [name, measure] of [
      ['cpu', cpuMilli],
      ['memory', memoryBytes],
    ] as const) {
      const [was, is] = [old?.[kind]?.[name], now?.[kind]?.[name]];
      if (was === is || isSmaller(measure, was, is, kind)) continue;
      throw new Denied(
        'POD_GROWN',
        `${path}.resources.${kind}.${name} would grow from ${was ?? 'none'} to ${is ?? 'none'} in a bound pod with sealed secrets`,
        'change the template, so that new pods are placed with what they need, or delete the pod',
      );
    }
  }
}

/** No request takes nothing, and no limit everything. */
function isSmaller(
  measure: (text: string) => bigint,
  was: string | undefined,
  is: string | undefined,
  kind: 'requests' | 'limits',
): boolean {
  try {
    if (kind === 'requests')
      return (is === undefined ? 0n : measure(is)) <= (was === undefined ? 0n : measure(was));
    return is !== undefined && (was === undefined || measure(is) <= measure(was));
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
