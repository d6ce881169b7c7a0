import { verifyTransactionSignature } from '@mysten/sui/verify';

import { verifyEd25519 } from '../natives/ed25519.ts';
import { blake2b256 } from '../vm/blake2b.ts';
import type { Address } from '../vm/types.ts';
import { LedgerError } from './errors.ts';
import type { ParsedTransaction } from './transaction.ts';

/**
 * Sender and gas owner must have signed these very bytes, each exactly once, and nobody else. `signatures` are Sui's
 * serialized form (flag ‖ signature ‖ public key) in base64. Throws LedgerError SIGNATURE_INVALID.
 */
export async function checkSignatures(
  { data, bytes }: ParsedTransaction,
  signatures: readonly string[],
): Promise<void> {
  const required = new Set<Address>([data.sender, data.gasData.owner]);
  if (signatures.length !== required.size) {
    throw new LedgerError(
      'SIGNATURE_INVALID',
      `Expect ${required.size} signer signatures but got ${signatures.length}`,
    );
  }
  for (const signature of signatures) {
    const address = await signerOf(bytes, signature);
    if (!required.delete(address)) {
      throw new LedgerError(
        'SIGNATURE_INVALID',
        `Invalid user signature: ${address} is not a required signer`,
      );
    }
  }
}

/** Scope TransactionData, version 0, application Sui (docs.sui.io, Intent Signing). */
const INTENT = Uint8Array.of(0, 0, 0);
const ED25519_FLAG = 0;
/** flag ‖ signature ‖ public key */
const ED25519_BYTES = 1 + 64 + 32;

/** The signer's address if it is a whole Ed25519 signature that holds; null leaves every other case to the SDK. */
function ed25519SignerOf(bytes: Uint8Array, signature: string): Address | null {
  const serialized = Buffer.from(signature, 'base64');
  if (serialized.length !== ED25519_BYTES || serialized[0] !== ED25519_FLAG) return null;
  if (serialized.toString('base64') !== signature) return null;
  const key = serialized.subarray(65);
  if (!verifyEd25519(serialized.subarray(1, 65), blake2b256(INTENT, bytes), key)) return null;
  return `0x${Buffer.from(blake2b256(serialized.subarray(0, 1), key)).toString('hex')}`;
}

async function signerOf(bytes: Uint8Array, signature: string): Promise<Address> {
  const known = ed25519SignerOf(bytes, signature);
  if (known !== null) return known;
  try {
    return (await verifyTransactionSignature(bytes, signature)).toSuiAddress();
  } catch (cause) {
    throw new LedgerError('SIGNATURE_INVALID', 'Invalid user signature: it does not verify', { cause });
  }
}
