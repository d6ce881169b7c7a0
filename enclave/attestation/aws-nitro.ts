import type { Bytes, EvidenceFormat } from '@k3s-daas/core';

import type { EvidenceVerifier, Measurements } from './evidence.ts';
import { AttestationError } from './verify/errors.ts';
import type { AttestationPolicy } from './verify/policy.ts';
import { verifyAttestation } from './verify/verify.ts';

/** The format of AWS Nitro attestation documents. */
export const AWS_NITRO = 'aws-nitro' satisfies EvidenceFormat;

const REGISTER = /^pcr(0|[1-9][0-9]?)$/;

/** AWS Nitro attestation documents: registers `pcr0` to `pcr31`, of which the first three are mandatory. */
export const verifyAwsNitro: EvidenceVerifier = (bytes, { accepted, bindings, time, chains }) => {
  const { pcrs, timestampMs, publicKey, userData, nonce, checked } = verifyAttestation(bytes, {
    trustAnchor: accepted.trustAnchor,
    time,
    policy: { ...bindings, pcrs: pcrsOf(accepted.measurements) },
    ...(chains === undefined ? {} : { chains }),
  });
  const measurements = new Map([...pcrs].map(([index, pcr]) => [`pcr${index}`, pcr]));
  return { timestampMs, measurements, publicKey, userData, nonce, checked };
};

/** The verifier checks that 0, 1 and 2 are there, and every value. */
function pcrsOf(measurements: Measurements): AttestationPolicy['pcrs'] {
  const entries = Object.entries(measurements).map(([register, value]): [string, Bytes] => {
    const index = REGISTER.exec(register)?.[1];
    if (index !== undefined) return [index, value];
    throw new AttestationError(
      'POLICY_INVALID',
      `the policy's register ${JSON.stringify(register)} is no PCR`,
    );
  });
  return Object.fromEntries(entries) as unknown as AttestationPolicy['pcrs'];
}
