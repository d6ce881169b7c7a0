import { CodedError, FormatError } from '@k3s-daas/core';

import { ExtenderError, type ExtenderErrorCode } from '../errors.ts';

export type HttpErrorCode =
  | 'CLIENT_NOT_ALLOWED'
  | 'CLIENT_CERTIFICATE_EXPIRED'
  | 'CLIENT_CERTIFICATE_OUTDATED'
  | 'ROUTE_UNKNOWN'
  | 'METHOD_NOT_ALLOWED'
  | 'CONTENT_TYPE_WRONG'
  | 'BODY_TOO_LARGE'
  | 'BODY_LATE'
  | 'BODY_NOT_JSON'
  | 'BODY_TOO_DEEP'
  | 'ANSWER_LATE'
  | 'SCORE_INVALID'
  | 'DECISION_UNKNOWN'
  | 'INTERNAL';

/** A request that does not get as far as the engine, or an answer that must not leave. */
export class HttpError extends CodedError<HttpErrorCode> {}

/** What a client is told of any thrown value. What is not one of ours is not shown: it may quote a pod. */
export function publicError(error: unknown): CodedError {
  if (error instanceof CodedError) return error as CodedError;
  return new HttpError('INTERNAL', 'the extender failed', 'see its log', { cause: error });
}

/** Status of a coded error where the protocol leaves us the choice. */
export function statusOf(error: CodedError): number {
  if (error instanceof HttpError) return httpStatus(error.code);
  if (error instanceof ExtenderError) return extenderStatus(error.code);
  return error instanceof FormatError ? 400 : 503;
}

function httpStatus(code: HttpErrorCode): number {
  switch (code) {
    case 'CLIENT_NOT_ALLOWED':
    case 'CLIENT_CERTIFICATE_EXPIRED':
    case 'CLIENT_CERTIFICATE_OUTDATED':
      return 403;
    case 'ROUTE_UNKNOWN':
    case 'DECISION_UNKNOWN':
      return 404;
    case 'METHOD_NOT_ALLOWED':
      return 405;
    case 'BODY_LATE':
      return 408;
    case 'BODY_TOO_LARGE':
      return 413;
    case 'CONTENT_TYPE_WRONG':
      return 415;
    case 'BODY_NOT_JSON':
    case 'BODY_TOO_DEEP':
      return 400;
    case 'ANSWER_LATE':
      return 503;
    case 'SCORE_INVALID':
    case 'INTERNAL':
      return 500;
  }
}

const CALLERS_FAULT: ReadonlySet<ExtenderErrorCode> = new Set([
  'REQUEST_MALFORMED',
  'CANDIDATES_EMPTY',
  'NODE_UNKNOWN',
  'POD_FOREIGN_SCHEDULER',
  'SERVICE_ACCOUNT_UNKNOWN',
]);

function extenderStatus(code: ExtenderErrorCode): number {
  if (code === 'POD_UNKNOWN') return 404;
  return CALLERS_FAULT.has(code) ? 400 : 503;
}
