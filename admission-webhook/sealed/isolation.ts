import { BROKER_AUDIENCE } from '@k3s-daas/core';

import { Denied } from '../denied.ts';
import { SEAL_FETCH } from './container.ts';
import type { PodSpec } from './pod.ts';

/** Fields of the pod itself by which other containers would share seal-fetch's processes. @throws Denied */
export function requireOwnProcesses({ shareProcessNamespace }: PodSpec): void {
  if (shareProcessNamespace !== true) return;
  throw new Denied(
    'POD_SHARES_PROCESSES',
    'shareProcessNamespace lets every container of the pod read what seal-fetch holds in memory',
    'leave shareProcessNamespace out of pods with sealed secrets',
  );
}

/** @throws Denied if a volume of the pod's author holds a token that the broker takes. */
export function requireNoBrokerToken({ volumes }: PodSpec): void {
  for (const { name, projected } of volumes ?? []) {
    if (projected?.sources?.some((each) => each.serviceAccountToken?.audience === BROKER_AUDIENCE) !== true)
      continue;
    throw new Denied(
      'BROKER_TOKEN_FORGED',
      `volume ${name} asks for a token of audience ${BROKER_AUDIENCE}, which only ${SEAL_FETCH} may hold`,
      'leave the volume out, or choose another audience',
    );
  }
}
