import { verifyEd25519, verifyEd25519InThread } from '../natives/ed25519.ts';
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
  const signers = signatures.map((signature) => signerOf(bytes, signature));
  // The first that fails decides; what becomes of those after it is nobody's concern.
  for (const signer of signers) signer.catch(() => undefined);
  for (const signer of signers) {
    const address = await signer;
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

interface Asked {
  readonly args: Parameters<typeof verifyEd25519>;
  readonly resolve: (holds: boolean | Promise<boolean>) => void;
}

let asked: Asked[] = [];
let inThreads = 0;

/**
 * Signatures that are asked for at the same time are verified in threads, while this one executes transactions. One
 * alone is verified here: whoever waits for each transaction before the next would only wait for the thread as well.
 */
function verifySoon(...args: Asked['args']): Promise<boolean> {
  return new Promise((resolve) => {
    asked.push({ args, resolve });
    // By then everything was read that had come over the network.
    if (asked.length === 1) setImmediate(verifyAsked);
  });
}

function verifyAsked(): void {
  const batch = asked;
  asked = [];
  const isAlone = batch.length === 1 && inThreads === 0;
  for (const { args, resolve } of batch) resolve(isAlone ? verifyEd25519(...args) : verifyInThread(args));
}

async function verifyInThread(args: Asked['args']): Promise<boolean> {
  inThreads += 1;
  try {
    return await verifyEd25519InThread(...args);
  } finally {
    inThreads -= 1;
  }
}

/** The signer's address if it is a whole Ed25519 signature that holds; null leaves every other case to the SDK. */
async function ed25519SignerOf(bytes: Uint8Array, signature: string): Promise<Address | null> {
  const serialized = Buffer.from(signature, 'base64');
  if (serialized.length !== ED25519_BYTES || serialized[0] !== ED25519_FLAG) return null;
  if (serialized.toString('base64') !== signature) return null;
  const key = serialized.subarray(65);
  if (!(await verifySoon(serialized.subarray(1, 65), blake2b256(INTENT, bytes), key))) return null;
  return `0x${Buffer.from(blake2b256(serialized.subarray(0, 1), key)).toString('hex')}`;
}

async function signerOf(bytes: Uint8Array, signature: string): Promise<Address> {
  const known = await ed25519SignerOf(bytes, signature);
  if (known !== null) return known;
  try {
    // Other schemes are rare, and the SDK's code for all of them takes long to load.
    const { verifyTransactionSignature } = await import('@mysten/sui/verify');
    return (await verifyTransactionSignature(bytes, signature)).toSuiAddress();
  } catch (cause) {
    throw new LedgerError('SIGNATURE_INVALID', 'Invalid user signature: it does not verify', { cause });
  }
}
