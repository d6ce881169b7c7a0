/// Depends on `base`.
module user::user;

use base::vault::{Self, Item};

public struct Box has key, store {
    id: UID,
    item: Item,
}

public fun version_seen(): u64 {
    vault::code_version()
}

public fun version_seen_with<T>(): u64 {
    vault::code_version()
}

entry fun private_version_seen_with<T>(): u64 {
    vault::code_version()
}

public fun describe(item: &Item): u64 {
    vault::describe(item)
}

public fun make(value: u64, ctx: &mut TxContext): Box {
    Box { id: object::new(ctx), item: vault::item(value, ctx) }
}

public fun open(box: Box): Item {
    let Box { id, item } = box;
    id.delete();
    item
}

public fun fail() {
    vault::fail()
}
