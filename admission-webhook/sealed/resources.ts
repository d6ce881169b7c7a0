import { cpuMilli, fetchResourcesSchema, FormatError, memoryBytes, SEAL_FETCH } from '@k3s-daas/core';

import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import type { PodSpec } from './pod.ts';

const DEFAULTS = fetchResourcesSchema.parse({});
/** In a pod of class Guaranteed, whose requests are its limits: half a core, so that a small pod stays small. */
const GUARANTEED_CPU = '500m';

type Kind = 'cpu' | 'ephemeral-storage' | 'memory';
const KINDS: readonly Kind[] = ['cpu', 'ephemeral-storage', 'memory'];
type Amounts = Record<Kind, string>;

/**
 * What seal-fetch requests and may use. Each kind that a LimitRange would fill in is there; tmpfs counts as the memory of
 * the container that wrote it. Of what the pod asks for as a whole (`spec.resources`, Kubernetes 1.34) seal-fetch takes its
 * part: the API server refuses containers that request more together, or one that may use more, than the pod.
 */
export function fetchResources(
  { fetchResources: { requests, limits } = DEFAULTS }: SealSettings,
  spec: PodSpec,
): { limits: Amounts; requests: Amounts } {
  const guaranteed = { ...limits, cpu: smaller('cpu', limits.cpu, GUARANTEED_CPU) };
  const own = isGuaranteed(spec) ? { limits: guaranteed, requests: guaranteed } : { limits, requests };
  const given = { limits: { ...own.limits }, requests: { ...own.requests } };
  for (const kind of KINDS) {
    const [request, limit] = [spec.resources?.requests?.[kind], spec.resources?.limits?.[kind]];
    if (request === undefined && limit === undefined) continue;
    given.requests[kind] = '0';
    if (limit !== undefined) given.limits[kind] = smaller(kind, given.limits[kind], limit);
  }
  return given;
}

/** @throws Denied SEALED_RESOURCES_TOO_SMALL: seal-fetch would be killed for want of memory each time it starts. */
export function requireRoom({ fetchResources: { requests } = DEFAULTS }: SealSettings, spec: PodSpec): void {
  const limit = spec.resources?.limits?.['memory'];
  if (limit === undefined || smaller('memory', requests.memory, limit) === requests.memory) return;
  throw new Denied(
    'SEALED_RESOURCES_TOO_SMALL',
    `the pod as a whole may use ${limit} of memory, and ${SEAL_FETCH} requests ${requests.memory} of it`,
    `set spec.resources.limits.memory to ${requests.memory} or more, or limit the containers instead of the pod`,
  );
}

/** The first if they are as good as equal, or if the second is no quantity. */
function smaller(kind: Kind, one: string, other: string): string {
  const measure = kind === 'cpu' ? cpuMilli : memoryBytes;
  try {
    return measure(other) < measure(one) ? other : one;
  } catch (error) {
    if (error instanceof FormatError) return one;
    throw error;
  }
}

/** A pod of class Guaranteed stays one: every container limits CPU and memory to what it requests. */
function isGuaranteed(spec: PodSpec): boolean {
  const own = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].filter(
    ({ name }) => name !== SEAL_FETCH,
  );
  return own.every(({ resources }) =>
    ['cpu', 'memory'].every((kind) => {
      const limit = resources?.limits?.[kind];
      return limit !== undefined && (resources?.requests?.[kind] ?? limit) === limit;
    }),
  );
}
