import { describeChecked, verifyAttestation, type AttestationPolicy } from '@k3s-daas/attestation';
import { clientCertificateFromCsr, type ControlPlane } from '@k3s-daas/control-plane';
import { enclaveUserData, ENCLAVE_USER, fromHex, type Bytes } from '@k3s-daas/core';
import { readCluster, registerAndActivate } from '@k3s-daas/sui-client';

import {
  assertKeyHash,
  fetchAttestation,
  putKubernetesCertificate,
  type EnclaveAttestation,
} from '../enclave-client.ts';
import type { ChainWorld } from './chain.ts';

const DOCUMENT_AGE_MS_MAX = 300_000;
const CERTIFICATE_DAYS = 30;

export interface RegisteredEnclave {
  readonly session: string;
  readonly term: bigint;
  /** The enclave's own TLS certificate; its key is the attested one. */
  readonly certificatePem: string;
  /** Each thing that the verifier checked in the document. */
  readonly checked: readonly string[];
}

/**
 * The registrar's part of the enclave's boot: fetch attestation → verify → register on chain (Move verifies again) →
 * issue the Kubernetes client certificate. The registrar is trusted by nobody with what the enclave is.
 */
export async function registerEnclave(options: {
  readonly bootstrapUrl: string;
  readonly slot: string;
  readonly world: ChainWorld;
  readonly plane: ControlPlane;
  readonly trustAnchor: Bytes;
  readonly pcrs: AttestationPolicy['pcrs'];
}): Promise<RegisteredEnclave> {
  const { bootstrapUrl, slot, world, plane } = options;
  const attestation = await fetchAttestation(bootstrapUrl, { slot });
  const checked = await verify(attestation, options);
  assertKeyHash(attestation.certificatePem, attestation.tlsKeyHash);
  const { session, term } = await registerAndActivate(world.operator, world.owned, {
    slot,
    document: attestation.document,
    logKey: attestation.logKey,
    tlsKeyHash: attestation.tlsKeyHash,
  });
  const { certPem } = await clientCertificateFromCsr(plane.ca, attestation.csrPem, {
    commonName: ENCLAVE_USER,
    days: CERTIFICATE_DAYS,
  });
  await putKubernetesCertificate(bootstrapUrl, certPem);
  return { session, term, certificatePem: attestation.certificatePem, checked };
}

/** Spares a transaction that Move would refuse anyhow, with words that name what is wrong. */
async function verify(
  attestation: EnclaveAttestation,
  options: {
    readonly slot: string;
    readonly world: ChainWorld;
    readonly trustAnchor: Bytes;
    readonly pcrs: AttestationPolicy['pcrs'];
  },
): Promise<readonly string[]> {
  const { world, slot, trustAnchor, pcrs } = options;
  const { configDigest } = await readCluster(world.operator.client, world.packageId, world.owned.cluster);
  const userData = enclaveUserData({ cluster: world.owned.cluster, configDigest, ...attestation });
  const { checked } = verifyAttestation(attestation.document, {
    trustAnchor,
    time: { mode: 'live', nowMs: Date.now(), ageMsMax: DOCUMENT_AGE_MS_MAX },
    policy: { pcrs, nonce: fromHex(slot.slice(2)), userData, publicKey: attestation.decisionKey },
  });
  return checked.map(describeChecked);
}
