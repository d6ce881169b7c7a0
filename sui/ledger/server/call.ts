import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

import type { Ledger } from '../chain/ledger.ts';
import { BodyTooLargeError, readBody } from './body.ts';
import {
  contentTypeOf,
  dataFrame,
  formatOf,
  MESSAGE_BYTES_MAX,
  readRequest,
  timeoutMs,
  tooLarge,
  trailerFrame,
  type Format,
} from './grpc-web.ts';
import type { ServerLimits } from './limits.ts';
import { GrpcError, Status, statusOf, type Method } from './method.ts';

/** A frame in base64, and room for a second one: a client may add an empty trailer. */
const BODY_BYTES_MAX = Math.ceil(((MESSAGE_BYTES_MAX + 1_024) * 4) / 3);
/** Beyond 2^31 ms a timer of Node fires at once. */
const DEADLINE_MS_MAX = 2 ** 31 - 1;

const CLIENT_GONE = new Error('the client is gone');

/** Serves the calls of one server. */
export class CallHandler {
  readonly #ledger: Ledger;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #limits: ServerLimits;
  readonly #stopping: AbortSignal;
  #subscriptions = 0;

  constructor(
    ledger: Ledger,
    methods: ReadonlyMap<string, Method>,
    limits: ServerLimits,
    stopping: AbortSignal,
  ) {
    this.#ledger = ledger;
    this.#methods = methods;
    this.#limits = limits;
    this.#stopping = stopping;
  }

  /** Answers a POST of one of grpc-web's content types. Every refusal is a gRPC status, never an HTTP one. */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    format: Format,
    headers: OutgoingHttpHeaders,
  ): Promise<void> {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const gone = new AbortController();
    response.once('close', () => {
      // An abort without a reason makes one, with its stack; and of an answer that is complete nothing is to be ended.
      if (!response.writableFinished) gone.abort(CLIENT_GONE);
    });
    const deadline = deadlineOf(request);
    const signals = [gone.signal, this.#stopping, ...(deadline === null ? [] : [deadline])];
    const answer = formatOf(request.headers.accept) ?? format;
    const begin = (): void => {
      if (response.headersSent) return;
      response.writeHead(200, {
        ...headers,
        'content-type': contentTypeOf(answer),
        'cache-control': 'no-store',
      });
    };
    try {
      const message = await readMessage(request, response, format);
      const method = this.#methods.get(path);
      if (method === undefined)
        throw new GrpcError(Status.unimplemented, `method ${path.slice(1)} is not implemented`);
      begin();
      // A stream may have nothing to say for a while; the client must see that it was accepted.
      if (method.endless) response.flushHeaders();
      await this.#run(method, message, response, answer, AbortSignal.any(signals));
      if (deadline?.aborted === true) throw new GrpcError(Status.deadlineExceeded, 'Timeout expired');
      response.end(trailerFrame(Status.ok, '', answer));
    } catch (error) {
      const { status, message } = statusOf(error);
      begin();
      response.end(trailerFrame(status, message, answer));
      this.#expectEnd(response);
    }
  }

  async #run(
    method: Method,
    message: Uint8Array,
    response: ServerResponse,
    format: Format,
    signal: AbortSignal,
  ): Promise<void> {
    const { subscriptionsMax, backlogMax, stallMs } = this.#limits;
    if (method.endless && this.#subscriptions >= subscriptionsMax)
      throw new GrpcError(Status.resourceExhausted, `more than ${subscriptionsMax} subscriptions`);
    if (method.endless) this.#subscriptions += 1;
    try {
      const context = { ledger: this.#ledger, signal, backlogMax };
      for await (const item of method.call(context, message)) {
        if (signal.aborted) return;
        if (!response.write(dataFrame(item, format))) await drained(response, signal, stallMs);
      }
    } finally {
      if (method.endless) this.#subscriptions -= 1;
    }
  }

  /** A client that does not even read the end of its answer is cut off. */
  #expectEnd(response: ServerResponse): void {
    const timer = setTimeout(() => {
      response.destroy();
    }, this.#limits.stallMs);
    timer.unref();
    response.once('close', () => {
      clearTimeout(timer);
    });
  }
}

function deadlineOf({ headers }: IncomingMessage): AbortSignal | null {
  const ms = timeoutMs(headers['grpc-timeout']);
  return ms === null ? null : AbortSignal.timeout(Math.min(Math.ceil(ms), DEADLINE_MS_MAX));
}

async function readMessage(
  request: IncomingMessage,
  response: ServerResponse,
  format: Format,
): Promise<Uint8Array> {
  const { 'grpc-encoding': encoding = 'identity' } = request.headers;
  try {
    const body = await readBody(request, BODY_BYTES_MAX);
    if (encoding !== 'identity') {
      throw new GrpcError(
        Status.unimplemented,
        `Content is compressed with \`${String(encoding)}\` which isn't supported`,
      );
    }
    return readRequest(body, format);
  } catch (error) {
    if (!(error instanceof BodyTooLargeError)) throw error;
    response.setHeader('connection', 'close');
    throw tooLarge(announced(error.head, format));
  }
}

/** What the first frame of a body said of its length. */
function announced(head: Buffer, format: Format): number {
  const bytes = format === 'binary' ? head : Buffer.from(head.toString('latin1', 0, 8), 'base64');
  const length = bytes.length < 5 ? 0 : bytes.readUInt32BE(1);
  return Math.max(length, MESSAGE_BYTES_MAX + 1);
}

/** Waits until the client has read what was written. Cuts off a client that reads nothing for `stallMs`. */
function drained(response: ServerResponse, signal: AbortSignal, stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      response.destroy();
    }, stallMs);
    timer.unref();
    const done = (): void => {
      clearTimeout(timer);
      response.off('drain', done);
      response.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
    signal.addEventListener('abort', done);
  });
}
