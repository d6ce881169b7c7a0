import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';

import { HttpError } from './errors.ts';

export interface BodyLimits {
  readonly bytesMax: number;
  readonly depthMax: number;
  /** From the request's head to the last byte of its body. */
  readonly msMax: number;
}

export const BODY_LIMITS: BodyLimits = { bytesMax: 16 << 20, depthMax: 64, msMax: 10_000 };

const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i;

/** Reads and parses the JSON body of a request. @throws HttpError */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  const { headers } = request;
  const bytes = await readBytes(request, limits);
  if (!JSON_TYPE.test(headers['content-type'] ?? '') || headers['content-encoding'] !== undefined) {
    throw new HttpError(
      'CONTENT_TYPE_WRONG',
      'the body is not declared as plain JSON',
      'send content-type: application/json and no content-encoding',
    );
  }
  return parseJson(bytes, limits.depthMax);
}

/**
 * A body beyond the limit is read on, though not kept, up to twice the limit: a client that is still sending when the
 * connection closes sees a reset instead of our answer.
 */
function readBytes(request: IncomingMessage, { bytesMax, msMax }: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const tooLarge = (): HttpError =>
      new HttpError(
        'BODY_TOO_LARGE',
        `the body has more than ${bytesMax} bytes`,
        'set nodeCacheCapable: true in the scheduler configuration, or raise the limit',
      );
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      // What still comes flows on to nowhere: the reply to a refusal ends the connection.
      request.off('data', take).off('end', settle).off('error', settle).off('close', closed);
      if (error !== undefined) reject(error);
      else if (size > bytesMax) reject(tooLarge());
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size <= bytesMax) chunks.push(chunk);
      else chunks.length = 0;
      if (size > 2 * bytesMax) settle(tooLarge());
    };
    const closed = (): void => {
      if (!request.complete) settle(new HttpError('BODY_NOT_JSON', 'the body ended early', 'send it again'));
    };
    const timer = setTimeout(() => {
      settle(new HttpError('BODY_LATE', `the body took more than ${msMax} ms`, 'check the network'));
    }, msMax);
    request.on('data', take).once('end', settle).once('error', settle).once('close', closed);
  });
}

/** @throws HttpError BODY_TOO_DEEP, BODY_NOT_JSON */
function parseJson(bytes: Buffer, depthMax: number): unknown {
  // Before parsing: what walks the value later (schemas, canonical JSON) may recurse.
  if (!isShallow(bytes, depthMax)) {
    throw new HttpError(
      'BODY_TOO_DEEP',
      `the body nests deeper than ${depthMax}`,
      'send what the API describes',
    );
  }
  try {
    if (!isUtf8(bytes)) throw new TypeError('not UTF-8');
    return JSON.parse(bytes.toString()) as unknown;
  } catch (cause) {
    throw new HttpError('BODY_NOT_JSON', 'the body is not JSON in UTF-8', 'send what the API describes', {
      cause,
    });
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether no more than `depthMax` objects and arrays are open at any place. Only right for JSON, which is parsed after. */
export function isShallow(bytes: Buffer, depthMax: number): boolean {
  let depth = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    switch (bytes[i] ?? 0) {
      case QUOTE:
        for (i += 1; i < bytes.length && bytes[i] !== QUOTE; i += 1) if (bytes[i] === BACKSLASH) i += 1;
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        if (depth > depthMax) return false;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      default:
    }
  }
  return true;
}
