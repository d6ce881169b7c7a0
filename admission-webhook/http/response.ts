import type { Denied, DenialStatus } from '../denied.ts';

/** An AdmissionReview v1 with a response: the uid echoed, never a patch (this webhook only validates). */
export interface ReviewResponse {
  readonly apiVersion: 'admission.k8s.io/v1';
  readonly kind: 'AdmissionReview';
  readonly response: {
    readonly uid: string;
    readonly allowed: boolean;
    readonly status?: {
      readonly status: 'Failure';
      readonly code: number;
      readonly reason: string;
      readonly message: string;
    };
  };
}

// metav1.StatusReason, by which clients tell errors apart.
const REASONS: Readonly<Record<DenialStatus, string>> = {
  400: 'BadRequest',
  403: 'Forbidden',
  503: 'ServiceUnavailable',
};

export function allowedResponse(uid: string): ReviewResponse {
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: true } };
}

/** The message is what kubectl shows: `CODE: what and why; how to mend it`. */
export function deniedResponse(uid: string, { code, message, remedy, status }: Denied): ReviewResponse {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: {
      uid,
      allowed: false,
      status: {
        status: 'Failure',
        code: status,
        reason: REASONS[status],
        message: `${code}: ${message}; ${remedy}`,
      },
    },
  };
}
