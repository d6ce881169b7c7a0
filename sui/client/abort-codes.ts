/** Abort constants of sui/move/daas/sources by module; a test compares them with the sources. */
export const ABORT_CODES: Readonly<Record<string, Readonly<Record<string, bigint>>>> = {
  cluster: {
    EWrongVersion: 0n,
    EWrongCap: 1n,
    EDigestLength: 2n,
    EPcrLength: 3n,
    EPcrZero: 4n,
    EZeroParameter: 5n,
    EUnbondingTooLong: 6n,
    ETooManyConfigs: 7n,
    EConfigUnknown: 8n,
  },
  decisions: {
    ESignatureInvalid: 0n,
    ENotCanonical: 1n,
    EWrongIntent: 2n,
    EKindUnknown: 3n,
    EDigestLength: 4n,
    EWrongCluster: 5n,
    EWrongSession: 6n,
    EWrongTerm: 7n,
    EWrongConfigVersion: 8n,
  },
  enclaves: {
    EWrongCluster: 0n,
    EConfigNotAccepted: 1n,
    ESlotExpired: 2n,
    EDocumentTooOld: 3n,
    EDocumentFromFuture: 4n,
    EPcrMissing: 5n,
    EPcrZero: 6n,
    EPcrMismatch: 7n,
    EWrongNonce: 8n,
    EDecisionKeyMissing: 9n,
    EKeyLength: 10n,
    EKeysNotDistinct: 11n,
    EWrongUserData: 12n,
    ERevoked: 13n,
    EWrongTerm: 14n,
  },
  nodes: {
    ERoleNotNode: 0n,
    EStakeBound: 1n,
    ENameTaken: 2n,
    ENameInvalid: 3n,
    EKeyLength: 4n,
    EZeroCapacity: 5n,
    ECapacityTooLarge: 6n,
    EStakeTooSmall: 7n,
    EProofInvalid: 8n,
    EStakeNotBound: 9n,
    EJailed: 10n,
    ENodeUnknown: 11n,
    ENotJailed: 12n,
  },
  staking: {
    EWrongCluster: 0n,
    ENotOwner: 1n,
    ERoleUnknown: 2n,
    EBelowMinimum: 3n,
    EZeroAmount: 4n,
    EAmountTooLarge: 5n,
    ERemainderBelowMinimum: 6n,
    EClaimNeedsStake: 7n,
    ENothingUnbonding: 8n,
    EStillUnbonding: 9n,
    ENothingToSlash: 10n,
    EReasonLength: 11n,
  },
};

/** Name of an abort constant, or null for a code that the module does not declare. */
export function abortName(module: string, code: bigint): string | null {
  const codes = Object.hasOwn(ABORT_CODES, module) ? ABORT_CODES[module] : undefined;
  const found = Object.entries(codes ?? {}).find(([, value]) => value === code);
  return found === undefined ? null : `${module}::${found[0]}`;
}
