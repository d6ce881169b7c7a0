import { equalBytes, toHex, type Bytes } from './bytes.ts';
import type { SuiId } from './codec.ts';
import { enclaveUserData } from './config-digest.ts';
import { CodedError } from './errors.ts';

/**
 * The rules by which `enclaves::register` accepts an enclave, as a function: what it lets through Move lets through,
 * and what it refuses Move refuses with the abort of REGISTRATION_ABORTS. So a registrar pays no gas to hear no, and
 * an auditor repeats what the chain did. That the document is AWS's comes before, on both sides (docs/chain/enclaves.md).
 */

/** A document may be this far ahead of the chain's clock, which trails real time. As in enclaves.move. */
export const REGISTRATION_AHEAD_MS_MAX = 10_000n;

const KEY_BYTES = 32;

/** The constant of enclaves.move for each code, in the order in which both sides check. */
export const REGISTRATION_ABORTS = {
  SLOT_WRONG_CLUSTER: 'EWrongCluster',
  SLOT_EXPIRED: 'ESlotExpired',
  CONFIG_NOT_ACCEPTED: 'EConfigNotAccepted',
  DOCUMENT_FROM_FUTURE: 'EDocumentFromFuture',
  DOCUMENT_TOO_OLD: 'EDocumentTooOld',
  PCR_MISSING: 'EPcrMissing',
  PCR_ZERO: 'EPcrZero',
  PCR_MISMATCH: 'EPcrMismatch',
  NONCE_WRONG: 'EWrongNonce',
  DECISION_KEY_MISSING: 'EDecisionKeyMissing',
  KEY_LENGTH: 'EKeyLength',
  KEYS_NOT_DISTINCT: 'EKeysNotDistinct',
  USER_DATA_WRONG: 'EWrongUserData',
  BOND_TOO_SMALL: 'EBondTooSmall',
} as const;

export type RegistrationErrorCode = keyof typeof REGISTRATION_ABORTS;

const REMEDIES: Readonly<Record<RegistrationErrorCode, string>> = {
  SLOT_WRONG_CLUSTER: 'use a slot that the owner of this cluster granted',
  SLOT_EXPIRED: 'ask the owner of the cluster for a new slot',
  CONFIG_NOT_ACCEPTED: 'boot an image that the cluster accepts, and ask for a slot for its config version',
  DOCUMENT_FROM_FUTURE: 'wait for the chain, or mend the clock of the machine that runs the enclave',
  DOCUMENT_TOO_OLD: 'ask the enclave for a new document and send it at once',
  PCR_MISSING: 'refuse the document: an enclave measures PCR0, PCR1 and PCR2, once each',
  PCR_ZERO: 'start the enclave without debug mode',
  PCR_MISMATCH: 'run the image of the slot’s config version, or ask for a slot for the image that runs',
  NONCE_WRONG: 'ask the enclave for a document for this slot',
  DECISION_KEY_MISSING: 'the enclave must give its decision key, 32 bytes, as the document’s public_key',
  KEY_LENGTH: 'give the log key and the SHA-256 of the TLS key, 32 bytes each',
  KEYS_NOT_DISTINCT: 'an enclave makes a key of its own for each purpose',
  USER_DATA_WRONG: 'the enclave must be configured for this cluster and give the keys it attested',
  BOND_TOO_SMALL: 'put down at least the cluster’s bond_min',
};

export class RegistrationError extends CodedError<RegistrationErrorCode> {
  constructor(code: RegistrationErrorCode, message: string) {
    super(code, message, REMEDIES[code]);
  }
}

/** As sui/client reads it: `readCluster`. A cluster of another version is refused there, and first in Move too. */
export interface RegistrationCluster {
  readonly id: SuiId;
  readonly configDigest: Bytes;
  /** The images that are accepted now, by config version; PCRs of 48 bytes. */
  readonly configs: readonly {
    readonly key: bigint;
    readonly value: { readonly pcr0: Bytes; readonly pcr1: Bytes; readonly pcr2: Bytes };
  }[];
  readonly parameters: {
    readonly enclaves: {
      readonly documentAgeMsMax: bigint;
      /** MIST. */
      readonly bondMin: bigint;
      readonly anchorWindowMs: bigint;
    };
  };
}

/** As sui/client reads it: `readSlot`. */
export interface RegistrationSlot {
  readonly id: SuiId;
  readonly cluster: SuiId;
  readonly configVersion: bigint;
  readonly expiresMs: bigint;
}

/** The fields of a document whose signature and certificates hold at the chain's time. */
export interface RegistrationDocument {
  readonly timestampMs: number | bigint;
  /** By index, in any order; an index that is there twice is refused. */
  readonly pcrs: Iterable<readonly [number, Bytes]>;
  readonly publicKey: Bytes | null;
  readonly userData: Bytes | null;
  readonly nonce: Bytes | null;
}

export interface Registration {
  readonly cluster: RegistrationCluster;
  readonly slot: RegistrationSlot;
  readonly document: RegistrationDocument;
  readonly logKey: Bytes;
  readonly tlsKeyHash: Bytes;
  /** MIST. */
  readonly bond: bigint;
  /** By the chain's Clock. */
  readonly nowMs: bigint;
}

