import { GrpcError, Status, type StatusCode } from './method.ts';

/** Frame flags of grpc-web (grpc/doc/PROTOCOL-WEB.md). */
const FLAG_DATA = 0x00;
const FLAG_TRAILER = 0x80;
const HEADER_BYTES = 5;

export type Format = 'binary' | 'text';

/** The body format of a request, or null for a content type that is not grpc-web. */
export function formatOf(contentType: string | undefined): Format | null {
  if (contentType?.startsWith('application/grpc-web-text') === true) return 'text';
  return contentType?.startsWith('application/grpc-web') === true ? 'binary' : null;
}

export function contentTypeOf(format: Format): string {
  return format === 'text' ? 'application/grpc-web-text+proto' : 'application/grpc-web+proto';
}

/** The one message of a request body. Throws GrpcError for anything but exactly one uncompressed data frame. */
export function readRequest(body: Buffer, format: Format): Uint8Array {
  const bytes = format === 'binary' ? body : fromText(body.toString('latin1'));
  if (bytes.length < HEADER_BYTES) throw malformed('the request frame is cut short');
  if (bytes.readUInt8(0) !== FLAG_DATA) throw malformed('the request frame is not plain data');
  const length = bytes.readUInt32BE(1);
  if (bytes.length !== HEADER_BYTES + length)
    throw malformed('the request frame does not have the length it says');
  return new Uint8Array(bytes.subarray(HEADER_BYTES));
}

function fromText(text: string): Buffer {
  if (!/^[A-Za-z0-9+/=]*$/.test(text)) throw malformed('the request is not base64');
  return Buffer.from(text, 'base64');
}

function malformed(message: string): GrpcError {
  return new GrpcError(Status.invalidArgument, message);
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
    ...(message === '' ? [] : [`grpc-message:${encodeURIComponent(message)}`]),
  ];
  return frame(FLAG_TRAILER, Buffer.from(`${lines.join('\r\n')}\r\n`), format);
}
