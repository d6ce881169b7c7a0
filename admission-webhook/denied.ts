import { CodedError, type Ineligibility } from '@k3s-daas/core';

/** Every reason for which a request is refused. docs/admission.md explains each. */
export type DenialCode =
  | Ineligibility['code']
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
  | 'NODE_NOT_SELF'
  | 'NODE_NAME_RESERVED'
  | 'NODE_MARKS_FORGED'
  | 'NODE_MARKS_CHANGED'
  | 'NODE_OWNED';

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
