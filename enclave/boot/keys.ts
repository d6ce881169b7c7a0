// @peculiar/x509 needs the Reflect polyfill before it.
import 'reflect-metadata';

import { webcrypto } from 'node:crypto';

import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

import { ENCLAVE_USER, generateEd25519, sha256, type Bytes, type Clock, type Signer } from '@k3s-daas/core';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** The key lives as long as the process; its certificate must not be what ends first. Clients pin the key. */
const CERTIFICATE_DAYS = 3_650;
const DAY_MS = 86_400_000;

/** The three keys of one boot. They live in this process's memory only; a restart is a new session. */
export interface EnclaveKeys {
  readonly decision: Signer;
  readonly log: Signer;
  readonly tls: {
    /** Private key, PKCS#8 PEM, for node:tls. */
    readonly keyPem: string;
    /** Self-signed server certificate: what a client pins is the key, by its attested hash. */
    readonly certificatePem: string;
    /** Request for the client certificate of the Kubernetes user k3s-daas:enclave. */
    readonly csrPem: string;
    /** SHA-256 of the SubjectPublicKeyInfo, as bound in `user_data`. */
    readonly keyHash: Bytes;
    readonly spki: Bytes;
  };
}

/** Makes the decision key, the log key and the TLS key, and the TLS key's certificate for the given host. */
export async function makeKeys({ host, clock }: { host: string; clock: Clock }): Promise<EnclaveKeys> {
  const pair = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const subject = `CN=${ENCLAVE_USER}`;
  const isAddress = /^[\d.]+$|:/.test(host);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: subject,
      keys: pair,
      signingAlgorithm: ALGORITHM,
      serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString('hex'),
      notBefore: new Date(clock.now() - DAY_MS),
      notAfter: new Date(clock.now() + CERTIFICATE_DAYS * DAY_MS),
      extensions: [
        // A CA of itself only: Go accepts a pinned self-signed certificate as its own root.
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type: isAddress ? 'ip' : 'dns', value: host }]),
      ],
    },
    webcrypto,
  );
  const csr = await Pkcs10CertificateRequestGenerator.create(
    { name: subject, keys: pair, signingAlgorithm: ALGORITHM },
    webcrypto,
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', pair.privateKey)).toString('base64');
  const spki = new Uint8Array(await webcrypto.subtle.exportKey('spki', pair.publicKey));
  return {
    decision: generateEd25519(),
    log: generateEd25519(),
    tls: {
      keyPem: `-----BEGIN PRIVATE KEY-----\n${pkcs8.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
      certificatePem: certificate.toString('pem'),
      csrPem: csr.toString('pem'),
      keyHash: sha256(spki),
      spki,
    },
  };
}
