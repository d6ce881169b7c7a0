import { CodedError } from './errors.ts';

export type FormatErrorCode =
  | 'ID_MALFORMED'
  | 'BCS_MALFORMED'
  | 'BCS_NOT_CANONICAL'
  | 'LENGTH_WRONG'
  | 'INTENT_WRONG'
  | 'KIND_UNKNOWN'
  | 'RECEIPT_MALFORMED'
  | 'JWS_MALFORMED'
  | 'JWS_SIGNATURE_WRONG'
  | 'JSON_NOT_CANONICALISABLE'
  | 'QUANTITY_MALFORMED'
  | 'POD_MALFORMED'
  | 'PLAN_MALFORMED';

/** Bytes or text that are not in a format of docs/formats.md. */
export class FormatError extends CodedError<FormatErrorCode> {
  constructor(code: FormatErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, 'see docs/formats.md for the exact layout', options);
  }
}
