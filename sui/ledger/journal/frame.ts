import { crc32 } from 'node:zlib';

import { concatBytes, equalBytes, utf8, type Bytes } from '@k3s-daas/core';

import { LedgerError } from '../chain/errors.ts';

// On disk: a magic, then per record: length (u32 LE) ‖ CRC-32 of these four bytes ‖ record ‖ CRC-32 of the record.
// The length has a checksum of its own: a flipped bit in it must not pass for a record that was cut off.

export const MAGIC: Bytes = utf8('k3s-daas/ledger/v1\n');
/** Of a file that goes on where another one of the same journal ends. */
export const SEGMENT_MAGIC: Bytes = utf8('k3s-daas/ledger/segment/v1\n');
const FAMILY = utf8('k3s-daas/ledger/');
const HEADER_BYTES = 8;
const CHECKSUM_BYTES = 4;
const RECORD_BYTES_MAX = 16 << 20;
const CHUNK_BYTES = 1 << 20;
/** The smallest piece that disks write or lose as a whole. */
const SECTOR_BYTES = 512;

export interface Frame {
  /** Where the frame begins in the file. */
  readonly offset: number;
  readonly record: Bytes;
}

/** What the scan reads from; `read` returns fewer bytes only at the end. */
export interface ReadableBytes {
  size(): Promise<number>;
  read(offset: number, length: number): Promise<Bytes>;
}

/** Throws LedgerError INPUT_INVALID for a record that is too long. */
export function encodeFrame(record: Bytes): Bytes {
  if (record.length > RECORD_BYTES_MAX)
    throw new LedgerError('INPUT_INVALID', `A journal record has at most ${RECORD_BYTES_MAX} bytes.`);
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  view.setUint32(0, record.length, true);
  view.setUint32(4, crc32(header.subarray(0, 4)), true);
  const checksum = new Uint8Array(CHECKSUM_BYTES);
  new DataView(checksum.buffer).setUint32(0, crc32(record), true);
  return concatBytes(header, record, checksum);
}

/**
 * Reads a journal from its beginning: the frames in order, and in the end the offset up to which the file is whole.
 * What follows there was cut off while it was written, or has sectors at its end that were never written (zeros).
 * @throws LedgerError JOURNAL_CORRUPT, naming the offset, for anything else; JOURNAL_MISMATCH for another format
 */
export async function* scanFrames(file: ReadableBytes, wanted: Bytes = MAGIC): AsyncGenerator<Frame, number> {
  const size = await file.size();
  const read = bufferedReader(file, size);
  const magic = await read(0, Math.min(wanted.length, size));
  if (!equalBytes(magic, wanted.subarray(0, magic.length))) {
    if (await isUnwritten(file, 0, size)) return 0;
    if (equalBytes(magic.subarray(0, FAMILY.length), FAMILY))
      throw new LedgerError('JOURNAL_MISMATCH', 'The journal has a format that this version does not read.');
    throw corrupt(0, 'the file is not a journal');
  }
  if (size < wanted.length) return 0;
  let offset = wanted.length;
  while (offset + HEADER_BYTES <= size) {
    const length = recordLength(await read(offset, HEADER_BYTES));
    if (length === null) {
      if (await isUnwritten(file, offset, size)) return offset;
      throw corrupt(offset, 'the length of a record fails its checksum');
    }
    const end = offset + HEADER_BYTES + length + CHECKSUM_BYTES;
    if (end > size) return offset;
    const content = await read(offset + HEADER_BYTES, length + CHECKSUM_BYTES);
    const record = content.slice(0, length);
    if (crc32(record) !== new DataView(content.buffer, content.byteOffset + length).getUint32(0, true)) {
      if (await isUnwritten(file, offset, size)) return offset;
      throw corrupt(offset, 'a record fails its checksum');
    }
    yield { offset, record };
    offset = end;
  }
  return offset;
}

export function corrupt(offset: number, why: string, cause?: unknown): LedgerError {
  return new LedgerError('JOURNAL_CORRUPT', `The journal is damaged at byte ${offset}: ${why}.`, { cause });
}

/** Length of the record, or null if the header is not one that was ever written. */
function recordLength(header: Bytes): number | null {
  const view = new DataView(header.buffer, header.byteOffset, HEADER_BYTES);
  const length = view.getUint32(0, true);
  if (crc32(header.subarray(0, 4)) !== view.getUint32(4, true)) return null;
  return length > RECORD_BYTES_MAX ? null : length;
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

/** Whether the file ends in zeros from `offset` on, or from a boundary of sectors after it. */
async function isUnwritten(file: ReadableBytes, offset: number, size: number): Promise<boolean> {
  let zerosFrom = size;
  for (let end = size; end > offset; end = Math.max(offset, end - CHUNK_BYTES)) {
    const begin = Math.max(offset, end - CHUNK_BYTES);
    const chunk = await file.read(begin, end - begin);
    const last = chunk.findLastIndex((byte) => byte !== 0);
    zerosFrom = begin + last + 1;
    if (last >= 0) break;
  }
  return zerosFrom === offset || Math.ceil(zerosFrom / SECTOR_BYTES) * SECTOR_BYTES < size;
}
