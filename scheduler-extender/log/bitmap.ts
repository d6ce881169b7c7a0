import { FormatError, type Bytes } from '@k3s-daas/core';

/** A set of small indices as bits, lowest bit of the first byte first, without zero bytes at the end. */
export function bitmapOf(indices: readonly number[]): Bytes {
  let highest = -1;
  for (const index of indices) if (index > highest) highest = index;
  const bytes = new Uint8Array(highest < 0 ? 0 : (highest >>> 3) + 1);
  for (const index of indices) bytes[index >>> 3] = (bytes[index >>> 3] ?? 0) | (1 << (index & 7));
  return bytes;
}

/** The indices in a bitmap, ascending. @throws FormatError if the last byte is zero: a set has one form */
export function indicesOf(bitmap: Bytes): readonly number[] {
  if (bitmap.at(-1) === 0) throw new FormatError('BCS_NOT_CANONICAL', 'a bitmap ends with a zero byte');
  const indices: number[] = [];
  bitmap.forEach((byte, at) => {
    for (let bit = 0; byte >>> bit !== 0; bit += 1)
      if (((byte >>> bit) & 1) === 1) indices.push(at * 8 + bit);
  });
  return indices;
}

/** What is in the first set and not in the second. */
export function without(set: Bytes, removed: Bytes): Bytes {
  const left = set.map((byte, at) => byte & ~(removed[at] ?? 0));
  let length = left.length;
  while (length > 0 && left[length - 1] === 0) length -= 1;
  return left.slice(0, length);
}
