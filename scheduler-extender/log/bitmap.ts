import { FormatError, type Bytes } from '@k3s-daas/core';

/** A set of small indices as bits, lowest bit of the first byte first, without zero bytes at the end. */
export function bitmapOf(indices: Iterable<number>): Bytes {
  const bytes: number[] = [];
  for (const index of indices) {
    const at = index >>> 3;
    while (bytes.length <= at) bytes.push(0);
    bytes[at] = (bytes[at] ?? 0) | (1 << (index & 7));
  }
  return new Uint8Array(bytes);
}

/** The indices in a bitmap, ascending. @throws FormatError if the last byte is zero: a set has one form */
export function indicesOf(bitmap: Bytes): readonly number[] {
  if (bitmap.at(-1) === 0) throw new FormatError('BCS_NOT_CANONICAL', 'a bitmap ends with a zero byte');
  const indices: number[] = [];
  bitmap.forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit += 1) if ((byte & (1 << bit)) !== 0) indices.push(at * 8 + bit);
  });
  return indices;
}
