import type { ChainView, Clock, PodFacts, Policy, Signer, SuiId } from '@k3s-daas/core';

export type { PodFacts };

export interface NodeFacts {
  readonly name: string;
  readonly uid: string;
}

/** The watched projection of the API server. Reads never wait. */
export interface KubeView {
  readonly synced: boolean;
  /** Grows whenever a node comes, goes, or comes back with another UID; what is derived from all nodes is kept until then. */
  readonly nodesVersion: number;
  pod(uid: string): PodFacts | undefined;
  pods(): Iterable<PodFacts>;
  node(name: string): NodeFacts | undefined;
  nodes(): Iterable<NodeFacts>;
  /** UID of the service account, or undefined if the view does not know it. */
  serviceAccountUid(namespace: string, name: string): string | undefined;
}

export interface BindingRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  /** Precondition: the API server refuses the binding if the pod has moved on. */
  readonly resourceVersion: string;
  readonly node: string;
  readonly receipt: string;
}

export type BindingResult =
  | { readonly kind: 'bound' }
  /** 409: a precondition failed, or the pod is bound already. */
  | { readonly kind: 'conflict'; readonly message: string }
  /** 403, 404, 422 …: final for this receipt. */
  | { readonly kind: 'refused'; readonly status: number; readonly message: string }
  /** Time-out, reset, 429, 5xx: it may or may not have been bound. */
  | { readonly kind: 'unknown'; readonly message: string };

/** The few writes and direct reads that a bind needs. */
export interface Binder {
  /** POST pods/binding. Resolves for every outcome; never throws for an HTTP status or a broken connection. */
  bind(request: BindingRequest): Promise<BindingResult>;
  /** GET of the pod; null if it does not exist or has another UID; throws if the API server gives no answer. */
  read(namespace: string, name: string, uid: string): Promise<PodFacts | null>;
}

/** Who the live enclave is on chain, set once it is registered and active. */
export interface SessionIdentity {
  readonly cluster: SuiId;
  readonly session: SuiId;
  readonly term: bigint;
  readonly configVersion: bigint;
}

/** All that the decision engine needs from outside. */
export interface EngineDependencies {
  readonly policy: Policy;
  readonly clock: Clock;
  readonly chain: ChainView;
  readonly kube: KubeView;
  readonly binder: Binder;
  readonly signer: Signer;
  /** The identity that the chain shows as active for our key, or null: then nothing is bound. */
  readonly identity: () => SessionIdentity | null;
}
