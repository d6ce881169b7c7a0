import { crc32 } from 'node:zlib';

import { concatBytes, equalBytes, utf8, type Bytes } from '@k3s-daas/core';

import { ExtenderError } from '../errors.ts';
import { GENESIS, RECORD_BYTES_MAX, recordHash } from './record.ts';

// On disk: MAGIC, then per record: length (u32 LE) ‖ CRC-32 of these four bytes (u32 LE) ‖ record ‖ hash (32 bytes).
// The length has a checksum of its own: a flipped bit in it must not pass for a record that was cut off.

export const MAGIC = utf8('k3s-daas/log/v1\n');
const HEADER_BYTES = 8;
const HASH_BYTES = 32;
const CHUNK_BYTES = 1 << 20;

export interface Frame {
  /** Where the frame begins in the file. */
  readonly offset: number;
  readonly record: Bytes;
  readonly hash: Bytes;
}

/** What the scan reads from; `read` returns fewer bytes only at the end. */
export interface ReadableBytes {
  size(): Promise<number>;
  read(offset: number, length: number): Promise<Bytes>;
}

export function encodeFrame(record: Bytes, hash: Bytes): Bytes {
  if (record.length > RECORD_BYTES_MAX)
    throw new RangeError(`a record has at most ${RECORD_BYTES_MAX} bytes`);
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, record.length, true);
  view.setUint32(4, crc32(header.subarray(0, 4)), true);
  return concatBytes(header, record, hash);
}

/**
 * Reads a log from its beginning: the frames in order, and in the end the offset up to which the file is whole.
 * What follows there is a record that was cut off while it was written, or blocks that were never written (zeros).
 * @throws ExtenderError LOG_CORRUPT, naming the offset, for anything else
 */
export async function* scanFrames(file: ReadableBytes): AsyncGenerator<Frame, number> {
  const size = await file.size();
  const buffered = bufferedReader(file, size);
  const magic = await buffered(0, Math.min(MAGIC.length, size));
  if (!equalBytes(magic, MAGIC.subarray(0, magic.length))) throw corrupt(0, 'the file is not a decision log');
  if (size < MAGIC.length) return 0;
  let offset = MAGIC.length;
  let previous = GENESIS;
  while (offset + HEADER_BYTES <= size) {
    const length = recordLength(await buffered(offset, HEADER_BYTES));
    if (length === null) {
      if (await onlyZeros(buffered, offset, size)) return offset;
      throw corrupt(offset, 'the length of a record fails its checksum');
    }
    const end = offset + HEADER_BYTES + length + HASH_BYTES;
    if (end > size) return offset;
    const content = await buffered(offset + HEADER_BYTES, length + HASH_BYTES);
    const record = content.slice(0, length);
    const hash = content.slice(length);
    if (!equalBytes(recordHash(record), hash)) throw corrupt(offset, 'a record does not have its hash');
    if (!equalBytes(record.slice(0, HASH_BYTES), previous)) {
      throw corrupt(offset, 'a record does not name the one before it');
    }
    yield { offset, record, hash };
    previous = hash;
    offset = end;
  }
  return offset;
}

export function corrupt(offset: number, why: string, cause?: unknown): ExtenderError {
  return new ExtenderError(
    'LOG_CORRUPT',
    `the decision log is damaged at byte ${offset}: ${why}`,
    'restore the log from its backup or the published copy; never cut it by hand: receipts would go missing',
    cause === undefined ? {} : { cause },
  );
}

/** Length of the record, or null if the header is not one that was ever written. */
function recordLength(header: Bytes): number | null {
  const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES);
  const length = view.getUint32(0, true);
  if (crc32(header.subarray(0, 4)) !== view.getUint32(4, true)) return null;
  return length < HASH_BYTES || length > RECORD_BYTES_MAX ? null : length;
}

type Reader = (offset: number, length: number) => Promise<Bytes>;

function bufferedReader(file: ReadableBytes, size: number): Reader {
  let start = 0;
  let chunk: Bytes = new Uint8Array();
  return async (offset, length) => {
    if (offset < start || offset + length > start + chunk.length) {
      start = offset;
      chunk = await file.read(offset, Math.min(size - offset, Math.max(length, CHUNK_BYTES)));
    }
    return chunk.subarray(offset - start, offset - start + length);
  };
}

async function onlyZeros(read: Reader, from: number, size: number): Promise<boolean> {
  for (let offset = from; offset < size; offset += CHUNK_BYTES) {
    const chunk = await read(offset, Math.min(CHUNK_BYTES, size - offset));
    if (chunk.some((byte) => byte !== 0)) return false;
  }
  return true;
}
