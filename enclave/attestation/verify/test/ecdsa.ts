/** What else verifies where (r, s) does: ECDSA's one malleability, written from its definition. */
import { join, raw } from './encoder.ts';
import { encodeDer, parseDer } from './der-tree.ts';

/** Order of P-384 (FIPS 186-4, D.1.2.4). */
export const P384_ORDER =
  39402006196394479212279040100143613805079739270465446667946905279627659399113263569398956308152294913554433653942643n;

export const toNumber = (bytes: Uint8Array): bigint => BigInt(`0x0${Buffer.from(bytes).toString('hex')}`);
/** Big-endian in `size` bytes; what does not fit loses its front. */
export const fromNumber = (value: bigint, size = 48): Uint8Array =>
  raw(
    value
      .toString(16)
      .padStart(2 * size, '0')
      .slice(-2 * size),
  );

/** (r, n − s) of a raw signature of 96 bytes: the only other one by the same key with the same r over the same bytes. */
export function twinOf(signature: Uint8Array): Uint8Array {
  return join(signature.slice(0, 48), fromNumber(P384_ORDER - toNumber(signature.slice(48))));
}

/** The certificate with (r, n − s) in its signature, which the issuer never made and which verifies all the same. */
export function certificateTwinOf(der: Uint8Array): Uint8Array {
  const certificate = parseDer(der);
  const bits = certificate.children?.[2];
  if (bits === undefined) throw new RangeError('not a certificate');
  const signature = parseDer(bits.content.slice(1));
  const s = signature.children?.[1];
  if (s === undefined) throw new RangeError('not a signature');
  const other = fromNumber(P384_ORDER - toNumber(s.content));
  const first = other.findIndex((byte) => byte !== 0);
  const shortest = other.slice(first);
  s.content = (shortest[0] ?? 0) >= 0x80 ? join(raw('00'), shortest) : shortest;
  bits.content = join(raw('00'), encodeDer(signature));
  return encodeDer(certificate);
}
