import 'reflect-metadata'; // @peculiar/x509 refuses to load without it
import { createPrivateKey, randomBytes, webcrypto, X509Certificate, type KeyObject } from 'node:crypto';
import { toHex, type Bytes, type Clock } from '@k3s-daas/core';
import * as x509 from '@peculiar/x509';
import { NsmError } from './nsm.ts';

const KEY_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-384' };
const SIGNATURE_ALGORITHM = { name: 'ECDSA', hash: 'SHA-384' };
const SECOND_MS = 1000;
const HOUR_MS = 3_600 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;
/** AWS's leaf starts three seconds before the document it signs. */
const BACKDATE_MS = 3 * SECOND_MS;
const ROOT_LIFE_MS = 30 * 365 * DAY_MS;
const ROOT_NAME = 'CN=development.nitro-enclaves.k3s-daas, OU=K3s-DaaS development, O=K3s-DaaS';

/** A development root of trust. Whoever holds the key can attest anything to those who pin this certificate. */
export interface DevelopmentAuthority {
  readonly rootCertificateDer: Bytes;
  readonly rootKeyPkcs8: Bytes;
}

/** The certificates and the key that sign documents at one time. */
export interface Issuance {
  /** Leaf certificate, DER. */
  readonly certificate: Bytes;
  /** DER, the root first, the issuer of the leaf last. */
  readonly cabundle: readonly Bytes[];
  readonly leafKey: KeyObject;
}

interface Identity {
  readonly subject: string;
  readonly certificate: x509.X509Certificate;
  readonly keys: webcrypto.CryptoKeyPair;
}

interface Level {
  readonly subject: (moduleId: string) => string;
  readonly lifeMs: number;
  /** Re-made when less than this is left, so that it outlives what it issues. */
  readonly leftMsMin: number;
  /** undefined: the leaf. */
  readonly pathLength: number | undefined;
  readonly usages: x509.KeyUsageFlags;
}

const CA_USAGES = (x509.KeyUsageFlags.digitalSignature |
  x509.KeyUsageFlags.keyCertSign |
  x509.KeyUsageFlags.cRLSign) as x509.KeyUsageFlags;
const LEAF_LIFE_MS = 3 * HOUR_MS + BACKDATE_MS;
/** A document is checked again on chain some time after it was made: better not hand out the end of a leaf's life. */
const LEAF_LEFT_MS_MIN = LEAF_LIFE_MS / 2;
const ORGANISATION = 'OU=K3s-DaaS development, O=K3s-DaaS';

/** The levels and lifetimes seen in AWS's documents of 2025: region 20 d, zone 6 d, instance 1 d, enclave 3 h 3 s. */
const LEVELS: readonly Level[] = [
  {
    subject: () => `CN=region.local.nitro-enclaves.k3s-daas, ${ORGANISATION}`,
    lifeMs: 20 * DAY_MS + HOUR_MS,
    leftMsMin: 7 * DAY_MS,
    pathLength: 2,
    usages: CA_USAGES,
  },
  {
    subject: () => `CN=zone.region.local.nitro-enclaves.k3s-daas, ${ORGANISATION}`,
    lifeMs: 5 * DAY_MS + 20 * HOUR_MS,
    leftMsMin: 2 * DAY_MS,
    pathLength: 1,
    usages: CA_USAGES,
  },
  {
    subject: (moduleId) => `CN=instance.${moduleId}, ${ORGANISATION}`,
    lifeMs: DAY_MS,
    leftMsMin: LEAF_LIFE_MS,
    pathLength: 0,
    usages: x509.KeyUsageFlags.keyCertSign,
  },
  {
    subject: (moduleId) => `CN=${moduleId}, ${ORGANISATION}`,
    lifeMs: LEAF_LIFE_MS,
    leftMsMin: LEAF_LEFT_MS_MIN,
    pathLength: undefined,
    usages: x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.nonRepudiation,
  },
];

/** Makes a self-signed P-384 root like AWS's G1: critical basicConstraints, keyCertSign, 30 years. */
export async function createDevelopmentAuthority(options: { clock: Clock }): Promise<DevelopmentAuthority> {
  const keys = await generateKeys();
  const notBefore = wholeSeconds(options.clock.now() - BACKDATE_MS);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: ROOT_NAME,
    serialNumber: serialNumber(),
    notBefore: new Date(notBefore),
    notAfter: new Date(notBefore + ROOT_LIFE_MS),
    keys,
    signingAlgorithm: SIGNATURE_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.KeyUsagesExtension(CA_USAGES, true),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    rootCertificateDer: new Uint8Array(certificate.rawData),
    rootKeyPkcs8: new Uint8Array(pkcs8),
  };
}

