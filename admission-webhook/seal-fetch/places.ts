import { join } from 'node:path';

/** Paths inside the pod, as the webhook mounts them (docs/seal-fetch.md). */
export interface Places {
  /** Volume of one Secret: ciphertext. */
  readonly ciphertext: (secret: string) => string;
  /** Volume in memory that the other containers read. */
  readonly volume: (name: string) => string;
  /** File that the kubelet reads `fileKeyRef`s from. */
  readonly environment: string;
  readonly token: string;
  /** The kubelet shows its content as the container's reason. */
  readonly terminationLog: string;
}

/** @param root `/` in a pod. */
export function placesUnder(root: string): Places {
  return {
    ciphertext: (secret) => join(root, 'daas/in', secret),
    volume: (name) => join(root, 'daas/out', name),
    environment: join(root, 'daas/env/env'),
    token: join(root, 'var/run/secrets/kubernetes.io/serviceaccount/token'),
    terminationLog: join(root, 'dev/termination-log'),
  };
}
