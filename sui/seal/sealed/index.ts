export { checkSealedValue, identityOfSecret, type SealedPlace, type SealRules } from './check.ts';
export {
  parseSealConfig,
  rulesOf,
  SealConfigError,
  type SealConfig,
  type SealConfigErrorCode,
  type SealKeyServer,
} from './config.ts';
export { SealedError, type SealedErrorCode } from './errors.ts';
export { OpenError, type OpenErrorCode } from './open-error.ts';
export { openValues, type Approval, type OpenOptions } from './open.ts';
export { parseSealedValue, SEALED_BYTES_MAX, type SealedService, type SealedValue } from './parse.ts';
export { readSealConfig, type PublishedCluster } from './publish-config.ts';
export { sealValues, type SealRequest } from './seal.ts';
export {
  checkMarks,
  readSealedSecret,
  SEALABLE_TYPES,
  secretDataSchema,
  type SecretCheck,
  type SecretReading,
} from './secret.ts';
export { signSealedVersion, verifySealedVersion } from './signature.ts';
