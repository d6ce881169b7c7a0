import { bcs } from '@mysten/bcs';

import { sha256, utf8, concatBytes, type Bytes } from './bytes.ts';
import { bytes32, suiId, u64, type SuiId } from './codec.ts';

export interface ClusterConfig {
  /** SHA-256 of the DER of the API server's CA certificate. */
  readonly apiServerCaDigest: Bytes;
  /** Digest of the chain's genesis checkpoint, base58, as GetServiceInfo gives it. */
  readonly chainId: string;
  readonly packageId: SuiId;
  readonly policyDigest: Bytes;
}

const configBcs = bcs.struct('ClusterConfig', {
  apiServerCaDigest: bytes32,
  chainId: bcs.string(),
  packageId: suiId,
  policyDigest: bytes32,
});

/** What one installation is: the enclave binds its keys to it, and Move compares it with the Cluster's. */
export function configDigest(config: ClusterConfig): Bytes {
  return sha256(utf8('k3s-daas/config/v1'), configBcs.serialize(config).toBytes());
}

export interface EnclaveIdentity {
  readonly cluster: SuiId;
  readonly configDigest: Bytes;
  /** Raw Ed25519 public keys, 32 bytes each. */
  readonly decisionKey: Bytes;
  readonly logKey: Bytes;
  /** SHA-256 of the TLS key's SubjectPublicKeyInfo (DER). */
  readonly tlsKeyHash: Bytes;
}

/** `user_data` of the attestation document; Move computes the same (enclaves.move). */
export function enclaveUserData(identity: EnclaveIdentity): Bytes {
  const fixed = [identity.configDigest, identity.decisionKey, identity.logKey, identity.tlsKeyHash];
  for (const part of fixed) bytes32.serialize(part);
  return sha256(
    concatBytes(utf8('k3s-daas/enclave/v1'), suiId.serialize(identity.cluster).toBytes(), ...fixed),
  );
}

export interface NodeClaimProof {
  readonly cluster: SuiId;
  readonly stake: SuiId;
  readonly node: string;
  readonly csrKeyHash: Bytes;
}

const claimBcs = bcs.struct('NodeClaimProof', {
  cluster: suiId,
  stake: suiId,
  node: bcs.string(),
  csrKeyHash: bytes32,
});

/** What the node's Ed25519 key signs to show that the claimant holds it (nodes.move). */
export function nodeClaimMessage(proof: NodeClaimProof): Bytes {
  return concatBytes(utf8('k3s-daas/claim/v1'), claimBcs.serialize(proof).toBytes());
}

export interface Heartbeat {
  readonly cluster: SuiId;
  readonly stake: SuiId;
  readonly node: string;
  /** By the node's own clock. */
  readonly timestampMs: bigint;
}

const heartbeatBcs = bcs.struct('Heartbeat', {
  cluster: suiId,
  stake: suiId,
  node: bcs.string(),
  timestampMs: u64,
});

/** What the node's Ed25519 key signs to show that the node lives (nodes.move). */
export function heartbeatMessage(heartbeat: Heartbeat): Bytes {
  return concatBytes(utf8('k3s-daas/heartbeat/v1'), heartbeatBcs.serialize(heartbeat).toBytes());
}
