import type { IncomingMessage, ServerResponse } from 'node:http';

import { ProxyError } from './errors.ts';
import { endToEnd } from './headers.ts';
import type { Link } from './link.ts';
import { CallFailed, type Call, type Reply, type Upstream } from './upstream.ts';

export interface ForwardLimits {
  readonly bodyBytesMax: number;
  /** From the request's head to the last byte of its body. */
  readonly bodyMs: number;
  /** How long a request waits for an enclave that is being attested. */
  readonly waitMs: number;
  readonly requestsMax: number;
  /** Bodies held at one time, over all requests. */
  readonly heldBytesMax: number;
}

export const FORWARD_LIMITS: ForwardLimits = {
  bodyBytesMax: 16 << 20,
  bodyMs: 10_000,
  waitMs: 2_000,
  requestsMax: 128,
  heldBytesMax: 128 << 20,
};

/** Asked twice they say the same and change nothing. A bind does; preempt and the rest fail fast instead. */
const REPEATABLE = new Set(['/scheduler/filter', '/scheduler/prioritize']);
/** The extender's. Nothing percent-encoded that another parser could read as a dot or a slash. */
const PATH =
  /^\/(?:scheduler|api\/v1)(?:\/(?!\.{1,2}(?:\/|\?|$))(?:[\w.~!$&'()*+,;=:@-]|%(?!2[ef5c]|5c|00)[\da-f]{2})+)+(?:\?[^#]*)?$/i;
const PATH_CHARS_MAX = 4_096;

/** Takes requests of allowed callers to the attested enclave and its replies back. */
export class Forwarder {
  readonly #link: Pick<Link, 'acquire' | 'failed'>;
  readonly #limits: ForwardLimits;
  #requests = 0;
  #heldBytes = 0;

  constructor(link: Pick<Link, 'acquire' | 'failed'>, limits: ForwardLimits) {
    this.#link = link;
    this.#limits = limits;
  }

  /** Bytes of bodies that are held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get requests(): number {
    return this.#requests;
  }

  /**
   * The enclave's reply to a request that is allowed; null if the client has gone meanwhile.
   * @throws ProxyError
   */
  async forward(request: IncomingMessage, response: ServerResponse): Promise<Reply | null> {
    const { method = '', url: path = '' } = request;
    requireRoute(method, path);
    if (this.#requests >= this.#limits.requestsMax) throw busy('requests');
    this.#requests += 1;
    let held = 0;
    try {
      const body = await readBody(request, this.#limits, (bytes) => {
        held += bytes;
        this.#heldBytes += bytes;
        if (this.#heldBytes > this.#limits.heldBytesMax) throw busy('bytes of requests');
      });
      const call: Call = { method, path, headers: endToEnd(request.rawHeaders), body };
      return await this.#ask(call, () => response.destroyed);
    } finally {
      this.#requests -= 1;
      this.#heldBytes -= held;
    }
  }

  /**
   * A request of which not a byte was sent goes to whichever enclave is attested next, within the wait. One that broke
   * later is repeated once if that is harmless.
   */
  async #ask(call: Call, gone: () => boolean): Promise<Reply | null> {
    const deadlineMs = performance.now() + this.#limits.waitMs;
    let mayRepeat = call.method === 'GET' || REPEATABLE.has(call.path);
    for (;;) {
      const upstream = await this.#link.acquire(deadlineMs);
      if (gone()) return null;
      try {
        return await upstream.send(call);
      } catch (error) {
        const failure = this.#note(upstream, error);
        if (!failure.reached && performance.now() < deadlineMs) continue;
        if (failure.code !== 'ENCLAVE_LOST' || !mayRepeat) throw failure;
        mayRepeat = false;
      }
    }
  }

  #note(upstream: Upstream, error: unknown): CallFailed {
    if (!(error instanceof CallFailed)) throw error;
    this.#link.failed(upstream, error);
    return error;
  }
}

function requireRoute(method: string, path: string): void {
  if (path.length > PATH_CHARS_MAX || !PATH.test(path)) {
    throw new ProxyError(
      'ROUTE_UNKNOWN',
      `there is no ${method} ${path.slice(0, 100)}`,
      'the proxy forwards /scheduler/… and /api/v1/… of the extender',
    );
  }
  if (method !== 'GET' && method !== 'POST') {
    throw new ProxyError('METHOD_NOT_ALLOWED', `${method} is not forwarded`, 'use GET or POST');
  }
}

function readBody(
  request: IncomingMessage,
  { bodyBytesMax, bodyMs }: ForwardLimits,
  hold: (bytes: number) => void,
): Promise<Buffer> {
  const tooLarge = (): ProxyError =>
    new ProxyError(
      'BODY_TOO_LARGE',
      `the body has more than ${bodyBytesMax} bytes`,
      'offer names, not nodes',
    );
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => {
      clearTimeout(timer);
      request.off('data', take).off('end', ended).off('close', closed);
    };
    // What comes after a refusal is not read: the reply ends the connection, and bytes that were counted then would
    // never be given back.
    const fail = (error: ProxyError): void => {
      request.pause();
      stop();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      try {
        if (size > bodyBytesMax) throw tooLarge();
        hold(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        fail(error as ProxyError);
      }
    };
    const ended = (): void => {
      stop();
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size));
    };
    const closed = (): void => {
      if (request.complete) return;
      fail(new ProxyError('BODY_LATE', 'the client went away within its request', 'none needed'));
    };
    const timer = setTimeout(() => {
      fail(
        new ProxyError('BODY_LATE', `the body was not here within ${bodyMs} ms`, 'send it without pauses'),
      );
    }, bodyMs);
    request.on('data', take).once('end', ended).once('close', closed);
  });
}

function busy(what: string): ProxyError {
  return new ProxyError('PROXY_BUSY', `too many ${what} are under way`, 'ask again in a moment');
}
