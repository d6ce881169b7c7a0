/** Names that the design fixes (docs/architecture.md); everything that writes or matches one takes it from here. */
export const SCHEDULER_NAME = 'k3s-daas-scheduler';
export const RECEIPT_ANNOTATION = 'k3s-daas.io/receipt';
/** NoExecute taint that the controller keeps on a node whose stake is not live. */
export const UNSTAKED_TAINT = 'k3s-daas.io/unstaked';
/** Node annotation that changes with eligibility, so that kube-scheduler requeues the pods it had rejected. */
export const STAKE_STATE_ANNOTATION = 'k3s-daas.io/stake-state';
/** User names (certificate CN) of the parts. */
export const ENCLAVE_USER = 'k3s-daas:enclave';
export const CONTROLLER_USER = 'k3s-daas:controller';
export const SCHEDULER_USER = 'k3s-daas:scheduler';
export const ANNOTATION_PREFIX = 'k3s-daas.io/';
export const NODE_USER_PREFIX = 'system:node:';
/** User of the webhook's own reads: namespaces, sealed Secrets, pods. */
export const WEBHOOK_USER = 'k3s-daas:webhook';
/** Audience of the tokens that a pod shows the enclave's broker; issued to the pod's own kubelet only. */
export const BROKER_AUDIENCE = 'k3s-daas.io/broker';
/** Namespace label: `required` (as if absent) or `references`. */
export const SECRETS_MODE_LABEL = 'k3s-daas.io/secrets';
/** Label of a sealed Secret. An index for the webhook's watch; whether a Secret is sealed, its bytes say. */
export const SEALED_LABEL = 'k3s-daas.io/sealed';
/** Annotations of a sealed Secret, for people and tools; what counts is in the ciphertext. */
export const SEALED_ANNOTATIONS = {
  policy: 'k3s-daas.io/policy',
  version: 'k3s-daas.io/version',
  serviceAccount: 'k3s-daas.io/service-account',
  threshold: 'k3s-daas.io/threshold',
  keyServers: 'k3s-daas.io/key-servers',
} as const;
/**
 * Key of a sealed Secret's data that holds no ciphertext: the policy owner's signature of the version (core/sealed.ts), in
 * Sui's serialized form, by which a running pod may take it. No pod may reference it.
 */
export const SEALED_SIGNATURE_KEY = 'daas.signature';
/** Pod annotation: seconds after which a running pod looks for a new version of its secrets. Absent: never. */
export const REFRESH_ANNOTATION = 'seal.k3s-daas.io/refresh-seconds';
