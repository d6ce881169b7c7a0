import { CodedError } from '@k3s-daas/core';

/** Codes as SealClient knows them (MystenLabs/seal, crates/key-server/src/errors.rs), with their HTTP status. */
const STATUS = {
  InvalidPTB: 403,
  InvalidPackage: 403,
  NoAccess: 403,
  InvalidSignature: 403,
  InvalidSessionSignature: 403,
  InvalidCertificate: 403,
  InvalidParameter: 403,
  InvalidMVRName: 403,
  UnsupportedPackageId: 403,
  InvalidSDKVersion: 400,
  InvalidSDKType: 400,
  MissingRequiredHeader: 400,
  InvalidServiceId: 400,
  InvalidRequest: 400,
  RequestTooLarge: 413,
  TooManyRequests: 429,
  DeprecatedSDKVersion: 426,
  Failure: 503,
} as const;

export type KeyServerErrorCode = keyof typeof STATUS;

const REMEDIES: Readonly<Record<KeyServerErrorCode, string>> = {
  InvalidPTB: 'Build a transaction of calls to seal_approve functions of one package.',
  InvalidPackage: 'Name a package that exists on this chain.',
  NoAccess: 'The policy refuses this user; change the policy or the user.',
  InvalidSignature: 'Sign the session message with the key of the user in the certificate.',
  InvalidSessionSignature: 'Sign the request with the session key of the certificate.',
  InvalidCertificate: 'Make a new session key; it lives 1 to 30 minutes.',
  InvalidParameter: 'Try again in a moment: the node may not know a new object yet.',
  InvalidMVRName: 'Name the package by its id.',
  UnsupportedPackageId: 'Ask the operator of this key server to serve the package.',
  InvalidSDKVersion: 'Send the version of the SDK as Client-Sdk-Version.',
  InvalidSDKType: 'Send the type of the SDK as Client-Sdk-Type.',
  MissingRequiredHeader: 'Send the header.',
  InvalidServiceId: 'Name the object of this key server.',
  InvalidRequest: 'Send the JSON that @mysten/seal sends.',
  RequestTooLarge: 'Send a smaller transaction.',
  TooManyRequests: 'Wait as long as Retry-After says.',
  DeprecatedSDKVersion: 'Use a newer version of the SDK.',
  Failure: 'Try again later.',
};

/** A request that the key server refuses. Its text goes to the caller and holds nothing secret. */
export class KeyServerError extends CodedError<KeyServerErrorCode> {
  readonly status: number;
  readonly retryAfterSeconds: number | null;
  constructor(
    code: KeyServerErrorCode,
    message: string,
    options: ErrorOptions & { readonly retryAfterSeconds?: number } = {},
  ) {
    super(code, message, REMEDIES[code], options);
    this.status = STATUS[code];
    this.retryAfterSeconds = options.retryAfterSeconds ?? null;
  }
}
