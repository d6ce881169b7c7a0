/** What the fuzzer holds against a verdict. Its rules are stated in ../fuzz.test.ts. */
import type { AttestationDocument } from '../../index.ts';
import { certificateTwinOf, twinOf } from './ecdsa.ts';
import { array, bytes as byteString, coseOf, join, raw, text, type CoseParts } from './encoder.ts';
import { inOneForm, judge, plainFields, plainMap, type Judgement } from './judge.ts';
import type { Source } from './mutators.ts';

export interface Mutant {
  readonly index: number;
  readonly mutator: string;
  readonly source: Source;
  readonly bytes: Uint8Array;
  /** What the leaf key made last. */
  readonly honest: CoseParts;
  readonly signedAsMutated: boolean;
}

export const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const TAG_18 = raw('d2');

/** The four byte strings with which a signer's document is accepted. */
function formsOf(honest: CoseParts): Uint8Array[] {
  const forms = [coseOf(honest), coseOf({ ...honest, signature: twinOf(honest.signature) })];
  return [...forms, ...forms.map((form) => join(TAG_18, form))];
}

/** By source: those byte strings and what the judge says of each. */
const formsOfSource = new Map<Source, { readonly form: Uint8Array; readonly judgement: Judgement }[]>();

function judgementOf(source: Source, bytes: Uint8Array): Judgement | undefined {
  let forms = formsOfSource.get(source);
  if (forms === undefined) {
    forms = formsOf(source.parts).map((form) => ({ form, judgement: judge(form) }));
    formsOfSource.set(source, forms);
  }
  return forms.find(({ form }) => same(form, bytes))?.judgement;
}

/** Whether these bytes are a source's document, in one of the four forms. */
export function isFormOf(source: Source, bytes: Uint8Array): boolean {
  return judgementOf(source, bytes) !== undefined;
}

/**
 * Why a verdict is wrong; empty if it is right. `document` is what an entry point returned, undefined if it refused.
 * `name` of the entry point says whether a policy was to be applied.
 */
export function objectionsTo(
  mutant: Mutant,
  document: AttestationDocument | undefined,
  name: string,
): string[] {
  if (!mutant.signedAsMutated) {
    const judgement = judgementOf(mutant.source, mutant.bytes);
    if (document === undefined) return judgement === undefined ? [] : ['what was signed is refused'];
    if (judgement === undefined) return ['accepted although it is none of the four forms'];
    return judged(mutant, document, judgement, name);
  }
  if (document === undefined) return [];
  try {
    return judged(mutant, document, judge(mutant.bytes), name);
  } catch (error) {
    return [`accepted, but the judge cannot read it: ${String(error)}`];
  }
}

function judged(mutant: Mutant, document: AttestationDocument, judgement: Judgement, name: string): string[] {
  const { protectedHeader, payload } = mutant.honest;
  const signed = array(text('Signature1'), byteString(protectedHeader), raw('40'), byteString(payload));
  const objections: string[] = [];
  if (!same(judgement.sigStructure, signed)) objections.push('accepted with another Sig_structure');
  if (!judgement.signatureValid) objections.push('accepted, and noble finds the signature invalid');
  if (JSON.stringify(plainFields(document)) !== JSON.stringify(plainMap(judgement.document))) {
    objections.push('another decoder reads other fields');
  }
  if (!inOneForm(payload)) objections.push('accepted a payload that can be written in another way');
  if (!certificatesAreIssued(mutant.source, document))
    objections.push('accepted a certificate nobody issued');
  if (name.startsWith('verifyAttestation') && !asExpected(mutant.source, judgement.document)) {
    objections.push('accepted against the policy');
  }
  return objections;
}

const issued = new Map<Source, Uint8Array[]>();

/**
 * Each certificate in its own place: the root exactly, the others exactly or with (r, n − s). The root may stand there
 * several times: it is its own issuer, and nothing in AWS's rules forbids it to the NSM.
 */
function certificatesAreIssued(source: Source, { cabundle, certificate }: AttestationDocument): boolean {
  let certificates = issued.get(source);
  if (certificates === undefined) {
    const original = judge(source.bytes).document;
    certificates = [...(original['cabundle'] as Uint8Array[]), original['certificate'] as Uint8Array];
    issued.set(source, certificates);
  }
  const found = [...cabundle, certificate].filter((der, at) => at === 0 || !same(der, source.trustAnchor));
  return (
    found.length === certificates.length &&
    certificates.every((wanted, at) => {
      const der = found[at] ?? TAG_18;
      return same(der, wanted) || (at > 0 && same(der, certificateTwinOf(wanted)));
    })
  );
}

function asExpected({ policy }: Source, document: Judgement['document']): boolean {
  const pcrs = document['pcrs'] as ReadonlyMap<number, Uint8Array>;
  const fields = { nonce: policy.nonce, user_data: policy.userData, public_key: policy.publicKey };
  return (
    Object.entries(policy.pcrs).every(([index, pcr]) => same(pcrs.get(Number(index)) ?? TAG_18, pcr)) &&
    Object.entries(fields).every(
      ([field, value]) => value === undefined || same(document[field] as Uint8Array, value),
    )
  );
}
