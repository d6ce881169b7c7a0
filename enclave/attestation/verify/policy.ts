import { equalBytes, toHex, type Bytes } from '@k3s-daas/core';
import type { Checked, CheckedRule } from './checked.ts';
import type { AttestationDocument } from './document.ts';
import { AttestationError, type AttestationErrorCode } from './errors.ts';

/** Debug mode zeroes exactly these (PCR3 and PCR4 stay set), and they name the image, its kernel and its application. */
const IMAGE_PCRS = [0, 1, 2] as const;
const PCR_BYTES = 48;

export interface AttestationPolicy {
  /** By index, 48 bytes each. 0, 1 and 2 are mandatory; every other index given is checked as well. */
  readonly pcrs: { readonly 0: Bytes; readonly 1: Bytes; readonly 2: Bytes; readonly [index: number]: Bytes };
  /** What the verifier asked the NSM to include. A key that is present is checked, never skipped. */
  readonly nonce?: Bytes;
  readonly userData?: Bytes;
  readonly publicKey?: Bytes;
}

const FIELDS = [
  { field: 'nonce', rule: 'nonce', code: 'POLICY_NONCE' },
  { field: 'userData', rule: 'user_data', code: 'POLICY_USER_DATA' },
  { field: 'publicKey', rule: 'public_key', code: 'POLICY_PUBLIC_KEY' },
] as const satisfies { field: string; rule: CheckedRule; code: AttestationErrorCode }[];

/** Compares a verified document with what the caller expects. Returns what was compared. */
export function checkPolicy(document: AttestationDocument, policy: AttestationPolicy): Checked[] {
  checkNotDebug(document);
  return [
    { rule: 'debug', found: 'PCR0, PCR1 and PCR2 are not zero' },
    ...checkPcrs(document, policy),
    ...FIELDS.flatMap((row) => checkField(document, policy, row)),
  ];
}

function checkNotDebug(document: AttestationDocument): void {
  for (const index of IMAGE_PCRS) {
    const pcr = document.pcrs.get(index);
    if (pcr === undefined) throw new AttestationError('POLICY_PCR', `the document has no PCR${index}`);
    if (isZero(pcr)) throw new AttestationError('POLICY_DEBUG', `PCR${index} is zero: a debug enclave`);
  }
}

function checkPcrs(document: AttestationDocument, policy: AttestationPolicy): Checked[] {
  const expectations = expectedPcrs(policy);
  for (const [index, expected] of expectations) {
    const actual = document.pcrs.get(index);
    if (actual === undefined || !equalBytes(actual, expected)) {
      const found = actual === undefined ? 'absent' : toHex(actual);
      throw new AttestationError('POLICY_PCR', `PCR${index} is ${found}, expected ${toHex(expected)}`);
    }
  }
  return expectations.map(([index, expected]) => ({
    rule: `pcr${index}` as CheckedRule,
    found: toHex(expected),
  }));
}

/** The policy comes from configuration or the chain; a hole in it must not widen what is accepted. */
function expectedPcrs(policy: AttestationPolicy): [number, Bytes][] {
  const expectations = Object.entries(policy.pcrs).map(([key, expected]): [number, Bytes] => {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index > 31 || !isPcr(expected)) {
      throw new AttestationError('POLICY_INVALID', `the policy's PCR ${JSON.stringify(key)} is not valid`);
    }
    return [index, expected];
  });
  for (const index of IMAGE_PCRS) {
    const expected = expectations.find(([other]) => other === index)?.[1];
    if (expected === undefined || isZero(expected)) {
      throw new AttestationError('POLICY_INVALID', `the policy has no PCR${index}, or a zero one`);
    }
  }
  return expectations;
}

function checkField(
  document: AttestationDocument,
  policy: AttestationPolicy,
  { field, rule, code }: (typeof FIELDS)[number],
): Checked[] {
  if (!(field in policy)) return [];
  const expected: unknown = policy[field];
  const actual = document[field];
  if (!(expected instanceof Uint8Array)) {
    throw new AttestationError('POLICY_INVALID', `the policy's ${field} is not a byte string`);
  }
  if (actual === null || !equalBytes(actual, expected)) {
    const found = actual === null ? 'absent' : toHex(actual);
    throw new AttestationError(code, `${field} is ${found}, expected ${toHex(expected)}`);
  }
  return [{ rule, found: toHex(expected) }];
}

function isPcr(value: unknown): value is Bytes {
  return value instanceof Uint8Array && value.length === PCR_BYTES;
}

function isZero(bytes: Bytes): boolean {
  return bytes.every((byte) => byte === 0);
}
