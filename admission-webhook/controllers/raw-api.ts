import { request, type RequestOptions } from 'node:https';

import type { KubeConfig } from '@kubernetes/client-node';
import { z } from 'zod';

const CALL_MS_MAX = 10_000;
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
const PAGE = 500;

/** The API server's own JSON: client-node drops the fields that it does not know, and a field can matter unknown. */
export interface RawApi {
  /** Items of a list, page by page. @throws Error unless the API server answers 200. */
  list(path: string): AsyncIterable<readonly unknown[]>;
  /** @returns the HTTP status. */
  create(path: string, body: object): Promise<number>;
  /** Deletes the object if it has this UID; a 409 says that it is another one by now. @returns the HTTP status. */
  delete(path: string, uid: string): Promise<number>;
}

const pageSchema = z.object({
  metadata: z.object({ continue: z.string().default('') }).default({ continue: '' }),
  items: z.array(z.unknown()).nullable(),
});

export function rawApi(kubeConfig: KubeConfig): RawApi {
  return {
    async *list(path) {
      let next = '';
      do {
        const more = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
        const url = `${path}${path.includes('?') ? '&' : '?'}limit=${PAGE}${more}`;
        const { status, text } = await call(kubeConfig, 'GET', url);
        if (status !== 200) throw new Error(`GET ${path}: ${status} ${text.slice(0, 500)}`);
        const page = pageSchema.parse(JSON.parse(text));
        yield page.items ?? [];
        next = page.metadata.continue;
      } while (next !== '');
    },
    async create(path, body) {
      return (await call(kubeConfig, 'POST', path, body)).status;
    },
    async delete(path, uid) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
      return (await call(kubeConfig, 'DELETE', path, body)).status;
    },
  };
}

async function call(
  kubeConfig: KubeConfig,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  const server = kubeConfig.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('the kubeconfig names no cluster');
  const content = body === undefined ? null : Buffer.from(JSON.stringify(body));
  // Node frames no body of a DELETE by itself: without a length the preconditions would be no part of the request.
  const length = content === null ? {} : { 'content-length': content.length };
  const options: RequestOptions = {
    method,
    headers: { 'content-type': 'application/json', ...length },
    signal: AbortSignal.timeout(CALL_MS_MAX),
  };
  await kubeConfig.applyToHTTPSOptions(options);
  return new Promise((resolve, reject) => {
    const outgoing = request(new URL(path, server), options, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX) incoming.destroy(new Error(`the answer of ${path} is too large`));
        else chunks.push(chunk);
      });
      incoming.once('error', reject);
      incoming.once('end', () => {
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.once('error', reject);
    outgoing.end(content ?? undefined);
  });
}
