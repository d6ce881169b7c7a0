// @peculiar/x509 2.x resolves its parts with tsyringe, which needs the polyfill before it is loaded.
import 'reflect-metadata';
import { generateKeyPairSync, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { ControlPlaneError } from './errors.ts';

const EC = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Tolerated difference between the clocks of two machines: a certificate is valid from a little before now. */
const BACKDATE_MS = 5 * 60_000;
const CSR_CHARS_MAX = 16_384;

x509.cryptoProvider.set(webcrypto);

export type CertificateUsage = 'server' | 'client';

export interface CertificatePem {
  readonly certPem: string;
}

export interface KeyedCertificatePem extends CertificatePem {
  /** PKCS#8. */
  readonly keyPem: string;
}

export interface Subject {
  readonly commonName: string;
  /** Kubernetes reads these as the user's groups. */
  readonly organizations?: readonly string[];
}

export interface IssueOptions extends Subject {
  readonly usages: readonly CertificateUsage[];
  readonly hosts?: readonly string[];
  readonly ips?: readonly string[];
  /** Never longer than the authority itself lives. */
  readonly days: number;
}

export interface AuthorityOptions {
  /** Days the authority is valid; 30 unless given. */
  readonly days?: number;
  readonly now?: () => Date;
}

/** A certificate authority with an ECDSA P-256 key held in this process. */
export interface Authority {
  readonly certPem: string;
  readonly keyPem: string;
  readonly notAfter: Date;
  /** Issues a certificate for a fresh P-256 key. */
  issue(options: IssueOptions): Promise<KeyedCertificatePem>;
  /** Issues a certificate for somebody else's public key (SPKI, PEM). */
  issueFor(publicKeyPem: string, options: IssueOptions): Promise<CertificatePem>;
}

/** Makes a self-signed root that may only sign leaf certificates (path length 0). */
export async function createAuthority(
  commonName: string,
  options: AuthorityOptions = {},
): Promise<Authority> {
  const now = options.now ?? (() => new Date());
  const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
  const start = now().getTime();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: nameOf({ commonName }),
    notBefore: new Date(start - BACKDATE_MS),
    notAfter: new Date(start + (options.days ?? 30) * DAY_MS),
    signingAlgorithm: SIGNING,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authority(certificate, keys.privateKey, await privatePem(keys.privateKey), now);
}

/** Restores an authority from the two PEM texts that `createAuthority` gave. */
export async function loadAuthority(
  certPem: string,
  keyPem: string,
  now: () => Date = () => new Date(),
): Promise<Authority> {
  const der = x509.PemConverter.decodeFirst(keyPem);
  const key = await webcrypto.subtle.importKey('pkcs8', der, EC, true, ['sign']);
  return authority(new x509.X509Certificate(certPem), key, keyPem, now);
}

/** The key pair with which the API server signs, and everyone verifies, service-account tokens (ES256). */
export function createServiceAccountKeys(): { publicKeyPem: string; privateKeyPem: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { publicKeyPem: publicKey, privateKeyPem: privateKey };
}

/**
 * Signs the key of a certificate request as a client certificate with the subject we dictate: what the request
 * says about names, groups or extensions is ignored, or a node could ask to be `system:masters`.
 *
 * @throws ControlPlaneError `certificate-request-invalid` if it does not parse or is not signed by its own key.
 */
export async function clientCertificateFromCsr(
  ca: Authority,
  csrPem: string,
  subject: Subject & { days?: number },
): Promise<CertificatePem> {
  const publicKeyPem = await provenPublicKey(csrPem);
  return ca.issueFor(publicKeyPem, { ...subject, usages: ['client'], days: subject.days ?? 1 });
}

async function provenPublicKey(csrPem: string): Promise<string> {
  if (csrPem.length > CSR_CHARS_MAX) throw invalidRequest(`it is longer than ${CSR_CHARS_MAX} characters`);
  let request: x509.Pkcs10CertificateRequest;
  let proven: boolean;
  try {
    request = new x509.Pkcs10CertificateRequest(csrPem);
    proven = await request.verify();
  } catch (cause) {
    throw invalidRequest('it does not parse', cause);
  }
  if (!proven) throw invalidRequest('its signature is not by the key it holds');
  return request.publicKey.toString('pem');
}

function invalidRequest(why: string, cause?: unknown): ControlPlaneError {
  return new ControlPlaneError(
    'certificate-request-invalid',
    `The certificate request is refused: ${why}.`,
    'Send a PEM PKCS#10 request signed by the key it asks a certificate for.',
    { cause },
  );
}

function authority(
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
  keyPem: string,
  now: () => Date,
): Authority {
  const issueFor = async (publicKeyPem: string, options: IssueOptions): Promise<CertificatePem> => {
    const publicKey = new x509.PublicKey(publicKeyPem);
    const start = now().getTime();
    const end = Math.min(start + options.days * DAY_MS, certificate.notAfter.getTime());
    const issued = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: nameOf(options),
      issuer: certificate.subjectName,
      notBefore: new Date(start - BACKDATE_MS),
      notAfter: new Date(end),
      signingAlgorithm: SIGNING,
      publicKey,
      signingKey: key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(options.usages.map(usageOid)),
        await x509.AuthorityKeyIdentifierExtension.create(certificate.publicKey),
        ...alternativeNames(options),
      ],
    });
    return { certPem: pem(issued.toString('pem')) };
  };
  return {
    certPem: pem(certificate.toString('pem')),
    keyPem,
    notAfter: certificate.notAfter,
    issueFor,
    async issue(options) {
      const keys = await webcrypto.subtle.generateKey(EC, true, ['sign', 'verify']);
      const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
      const publicKeyPem = x509.PemConverter.encode(spki, x509.PemConverter.PublicKeyTag);
      return { ...(await issueFor(publicKeyPem, options)), keyPem: await privatePem(keys.privateKey) };
    },
  };
}

function alternativeNames({ hosts = [], ips = [] }: IssueOptions): x509.Extension[] {
  const names: x509.JsonGeneralNames = [
    ...hosts.map((value) => ({ type: 'dns' as const, value })),
    ...ips.map((value) => ({ type: 'ip' as const, value })),
  ];
  return names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)];
}

/** Typed values instead of an RFC 4514 string: names such as `system:node:a,O=system:masters` stay one value. */
function nameOf({ commonName, organizations = [] }: Subject): x509.Name {
  return new x509.Name([
    ...organizations.map((group) => ({ O: [{ utf8String: group }] })),
    { CN: [{ utf8String: commonName }] },
  ]);
}

function usageOid(usage: CertificateUsage): string {
  return usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth;
}

/** 127 random bits, positive and never with a leading zero octet (RFC 5280, 4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  return pem(x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag));
}

function pem(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
