import type { IncomingMessage } from 'node:http';

/** More than a body may have was sent; `head` is how it began. */
export class BodyTooLargeError extends Error {
  readonly head: Buffer;
  constructor(head: Buffer) {
    super('the body is too large');
    this.head = head;
  }
}

/** So much of a body that is too large is read on and thrown away, so that its sender gets to see the refusal. */
const LINGER_FACTOR = 4;

/** Reads a request body of at most `bytesMax` bytes. Throws BodyTooLargeError beyond. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bytesMax * LINGER_FACTOR) break;
    if (length <= bytesMax) chunks.push(chunk);
  }
  if (length > bytesMax) throw new BodyTooLargeError(chunks[0] ?? Buffer.alloc(0));
  return Buffer.concat(chunks);
}
