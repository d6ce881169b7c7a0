/** A certificate authority for tests, on @peculiar/x509's generators, which can break each rule on purpose. */
import 'reflect-metadata';
import { createPrivateKey, sign, webcrypto, type KeyObject } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export interface CertificateSpec {
  subject: string;
  /** What the certificate says; it is signed by the certificate above it regardless. */
  issuer?: string;
  notBeforeMs: number;
  notAfterMs: number;
  extensions: x509.Extension[];
  curve: 'P-384' | 'P-256';
  hash: 'SHA-384' | 'SHA-256';
  /** Changes the TBSCertificate, which is then signed as changed. */
  patch?: (tbs: Buffer) => Uint8Array;
  /** Signs with a stranger's key instead of the issuer's. */
  forged?: boolean;
  /** Changes the finished certificate. */
  finish?: (der: Buffer) => Uint8Array;
}

export interface TestChain {
  readonly root: Uint8Array;
  readonly cabundle: Uint8Array[];
  readonly leaf: Uint8Array;
  readonly leafKey: KeyObject;
}

export const T0 = Date.parse('2030-01-01T00:00:00Z');
const HOUR = 3_600_000;

export const basicConstraints = (ca: boolean, pathLength?: number, critical = true): x509.Extension =>
  new x509.BasicConstraintsExtension(ca, pathLength, critical);
/** The bits of KeyUsage (RFC 5280 section 4.2.1.3), the first being the most significant. */
const USAGE_BITS = {
  digitalSignature: 0x80,
  nonRepudiation: 0x40,
  keyAgreement: 0x08,
  keyCertSign: 0x04,
  cRLSign: 0x02,
};

export function keyUsage(...usages: (keyof typeof USAGE_BITS)[]): x509.Extension {
  const bits = usages.reduce((sum, name) => sum | USAGE_BITS[name], 0);
  // DER: trailing zero bits of a named bit list are not encoded (X.690 section 11.2.2).
  const unused = 31 - Math.clz32(bits & -bits);
  return new x509.Extension('2.5.29.15', true, Buffer.of(0x03, 0x02, unused, bits));
}

export const extension = (oid: string, critical: boolean): x509.Extension =>
  new x509.Extension(oid, critical, Buffer.from('3000', 'hex'));

/** root (10 y) → zone (pathLen 1) → instance (pathLen 0) → leaf (3 h), all valid at T0. */
export function standardSpecs(): [CertificateSpec, CertificateSpec, CertificateSpec, CertificateSpec] {
  const ca = (subject: string, hours: number, pathLength?: number): CertificateSpec => ({
    subject,
    notBeforeMs: T0 - hours * HOUR,
    notAfterMs: T0 + hours * HOUR,
    extensions: [basicConstraints(true, pathLength), keyUsage('keyCertSign', 'cRLSign')],
    curve: 'P-384',
    hash: 'SHA-384',
  });
  return [
    ca('CN=root.test', 80_000),
    ca('CN=zone.test', 100, 1),
    ca('CN=instance.test', 20, 0),
    {
      ...ca('CN=leaf.test', 1),
      notBeforeMs: T0 - 3_000,
      notAfterMs: T0 + 3 * HOUR,
      extensions: [basicConstraints(false), keyUsage('digitalSignature', 'nonRepudiation')],
    },
  ];
}

/** Issues the chain that the specs describe, the first self-signed. */
export async function makeChain(specs: readonly CertificateSpec[]): Promise<TestChain> {
  const certificates: Uint8Array[] = [];
  let above: { subject: string; keys: webcrypto.CryptoKeyPair } | undefined;
  for (const spec of specs) {
    const keys = await generate(spec.curve);
    const signer = above ?? { subject: spec.subject, keys };
    certificates.push(await certify(spec, keys, signer));
    above = { subject: spec.subject, keys };
  }
  const leaf = certificates.pop();
  const root = certificates[0];
  if (above === undefined || leaf === undefined || root === undefined) throw new TypeError('no chain');
  return { root, cabundle: certificates, leaf, leafKey: await keyObject(above.keys.privateKey) };
}

async function certify(
  spec: CertificateSpec,
  keys: webcrypto.CryptoKeyPair,
  signer: { subject: string; keys: webcrypto.CryptoKeyPair },
): Promise<Uint8Array> {
  const signingKey = spec.forged === true ? (await generate('P-384')).privateKey : signer.keys.privateKey;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: spec.subject,
    issuer: spec.issuer ?? signer.subject,
    notBefore: new Date(spec.notBeforeMs),
    notAfter: new Date(spec.notAfterMs),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: { name: 'ECDSA', hash: spec.hash },
    extensions: spec.extensions,
  });
  let der: Buffer = Buffer.from(certificate.rawData);
  if (spec.patch !== undefined) der = resign(der, spec.patch, await keyObject(signingKey));
  return Uint8Array.from(spec.finish === undefined ? der : spec.finish(der));
}

/** Certificates here have a TBSCertificate of 256 to 1000 bytes, so its length takes exactly two bytes. */
function resign(der: Buffer, patch: (tbs: Buffer) => Uint8Array, key: KeyObject): Buffer {
  const tbsEnd = 8 + der.readUInt16BE(6);
  const algorithmEnd = tbsEnd + 2 + der.readUInt8(tbsEnd + 1);
  const tbs = patch(Buffer.from(der.subarray(4, tbsEnd)));
  const signature = sign('sha384', tbs, key);
  const bits = Buffer.concat([Buffer.of(0x03, signature.length + 1, 0), signature]);
  return sequence(Buffer.concat([tbs, der.subarray(tbsEnd, algorithmEnd), bits]));
}

/** One element in DER. */
export function der(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const inside = Buffer.concat(content);
  const { length } = inside;
  const size = length < 0x80 ? [] : length < 0x100 ? [0x81] : [0x82, length >> 8];
  return Buffer.concat([Buffer.of(tag, ...size, length & 0xff), inside]);
}

/** A TBSCertificate with one field replaced, by place: 0 version, 4 validity, 7 extensions. */
export function replaceField(tbs: Buffer, place: number, field: Uint8Array): Buffer {
  const fields: Uint8Array[] = [];
  for (let at = 4; at < tbs.length;) {
    const initial = tbs.readUInt8(at + 1);
    const bytes = initial < 0x80 ? 0 : initial - 0x80;
    const end = at + 2 + bytes + (bytes === 0 ? initial : tbs.readUIntBE(at + 2, bytes));
    fields.push(tbs.subarray(at, end));
    at = end;
  }
  return der(0x30, ...fields.with(place, field));
}

export function sequence(content: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(content.length);
  return Buffer.concat([Buffer.of(0x30, 0x82), length, content]);
}

/** Replaces the only occurrence of some bytes, given in hexadecimal. */
export function replaceOnce(source: Buffer, from: string, to: string): Buffer {
  const needle = Buffer.from(from.replaceAll(' ', ''), 'hex');
  const at = source.indexOf(needle);
  if (at === -1 || source.includes(needle, at + 1)) throw new TypeError(`${from} is not there exactly once`);
  const replacement = Buffer.from(to.replaceAll(' ', ''), 'hex');
  return Buffer.concat([source.subarray(0, at), replacement, source.subarray(at + needle.length)]);
}

async function generate(curve: 'P-384' | 'P-256'): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: curve }, true, ['sign', 'verify']);
}

async function keyObject(key: webcrypto.CryptoKey): Promise<KeyObject> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
}
