import { X509Certificate } from 'node:crypto';

import { awsNitroRootG1, verifyEvidence, type VerifiedEvidence } from '@k3s-daas/attestation';
import { enclaveUserData, type AttestationConfiguration, type Bytes } from '@k3s-daas/core';
import type { ClusterRecord } from '@k3s-daas/sui-client';

import { assertKeyHash, type EnclaveAttestation } from './enclave-client.ts';
import { CliError } from './errors.ts';
import { readText } from './files.ts';

/** The root that documents of this installation's enclave must lead to, DER. @throws CliError if its file is none */
export async function trustAnchorOf(
  { root }: AttestationConfiguration,
  path: (relative: string) => string,
): Promise<Bytes> {
  if (root.kind === 'aws') return awsNitroRootG1;
  const file = path(root.certificateFile);
  const pem = await readText(file);
  try {
    return new Uint8Array(new X509Certificate(pem).raw);
  } catch (cause) {
    throw new CliError(
      'FILE_UNREADABLE',
      `${file} is no PEM certificate`,
      'give the root of the NSM as PEM',
      {
        cause,
      },
    );
  }
}

/** What of a cluster says which enclaves it accepts. */
export type AcceptingCluster = Pick<ClusterRecord, 'id' | 'configDigest' | 'configs'>;

/**
 * What the enclave's bootstrap listener said, checked: the document is live, of an image that the cluster accepts in
 * `configVersion`, with the nonce that was asked for, and binds the three keys, this cluster and its config digest;
 * and the TLS certificate is for the key that it binds. Whether the chain knows the session is another question.
 *
 * @throws CliError VERIFICATION_FAILED, EvidenceError, AttestationError: the first rule that fails
 */
export function verifyEnclave(
  attestation: EnclaveAttestation,
  options: {
    readonly cluster: AcceptingCluster;
    readonly configVersion: bigint;
    readonly accepted: AttestationConfiguration;
    readonly trustAnchor: Bytes;
    /** What was asked for; null takes the standing document, which no one asked for. */
    readonly nonce: Bytes | null;
    readonly nowMs: number;
    readonly ageMsMax: number;
  },
): VerifiedEvidence {
  const { cluster, configVersion, accepted, trustAnchor, nonce, nowMs, ageMsMax } = options;
  const image = cluster.configs.find(({ key }) => key === configVersion)?.value;
  if (image === undefined) {
    throw new CliError(
      'VERIFICATION_FAILED',
      `the cluster does not accept image config ${configVersion}`,
      'run the enclave image that the cluster accepts, or have it accepted',
    );
  }
  const measurements = { pcr0: image.pcr0, pcr1: image.pcr1, pcr2: image.pcr2 };
  const verified = verifyEvidence(
    { format: attestation.format, bytes: attestation.document },
    {
      policy: {
        formats: Object.fromEntries(
          accepted.formats.map((format) => [format, { trustAnchor, measurements }]),
        ),
        ...(nonce === null ? {} : { nonce }),
        userData: enclaveUserData({
          cluster: cluster.id,
          configDigest: cluster.configDigest,
          ...attestation,
        }),
        publicKey: attestation.decisionKey,
      },
      time: { mode: 'live', nowMs, ageMsMax },
    },
  );
  assertKeyHash(attestation.certificatePem, attestation.tlsKeyHash);
  return verified;
}
