import { encodeValue } from '../vm/bcs.ts';
import { blake2b256 } from '../vm/blake2b.ts';
import { NativeAbort, unsupported } from '../vm/failure.ts';
import type { Native, NativeContext } from '../vm/native.ts';
import { encodeTypeTag, type Address, type Type } from '../vm/types.ts';
import { Ref, type Value } from '../vm/values.ts';
import { arg } from './arguments.ts';

/** sui::transfer. */
const E_SHARED_NON_NEW_OBJECT = 0n;
/** sui::dynamic_field. */
const E_FIELD_ALREADY_EXISTS = 0n;
const E_FIELD_DOES_NOT_EXIST = 1n;
const E_FIELD_TYPE_MISMATCH = 2n;

/** The hashing intent of child object ids: HashingIntentScope::ChildObjectId in sui-types. */
const CHILD_OBJECT_SCOPE = Uint8Array.of(0xf0);

/** Id of the dynamic field `key` of `parent`: blake2b256(0xf0 ‖ parent ‖ u64 length ‖ key ‖ type tag). */
function dynamicFieldId(parent: Address, keyType: Type, key: Uint8Array): Address {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(key.length));
  const from = Buffer.from(parent.slice(2), 'hex');
  const hash = blake2b256(CHILD_OBJECT_SCOPE, from, length, key, encodeTypeTag(keyType));
  return `0x${Buffer.from(hash).toString('hex')}`;
}

function borrowChild({ objects }: NativeContext, type: Type, parent: Address, id: Address): Ref {
  const child = objects.child(parent, id);
  if (child === null) throw new NativeAbort(E_FIELD_DOES_NOT_EXIST);
  if (child.type.key !== type.key) throw new NativeAbort(E_FIELD_TYPE_MISMATCH);
  return child.ref;
}

const borrow: Native = (context, [type], [uid, id]) =>
  borrowChild(context, type as Type, arg.uid(uid), arg.address(id));

/** Natives of `0x2` that move objects, by `module::function`. */
export const objectNatives: Readonly<Record<string, Native>> = {
  'object::borrow_uid': (_context, _types, [ref]) => new Ref(arg.ref(ref).get() as Value[], 0),
  'object::delete_impl': ({ objects }, _types, [id]) => {
    objects.deleteId(arg.address(id));
    return null;
  },
  'object::record_new_uid': ({ objects }, _types, [id]) => {
    objects.recordNewId(arg.address(id));
    return null;
  },
  'transfer::transfer_impl': ({ objects }, [type], [value, to]) => {
    objects.transfer(type as Type, value as Value, { kind: 'address', address: arg.address(to) });
    return null;
  },
  'transfer::freeze_object_impl': ({ objects }, [type], [value]) => {
    objects.transfer(type as Type, value as Value, { kind: 'immutable' });
    return null;
  },
  'transfer::share_object_impl': ({ objects }, [type], [value]) => {
    if (!objects.share(type as Type, value as Value)) throw new NativeAbort(E_SHARED_NON_NEW_OBJECT);
    return null;
  },
  // The framework lets pass only a party of one address with all permissions.
  'transfer::party_transfer_impl': ({ objects }, [type], [value, _default, addresses]) => {
    const address = arg.address((addresses as Value[])[0]);
    objects.transfer(type as Type, value as Value, { kind: 'party', address, startVersion: 0n });
    return null;
  },
  'transfer::receive_impl': ({ objects }, [type], [parent, id, version]) =>
    objects.receive(arg.address(parent), arg.id(id), arg.u64(version), type as Type),
  'event::emit': ({ objects, types, meter }, [type], [value]) => {
    const contents = encodeValue(types, type as Type, value as Value);
    meter.charge(contents.length);
    objects.emit(type as Type, contents);
    return null;
  },
  'dynamic_field::hash_type_and_key': ({ types }, [type], [parent, key]) =>
    dynamicFieldId(arg.address(parent), type as Type, encodeValue(types, type as Type, key as Value)),
  'dynamic_field::add_child_object': ({ objects }, [type], [parent, child]) => {
    const id = ((child as Value[])[0] as [[string]])[0][0];
    if (objects.child(arg.address(parent), id) !== null) throw new NativeAbort(E_FIELD_ALREADY_EXISTS);
    objects.addChild(arg.address(parent), type as Type, child as Value);
    return null;
  },
  'dynamic_field::borrow_child_object': borrow,
  'dynamic_field::borrow_child_object_mut': borrow,
  'dynamic_field::remove_child_object': (context, [type], [parent, id]) => {
    borrowChild(context, type as Type, arg.address(parent), arg.address(id));
    return context.objects.removeChild(arg.address(parent), arg.address(id));
  },
  'dynamic_field::has_child_object': ({ objects }, _types, [parent, id]) =>
    objects.child(arg.address(parent), arg.address(id)) !== null,
  'dynamic_field::has_child_object_with_ty': ({ objects }, [type], [parent, id]) =>
    objects.child(arg.address(parent), arg.address(id))?.type.key === type?.key,
};
