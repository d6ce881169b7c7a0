import { bcs, type BcsType } from '@mysten/bcs';

import type { Bytes } from './bytes.ts';
import { bytes32, parseStrict, suiId, u64, type SuiId } from './codec.ts';
import { Intent } from './decision.ts';
import { FormatError } from './format-error.ts';

/** Digests in one release: more would not fit a transaction's pure input of 16 KiB. */
export const RELEASE_IMAGES_MAX = 256;
const DIGEST_BYTES = 33;
/** Bytes of a message: of the fields besides the digests, only the pod's UID has no fixed length. */
export const RELEASE_MESSAGE_BYTES_MAX = 1_024 + RELEASE_IMAGES_MAX * DIGEST_BYTES;

/** The live enclave's consent that one recipient may open one policy's secrets for one pod (releases.move). */
export interface Release {
  readonly cluster: SuiId;
  readonly session: SuiId;
  /** receiptDigest of the receipt that placed the pod. */
  readonly receiptDigest: Bytes;
  readonly podUid: string;
  readonly policy: SuiId;
  /** Sui address of the key that gets the grant. */
  readonly recipient: SuiId;
  /** SHA-256 digests of the images that the pod runs, as their manifests are named. */
  readonly imageDigests: readonly Bytes[];
  readonly notAfterMs: bigint;
}

export interface ReleaseMessage {
  readonly intent: number;
  readonly timestampMs: bigint;
  readonly payload: Release;
}

/** What a secret's version is encrypted to (seal_policy.move). */
export interface SealIdentity {
  readonly policy: SuiId;
  readonly cluster: SuiId;
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly version: bigint;
}

const releaseBcs = bcs.struct('Release', {
  cluster: suiId,
  session: suiId,
  receiptDigest: bytes32,
  podUid: bcs.string(),
  policy: suiId,
  recipient: suiId,
  imageDigests: bcs.vector(bytes32),
  notAfterMs: u64,
});

const messageBcs = bcs.struct('IntentMessage<Release>', {
  intent: bcs.u8(),
  timestampMs: u64,
  payload: releaseBcs,
});

const identityBcs: BcsType<SealIdentity, SealIdentity> = bcs.struct('SealIdentity', {
  policy: suiId,
  cluster: suiId,
  namespace: bcs.string(),
  serviceAccount: bcs.string(),
  version: u64,
});

/** The bytes that the enclave signs. */
export function encodeReleaseMessage(timestampMs: bigint, release: Release): Bytes {
  return messageBcs
    .serialize({
      intent: Intent.release,
      timestampMs,
      payload: { ...release, imageDigests: [...release.imageDigests] },
    })
    .toBytes();
}

/** @throws FormatError unless the bytes are the canonical form of a release message with the release intent. */
export function decodeReleaseMessage(bytes: Bytes): ReleaseMessage {
  const message = parseStrict(messageBcs, bytes);
  if (message.intent !== Intent.release)
    throw new FormatError('INTENT_WRONG', `intent ${message.intent} is not a release`);
  return message;
}

/** The Seal identity of one version of a policy's secrets, without the package that Seal puts in front. */
export function encodeSealIdentity(identity: SealIdentity): Bytes {
  return identityBcs.serialize(identity).toBytes();
}

/** @throws FormatError unless the bytes are the canonical form of an identity. */
export function decodeSealIdentity(bytes: Bytes): SealIdentity {
  return parseStrict(identityBcs, bytes);
}
