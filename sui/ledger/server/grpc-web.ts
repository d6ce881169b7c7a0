import { GrpcError, Status, type StatusCode } from './method.ts';

/** Frame flags of grpc-web (grpc/doc/PROTOCOL-WEB.md). */
const FLAG_DATA = 0x00;
const FLAG_COMPRESSED = 0x01;
const FLAG_TRAILER = 0x80;
const HEADER_BYTES = 5;

/** The largest message taken, as with tonic. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

export type Format = 'binary' | 'text';

/** The content types that tonic-web takes; it compares them whole. */
const FORMATS: Readonly<Record<string, Format>> = {
  'application/grpc-web': 'binary',
  'application/grpc-web+proto': 'binary',
  'application/grpc-web-text': 'text',
  'application/grpc-web-text+proto': 'text',
};

/** The body format of a content type, or null if that is not grpc-web. */
export function formatOf(contentType: string | undefined): Format | null {
  return FORMATS[contentType ?? ''] ?? null;
}

export function contentTypeOf(format: Format): string {
  return format === 'text' ? 'application/grpc-web-text+proto' : 'application/grpc-web+proto';
}

/**
 * The first message of a request body. Refuses with the codes and texts of tonic (codec/decode.rs, tonic-web/call.rs):
 * throws GrpcError INTERNAL for broken frames, OUT_OF_RANGE for a message that is too large.
 */
export function readRequest(body: Buffer, format: Format): Uint8Array {
  const bytes = format === 'binary' ? body : fromText(body.toString('latin1'));
  if (bytes.length === 0) throw broken('Missing request message.');
  const [message, rest] = splitFrame(bytes);
  // A unary call takes the first message, and fails if what follows is broken.
  for (let left = rest; left.length > 0;) left = splitFrame(left)[1];
  return new Uint8Array(message);
}

function splitFrame(bytes: Buffer): readonly [message: Buffer, rest: Buffer] {
  if (bytes.length < HEADER_BYTES) throw broken('Unexpected EOF decoding stream.');
  const flag = bytes.readUInt8(0);
  if (flag === FLAG_COMPRESSED) {
    throw broken('protocol error: received message with compressed-flag but no grpc-encoding was specified');
  }
  if (flag !== FLAG_DATA) {
    throw broken(
      `protocol error: received message with invalid compression flag: ${flag} (valid flags are 0 and 1), while sending request`,
    );
  }
  const length = bytes.readUInt32BE(1);
  if (length > MESSAGE_BYTES_MAX) throw tooLarge(length);
  if (bytes.length < HEADER_BYTES + length) throw broken('Unexpected EOF decoding stream.');
  return [bytes.subarray(HEADER_BYTES, HEADER_BYTES + length), bytes.subarray(HEADER_BYTES + length)];
}

/** The refusal of a message of `length` bytes. */
export function tooLarge(length: number): GrpcError {
  return new GrpcError(
    Status.outOfRange,
    `Error, decoded message length too large: found ${length} bytes, the limit is: ${MESSAGE_BYTES_MAX} bytes`,
  );
}

function fromText(text: string): Buffer {
  // Frames may be encoded one by one, so padding may stand within the text.
  if (!/^(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)*$/.test(text))
    throw broken('tonic-web: malformed base64 request');
  return Buffer.concat((text.match(/[^=]+=*/g) ?? []).map((part) => Buffer.from(part, 'base64')));
}

function broken(message: string): GrpcError {
  return new GrpcError(Status.internal, message);
}

function frame(flag: number, payload: Uint8Array, format: Format): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + payload.length);
  bytes.writeUInt8(flag, 0);
  bytes.writeUInt32BE(payload.length, 1);
  bytes.set(payload, HEADER_BYTES);
  return format === 'binary' ? bytes : Buffer.from(bytes.toString('base64'));
}

export function dataFrame(message: Uint8Array, format: Format): Buffer {
  return frame(FLAG_DATA, message, format);
}

/** The closing frame with status and message (percent-encoded, as gRPC asks). */
export function trailerFrame(status: StatusCode, message: string, format: Format): Buffer {
  const lines = [
    `grpc-status:${status}`,
    ...(message === '' ? [] : [`grpc-message:${encodeURIComponent(message.toWellFormed())}`]),
  ];
  return frame(FLAG_TRAILER, Buffer.from(`${lines.join('\r\n')}\r\n`), format);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

/** The header grpc-timeout in ms (gRPC over HTTP/2, "Requests"); null if absent or malformed, as tonic takes it. */
export function timeoutMs(header: string | string[] | undefined): number | null {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(header)) ?? [];
  return digits === undefined ? null : Number(digits) * (UNIT_MS[unit] ?? 0);
}
