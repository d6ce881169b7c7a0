import { verifyTransactionSignature } from '@mysten/sui/verify';

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

async function signerOf(bytes: Uint8Array, signature: string): Promise<Address> {
  try {
    return (await verifyTransactionSignature(bytes, signature)).toSuiAddress();
  } catch (cause) {
    throw new LedgerError('SIGNATURE_INVALID', 'Invalid user signature: it does not verify', { cause });
  }
}
