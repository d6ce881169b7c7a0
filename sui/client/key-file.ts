import { fromBase64 } from '@mysten/bcs';
import { decodeSuiPrivateKey, SIGNATURE_FLAG_TO_SCHEME, type Keypair } from '@mysten/sui/cryptography';
import { Ed25519Keypair } from '@mysten/sui/keypairs/ed25519';
import { Secp256k1Keypair } from '@mysten/sui/keypairs/secp256k1';
import { Secp256r1Keypair } from '@mysten/sui/keypairs/secp256r1';

const KEYS_MAX = 1_000;
const SECRET_LENGTH = 32;

/**
 * The accounts in the text of a key file: one line `suiprivkey1…` (as `sui keytool export` prints it), or a whole
 * `sui.keystore`, a JSON array whose items are base64 of flag and secret. Ed25519, Secp256k1 and Secp256r1.
 * @throws TypeError that says what is wrong, and quotes nothing of the file.
 */
export function accountsFromKeyFile(text: string): readonly Keypair[] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('[')) return [fromBech32(trimmed)];
  let items: unknown;
  try {
    items = JSON.parse(trimmed);
  } catch {
    throw new TypeError('it begins like a sui.keystore and is not JSON');
  }
  if (!Array.isArray(items) || items.length === 0 || items.length > KEYS_MAX)
    throw new TypeError(`a sui.keystore is an array of 1 to ${KEYS_MAX} keys`);
  return items.map((item, index) => fromKeystoreItem(item, index));
}

function fromBech32(text: string): Keypair {
  let decoded: ReturnType<typeof decodeSuiPrivateKey>;
  try {
    decoded = decodeSuiPrivateKey(text);
  } catch {
    // The decoder's message may quote the key.
    throw new TypeError('it is neither one line suiprivkey1… nor a sui.keystore');
  }
  return keypair(decoded.scheme, decoded.secretKey, 'the key');
}

function fromKeystoreItem(item: unknown, index: number): Keypair {
  const what = `key ${index + 1} of the sui.keystore`;
  let bytes: Uint8Array;
  try {
    if (typeof item !== 'string') throw new TypeError();
    bytes = fromBase64(item);
  } catch {
    throw new TypeError(`${what} is not base64`);
  }
  const [flag = -1] = bytes;
  const schemes: Readonly<Record<number, string>> = SIGNATURE_FLAG_TO_SCHEME;
  return keypair(schemes[flag] ?? '', bytes.subarray(1), what);
}

function keypair(scheme: string, secret: Uint8Array, what: string): Keypair {
  if (secret.length !== SECRET_LENGTH) throw new TypeError(`${what} has not ${SECRET_LENGTH} bytes`);
  switch (scheme) {
    case 'ED25519':
      return Ed25519Keypair.fromSecretKey(secret);
    case 'Secp256k1':
      return Secp256k1Keypair.fromSecretKey(secret);
    case 'Secp256r1':
      return Secp256r1Keypair.fromSecretKey(secret);
    default:
      throw new TypeError(`${what} is of a kind that is not supported`);
  }
}
