/**
 * Steps that a native costs beside the one of its call and those of the bytes it takes and gives. A step stands for
 * about 10 ns, what an instruction takes; the prices are under what the work takes, but so that a transaction that
 * spends all its steps on one of them ends after some seconds. On Sui such a loop ends by its gas budget.
 */
export const NATIVE_COSTS: Readonly<Record<string, number>> = {
  'hash::sha2_256': 200,
  'hash::sha3_256': 500,
  'hash::keccak256': 500,
  'hash::blake2b256': 200,
  'hmac::hmac_sha3_256': 1_000,
  'ed25519::ed25519_verify': 5_000,
  'ecdsa_k1::secp256k1_verify': 20_000,
  'ecdsa_k1::secp256k1_ecrecover': 20_000,
  'ecdsa_k1::decompress_pubkey': 5_000,
  'ecdsa_r1::secp256r1_verify': 20_000,
  'ecdsa_r1::secp256r1_ecrecover': 20_000,
  'bls12381::bls12381_min_sig_verify': 250_000,
  'bls12381::bls12381_min_pk_verify': 250_000,
  'nitro_attestation::load_nitro_attestation_internal': 250_000,
};
