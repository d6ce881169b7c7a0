import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { createInterface } from 'node:readline';

import { BenchError } from './errors.ts';

const SOCKETS_MAX = 16;
const DEADLINE_MS = 30_000;

export interface Credentials {
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** HTTPS with a client certificate over kept-alive connections: to the API server, and to whoever serves metrics. */
export interface Api {
  /** Any status resolves. @throws BenchError API_UNREACHABLE */
  call(call: Call): Promise<Reply>;
  /** The JSON of a 2xx reply. @throws BenchError API_REFUSED, API_UNREACHABLE */
  json(call: Call): Promise<unknown>;
  /** The text of a 200 reply. */
  text(path: string): Promise<string>;
  /** Calls `onLine` for every line of an endless reply; resolves when the reply has begun, with what ends it. */
  lines(
    path: string,
    onLine: (line: string) => void,
    onEnd: (error: BenchError) => void,
  ): Promise<() => void>;
  close(): void;
}

export function connectApi(server: string, credentials: Credentials): Api {
  const agent = new Agent({
    keepAlive: true,
    maxSockets: SOCKETS_MAX,
    ca: credentials.caPem,
    cert: credentials.certPem,
    key: credentials.keyPem,
  });
  const call = (one: Call): Promise<Reply> => send(server, agent, one);
  const json = async (one: Call): Promise<unknown> => {
    const { status, text } = await call(one);
    if (status < 200 || status > 299) throw refused(one, status, text);
    return JSON.parse(text);
  };
  return {
    call,
    json,
    async text(path) {
      const one: Call = { method: 'GET', path };
      const { status, text } = await call(one);
      if (status !== 200) throw refused(one, status, text);
      return text;
    },
    lines: (path, onLine, onEnd) => readLines(server, agent, path, onLine, onEnd),
    close: () => {
      agent.destroy();
    },
  };
}

function send(server: string, agent: Agent, call: Call): Promise<Reply> {
  const body = call.body === undefined ? null : Buffer.from(JSON.stringify(call.body));
  // Node frames no body of a DELETE by itself: without a length it would run into the next request.
  const length = body === null ? {} : { 'content-length': String(body.length) };
  const options = optionsOf(agent, { ...call, headers: { ...call.headers, ...length } });
  return new Promise((resolve, reject) => {
    const request = httpsRequest(new URL(call.path, server), options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', (cause) => {
        reject(unreachable(server, call, cause));
      });
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.setTimeout(DEADLINE_MS, () => request.destroy(new Error(`no answer within ${DEADLINE_MS} ms`)));
    request.once('error', (cause) => {
      reject(unreachable(server, call, cause));
    });
    request.end(body ?? undefined);
  });
}

function optionsOf(agent: Agent, { method, headers }: Call): RequestOptions {
  return {
    agent,
    method,
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
  };
}

async function readLines(
  server: string,
  agent: Agent,
  path: string,
  onLine: (line: string) => void,
  onEnd: (error: BenchError) => void,
): Promise<() => void> {
  const call: Call = { method: 'GET', path };
  let stopped = false;
  const ended = (cause: unknown): void => {
    if (!stopped) onEnd(unreachable(server, call, cause));
  };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpsRequest(new URL(path, server), optionsOf(agent, call), resolve);
    request.once('error', (cause) => {
      reject(unreachable(server, call, cause));
    });
    request.end();
  });
  response.on('error', ended);
  response.on('end', () => {
    ended(new Error('the stream ended'));
  });
  if (response.statusCode !== 200) {
    response.destroy();
    throw refused(call, response.statusCode ?? 0, 'a watch was asked for');
  }
  createInterface({ input: response, crlfDelay: Infinity }).on('line', onLine);
  return () => {
    stopped = true;
    response.destroy();
  };
}

function refused({ method, path }: Call, status: number, text: string): BenchError {
  return new BenchError(
    'API_REFUSED',
    `${method} ${path} was answered with ${status}: ${text.slice(0, 500)}`,
    'read the log of the program that answered',
  );
}

function unreachable(server: string, { method, path }: Call, cause: unknown): BenchError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BenchError(
    'API_UNREACHABLE',
    `${method} ${path} got no answer from ${server}: ${why}`,
    'read the log of the program that should have answered',
    { cause },
  );
}
