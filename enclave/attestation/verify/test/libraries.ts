/** COSE_Sign1 by two libraries of others, which check the signature alone, and signatures of a chain by a third. */
import 'reflect-metadata'; // @peculiar/x509 refuses to load without it
import { createRequire } from 'node:module';
import { webcrypto, type KeyObject } from 'node:crypto';
import type * as Auth0 from '@auth0/cose';
import * as x509 from '@peculiar/x509';

export type Verdict =
  { readonly accepted: true; readonly payload: Uint8Array } | { readonly accepted: false };

interface CoseJs {
  readonly sign: {
    readonly Sign1Tag: number;
    verifySync(
      bytes: Buffer,
      verifier: { key: { x: Buffer; y: Buffer } },
      options: { defaultType: number },
    ): Uint8Array;
  };
}

const require = createRequire(import.meta.url);
const coseJs = require('cose-js') as CoseJs;
// By its CommonJS build: a dependency of the other one (@peculiar/webcrypto) ships ES modules without saying so, which
// Node has to guess, and once in a while under load it guessed wrong.
const { Algorithms, Sign1 } = require('@auth0/cose') as typeof Auth0;
const REFUSED: Verdict = { accepted: false };

/** cose-js 0.9.0: decoder `cbor`, curves by elliptic. AWS sends no tag, which it takes for COSE_Sign unless told. */
export function verifyWithCoseJs(
  document: Uint8Array,
  key: KeyObject,
  defaultType = coseJs.sign.Sign1Tag,
): Verdict {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const coordinates = { x: Buffer.from(x, 'base64url'), y: Buffer.from(y, 'base64url') };
  try {
    const payload = coseJs.sign.verifySync(Buffer.from(document), { key: coordinates }, { defaultType });
    return { accepted: true, payload };
  } catch {
    return REFUSED;
  }
}

/** @auth0/cose 1.0.2: decoder cbor-x, signature by node:crypto. */
export async function verifyWithAuth0(document: Uint8Array, key: KeyObject): Promise<Verdict> {
  try {
    const sign1 = Sign1.decode(document);
    await sign1.verify(key, { algorithms: [Algorithms.ES384] });
    return { accepted: true, payload: sign1.payload };
  } catch {
    return REFUSED;
  }
}

/** Signatures by WebCrypto of certificates (the root first, the leaf last) and, with the leaf's key, of a message. */
export async function verifyWithPeculiar(
  certificates: readonly Uint8Array[],
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const chain = certificates.map((der) => new x509.X509Certificate(new Uint8Array(der)));
  let issuer: x509.X509Certificate | undefined;
  for (const certificate of chain) {
    const publicKey = issuer?.publicKey;
    if (publicKey !== undefined && !(await certificate.verify({ publicKey, signatureOnly: true })))
      return false;
    issuer = certificate;
  }
  if (issuer === undefined) return false;
  const { subtle } = webcrypto;
  const ecdsa = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
  const key = await subtle.importKey('spki', issuer.publicKey.rawData, ecdsa, false, ['verify']);
  return subtle.verify(ecdsa, key, signature, message);
}

/** The two that verify COSE_Sign1. */
export const LIBRARIES = { 'cose-js': verifyWithCoseJs, '@auth0/cose': verifyWithAuth0 } as const;
export type Library = keyof typeof LIBRARIES;
