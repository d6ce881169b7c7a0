import { LedgerError, type LedgerErrorCode } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';

/** gRPC status codes in use (google.rpc.Code). */
export const Status = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  outOfRange: 11,
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

/** What a call runs on. */
export interface CallContext {
  readonly ledger: Ledger;
  /** Aborted when the client left, its deadline passed or the server stops. */
  readonly signal: AbortSignal;
  /** Checkpoints that a subscriber may be behind. */
  readonly backlogMax: number;
}

/** One RPC: parses the request and yields the encoded responses (one if unary). */
export interface Method {
  readonly path: string;
  /** Whether it goes on until one side ends it. */
  readonly endless: boolean;
  call(context: CallContext, request: Uint8Array): AsyncIterable<Uint8Array>;
}

function parse<T>(type: RequestType<T>, bytes: Uint8Array): T {
  try {
    return type.fromBinary(bytes);
  } catch (cause) {
    // As tonic has it: a message that cannot be read is a fault of the transport.
    throw new GrpcError(Status.internal, `failed to decode Protobuf message: ${String(cause)}`);
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
    endless: false,
    async *call({ ledger }, bytes) {
      const handled = (async () => await handle(ledger, parse(request, bytes)))();
      handled.catch(() => undefined);
      // Asked before anything else can run: no answer, and no refusal, shows what could still be lost.
      await ledger.settled();
      yield response.toBinary(response.create(await handled));
    },
  };
}

/** An RPC that answers with a list as a stream: the state at the time of the call, once it is durable. */
export function listing<Q, P, R>(
  path: string,
  request: RequestType<Q>,
  response: ResponseType<P, R>,
  handle: (ledger: Ledger, request: Q) => readonly P[],
): Method {
  return {
    path,
    endless: false,
    async *call({ ledger }, bytes) {
      const items = handle(ledger, parse(request, bytes));
      await ledger.settled();
      for (const item of items) yield response.toBinary(response.create(item));
    },
  };
}

/** An RPC with a stream of responses that ends when the context's signal is aborted. */
export function subscription<Q, P, R>(
  path: string,
  request: RequestType<Q>,
  response: ResponseType<P, R>,
  handle: (context: CallContext, request: Q) => AsyncIterable<P>,
): Method {
  return {
    path,
    endless: true,
    async *call(context, bytes) {
      for await (const item of handle(context, parse(request, bytes))) {
        yield response.toBinary(response.create(item));
      }
    },
  };
}

/** An RPC of the API that this ledger does not have. */
export function refused(path: string, message = `method ${path} is not implemented`): Method {
  return {
    path,
    endless: false,
    // A generator like every method, that throws before it could yield.
    // eslint-disable-next-line require-yield
    async *call() {
      await Promise.resolve();
      throw new GrpcError(Status.unimplemented, message);
    },
  };
}
