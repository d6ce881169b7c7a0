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
