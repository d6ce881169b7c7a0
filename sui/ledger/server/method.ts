import { LedgerError, type LedgerErrorCode } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';

/** gRPC status codes in use (google.rpc.Code). */
export const Status = {
  ok: 0,
  invalidArgument: 3,
  notFound: 5,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;
export type StatusCode = (typeof Status)[keyof typeof Status];

/** Ends a call with a gRPC status. */
export class GrpcError extends Error {
  readonly status: StatusCode;
  constructor(status: StatusCode, message: string) {
    super(message);
    this.status = status;
  }
}

const STATUS_OF: Readonly<Partial<Record<LedgerErrorCode, StatusCode>>> = {
  NOT_FOUND: Status.notFound,
  OBJECT_NOT_FOUND: Status.notFound,
  UNSUPPORTED: Status.unimplemented,
  JOURNAL_WRITE_FAILED: Status.unavailable,
};

/** The status that a thrown value ends a call with. Faults of the ledger itself say no more than that. */
export function statusOf(error: unknown): { readonly status: StatusCode; readonly message: string } {
  if (error instanceof GrpcError) return { status: error.status, message: error.message };
  if (error instanceof LedgerError) {
    return { status: STATUS_OF[error.code] ?? Status.invalidArgument, message: error.message };
  }
  if (error instanceof SyntaxError) return { status: Status.invalidArgument, message: error.message };
  return {
    status: Status.internal,
    message: `the ledger failed: ${error instanceof Error ? error.message : String(error)}`,
  };
}

/** A runtime message type of @mysten/sui/grpc, as far as the server uses it. */
export interface RequestType<T> {
  fromBinary(bytes: Uint8Array): T;
}
export interface ResponseType<P, T> {
  create(partial: P): T;
  toBinary(message: T): Uint8Array;
}

/** One RPC: parses the request and yields the encoded responses (one if unary). */
export interface Method {
  readonly path: string;
  call(ledger: Ledger, request: Uint8Array, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

function parse<T>(type: RequestType<T>, bytes: Uint8Array): T {
  try {
    return type.fromBinary(bytes);
  } catch {
    throw new GrpcError(Status.invalidArgument, 'the request is not a well-formed protobuf message');
  }
}

/** An RPC with one response. */
export function unary<Q, P, R>(
  path: string,
  request: RequestType<Q>,
  response: ResponseType<P, R>,
  handle: (ledger: Ledger, request: Q) => P | Promise<P>,
): Method {
  return {
    path,
    async *call(ledger, bytes) {
      const handled = (async () => await handle(ledger, parse(request, bytes)))();
      handled.catch(() => undefined);
      // Asked before anything else can run: no answer, and no refusal, shows what could still be lost.
      await ledger.settled();
      yield response.toBinary(response.create(await handled));
    },
  };
}

/** An RPC with a stream of responses; the handler ends it when the signal says that the client left. */
export function streaming<Q, P, R>(
  path: string,
  request: RequestType<Q>,
  response: ResponseType<P, R>,
  handle: (ledger: Ledger, request: Q, signal: AbortSignal) => Iterable<P> | AsyncIterable<P>,
): Method {
  return {
    path,
    async *call(ledger, bytes, signal) {
      for await (const item of handle(ledger, parse(request, bytes), signal)) {
        yield response.toBinary(response.create(item));
      }
    },
  };
}
