import { CodedError } from '@k3s-daas/core';

const REMEDIES = {
  SEALED_TOO_LARGE: 'seal a smaller value; a Secret holds one mebibyte in all',
  SEALED_MALFORMED: 'seal the value with `daas secret seal`; the Secret must hold its output unchanged',
  SEALED_VERSION_UNKNOWN: 'seal the value again with the `daas` of this cluster',
  SEALED_SCHEME_UNKNOWN: 'seal the value with `daas secret seal`: AES-256-GCM with authenticated data',
  SEALED_IDENTITY_MALFORMED: 'seal the value with `daas secret seal`, which names policy, cluster and place',
  SEALED_AAD_MALFORMED: 'seal the value with `daas secret seal`, which binds it to its Secret and key',
  SEALED_SHARES_WRONG:
    'seal the value again; each key server needs one share of its own for each unit of weight',
  SEALED_THRESHOLD_WRONG: 'seal the value again with a threshold that its key servers can reach',
  SEALED_PACKAGE_WRONG: 'seal for this cluster: take its configuration from `daas secret config`',
  SEALED_CLUSTER_WRONG: 'seal for this cluster: take its configuration from `daas secret config`',
  SEALED_NAMESPACE_WRONG: 'a sealed value opens in one namespace only; seal it for this one',
  SEALED_PLACE_WRONG: 'a sealed value stays under the Secret and key it was sealed for; seal it for these',
  SEALED_KEY_SERVER_UNKNOWN: "seal to the cluster's own key servers: `daas secret config` lists them",
  SEALED_WEIGHT_WRONG: "give each key server the weight that the cluster's configuration gives it",
  SEALED_THRESHOLD_LOW: "seal with at least the cluster's threshold: `daas secret config` shows it",
  SEALED_IDENTITIES_DIFFER:
    'seal all values of one Secret together, so that one policy and version opens them',
  SECRET_TYPE_WRONG: 'seal the values with `daas secret seal` into a Secret of type Opaque',
  SECRET_EMPTY: 'create it with its sealed values: `daas secret seal`',
  SECRET_NOT_SEALED: 'seal it with `daas secret seal`, and delete what was stored of the plain text',
  SECRET_PARTLY_SEALED: 'seal it with `daas secret seal`, and delete what was stored of the plain text',
  SECRET_SIGNATURE_MALFORMED:
    'write the Secret with `daas secret rotate` by such a key; signatures by several keys, zkLogin and passkeys are not taken: leave the key out, and new pods take the values without it',
  SECRET_MARKS_WRONG: 'take the Secret as `daas secret seal` writes it, or leave its annotations out',
} as const;

export type SealedErrorCode = keyof typeof REMEDIES;

/** Bytes that are no sealed value, or that are sealed for something else; or a Secret of such. */
export class SealedError extends CodedError<SealedErrorCode> {
  constructor(code: SealedErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, REMEDIES[code], options);
  }
}
