import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';

import { z } from 'zod';

export interface Post {
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** To be used instead of a new connection. */
  readonly socket?: Socket;
  /** From the request to the end of its reply. */
  readonly replyMs: number;
  readonly signal: AbortSignal;
}

/** An answer as it came: `body` is undefined if it is no JSON. */
export interface Reply {
  readonly status: number;
  readonly retryAfterMs: number;
  readonly body: unknown;
}

const REPLY_BYTES_MAX = 1 << 20;
const RETRY_AFTER_S_MAX = 60;

/** What broker and relay say when they say no. */
const refusal = z.object({
  code: z.string().max(128),
  message: z.string().max(4_096),
  remedy: z.string().max(1_024).optional(),
  /** Constant of the Move abort. */
  abort: z.string().max(128).nullish(),
});
export type Refusal = z.infer<typeof refusal>;

/** The coded error in a reply, or what can be said of one without. */
export function refusalOf({ status, body }: Reply): Refusal {
  const parsed = refusal.safeParse(body);
  return parsed.success ? parsed.data : { code: `HTTP_${status}`, message: 'no reason was given' };
}

interface JsonRequest {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string | number>>;
  readonly signal: AbortSignal;
}

/** Sends JSON and reads JSON, once: no redirects, bounded in time and size. Rejects if there is no whole reply. */
export function post({ url, headers, body, socket, replyMs, signal }: Post): Promise<Reply> {
  const text = JSON.stringify(body);
  const options: JsonRequest = {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      connection: 'close',
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(replyMs)]),
  };
  const outgoing = socket === undefined ? dial(url, options) : speak(url, socket, options);
  return new Promise((resolve, reject) => {
    replyTo(outgoing).then(resolve, reject);
    outgoing.end(text);
  });
}

function dial(url: URL, options: JsonRequest): ClientRequest {
  return (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options);
}

/** Over a connection that is secured already. */
function speak(url: URL, socket: Socket, options: JsonRequest): ClientRequest {
  const { hostname, port, pathname } = url;
  const headers = { ...options.headers, host: url.host };
  return httpRequest({ ...options, headers, hostname, port, path: pathname, createConnection: () => socket });
}

async function replyTo(outgoing: ClientRequest): Promise<Reply> {
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.on('error', reject);
  });
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > REPLY_BYTES_MAX) throw new Error(`a reply of more than ${REPLY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const seconds = Number(incoming.headers['retry-after'] ?? 0);
  return {
    status: incoming.statusCode ?? 0,
    retryAfterMs: seconds > 0 ? Math.min(seconds, RETRY_AFTER_S_MAX) * 1_000 : 0,
    body: parseJson(Buffer.concat(chunks).toString('utf8')),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
