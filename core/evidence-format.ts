/**
 * Formats of evidence that have a verifier (`@k3s-daas/attestation`, whose table must have exactly these). Here, so that a
 * configuration that names another one is refused when it is read.
 */
export const EVIDENCE_FORMATS = ['aws-nitro'] as const;
export type EvidenceFormat = (typeof EVIDENCE_FORMATS)[number];
