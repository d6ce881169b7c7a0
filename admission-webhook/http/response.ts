import type { Denied, DenialStatus } from '../denied.ts';
import type { Mutation, Warnings } from '../rules.ts';

/** An AdmissionReview v1 with a response: the uid echoed, patch and patchType together or not at all. */
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
    readonly warnings?: Warnings;
    /** Base64 of the JSON of a list of operations. */
    readonly patch?: string;
    readonly patchType?: 'JSONPatch';
  };
}

/** The API server cuts all warnings of a response to 4,096 characters together, and each to 256 if they are more. */
const WARNINGS_MAX = 16;
const WARNING_CHARACTERS_MAX = 256;

// metav1.StatusReason, by which clients tell errors apart.
const REASONS: Readonly<Record<DenialStatus, string>> = {
  400: 'BadRequest',
  403: 'Forbidden',
  503: 'ServiceUnavailable',
};

export function allowedResponse(uid: string, warnings: Warnings = []): ReviewResponse {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid, allowed: true, ...shownWarnings(warnings) },
  };
}

export function mutatedResponse(uid: string, { patch, warnings }: Mutation): ReviewResponse {
  const allowed = allowedResponse(uid, warnings);
  if (patch.length === 0) return allowed;
  const text = Buffer.from(JSON.stringify(patch)).toString('base64');
  return { ...allowed, response: { ...allowed.response, patch: text, patchType: 'JSONPatch' } };
}

function shownWarnings(warnings: Warnings): { warnings?: Warnings } {
  if (warnings.length === 0) return {};
  return { warnings: warnings.slice(0, WARNINGS_MAX).map((each) => each.slice(0, WARNING_CHARACTERS_MAX)) };
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
