/** COSE_Sign1 by two libraries of others. They check the signature alone: no certificates, no fields. */
import { createRequire } from 'node:module';
import type { KeyObject } from 'node:crypto';
import { Algorithms, Sign1 } from '@auth0/cose';

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

const coseJs = createRequire(import.meta.url)('cose-js') as CoseJs;
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
