import { sha256 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';

import { encodeValue } from '../vm/bcs.ts';
import { NativeAbort } from '../vm/failure.ts';
import type { TypeInfo } from '../vm/layout.ts';
import type { Native } from '../vm/native.ts';
import { datatype, vectorOf, type Type } from '../vm/types.ts';
import type { Value } from '../vm/values.ts';
import { arg, moveBytes } from './arguments.ts';

/** `std::type_name` writes addresses in full length and without `0x`. */
function typeName(type: Type | undefined): Value {
  return [[moveBytes(Buffer.from((type?.key ?? '').replaceAll('0x', '')))]];
}

/** std::type_name::ENonModuleType. */
const E_NON_MODULE_TYPE = 0n;

function definingId(type: Type | undefined): string {
  if (type?.kind !== 'datatype') throw new NativeAbort(E_NON_MODULE_TYPE);
  return type.address;
}

/** The type named by the first versions of the packages it comes from. */
function withOriginalIds(types: TypeInfo, type: Type): Type {
  if (type.kind === 'vector') return vectorOf(withOriginalIds(types, type.element));
  if (type.kind !== 'datatype') return type;
  const args = type.args.map((arg) => withOriginalIds(types, arg));
  return datatype(types.originalId(type.address), type.module, type.name, args);
}

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const nothing: Native = () => null;

/** Natives of `0x1`, by `module::function`. */
export const stdlibNatives: Readonly<Record<string, Native>> = {
  'bcs::to_bytes': ({ types }, [type], [ref]) =>
    moveBytes(encodeValue(types, type as Type, arg.ref(ref).get())),
  'debug::print': nothing,
  'debug::print_stack_trace': nothing,
  'hash::sha2_256': (_context, _types, [data]) => moveBytes(sha256(arg.bytes(data))),
  'hash::sha3_256': (_context, _types, [data]) => moveBytes(sha3_256(arg.bytes(data))),
  'string::internal_check_utf8': (_context, _types, [text]) => isUtf8(arg.bytes(text)),
  'string::internal_is_char_boundary': (_context, _types, [text, index]) => {
    const bytes = arg.bytes(text);
    const i = Number(arg.u64(index));
    return i === bytes.length || (i < bytes.length && ((bytes[i] ?? 0) & 0xc0) !== 0x80);
  },
  'string::internal_sub_string': (_context, _types, [text, from, to]) =>
    moveBytes(arg.bytes(text).slice(Number(arg.u64(from)), Number(arg.u64(to)))),
  'string::internal_index_of': (_context, _types, [text, part]) => {
    const bytes = Buffer.from(arg.bytes(text));
    const index = bytes.indexOf(arg.bytes(part));
    return BigInt(index < 0 ? bytes.length : index);
  },
  'type_name::with_defining_ids': (_context, [type]) => typeName(type),
  'type_name::with_original_ids': ({ types }, [type]) => typeName(withOriginalIds(types, type as Type)),
  'type_name::defining_id': (_context, [type]) => definingId(type),
  'type_name::original_id': ({ types }, [type]) => types.originalId(definingId(type)),
};
