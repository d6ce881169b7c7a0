import { CodedError } from '@k3s-daas/core';

export type ImageErrorCode = 'PLATFORM_UNSUPPORTED' | 'RUNTIME_WRONG' | 'BUNDLE_FAILED' | 'PATH_UNUSABLE';

/** The image cannot be built. */
export class ImageError extends CodedError<ImageErrorCode> {}
