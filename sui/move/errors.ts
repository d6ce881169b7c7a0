import { CodedError } from '@k3s-daas/core';

export type MoveErrorCode =
  'FRAMEWORK_UNAVAILABLE' | 'PACKAGE_UNREADABLE' | 'COMPILE_FAILED' | 'TEST_RUN_FAILED' | 'CACHE_UNWRITABLE';

/** Failure of the Move toolchain: fetching sources, compiling, or running unit tests. */
export class MoveError extends CodedError<MoveErrorCode> {}
