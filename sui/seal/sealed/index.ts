export { checkSealedValue, identityOfSecret, type SealedPlace, type SealRules } from './check.ts';
export { SealedError, type SealedErrorCode } from './errors.ts';
export { parseSealedValue, SEALED_BYTES_MAX, type SealedService, type SealedValue } from './parse.ts';
