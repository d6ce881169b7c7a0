import { CodedError } from '@k3s-daas/core';

/** Why the proxy does not forward now. */
export type NotReadyCode =
  | 'NOT_ATTESTED'
  | 'CHAIN_UNREADABLE'
  | 'SESSION_NOT_ACTIVE'
  | 'SESSION_REVOKED'
  | 'SESSION_SUPERSEDED'
  | 'CONFIG_NOT_ACCEPTED'
  | 'ATTESTATION_UNAVAILABLE'
  | 'ATTESTATION_KEYS_DIFFER'
  | 'ATTESTATION_REFUSED'
  | 'PIN_MISMATCH'
  | 'ENCLAVE_UNREACHABLE'
  | 'ENCLAVE_REFUSES'
  | 'CERTIFICATE_UNUSABLE'
  | 'SHUTTING_DOWN';

export type ProxyErrorCode =
  | NotReadyCode
  | 'CLIENT_NOT_ALLOWED'
  | 'CLIENT_CERTIFICATE_EXPIRED'
  | 'CLIENT_CERTIFICATE_OUTDATED'
  | 'ROUTE_UNKNOWN'
  | 'METHOD_NOT_ALLOWED'
  | 'BODY_TOO_LARGE'
  | 'BODY_LATE'
  | 'PROXY_BUSY'
  | 'ENCLAVE_LOST'
  | 'ENCLAVE_LATE'
  | 'REPLY_TOO_LARGE'
  | 'INTERNAL';

/** What the proxy refuses, or could not bring to an end. */
export class ProxyError extends CodedError<ProxyErrorCode> {
  /** Code of the error that caused it, if that has one: the rule that an attestation document failed. */
  get causeCode(): string | null {
    return this.cause instanceof CodedError ? String(this.cause.code) : null;
  }

  override toJSON(): { code: ProxyErrorCode; message: string; remedy: string; cause?: string } {
    const { causeCode } = this;
    return { ...super.toJSON(), ...(causeCode !== null && { cause: causeCode }) };
  }
}

/** HTTP status under which a client is told. */
export function statusOf(code: ProxyErrorCode): number {
  switch (code) {
    case 'CLIENT_NOT_ALLOWED':
    case 'CLIENT_CERTIFICATE_EXPIRED':
    case 'CLIENT_CERTIFICATE_OUTDATED':
      return 403;
    case 'ROUTE_UNKNOWN':
      return 404;
    case 'METHOD_NOT_ALLOWED':
      return 405;
    case 'BODY_LATE':
      return 408;
    case 'BODY_TOO_LARGE':
      return 413;
    case 'INTERNAL':
      return 500;
    case 'ENCLAVE_LOST':
    case 'REPLY_TOO_LARGE':
      return 502;
    case 'ENCLAVE_LATE':
      return 504;
    case 'NOT_ATTESTED':
    case 'CHAIN_UNREADABLE':
    case 'SESSION_NOT_ACTIVE':
    case 'SESSION_REVOKED':
    case 'SESSION_SUPERSEDED':
    case 'CONFIG_NOT_ACCEPTED':
    case 'ATTESTATION_UNAVAILABLE':
    case 'ATTESTATION_KEYS_DIFFER':
    case 'ATTESTATION_REFUSED':
    case 'PIN_MISMATCH':
    case 'ENCLAVE_UNREACHABLE':
    case 'ENCLAVE_REFUSES':
    case 'CERTIFICATE_UNUSABLE':
    case 'PROXY_BUSY':
    case 'SHUTTING_DOWN':
      return 503;
  }
}
