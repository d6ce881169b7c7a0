import { X509Certificate } from 'node:crypto';

import { ENCLAVE_USER, equalBytes, type ChainSnapshot, type ChainView } from '@k3s-daas/core';
import type { SessionIdentity } from '@k3s-daas/scheduler-extender';

import { EnclaveError } from '../errors.ts';
import type { EnclaveKeys } from './keys.ts';

/** The session that the chain shows as active with exactly our three keys, or null. */
export function activeIdentity(snapshot: ChainSnapshot | null, keys: EnclaveKeys): SessionIdentity | null {
  const active = snapshot?.cluster.active;
  if (snapshot === null || active === null || active === undefined) return null;
  const session = snapshot.sessions.get(active.session);
  if (session === undefined || session.revoked) return null;
  const ours =
    equalBytes(session.decisionKey, keys.decision.publicKey) &&
    equalBytes(session.logKey, keys.log.publicKey) &&
    equalBytes(session.tlsKeyHash, keys.tls.keyHash);
  if (!ours) return null;
  return {
    cluster: snapshot.cluster.id,
    session: session.id,
    term: active.term,
    configVersion: session.configVersion,
  };
}

/** Resolves when our session is the active one; rejects when the boot is cancelled. */
export async function waitForActivation(
  chain: ChainView,
  keys: EnclaveKeys,
  signal: AbortSignal,
): Promise<SessionIdentity> {
  const now = activeIdentity(chain.current(), keys);
  if (now !== null) return now;
  return new Promise((resolve, reject) => {
    const cancel = (): void => {
      unsubscribe();
      reject(
        new EnclaveError(
          'BOOT_CANCELLED',
          'the enclave was stopped before it was registered',
          'start it again',
        ),
      );
    };
    const unsubscribe = chain.onChange((snapshot) => {
      const identity = activeIdentity(snapshot, keys);
      if (identity === null) return;
      unsubscribe();
      signal.removeEventListener('abort', cancel);
      resolve(identity);
    });
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
  });
}

/**
 * The PEM of a client certificate for our TLS key and the enclave's user, issued by one of `authorityPem`; anything else
 * is refused. Key and user alone say little: both are public, so anybody can issue such a certificate, and the API
 * server would refuse the enclave that had taken it.
 */
export function checkKubernetesCertificate(pem: string, keys: EnclaveKeys, authorityPem: string): string {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw new EnclaveError(
      'CERTIFICATE_MALFORMED',
      'not a PEM certificate',
      'send one X.509 certificate as PEM',
      {
        cause,
      },
    );
  }
  const spki = certificate.publicKey.export({ format: 'der', type: 'spki' });
  if (!equalBytes(spki, keys.tls.spki)) {
    throw new EnclaveError(
      'CERTIFICATE_FOREIGN_KEY',
      'the certificate is for another key than the one made in this boot',
      'sign the request served at /api/v1/tee/attestation',
    );
  }
  if (!isIssuedBy(certificate, authorityPem)) {
    throw new EnclaveError(
      'CERTIFICATE_FOREIGN_CA',
      'the certificate is not issued by an authority in enclave.clientCaFile',
      'sign the request with the CA that the API server accepts clients of, and name that CA in enclave.clientCaFile',
    );
  }
  if (certificate.subject !== `CN=${ENCLAVE_USER}`) {
    throw new EnclaveError(
      'CERTIFICATE_WRONG_USER',
      `the certificate names ${certificate.subject.replaceAll('\n', ', ')}`,
      `issue it with the subject CN=${ENCLAVE_USER} and no organisation`,
    );
  }
  return certificate.toString();
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function isIssuedBy(certificate: X509Certificate, authorityPem: string): boolean {
  return (authorityPem.match(PEM_CERTIFICATE) ?? []).some((pem) => {
    const authority = new X509Certificate(pem);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
}