/** Issues the chain below a development root and keeps it fresh, one certificate at a time as AWS does. */
export class CertificateIssuer {
  readonly #moduleId: string;
  readonly #clock: Clock;
  readonly #root: Identity;
  readonly #levels: readonly Level[];
  #chain: Identity[] = [];
  #issuance: Issuance | undefined;

  private constructor(root: Identity, moduleId: string, clock: Clock, leafLeftMsMin: number) {
    this.#root = root;
    this.#levels = LEVELS.map((level, index) =>
      index === LEVELS.length - 1 ? { ...level, leftMsMin: leafLeftMsMin } : level,
    );
    this.#moduleId = moduleId;
    this.#clock = clock;
  }

  static async open(
    authority: DevelopmentAuthority,
    moduleId: string,
    clock: Clock,
    leafLeftMsMin = LEAF_LEFT_MS_MIN,
  ): Promise<CertificateIssuer> {
    return new CertificateIssuer(await readAuthority(authority), moduleId, clock, leafLeftMsMin);
  }

  /** The current chain, with every certificate that is about to expire re-made. Calls must not overlap. */
  async current(): Promise<Issuance> {
    const nowMs = this.#clock.now();
    const stale = this.#levels.findIndex((level, index) => !isFresh(this.#chain[index], level, nowMs));
    if (stale === -1 && this.#issuance !== undefined) return this.#issuance;
    // Everything below a re-made certificate is re-made as well.
    const chain = stale === -1 ? this.#chain : this.#chain.slice(0, stale);
    for (const level of this.#levels.slice(chain.length)) {
      chain.push(await issue(chain.at(-1) ?? this.#root, level, this.#moduleId, nowMs));
    }
    this.#chain = chain;
    this.#issuance = await toIssuance(this.#root, chain);
    return this.#issuance;
  }
}

/** A clock that was set back makes a certificate unusable just as expiry does. */
function isFresh(identity: Identity | undefined, level: Level, nowMs: number): boolean {
  if (identity === undefined) return false;
  const { notBefore, notAfter } = identity.certificate;
  return notBefore.getTime() <= nowMs && notAfter.getTime() - nowMs >= level.leftMsMin;
}

async function issue(issuer: Identity, level: Level, moduleId: string, nowMs: number): Promise<Identity> {
  const keys = await generateKeys();
  const notBefore = wholeSeconds(nowMs - BACKDATE_MS);
  const subject = level.subject(moduleId);
  const isLeaf = level.pathLength === undefined;
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: issuer.subject,
    serialNumber: serialNumber(),
    notBefore: new Date(notBefore),
    notAfter: new Date(notBefore + level.lifeMs),
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: SIGNATURE_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(!isLeaf, level.pathLength, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.KeyUsagesExtension(level.usages, !isLeaf),
    ],
  });
  return { subject, certificate, keys };
}

async function toIssuance(root: Identity, chain: readonly Identity[]): Promise<Issuance> {
  const leaf = chain.at(-1) ?? root;
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', leaf.keys.privateKey);
  return {
    certificate: der(leaf),
    cabundle: [root, ...chain.slice(0, -1)].map(der),
    leafKey: createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' }),
  };
}

async function readAuthority(authority: DevelopmentAuthority): Promise<Identity> {
  try {
    const certificate = new x509.X509Certificate(new Uint8Array(authority.rootCertificateDer));
    const pkcs8 = new Uint8Array(authority.rootKeyPkcs8);
    const keyObject = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
    if (!new X509Certificate(authority.rootCertificateDer).checkPrivateKey(keyObject)) {
      throw new TypeError('key and certificate do not belong together');
    }
    const privateKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, KEY_ALGORITHM, true, ['sign']);
    const publicKey = await webcrypto.subtle.importKey(
      'spki',
      certificate.publicKey.rawData,
      KEY_ALGORITHM,
      true,
      ['verify'],
    );
    return { subject: certificate.subject, certificate, keys: { privateKey, publicKey } };
  } catch (cause) {
    throw new NsmError(
      'NSM_AUTHORITY',
      'the development authority is not a P-384 root certificate with its key',
      'Delete the stored development authority; the next start makes a new one.',
      { cause },
    );
  }
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY_ALGORITHM, true, ['sign', 'verify']);
}

/** X.509 times have no milliseconds. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / SECOND_MS) * SECOND_MS;
}

/** 127 random bits with the first set: positive and of constant length. */
function serialNumber(): string {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return toHex(bytes);
}

function der(identity: Identity): Bytes {
  return new Uint8Array(identity.certificate.rawData);
}
