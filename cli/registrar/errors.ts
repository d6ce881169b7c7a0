import { CodedError } from '@k3s-daas/core';

export type RegistrarErrorCode =
  | 'BUDGET_EXHAUSTED'
  | 'TRANSACTION_PENDING'
  | 'IMAGE_NOT_ACCEPTED'
  | 'BOOT_CHANGED'
  | 'SESSION_HIDDEN'
  | 'BOND_TOO_HIGH'
  | 'SESSION_ENDED'
  | 'SESSION_SUPERSEDED'
  | 'CAP_NOT_OWNED'
  | 'CSR_REFUSED'
  | 'CERTIFICATE_REFUSED'
  | 'KUBERNETES_REFUSED';

/** Every refusal of the registrar's own. */
export class RegistrarError extends CodedError<RegistrarErrorCode> {
  /** When it may go on, if that is known. */
  readonly retryAtMs: number | null;

  constructor(
    code: RegistrarErrorCode,
    message: string,
    remedy: string,
    options: ErrorOptions & { readonly retryAtMs?: number } = {},
  ) {
    super(code, message, remedy, options);
    this.retryAtMs = options.retryAtMs ?? null;
  }
}
