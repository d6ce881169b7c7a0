import { blake2b256 } from '../vm/blake2b.ts';
import { NativeAbort } from '../vm/failure.ts';
import type { Native } from '../vm/native.ts';
import { arg, moveBytes } from './arguments.ts';

/** sui::address::EAddressParseError. */
const E_ADDRESS_PARSE = 0n;

/** The hashing intent of regular object ids: HashingIntentScope::RegularObjectId in sui-types. */
const REGULAR_OBJECT_SCOPE = 0xf1;

/** Id of the n-th object made by a transaction: blake2b256(0xf1 ‖ transaction digest ‖ u64 n). */
export function derivedId(transactionDigest: Uint8Array, counter: bigint): string {
  const input = Buffer.alloc(1 + transactionDigest.length + 8);
  input.writeUInt8(REGULAR_OBJECT_SCOPE, 0);
  input.set(transactionDigest, 1);
  input.writeBigUInt64LE(counter, 1 + transactionDigest.length);
  return `0x${Buffer.from(blake2b256(input)).toString('hex')}`;
}

/** Natives of `0x2` about the transaction, addresses and types, by `module::function`. */
export const frameworkNatives: Readonly<Record<string, Native>> = {
  'tx_context::native_sender': ({ transaction }) => transaction.sender,
  'tx_context::native_epoch': ({ transaction }) => transaction.epoch,
  'tx_context::native_epoch_timestamp_ms': ({ transaction }) => transaction.epochStartMs,
  'tx_context::native_rgp': ({ transaction }) => transaction.referenceGasPrice,
  'tx_context::native_gas_price': ({ transaction }) => transaction.gasPrice,
  'tx_context::native_gas_budget': ({ transaction }) => transaction.gasBudget,
  'tx_context::native_sponsor': ({ transaction }) =>
    transaction.sponsor === null ? [] : [transaction.sponsor],
  'tx_context::fresh_id': ({ objects }) => objects.freshId(),
  'tx_context::derive_id': (_context, _types, [hash, counter]) =>
    derivedId(arg.bytes(hash), arg.u64(counter)),
  'address::to_u256': (_context, _types, [address]) => BigInt(arg.address(address)),
  'address::from_u256': (_context, _types, [number]) => `0x${arg.u64(number).toString(16).padStart(64, '0')}`,
  'address::from_bytes': (_context, _types, [bytes]) => {
    const raw = arg.bytes(bytes);
    if (raw.length !== 32) throw new NativeAbort(E_ADDRESS_PARSE);
    return `0x${Buffer.from(raw).toString('hex')}`;
  },
  'types::is_one_time_witness': ({ types }, [type]) => {
    // One bool field (the compiler's dummy), no type arguments, named as its module in capitals.
    if (type?.kind !== 'datatype' || type.args.length > 0 || type.name !== type.module.toUpperCase())
      return false;
    const layout = types.layout(type);
    return layout.kind === 'struct' && layout.fields.length === 1 && layout.fields[0]?.kind === 'bool';
  },
  'protocol_config::is_feature_enabled': () => false,
  'hash::blake2b256': (_context, _types, [data]) => moveBytes(blake2b256(arg.bytes(data))),
};
