import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

import { DOCUMENT_BYTES_MAX } from '@k3s-daas/attestation';
import { fromBase64, fromHex, type Bytes } from '@k3s-daas/core';

import { CliError } from '../errors.ts';
import { userPath } from '../files.ts';

export type Encoding = 'raw' | 'base64' | 'hex';

/** Hexadecimal is twice as long; beyond this nothing can be a document, with any line breaks. */
const FILE_BYTES_MAX = 3 * DOCUMENT_BYTES_MAX;

/** Reads a document from a file, or from standard input where it is `-`. @throws CliError FILE_UNREADABLE */
export async function readDocument(file: string, encoding: Encoding): Promise<Bytes> {
  const content = await readBounded(file === '-' ? process.stdin : createReadStream(userPath(file)), file);
  if (encoding === 'raw') return content;
  const text = Buffer.from(content).toString('latin1').replaceAll(/\s/g, '');
  try {
    return encoding === 'hex' ? fromHex(text) : fromBase64(text);
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} is not ${encoding}`, 'see --encoding', { cause });
  }
}

/** At most one byte more than can be a document: what reads it refuses the size by its own code. */
async function readBounded(stream: Readable, file: string): Promise<Bytes> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk as Uint8Array);
      length += (chunk as Uint8Array).length;
      if (length > FILE_BYTES_MAX) break;
    }
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} cannot be read`, 'check the path and its permissions', {
      cause,
    });
  }
  return new Uint8Array(Buffer.concat(chunks));
}
