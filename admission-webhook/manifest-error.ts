import { CodedError } from '@k3s-daas/core';

/** What a renderer of manifests was given cannot be written into them. */
export class ManifestError extends CodedError<'URL_WRONG' | 'CA_MISSING' | 'NAME_WRONG'> {}
