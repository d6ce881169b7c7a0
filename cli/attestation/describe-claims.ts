import type { ClaimedCertificate, Claims } from './claims.ts';

const NOTICE =
  'NOTHING below is verified: anyone can write such a document. `daas attestation verify` checks one.';

/** AWS, "Cryptographic attestation": what each register measures. */
const MEANING: Readonly<Record<number, string>> = {
  0: 'enclave image',
  1: 'kernel and boot',
  2: 'application',
  3: "IAM role of the instance's owner",
  4: 'instance id',
  8: 'certificate that signed the image',
};

/** A document in plain words, for people. Its own texts come from a stranger and are shown with escapes. */
export function describeClaims(claims: Claims): string {
  const { bytes, refusal, moduleId, timestampMs } = claims;
  const form =
    refusal === null
      ? 'the form of an AWS Nitro attestation document'
      : `not the form of an AWS Nitro attestation document, ${refusal.code}: ${plain(refusal.message)}`;
  const head = [NOTICE, '', `form: ${bytes} bytes, ${form}`];
  if (!claims.readable) return [...head, 'payload: unreadable'].join('\n');
  return [
    ...head,
    `module_id: ${moduleId === null ? 'unreadable' : plain(moduleId)}`,
    `timestamp: ${describeTime(timestampMs)}`,
    ...describePcrs(claims),
    `public_key: ${describeBytes(claims.publicKey)}`,
    `user_data: ${describeBytes(claims.userData)}`,
    `nonce: ${describeBytes(claims.nonce)}`,
    'certificates:',
    ...(claims.certificates.length === 0
      ? ['  unreadable']
      : claims.certificates.flatMap(describeCertificate)),
    describeRoot(claims.certificates),
  ].join('\n');
}

function describeTime(ms: number | null): string {
  if (ms === null) return 'unreadable';
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms, which is no date` : date.toISOString();
}

function describePcrs({ pcrs }: Claims): string[] {
  const entries = Object.entries(pcrs);
  if (entries.length === 0) return ['pcrs: unreadable'];
  const lines = entries.map(([index, value]) => {
    const meaning = MEANING[Number(index)];
    const label = `  PCR${index}${meaning === undefined ? '' : ` (${meaning})`}`;
    return `${label}: ${isZero(value) ? `zero, ${value.length / 2} bytes` : value}`;
  });
  const debug = [0, 1, 2].some((index) => isZero(pcrs[index] ?? '1'));
  return ['pcrs:', ...lines, ...(debug ? ['  PCR0, 1 or 2 is zero: an enclave in debug mode'] : [])];
}

function describeBytes(hex: string | null): string {
  if (hex === null) return 'none';
  return `${hex.length / 2} bytes ${hex}`.trimEnd();
}

function describeCertificate({ place, certificate }: ClaimedCertificate): string[] {
  if (certificate === null) return [`  ${place}: not a certificate`];
  const { subject, issuer, notBefore, notAfter, sha256 } = certificate;
  return [
    `  ${place}: ${plain(subject.replaceAll('\n', ', '))}`,
    `    issued by ${plain(issuer.replaceAll('\n', ', '))}`,
    `    valid from ${notBefore} to ${notAfter}`,
    `    SHA-256 ${sha256}`,
  ];
}

function describeRoot([root]: readonly ClaimedCertificate[]): string {
  if (root?.place !== 'root') return 'root: none';
  return root.awsNitroRootG1
    ? 'root: the bytes of AWS Nitro Enclaves root G1; whether it issued the rest was not checked'
    : 'root: not the AWS Nitro Enclaves root G1';
}

function isZero(hex: string): boolean {
  return /^0+$/.test(hex);
}

/** Printable ASCII as it is, all else as an escape: a terminal must not obey a document. */
function plain(text: string): string {
  return text.replaceAll(
    /[^\x20-\x7e]|\\/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
