import type { SuiId } from '@k3s-daas/core';

/** What a namespace asks of its workloads: sealed secrets and nothing else, or only that every referenced one is sealed. */
export type SecretsMode = 'required' | 'references';

/** A Secret whose every value is valid ciphertext for this cluster, its own name and one identity. */
export interface SealedSecret {
  readonly namespace: string;
  readonly name: string;
  readonly policy: SuiId;
  readonly serviceAccount: string;
  readonly version: bigint;
  /** SHA-256 of each value's ciphertext in hex, by key. */
  readonly keys: ReadonlyMap<string, string>;
}

export interface BoundPod {
  readonly uid: string;
  /** Empty while the pod is not bound. */
  readonly nodeName: string;
  /** Whether its spec has a container of seal-fetch. */
  readonly sealed: boolean;
}

/**
 * What admission knows of the cluster besides the object under review. Each look-up that cannot be answered rejects with
 * Denied LOOKUP_FAILED (503): nothing is allowed for want of an answer.
 */
export interface ClusterFacts {
  mode(namespace: string): Promise<SecretsMode>;
  /** @throws Denied SECRET_NOT_FOUND, SECRET_NOT_SEALED or the code of what is wrong with its ciphertext. */
  secret(namespace: string, name: string): Promise<SealedSecret>;
  pod(namespace: string, name: string): Promise<BoundPod | null>;
  /** A Secret is being written: for a while it is read anew, whatever is remembered of it. */
  expectChange(namespace: string, secret: string): void;
}
