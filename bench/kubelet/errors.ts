import { CodedError } from '@k3s-daas/core';

export type KubeletErrorCode =
  'programs-incomplete' | 'cgroup-refused' | 'mount-refused' | 'image-refused' | 'start-failed' | 'not-ready';

/** The one error class of this workspace: building, starting and ending real nodes. */
export class KubeletError extends CodedError<KubeletErrorCode> {}
