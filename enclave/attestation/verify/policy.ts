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

/** A policy without holes: what must be in the document, value by value. */
export interface Expectations {
  readonly pcrs: readonly (readonly [index: number, expected: Bytes])[];
  readonly fields: readonly ((typeof FIELDS)[number] & { readonly expected: Bytes })[];
}

/**
 * Reads the caller's policy, before any document: it comes from configuration or the chain, and a hole in it must
 * not widen what is accepted.
 */
export function readPolicy(policy: AttestationPolicy): Expectations {
  const pcrs = Object.entries(policy.pcrs).map(([key, expected]): [number, Bytes] => {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index > 31 || !isPcr(expected)) {
      throw new AttestationError('POLICY_INVALID', `the policy's PCR ${JSON.stringify(key)} is not valid`);
    }
    return [index, expected];
  });
  for (const index of IMAGE_PCRS) {
    const expected = pcrs.find(([other]) => other === index)?.[1];
    if (expected === undefined || isZero(expected)) {
      throw new AttestationError('POLICY_INVALID', `the policy has no PCR${index}, or a zero one`);
    }
  }
  const fields = FIELDS.filter(({ field }) => field in policy).map((row) => {
    const expected: unknown = policy[row.field];
    if (expected instanceof Uint8Array) return { ...row, expected };
    throw new AttestationError('POLICY_INVALID', `the policy's ${row.field} is not a byte string`);
  });
  return { pcrs, fields };
}

/** Compares a verified document with what the caller expects. Returns what was compared. */
export function checkPolicy(document: AttestationDocument, { pcrs, fields }: Expectations): Checked[] {
  checkNotDebug(document);
  return [
    { rule: 'debug', found: 'PCR0, PCR1 and PCR2 are not zero' },
    ...pcrs.map(([index, expected]): Checked => {
      const code = 'POLICY_PCR';
      const found = requireEqual(`PCR${index}`, { actual: document.pcrs.get(index), expected, code });
      return { rule: `pcr${index}` as CheckedRule, found };
    }),
    ...fields.map(({ field, rule, expected, code }): Checked => {
      return { rule, found: requireEqual(field, { actual: document[field], expected, code }) };
    }),
  ];
}

function checkNotDebug(document: AttestationDocument): void {
  for (const index of IMAGE_PCRS) {
    // An absent one is refused by the comparison: the policy has all three.
    const pcr = document.pcrs.get(index);
    if (pcr !== undefined && isZero(pcr)) {
      throw new AttestationError('POLICY_DEBUG', `PCR${index} is zero: a debug enclave`);
    }
  }
}

function requireEqual(
  name: string,
  values: {
    readonly actual: Bytes | null | undefined;
    readonly expected: Bytes;
    readonly code: AttestationErrorCode;
  },
): string {
  const { actual, expected, code } = values;
  if (actual !== null && actual !== undefined && equalBytes(actual, expected)) return toHex(expected);
  const found = actual === null || actual === undefined ? 'absent' : toHex(actual);
  throw new AttestationError(code, `${name} is ${found}, expected ${toHex(expected)}`);
}

function isPcr(value: unknown): value is Bytes {
  return value instanceof Uint8Array && value.length === PCR_BYTES;
}

function isZero(bytes: Bytes): boolean {
  return bytes.every((byte) => byte === 0);
}
