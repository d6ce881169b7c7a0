import type { ClientRequest, IncomingMessage } from 'node:http';

const REPLY_BYTES_MAX = 16 << 20;

/** Sends a request that is ready and collects its answer, of at most 16 MiB. Rejects with whatever broke it. */
export function exchange(outgoing: ClientRequest, body = ''): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', reject);
    outgoing.on('response', (incoming: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > REPLY_BYTES_MAX) incoming.destroy(new Error('the reply is too large'));
        else chunks.push(chunk);
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.end(body);
  });
}
