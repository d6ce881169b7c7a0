/**
 * Attestation documents in every form and under every chain of certificates: the authority and the encoder of the
 * verifier's own tests, which share no code with it and can break each rule.
 */
import {
  basicConstraints,
  keyUsage,
  makeChain,
  standardSpecs,
  T0,
  type CertificateSpec,
  type TestChain as Certificates,
} from '../../enclave/attestation/verify/test/authority.ts';
import {
  bytes,
  coseOf,
  fieldsOf,
  indefiniteMap,
  join,
  map,
  payloadOf,
  raw,
  signedParts,
  text,
  uint,
  type CoseParts,
  type DocumentValues,
  type Fields,
  type Item,
} from '../../enclave/attestation/verify/test/encoder.ts';

/** The chain's time, and the verifier's: long enough after the certificates of `standardSpecs` began. */
export const NOW: number = T0 + 3_600_000;

type Specs = ReturnType<typeof standardSpecs>;
type Change = (specs: Specs) => unknown;

// root, zone, instance, leaf. X.509 times have whole seconds, and NOW is one.
const CHAINS = {
  standard: () => undefined,
  strangersRoot: () => undefined,
  leafEndsNow: ([, , , leaf]: Specs) => (leaf.notAfterMs = NOW),
  leafStartsNow: ([, , , leaf]: Specs) => (leaf.notBeforeMs = NOW),
  leafExpired: ([, , , leaf]: Specs) => (leaf.notAfterMs = NOW - 1_000),
  leafNotYetValid: ([, , , leaf]: Specs) => (leaf.notBeforeMs = NOW + 1_000),
  instanceExpired: ([, , instance]: Specs) => (instance.notAfterMs = NOW - 1_000),
  rootNotYetValid: ([root]: Specs) => (root.notBeforeMs = NOW + 1_000),
  leafIsAuthority: ([, , , leaf]: Specs) => (leaf.extensions[0] = basicConstraints(true)),
  leafSignsCertificates: ([, , , leaf]: Specs) =>
    (leaf.extensions[1] = keyUsage('digitalSignature', 'keyCertSign')),
  leafOfP256: ([, , , leaf]: Specs) => (leaf.curve = 'P-256'),
  instanceNoAuthority: ([, , instance]: Specs) => (instance.extensions[0] = basicConstraints(false)),
  instanceWithoutKeyCertSign: ([, , instance]: Specs) => (instance.extensions[1] = keyUsage('cRLSign')),
  zoneNotCritical: ([, zone]: Specs) => (zone.extensions[0] = basicConstraints(true, 1, false)),
  zonePathTooShort: ([, zone]: Specs) => (zone.extensions[0] = basicConstraints(true, 0)),
  instanceForged: ([, , instance]: Specs) => (instance.forged = true),
  leafOfAnotherIssuer: ([, , , leaf]: Specs) => (leaf.issuer = 'CN=zone.test'),
} as const satisfies Record<string, Change>;
export type ChainName = keyof typeof CHAINS;
export const chainNames = Object.keys(CHAINS) as ChainName[];

export type AllCertificates = Readonly<Record<ChainName, Certificates>>;

export async function makeCertificates(): Promise<AllCertificates> {
  const made: Partial<Record<ChainName, Certificates>> = {};
  for (const name of chainNames) {
    const specs = standardSpecs();
    CHAINS[name](specs);
    made[name] = await makeChain(specs satisfies readonly CertificateSpec[]);
  }
  return made as Record<ChainName, Certificates>;
}

type Document = Omit<DocumentValues, 'moduleId' | 'certificate' | 'cabundle'>;
type Form = (fields: Fields, sign: (payload: Item) => CoseParts) => Item;

const plain: Form = (fields, sign) => coseOf(sign(payloadOf(fields)));
const changed =
  (change: (fields: Fields) => unknown): Form =>
  (fields, sign) => {
    change(fields);
    return plain(fields, sign);
  };
const resigned =
  (change: (parts: CoseParts) => Partial<CoseParts>): Form =>
  (fields, sign) => {
    const parts = sign(payloadOf(fields));
    return coseOf({ ...parts, ...change(parts) });
  };
const flipped = (source: Item, at: number): Item => source.map((byte, i) => (i === at ? byte ^ 1 : byte));

const FORMS = {
  plain,
  definite: (fields, sign) => coseOf(sign(payloadOf(fields, map))),
  tagged: (fields, sign) => join(raw('d2'), plain(fields, sign)),
  taggedOtherwise: (fields, sign) => join(raw('d1'), plain(fields, sign)),
  trailingByte: (fields, sign) => join(plain(fields, sign), raw('00')),
  trailingByteInPayload: (fields, sign) => coseOf(sign(join(payloadOf(fields), raw('00')))),
  truncated: (fields, sign) => plain(fields, sign).slice(0, -1),
  signatureAltered: resigned(({ signature }) => ({ signature: flipped(signature, 0) })),
  signaturePadded: resigned(({ signature }) => ({ signature: join(raw('00 00'), signature) })),
  payloadAltered: resigned(({ payload }) => ({ payload: flipped(payload, payload.length - 8) })),
  unprotectedHeader: resigned(() => ({ unprotectedHeader: map([uint(1), raw('38 22')]) })),
  otherAlgorithm: resigned(() => ({ protectedHeader: raw('a1 01 26') })),
  fieldUnknown: changed((fields) => fields.set('debug', uint(1))),
  fieldTwice: (fields, sign) => {
    const pairs = [...fields].map(([name, value]) => [text(name), value] as const);
    return coseOf(sign(indefiniteMap(...pairs, [text('nonce'), fields.get('nonce') ?? raw('f6')])));
  },
  withoutModuleId: changed((fields) => fields.delete('module_id')),
  withoutPcrs: changed((fields) => fields.delete('pcrs')),
  digestOfSha256: changed((fields) => fields.set('digest', text('SHA256'))),
  timestampZero: changed((fields) => fields.set('timestamp', uint(0))),
  timestampPastDates: changed((fields) => fields.set('timestamp', uint(2n ** 64n - 1n))),
  timestampAsText: changed((fields) => fields.set('timestamp', text(String(NOW)))),
  publicKeyMissing: changed((fields) => fields.delete('public_key')),
  publicKeyAsText: changed((fields) => fields.set('public_key', text('x'.repeat(32)))),
  userDataMissing: changed((fields) => fields.delete('user_data')),
  nonceMissing: changed((fields) => fields.delete('nonce')),
  nonceLong: changed((fields) => fields.set('nonce', bytes(new Uint8Array(513)))),
  cabundleEmpty: changed((fields) => fields.set('cabundle', raw('80'))),
} as const satisfies Record<string, Form>;
export type FormName = keyof typeof FORMS;
export const formNames = Object.keys(FORMS) as FormName[];

export function makeDocument(certificates: Certificates, form: FormName, document: Document): Item {
  const { leaf: certificate, cabundle, leafKey } = certificates;
  const fields = fieldsOf({ moduleId: 'i-differential-enc1', certificate, cabundle, ...document });
  return FORMS[form](fields, (payload) => signedParts(payload, leafKey));
}
