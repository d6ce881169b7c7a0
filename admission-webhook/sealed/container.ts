import {
  BROKER_AUDIENCE,
  encodePlanVariable,
  PLAN_VARIABLE,
  SEAL_FETCH,
  type FetchPlan,
} from '@k3s-daas/core';

import type { SealSettings } from '../config.ts';
import type { Container, PodSpec, Volume } from './pod.ts';
import { fetchResources } from './resources.ts';

/** Names that a pod has from this webhook only. What they are worth, their content says, never the name. */
export { SEAL_FETCH };
const TOKEN_VOLUME = 'seal-token';
export const ENV_VOLUME = 'seal-env';
/** File of the volume `seal-env`: lines V0='…', which fileKeyRefs read (k8s.io/kubernetes/pkg/kubelet/util/env). */
export const ENV_FILE = 'env';

const RESERVED_VOLUME = /^seal-(token|env|in-.*)$/;
/** Where the ServiceAccount plugin would mount its API token, were nothing there yet. */
const TOKEN_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
const PROGRAM = '/usr/bin/seal-fetch';
const NONROOT = 65_532;
/** Two versions of 32 Secrets of 1 MiB while one replaces the other. */
const MEMORY_VOLUME_LIMIT = '64Mi';
export function isReservedVolume(name: string): boolean {
  return RESERVED_VOLUME.test(name);
}

/** Whether anything of a pod calls itself seal-fetch. In a pod that was admitted, that is so only if it is sealed. */
export function isSealedSpec({ initContainers, containers, volumes }: PodSpec): boolean {
  return (
    [...(initContainers ?? []), ...(containers ?? [])].some(({ name }) => name === SEAL_FETCH) ||
    (volumes ?? []).some(({ name }) => isReservedVolume(name))
  );
}

/**
 * The one container that may open a pod's secrets: same plan, settings and pod, same bytes. The mutation writes it and
 * the validation compares with it, so each field that the API server would fill in is written out.
 */
export function sealFetchContainer(plan: FetchPlan, settings: SealSettings, spec: PodSpec): Container {
  const sidecar = plan.refreshSeconds > 0;
  return {
    name: SEAL_FETCH,
    image: settings.image,
    command: [PROGRAM, 'run'],
    env: [{ name: PLAN_VARIABLE, value: encodePlanVariable(plan) }],
    resources: fetchResources(settings, spec),
    ...(sidecar ? { restartPolicy: 'Always', startupProbe: startupProbe() } : {}),
    volumeMounts: volumeMounts(plan),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'FallbackToLogsOnError',
    imagePullPolicy: pullPolicyOf(spec),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: unlessRoot(spec.securityContext?.runAsGroup),
      runAsNonRoot: true,
      runAsUser: unlessRoot(spec.securityContext?.runAsUser),
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

/** The volumes of a plan besides those that the pod's author named; in this order. */
export function sealVolumes({ secrets, env }: FetchPlan): Volume[] {
  const token: Volume = {
    name: TOKEN_VOLUME,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { audience: BROKER_AUDIENCE, expirationSeconds: 600, path: 'token' } },
      ],
    },
  };
  const ciphertext = secrets.map(({ name }, i) => ({
    name: `seal-in-${i}`,
    secret: { secretName: name, defaultMode: 0o444 },
  }));
  return [token, ...(env.length > 0 ? [memoryVolume(ENV_VOLUME)] : []), ...ciphertext];
}

/** What a volume of Secrets becomes: never on a disk. */
export function memoryVolume(name: string): Volume {
  return { name, emptyDir: { medium: 'Memory', sizeLimit: MEMORY_VOLUME_LIMIT } };
}

/** The volumes that seal-fetch writes files to, in the order of the plan. */
export function outputVolumes({ files }: FetchPlan): string[] {
  return [...new Set(files.map(({ volume }) => volume))];
}

function volumeMounts(plan: FetchPlan): NonNullable<Container['volumeMounts']> {
  return [
    { name: TOKEN_VOLUME, readOnly: true, mountPath: TOKEN_PATH },
    ...plan.secrets.map(({ name }, i) => ({
      name: `seal-in-${i}`,
      readOnly: true,
      mountPath: `/daas/in/${name}`,
    })),
    ...outputVolumes(plan).map((name) => ({ name, mountPath: `/daas/out/${name}` })),
    ...(plan.env.length > 0 ? [{ name: ENV_VOLUME, mountPath: '/daas/env' }] : []),
  ];
}

/** A refreshing seal-fetch is a native sidecar: the pod's containers start once it has what they need. */
function startupProbe(): object {
  return {
    exec: { command: [PROGRAM, 'ready'] },
    failureThreshold: 300,
    periodSeconds: 1,
    successThreshold: 1,
    timeoutSeconds: 5,
  };
}

/** The plugin AlwaysPullImages rewrites every container's policy; of an image by digest either is the same image. */
function pullPolicyOf({ initContainers }: PodSpec): string {
  const present = initContainers?.find(({ name }) => name === SEAL_FETCH);
  return present?.['imagePullPolicy'] === 'Always' ? 'Always' : 'IfNotPresent';
}

/** The pod's own user can read what it wrote with mode 0400, and no file of it belongs to root. */
function unlessRoot(id: number | undefined): number {
  return id === undefined || id === 0 ? NONROOT : id;
}
