export {
  AWS_NITRO_ROOT_G1_PEM,
  AWS_NITRO_ROOT_G1_SHA256,
  awsNitroRootG1,
  isAwsNitroRootG1,
} from './verify/anchors.ts';
export { ChainCache } from './verify/chain.ts';
export { describeChecked, type Checked, type CheckedRule } from './verify/checked.ts';
export { decodeCbor } from './verify/cbor.ts';
export { DOCUMENT_BYTES_MAX, parseCoseSign1 } from './verify/cose.ts';
export { parseDocument, type AttestationDocument } from './verify/document.ts';
export { AttestationError, attestationErrorCodes, type AttestationErrorCode } from './verify/errors.ts';
export type { AttestationPolicy } from './verify/policy.ts';
export {
  TIMESTAMP_AHEAD_MS_MAX,
  verifyAttestation,
  verifyDocument,
  type Trust,
  type VerificationTime,
  type VerifiedAttestation,
} from './verify/verify.ts';
export { AWS_NITRO } from './aws-nitro.ts';
export {
  EvidenceError,
  type AcceptedFormat,
  type Evidence,
  type EvidenceErrorCode,
  type EvidenceOptions,
  type EvidencePolicy,
  type EvidenceVerifier,
  type Measurements,
  type VerifiedEvidence,
} from './evidence.ts';
export { verifyEvidence } from './verify-evidence.ts';
