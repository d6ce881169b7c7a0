/// New in version 2.
module base::extra;

use base::vault::{Self, Item};

public struct Wrapped has key, store {
    id: UID,
    item: Item,
}

public fun wrap(item: Item, ctx: &mut TxContext): Wrapped {
    Wrapped { id: object::new(ctx), item }
}

public fun unwrap(wrapped: Wrapped): Item {
    let Wrapped { id, item } = wrapped;
    id.delete();
    item
}

public fun doubled(item: &Item): u64 {
    vault::value(item) * 2
}
