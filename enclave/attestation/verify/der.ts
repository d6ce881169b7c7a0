import type { Bytes } from '@k3s-daas/core';

/** Why bytes are not DER; the caller turns it into its own coded error. */
export class DerError extends Error {}

export interface DerElement {
  readonly tag: number;
  /** Tag, length and content, as received. */
  readonly encoded: Bytes;
  readonly content: Bytes;
}

const CONSTRUCTED = 0x20;
const DEPTH_MAX = 12;
const DER_BOOLEAN = 0x01;
export const DER_INTEGER = 0x02;
export const DER_BIT_STRING = 0x03;
export const DER_SEQUENCE = 0x30;

/**
 * Reads one element that fills `bytes`, and checks every element below it (X.690 sections 8 and 10): definite
 * lengths in shortest form, low tag numbers, booleans 00 or ff, shortest integers. Certificate libraries read BER
 * or ignore trailing bytes; after this there is nothing left for them to be lenient about.
 */
export function readDer(bytes: Bytes): DerElement {
  const { element, end } = readAt(bytes, 0);
  if (end !== bytes.length) throw new DerError('bytes follow the element');
  check(element, 0);
  return element;
}

/** The elements directly inside a constructed one. */
export function derChildren(element: DerElement): DerElement[] {
  const children: DerElement[] = [];
  for (let offset = 0; offset < element.content.length;) {
    const { element: child, end } = readAt(element.content, offset);
    children.push(child);
    offset = end;
  }
  return children;
}

function check(element: DerElement, depth: number): void {
  if (depth > DEPTH_MAX) throw new DerError('nested too deep');
  if ((element.tag & CONSTRUCTED) !== 0) {
    for (const child of derChildren(element)) check(child, depth + 1);
    return;
  }
  const [first, second] = element.content;
  if (element.tag === DER_BOOLEAN && (element.content.length !== 1 || (first !== 0 && first !== 0xff))) {
    throw new DerError('a boolean is neither 00 nor ff');
  }
  if (element.tag === DER_INTEGER) {
    if (first === undefined) throw new DerError('an integer is empty');
    const padded =
      second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (padded) throw new DerError('an integer is not in shortest form');
  }
}

function readAt(bytes: Bytes, start: number): { element: DerElement; end: number } {
  const tag = bytes[start];
  const initial = bytes[start + 1];
  if (tag === undefined || initial === undefined) throw new DerError('truncated');
  if ((tag & 0x1f) === 0x1f) throw new DerError('high tag number');
  let length = initial;
  let from = start + 2;
  if (initial >= 0x80) {
    // Certificates have at most 1024 bytes: two length bytes are enough, and 0x80 (indefinite) is BER.
    const size = initial & 0x7f;
    if (size !== 1 && size !== 2) throw new DerError('length is indefinite or too long');
    length = 0;
    for (let index = 0; index < size; index++) length = (length << 8) | (bytes[from + index] ?? 0);
    from += size;
    if (length < (size === 1 ? 0x80 : 0x100)) throw new DerError('length is not in shortest form');
  }
  const end = from + length;
  if (end > bytes.length) throw new DerError('truncated');
  return { element: { tag, encoded: bytes.subarray(start, end), content: bytes.subarray(from, end) }, end };
}
