import { CodedError, type Ineligibility } from '@k3s-daas/core';
import type { SealedErrorCode } from '@k3s-daas/seal/sealed';

/** Every reason for which a request is refused. docs/admission.md explains each. */
export type DenialCode =
  | Ineligibility['code']
  | SealedErrorCode
  | 'REVIEW_UNEXPECTED'
  | 'OBJECT_MALFORMED'
  | 'SNAPSHOT_MISSING'
  | 'SNAPSHOT_STALE'
  | 'BINDING_LEGACY'
  | 'BINDING_NOT_BY_ENCLAVE'
  | 'BINDING_UID_MISSING'
  | 'BINDING_TARGET_WRONG'
  | 'BINDING_ANNOTATIONS_WRONG'
  | 'BINDING_LABELS_WRONG'
  | 'RECEIPT_MALFORMED'
  | 'RECEIPT_KIND_WRONG'
  | 'RECEIPT_CLUSTER_WRONG'
  | 'RECEIPT_POLICY_WRONG'
  | 'ENCLAVE_NOT_ACTIVE'
  | 'ENCLAVE_REVOKED'
  | 'RECEIPT_SESSION_WRONG'
  | 'RECEIPT_TERM_WRONG'
  | 'RECEIPT_SIGNATURE_WRONG'
  | 'RECEIPT_EXPIRED'
  | 'RECEIPT_LIFETIME_WRONG'
  | 'RECEIPT_POD_WRONG'
  | 'RECEIPT_NODE_WRONG'
  | 'RECEIPT_STAKE_WRONG'
  | 'POD_MIRROR'
  | 'POD_NODE_PRESET'
  | 'POD_SCHEDULER_WRONG'
  | 'POD_MARKS_FORGED'
  | 'POD_MARKS_CHANGED'
  | 'POD_TOLERATES_EVERYTHING'
  | 'POD_TOLERATES_UNSTAKED'
  | 'POD_REACHES_HOST'
  | 'POD_SHARES_PROCESSES'
  | 'POD_EPHEMERAL_CONTAINERS'
  | 'POD_IMAGE_CHANGED'
  | 'POD_GROWN'
  | 'POD_SPEC_CHANGED'
  | 'POD_NOT_FOUND'
  | 'POD_CONNECT_REFUSED'
  | 'NODE_PROXY_REFUSED'
  | 'REFERENCE_UNKNOWN'
  | 'IMAGE_PULL_SECRETS_REFUSED'
  | 'SECRET_REFERENCE_REFUSED'
  | 'PROJECTED_VOLUME_MIXED'
  | 'SECRETS_REQUIRED'
  | 'SECRET_NAME_WRONG'
  | 'SECRET_KEY_NOT_FOUND'
  | 'SECRET_PATH_WRONG'
  | 'SECRET_NOT_INJECTED'
  | 'REFRESH_MALFORMED'
  | 'SEALED_SERVICE_ACCOUNT_WRONG'
  | 'SEALED_OS_WRONG'
  | 'SEALED_PLAN_TOO_LARGE'
  | 'SEALED_RESOURCES_TOO_SMALL'
  | 'SEALED_PLAN_WRONG'
  | 'SEALED_MOUNT_WRONG'
  | 'SEAL_FETCH_FORGED'
  | 'BROKER_TOKEN_FORGED'
  | 'NODE_NOT_SELF'
  | 'NODE_NAME_RESERVED'
  | 'NODE_MARKS_FORGED'
  | 'NODE_MARKS_CHANGED'
  | 'NODE_OWNED'
  | 'LOOKUP_FAILED'
  | 'SECRET_NOT_FOUND'
  | 'TOKEN_NOT_BY_NODE'
  | 'TOKEN_NOT_FOR_POD'
  | 'TOKEN_AUDIENCES_MIXED';

/** HTTP status that the API server hands to its client: refused for good, malformed, or worth trying again. */
export type DenialStatus = 400 | 403 | 503;

/** A refusal. Anything else that a check throws is a defect and fails the call, which denies as well. */
export class Denied extends CodedError<DenialCode> {
  readonly status: DenialStatus;

  constructor(code: DenialCode, message: string, remedy: string, status: DenialStatus = 403) {
    super(code, message, remedy);
    this.status = status;
  }
}

/** Nothing is allowed for want of an answer, and nothing is refused for good. */
export function lookupFailed(why: string): Denied {
  return new Denied(
    'LOOKUP_FAILED',
    `the webhook could not look up what it must know of the cluster: ${why}`,
    'try again; if it lasts, check that the webhook reaches the API server as k3s-daas:webhook',
    503,
  );
}
