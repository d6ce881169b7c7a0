import { bcs, type BcsType } from '@mysten/bcs';

import { concatBytes, sha256, utf8, type Bytes } from './bytes.ts';
import { bytes32, parseStrict, suiId, u64, type SuiId } from './codec.ts';

/** What Seal authenticates with each value: the place that it was encrypted for. */
export interface SealAad {
  /** Name of the Secret. */
  readonly secret: string;
  readonly key: string;
}

const aadBcs: BcsType<SealAad, SealAad> = bcs.struct('SealAad', { secret: bcs.string(), key: bcs.string() });

export function encodeSealAad(aad: SealAad): Bytes {
  return aadBcs.serialize(aad).toBytes();
}

/** @throws FormatError unless the bytes are the canonical form of an aad. */
export function decodeSealAad(bytes: Bytes): SealAad {
  return parseStrict(aadBcs, bytes);
}

/** One version of a Secret as its owner publishes it. */
export interface SealedVersion {
  readonly cluster: SuiId;
  readonly policy: SuiId;
  readonly namespace: string;
  readonly secret: string;
  readonly version: bigint;
  /** SHA-256 of each value's ciphertext, by key. */
  readonly digests: ReadonlyMap<string, Bytes>;
}

const versionBcs = bcs.struct('SealedVersion', {
  cluster: suiId,
  policy: suiId,
  namespace: bcs.string(),
  secret: bcs.string(),
  version: u64,
  digests: bcs.vector(bcs.struct('SealedDigest', { key: bcs.string(), sha256: bytes32 })),
});

/**
 * What the owner of a policy signs, as a Sui personal message, so that running pods take a new version. Anyone can
 * encrypt to an identity, so ciphertext alone does not say who made it. Keys are in order of their UTF-16 code units.
 */
export function sealedVersionMessage({ digests, ...version }: SealedVersion): Bytes {
  const sorted = [...digests]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, digest]) => ({ key, sha256: digest }));
  const body = versionBcs.serialize({ ...version, digests: sorted }, { maxSize: 1 << 20 }).toBytes();
  return concatBytes(utf8('k3s-daas/sealed-version/v1'), sha256(body));
}
