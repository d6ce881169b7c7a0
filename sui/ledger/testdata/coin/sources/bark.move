/// A coin with metadata, and types of every shape, for the tests of the API.
module coin::bark;

use sui::coin;
use sui::url;

public struct BARK has drop {}

public enum Mood<phantom T, U: store> has copy, drop, store {
    Calm,
    Loud { times: u64, at: vector<U> },
}

#[allow(deprecated_usage)]
fun init(witness: BARK, ctx: &mut TxContext) {
    let (mut treasury, metadata) = coin::create_currency(
        witness,
        3,
        b"BARK",
        b"Bark",
        b"What dogs pay with",
        option::some(url::new_unsafe_from_bytes(b"https://bark.example/icon.png")),
        ctx,
    );
    coin::mint_and_transfer(&mut treasury, 5_000, ctx.sender(), ctx);
    transfer::public_freeze_object(metadata);
    transfer::public_transfer(treasury, ctx.sender());
}

public fun mood<T>(times: u64): Mood<T, u64> {
    if (times == 0) Mood::Calm else Mood::Loud { times, at: vector[times] }
}
