import { X509Certificate } from 'node:crypto';

import { ENCLAVE_USER, equalBytes, type Clock } from '@k3s-daas/core';

import { EnclaveError } from '../errors.ts';
import type { EnclaveKeys } from './keys.ts';

/** The client certificate that this boot shows the API server. A newer one may replace it at any time. */
export class KubernetesIdentity {
  readonly #keys: EnclaveKeys;
  readonly #clock: Clock;
  readonly #authorityPem: string;
  readonly #first = Promise.withResolvers<undefined>();
  #current: X509Certificate | null = null;

  /** @param options.authorityPem the CAs that the API server accepts clients of */
  constructor(options: { keys: EnclaveKeys; clock: Clock; authorityPem: string }) {
    this.#keys = options.keys;
    this.#clock = options.clock;
    this.#authorityPem = options.authorityPem;
  }

  /** Resolves with the first certificate. */
  get received(): Promise<undefined> {
    return this.#first.promise;
  }

  /** PEM; empty before the first one. */
  get pem(): string {
    return this.#current?.toString() ?? '';
  }

  /** @throws EnclaveError CERTIFICATE_… */
  accept(pem: string): void {
    const certificate = checkKubernetesCertificate(pem, this.#keys, this.#authorityPem);
    const { validFromDate: from, validToDate: to } = certificate;
    // Certificates are public and anybody may send one: an old one must not push out one that was issued later.
    if (to.getTime() <= this.#clock.now() || (this.#current !== null && from < this.#current.validFromDate)) {
      throw new EnclaveError(
        'CERTIFICATE_OUTDATED',
        `the certificate of ${from.toISOString()} to ${to.toISOString()} has ended, or a later one is here`,
        'issue a new one',
      );
    }
    this.#current = certificate;
    this.#first.resolve(undefined);
  }
}

/**
 * A client certificate for our TLS key and the enclave's user, issued by one of `authorityPem`; anything else is
 * refused. Key and user alone say little: both are public, so anybody can issue such a certificate, and the API
 * server would refuse the enclave that had taken it.
 */
export function checkKubernetesCertificate(
  pem: string,
  keys: EnclaveKeys,
  authorityPem: string,
): X509Certificate {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw new EnclaveError(
      'CERTIFICATE_MALFORMED',
      'not a PEM certificate',
      'send one X.509 certificate as PEM',
      { cause },
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
  return certificate;
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function isIssuedBy(certificate: X509Certificate, authorityPem: string): boolean {
  return (authorityPem.match(PEM_CERTIFICATE) ?? []).some((pem) => {
    const authority = new X509Certificate(pem);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
}
