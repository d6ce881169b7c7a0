import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';

import { KubeError } from './errors.ts';

export interface KubeClientOptions {
  /** `https://host:port` of the API server. */
  readonly server: string;
  /** PEM of the API server's CA; no other root is trusted. */
  readonly ca: string;
  /** PEM of the client certificate; asked for at every request, so that a renewed one is used at once. */
  readonly cert: () => string;
  /** PEM of the key of that certificate. */
  readonly key: string;
  /** From the call to the last byte of the answer, waiting for a connection included. */
  readonly deadlineMs?: number;
}

export interface KubeRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export interface KubeResponse {
  readonly status: number;
  /** Parsed JSON, not validated. */
  readonly body: unknown;
}

export interface KubeStream {
  readonly status: number;
  readonly chunks: AsyncIterable<Buffer>;
}

/** The few routes of the API server that an enclave may use, over mutual TLS. */
export interface KubeClient {
  /** Any status resolves. @throws KubeError if there is no complete JSON answer in time. */
  request(request: KubeRequest): Promise<KubeResponse>;
  /** GET of an endless body; the deadline covers the response's head only, `signal` ends it. @throws KubeError */
  stream(path: string, signal: AbortSignal): Promise<KubeStream>;
  /** Breaks off whatever is open. */
  close(): void;
}

const DEADLINE_MS = 10_000;
/** An object is at most 1.5 MiB in etcd, a little more as JSON. */
const BODY_BYTES_MAX = 8 << 20;
/** The API server drops idle connections after 90 s: ours go first, or a POST could meet a closing socket. */
const SOCKET_IDLE_MS = 60_000;
const TCP_KEEP_ALIVE_MS = 15_000;
const SOCKETS_MAX = 128;

/** @throws KubeError KUBE_SERVER_INVALID unless `server` is an https URL without path, user or query */
export function kubeClient(options: KubeClientOptions): KubeClient {
  const server = parseServer(options.server);
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const agent = new Agent({
    keepAlive: true,
    keepAliveMsecs: TCP_KEEP_ALIVE_MS,
    timeout: SOCKET_IDLE_MS,
    maxSockets: SOCKETS_MAX,
    scheduling: 'lifo',
  });

  const open = async (
    { method, path, body, signal }: KubeRequest,
    deadline: AbortSignal,
  ): Promise<IncomingMessage> => {
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      // The agent keys its sockets by certificate: with a new one, new connections are made and the old ones age out.
      const request = httpsRequest({
        host: server.hostname.replace(/^\[|\]$/g, ''),
        port: server.port === '' ? 443 : Number(server.port),
        method,
        path,
        agent,
        ca: options.ca,
        cert: options.cert(),
        key: options.key,
        minVersion: 'TLSv1.3',
        // A watch may be silent for longer than an idle socket may live: it has its own time-out.
        timeout: 0,
        signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
        headers: {
          accept: 'application/json',
          'user-agent': 'k3s-daas-enclave',
          ...(content && { 'content-type': 'application/json', 'content-length': content.length }),
        },
      });
      request.once('response', resolve);
      request.once('error', reject);
      request.end(content);
    });
  };

  return {
    async request(request) {
      const timer = deadlineTimer(deadlineMs);
      try {
        const response = await open(request, timer.signal);
        return { status: response.statusCode ?? 0, body: await readJson(response) };
      } catch (cause) {
        throw kubeError(cause, `${request.method} ${request.path}`, timer.signal);
      } finally {
        timer.stop();
      }
    },
    async stream(path, signal) {
      const timer = deadlineTimer(deadlineMs);
      try {
        const response = await open({ method: 'GET', path, signal }, timer.signal);
        return { status: response.statusCode ?? 0, chunks: response };
      } catch (cause) {
        throw kubeError(cause, `GET ${path}`, timer.signal);
      } finally {
        timer.stop();
      }
    },
    close: () => {
      agent.destroy();
    },
  };
}

function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const bare = url?.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (url?.protocol === 'https:' && bare) return url;
  throw new KubeError(
    'KUBE_SERVER_INVALID',
    `${JSON.stringify(text.slice(0, 200))} is not the https address of an API server`,
    'set kubernetes.server to https://HOST:PORT',
  );
}

function deadlineTimer(ms: number): { signal: AbortSignal; stop: () => void } {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    controller.abort();
  }, ms);
  return {
    signal: controller.signal,
    stop: () => {
      clearTimeout(timer);
    },
  };
}

async function readJson(response: AsyncIterable<Buffer>): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw malformed(`the answer has more than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch (cause) {
    throw malformed('the answer is not JSON', cause);
  }
}

export function malformed(what: string, cause?: unknown): KubeError {
  return new KubeError(
    'KUBE_RESPONSE_MALFORMED',
    what,
    'check that kubernetes.server is a Kubernetes API server, and its version',
    { cause },
  );
}

/** What went wrong with a connection, as a coded error. */
export function kubeError(cause: unknown, what: string, deadline?: AbortSignal): KubeError {
  if (cause instanceof KubeError) return cause;
  if (deadline?.aborted === true) {
    return new KubeError(
      'KUBE_TIMEOUT',
      `${what}: no answer in time`,
      'check the load of the API server and the network to it',
      { cause },
    );
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new KubeError(
    'KUBE_UNREACHABLE',
    `${what}: ${why}`,
    'check kubernetes.server, its CA, and the client certificate',
    { cause },
  );
}
