import { CodedError } from '@k3s-daas/core';

export type ImageErrorCode =
  /** The lock file, or what is committed about the closure, cannot be read. */
  | 'CLOSURE_MALFORMED'
  /** A package without a SHA-512, or one that would have to run a script on install. */
  | 'CLOSURE_UNPINNED'
  /** The closure is not the one that was reviewed. */
  | 'CLOSURE_CHANGED'
  /** A package is neither in npm's cache nor could npm fetch it. */
  | 'PACKAGE_ABSENT'
  | 'PACKAGE_DIGEST'
  | 'ARCHIVE_MALFORMED'
  /** Two builds of one source tree are not the same. */
  | 'NOT_REPRODUCIBLE'
  | 'BUILD_FAILED'
  | 'BRIDGE_MALFORMED'
  | 'BRIDGE_FAILED'
  | 'INSTALLATION_UNFIT'
  | 'EIF_LIMIT'
  | 'USAGE';

/** A coded refusal of the tools that build and measure the enclave's image. */
export class ImageError extends CodedError<ImageErrorCode> {}
