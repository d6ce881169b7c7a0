import { RpcError } from '@mysten/sui/grpc';

import { ChainError, type ChainErrorCode } from './errors.ts';

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface BoundedFetchOptions {
  readonly fetch: Fetch;
  /** For the whole call: all attempts, the pauses between them, and the body. */
  readonly deadlineMs: number;
  readonly attemptsMax: number;
  readonly responseBytesMax: number;
  /** Uniform in [0, 1); jitters the pauses. */
  readonly random: () => number;
}

const PAUSE_MS = 50;
const GRPC_UNAVAILABLE = '14';

/**
 * A fetch for grpc-web with a deadline, a size limit and retries. Only reads are tried again: a transaction that may
 * have arrived is not sent twice. Streams of subscriptions have no end and pass through as they are.
 */
export function boundedFetch(options: BoundedFetchOptions): Fetch {
  return async (input, init) => {
    const method = methodOf(input);
    if (method.startsWith('Subscribe')) return options.fetch(input, init);
    const attemptsMax = method === 'ExecuteTransaction' ? 1 : options.attemptsMax;
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort();
    }, options.deadlineMs);
    const endsAt = performance.now() + options.deadlineMs;
    const signal = init?.signal ? AbortSignal.any([deadline.signal, init.signal]) : deadline.signal;
    try {
      for (let attempt = 1; ; attempt += 1) {
        const pauseMs = PAUSE_MS * 2 ** (attempt - 1) * (0.5 + options.random() / 2);
        const isLast = (): boolean => attempt >= attemptsMax || performance.now() + pauseMs >= endsAt;
        try {
          const response = await options.fetch(input, { ...init, signal });
          if (!isTransient(response) || isLast()) return await readWhole(response, options.responseBytesMax);
          await response.body?.cancel();
        } catch (error) {
          if (deadline.signal.aborted) {
            throw rpcError(
              'CHAIN_TIMEOUT',
              'DEADLINE_EXCEEDED',
              `${method} took over ${options.deadlineMs} ms`,
              error,
            );
          }
          if (signal.aborted || error instanceof RpcError) throw error;
          if (isLast())
            throw rpcError('CHAIN_UNREACHABLE', 'UNAVAILABLE', `${method}: ${reason(error)}`, error);
        }
        await pause(pauseMs, signal);
      }
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The name of the gRPC method that a request is for. */
export function methodOf(input: string | URL | Request): string {
  const url = input instanceof Request ? input.url : String(input);
  return url.slice(url.lastIndexOf('/') + 1);
}

function isTransient(response: Response): boolean {
  const { status } = response;
  if (status === 429 || status === 502 || status === 503 || status === 504) return true;
  return response.headers.get('grpc-status') === GRPC_UNAVAILABLE;
}

/** Reads the body here, so that the deadline and the retries cover it too. */
async function readWhole(response: Response, bytesMax: number): Promise<Response> {
  const { status, statusText, headers } = response;
  const init = { status, statusText, headers };
  if (response.body === null || status === 204 || status === 304) return new Response(null, init);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > bytesMax) {
      throw rpcError('CHAIN_MALFORMED', 'RESOURCE_EXHAUSTED', `an answer has more than ${bytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), init);
}

/** The transport passes an RpcError through untouched and flattens anything else to a message. */
export function rpcError(code: ChainErrorCode, grpc: string, message: string, cause?: unknown): RpcError {
  const error = new RpcError(message, grpc);
  error.cause = new ChainError(code, message, { cause });
  return error;
}

/** undici says "fetch failed" and keeps the reason in `cause`. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error.cause instanceof Error)) return error.message;
  const code = 'code' in error.cause ? String(error.cause.code) : '';
  return error.cause.message === '' ? code : error.cause.message;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
