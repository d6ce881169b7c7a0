/// Version 1 of a package that the ledger's tests upgrade.
module base::vault;

use std::ascii::String;
use std::type_name;
use sui::dynamic_field;
use sui::event;

const EWrongVersion: u64 = 1;
const EAlwaysFails: u64 = 2;

const VERSION: u64 = 1;

/// Shared; only the code of its own version may change it.
public struct Vault has key {
    id: UID,
    version: u64,
    total: u64,
}

public struct AdminCap has key, store {
    id: UID,
}

public struct Item has key, store {
    id: UID,
    value: u64,
}

public struct Pair<phantom A, B: store> has copy, drop, store {
    first: u64,
    second: B,
}

public enum Shape has copy, drop, store {
    Dot,
    Line { length: u64 },
}

public struct Made has copy, drop {
    value: u64,
    by_version: u64,
}

fun init(ctx: &mut TxContext) {
    transfer::share_object(Vault { id: object::new(ctx), version: VERSION, total: 0 });
    transfer::transfer(AdminCap { id: object::new(ctx) }, ctx.sender());
}

public fun code_version(): u64 {
    VERSION
}

public fun deposit(vault: &mut Vault, amount: u64) {
    assert!(vault.version == VERSION, EWrongVersion);
    vault.total = vault.total + amount;
}

public fun item(value: u64, ctx: &mut TxContext): Item {
    event::emit(Made { value, by_version: VERSION });
    Item { id: object::new(ctx), value }
}

/// The value and the version of the code that ran.
public fun describe(item: &Item): u64 {
    item.value * 10 + VERSION
}

public fun destroy(item: Item) {
    let Item { id, .. } = item;
    id.delete();
}

public fun tag<K: copy + drop + store>(item: &mut Item, key: K, value: u64) {
    dynamic_field::add(&mut item.id, key, value);
}

public fun tagged<K: copy + drop + store>(item: &Item, key: K): u64 {
    *dynamic_field::borrow(&item.id, key)
}

public fun line(length: u64): Shape {
    Shape::Line { length }
}

public fun pair<A, B: store>(second: B): Pair<A, B> {
    Pair { first: VERSION, second }
}

/// Its type by the ids of the versions that defined it, and by those of the first versions.
public fun names<T>(): vector<String> {
    vector[
        type_name::with_defining_ids<T>().into_string(),
        type_name::with_original_ids<T>().into_string(),
    ]
}

public fun fail() {
    abort EAlwaysFails
}

public(package) fun package_only(): u64 {
    VERSION
}

entry fun tap(vault: &mut Vault) {
    vault.total = vault.total + 1;
}
