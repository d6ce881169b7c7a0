import { CodedError } from '@k3s-daas/core';

export type ControlPlaneErrorCode =
  | 'go-missing'
  | 'go-too-old'
  | 'build-failed'
  | 'binary-unusable'
  | 'already-running'
  | 'not-running'
  | 'start-failed'
  | 'not-ready'
  | 'authority-expired'
  | 'certificate-request-invalid'
  | 'scheduler-config-invalid'
  | 'kubectl-failed'
  | 'request-failed';

/** The one error class of this workspace: building, starting and talking to the loopback control plane. */
export class ControlPlaneError extends CodedError<ControlPlaneErrorCode> {}
