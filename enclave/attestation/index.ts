export {
  AWS_NITRO_ROOT_G1_PEM,
  AWS_NITRO_ROOT_G1_SHA256,
  awsNitroRootG1,
  isAwsNitroRootG1,
} from './anchors.ts';
export { DOCUMENT_BYTES_MAX } from './cose.ts';
export type { AttestationDocument } from './document.ts';
export { AttestationError, attestationErrorCodes, type AttestationErrorCode } from './errors.ts';
export type { AttestationPolicy } from './policy.ts';
export {
  TIMESTAMP_AHEAD_MS_MAX,
  verifyAttestation,
  verifyDocument,
  type VerificationTime,
  type VerifiedAttestation,
} from './verify.ts';