/** What the Session will hold, apart from its id and its sponsor. */
export interface RegisteredSession {
  readonly cluster: SuiId;
  readonly configVersion: bigint;
  readonly decisionKey: Bytes;
  readonly logKey: Bytes;
  readonly tlsKeyHash: Bytes;
  readonly documentMs: bigint;
  readonly registeredMs: bigint;
  readonly bond: bigint;
  readonly bondHeldMs: bigint;
}

/** The checks of `register_inner` of enclaves.move, in its order. @throws RegistrationError for the first that fails */
export function checkRegistration(registration: Registration): RegisteredSession {
  const { cluster, slot, document, logKey, tlsKeyHash, bond, nowMs } = registration;
  const { documentAgeMsMax, bondMin, anchorWindowMs } = cluster.parameters.enclaves;
  const documentMs = BigInt(document.timestampMs);
  if (slot.cluster !== cluster.id)
    throw new RegistrationError('SLOT_WRONG_CLUSTER', `slot ${slot.id} is one of cluster ${slot.cluster}`);
  if (nowMs >= slot.expiresMs)
    throw new RegistrationError('SLOT_EXPIRED', `slot ${slot.id} expired ${nowMs - slot.expiresMs} ms ago`);
  const config = cluster.configs.find(({ key }) => key === slot.configVersion)?.value;
  if (config === undefined)
    throw new RegistrationError('CONFIG_NOT_ACCEPTED', `config ${slot.configVersion} is not accepted`);
  checkFresh(documentMs, nowMs, documentAgeMsMax);
  checkPcrs([...document.pcrs], [config.pcr0, config.pcr1, config.pcr2]);
  if (document.nonce === null || `0x${toHex(document.nonce)}` !== slot.id)
    throw new RegistrationError('NONCE_WRONG', `the nonce is ${shown(document.nonce)}, not slot ${slot.id}`);
  const decisionKey = checkKeys(document.publicKey, logKey, tlsKeyHash);
  const { id, configDigest } = cluster;
  const expected = enclaveUserData({ cluster: id, configDigest, decisionKey, logKey, tlsKeyHash });
  if (document.userData === null || !equalBytes(document.userData, expected)) {
    const found = shown(document.userData);
    throw new RegistrationError('USER_DATA_WRONG', `user_data is ${found}, expected ${toHex(expected)}`);
  }
  if (bond < bondMin)
    throw new RegistrationError('BOND_TOO_SMALL', `a bond of ${bond} MIST, at least ${bondMin} asked for`);
  return {
    cluster: id,
    configVersion: slot.configVersion,
    decisionKey,
    logKey,
    tlsKeyHash,
    documentMs,
    registeredMs: nowMs,
    bond,
    bondHeldMs: anchorWindowMs,
  };
}

function checkFresh(documentMs: bigint, nowMs: bigint, ageMsMax: bigint): void {
  const ageMs = nowMs - documentMs;
  if (-ageMs > REGISTRATION_AHEAD_MS_MAX)
    throw new RegistrationError('DOCUMENT_FROM_FUTURE', `the document is ${-ageMs} ms ahead of the chain`);
  if (ageMs > ageMsMax)
    throw new RegistrationError('DOCUMENT_TOO_OLD', `${ageMs} ms old, at most ${ageMsMax} allowed`);
}

/** Index by index: of PCR0 whether it is there, not zero and the config's; then of PCR1; then of PCR2. */
function checkPcrs(pcrs: readonly (readonly [number, Bytes])[], expected: readonly Bytes[]): void {
  for (const [index, accepted] of expected.entries()) {
    const [found, ...more] = pcrs.filter(([other]) => other === index).map(([, value]) => value);
    if (found === undefined || more.length > 0)
      throw new RegistrationError('PCR_MISSING', `PCR${index} is there ${found ? 'more than once' : 'not'}`);
    if (found.every((byte) => byte === 0))
      throw new RegistrationError('PCR_ZERO', `PCR${index} is zero: an enclave in debug mode`);
    if (!equalBytes(found, accepted))
      throw new RegistrationError(
        'PCR_MISMATCH',
        `PCR${index} is ${toHex(found)}, expected ${toHex(accepted)}`,
      );
  }
}

function checkKeys(decisionKey: Bytes | null, logKey: Bytes, tlsKeyHash: Bytes): Bytes {
  if (decisionKey?.length !== KEY_BYTES)
    throw new RegistrationError('DECISION_KEY_MISSING', `public_key is ${shown(decisionKey)}`);
  if (logKey.length !== KEY_BYTES || tlsKeyHash.length !== KEY_BYTES) {
    const lengths = `${logKey.length} and ${tlsKeyHash.length} bytes`;
    throw new RegistrationError('KEY_LENGTH', `log key and TLS key hash have ${lengths}, not 32 each`);
  }
  const pairs = [
    [decisionKey, logKey],
    [decisionKey, tlsKeyHash],
    [logKey, tlsKeyHash],
  ] as const;
  if (pairs.some(([a, b]) => equalBytes(a, b)))
    throw new RegistrationError(
      'KEYS_NOT_DISTINCT',
      'two of decision key, log key and TLS key hash are equal',
    );
  return decisionKey;
}

function shown(bytes: Bytes | null): string {
  return bytes === null ? 'absent' : bytes.length === 0 ? 'empty' : toHex(bytes);
}
