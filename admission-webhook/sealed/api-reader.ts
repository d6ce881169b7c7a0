import { Agent, request, type RequestOptions } from 'node:https';

import { Watch, type KubeConfig } from '@kubernetes/client-node';

/** A Secret holds one mebibyte, and its managed fields come on top. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const SOCKETS_MAX = 32;

/** How a watch ended: with this reason; `null` if the API server let it run out. */
export type WatchEnd = Error | null;

/** The API server's own JSON, with nothing dropped or converted on the way. */
export interface ApiReader {
  /** @throws Error unless the API server answers in time, with 200 or 404. @returns null for 404. */
  get(path: string, msMax: number): Promise<unknown>;
  /** Resolves when the watch has ended, by itself, by an error, or by the signal. Never rejects. */
  watch(
    path: string,
    parameters: Readonly<Record<string, string>>,
    onEvent: (type: string, object: unknown) => void,
    signal: AbortSignal,
  ): Promise<WatchEnd>;
  close(): void;
}

export function apiReader(kubeConfig: KubeConfig): ApiReader {
  const server = kubeConfig.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('the kubeconfig names no cluster');
  const agent = keepAliveAgent(kubeConfig);
  return {
    async get(path, msMax) {
      const options: RequestOptions = { agent: await agent, signal: AbortSignal.timeout(msMax) };
      const { status, text } = await call(new URL(path, server), options);
      if (status === 404) return null;
      if (status !== 200) throw new Error(`GET ${path} was answered with ${status}`);
      return JSON.parse(text) as unknown;
    },
    watch: (path, parameters, onEvent, signal) =>
      new Promise((resolve) => {
        const watch = new Watch(kubeConfig);
        // It gives a connection up on which nothing came for 30 s, and swallows what onEvent throws.
        void watch
          .watch(path, parameters, onEvent, (error: unknown) => {
            resolve(error === null || error === undefined ? null : toError(error));
          })
          .then((controller) => {
            const abort = (): void => {
              controller.abort();
            };
            if (signal.aborted) abort();
            else signal.addEventListener('abort', abort, { once: true });
            controller.signal.addEventListener('abort', () => {
              signal.removeEventListener('abort', abort);
            });
          })
          .catch((error: unknown) => {
            resolve(toError(error));
          });
      }),
    close() {
      void agent.then((each) => {
        each.destroy();
      });
    },
  };
}

/** One agent for all reads: the kubeconfig would make a new one, and a new connection, for each. */
async function keepAliveAgent(kubeConfig: KubeConfig): Promise<Agent> {
  const options: RequestOptions = {};
  await kubeConfig.applyToHTTPSOptions(options);
  const { ca, cert, key, servername, rejectUnauthorized } = options;
  return new Agent({
    keepAlive: true,
    maxSockets: SOCKETS_MAX,
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(servername !== undefined && { servername }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  });
}

function call(url: URL, options: RequestOptions): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, options, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX) incoming.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      incoming.once('error', reject);
      incoming.once('end', () => {
        resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    outgoing.once('error', reject);
    outgoing.end();
  });
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
