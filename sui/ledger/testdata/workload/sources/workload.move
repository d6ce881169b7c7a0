/// What `bench/ledger` measures and what `recorded.test.ts` executes. That test holds digests of the chain that these
/// functions make, so a change here asks for a new recording.
module workload::workload;

use std::string::{Self, String};
use std::type_name;
use sui::clock::Clock;
use sui::coin::{Self, Coin};
use sui::balance::Balance;
use sui::dynamic_field;
use sui::dynamic_object_field;
use sui::ed25519;
use sui::event;
use sui::hash;
use sui::sui::SUI;
use sui::table::{Self, Table};
use sui::vec_map::{Self, VecMap};

const EBelowMinimum: u64 = 3;
#[error]
const EUnlucky: vector<u8> = b"Thirteen is unlucky.";

/// Shared.
public struct Registry has key {
    id: UID,
    stakes: Table<address, u64>,
    total: u64,
    updated_ms: u64,
}

public struct Position has key, store {
    id: UID,
    owner: address,
    active: Balance<SUI>,
    node: Option<String>,
}

public struct Crate has key, store {
    id: UID,
    position: Position,
}

public struct Staked has copy, drop {
    position: ID,
    owner: address,
    amount: u64,
}

public enum Shape has copy, drop, store {
    Nothing,
    Circle(u16),
    Box { width: u128, height: u256, tags: vector<String> },
}

public struct Album has key, store {
    id: UID,
    shapes: vector<Shape>,
    index: VecMap<String, u32>,
    flags: vector<bool>,
}

public struct Mixed<phantom T> has copy, drop {
    small: u8,
    wide: u256,
    to: Option<address>,
    list: vector<u16>,
    shape: Shape,
    kind: String,
    digest: vector<u8>,
}

fun init(ctx: &mut TxContext) {
    transfer::share_object(Registry {
        id: object::new(ctx),
        stakes: table::new(ctx),
        total: 0,
        updated_ms: 0,
    });
}

/// A table entry, an event, an owned object.
public fun stake(registry: &mut Registry, coin: Coin<SUI>, ctx: &mut TxContext): Position {
    let amount = coin.value();
    assert!(amount >= 10, EBelowMinimum);
    let position = Position {
        id: object::new(ctx),
        owner: ctx.sender(),
        active: coin.into_balance(),
        node: option::none(),
    };
    registry.stakes.add(object::id(&position).to_address(), amount);
    registry.total = registry.total + amount;
    event::emit(Staked { position: object::id(&position), owner: position.owner, amount });
    position
}

public fun unstake(registry: &mut Registry, position: Position, clock: &Clock, ctx: &mut TxContext): Coin<SUI> {
    let Position { id, owner: _, active, node: _ } = position;
    let amount = registry.stakes.remove(id.to_address());
    assert!(amount != 13, EUnlucky);
    registry.total = registry.total - amount;
    registry.updated_ms = clock.timestamp_ms();
    id.delete();
    coin::from_balance(active, ctx)
}

public fun total(registry: &Registry): u64 {
    registry.total
}

public fun share(position: Position) {
    transfer::share_object(position);
}

public fun freeze_it(position: Position) {
    transfer::freeze_object(position);
}

public fun rename(position: &mut Position, name: String) {
    position.node = option::some(name);
}

public fun wrap(position: Position, ctx: &mut TxContext): Crate {
    Crate { id: object::new(ctx), position }
}

public fun unwrap(crate: Crate): Position {
    let Crate { id, position } = crate;
    id.delete();
    position
}

public fun draw(count: u64, ctx: &mut TxContext): Album {
    let mut album = Album {
        id: object::new(ctx),
        shapes: vector[],
        index: vec_map::empty(),
        flags: vector[true, false],
    };
    count.do!(|i| {
        let shape = match (i % 3) {
            0 => Shape::Nothing,
            1 => Shape::Circle((i as u16) * 7),
            _ => Shape::Box {
                width: (i as u128) << 90,
                height: (i as u256) << 200,
                tags: vector[i.to_string(), string::utf8(b"box")],
            },
        };
        album.shapes.push_back(shape);
        let size = area(&album.shapes[i]);
        album.index.insert(i.to_string(), size);
        dynamic_field::add(&mut album.id, i, shape);
    });
    album
}

fun area(shape: &Shape): u32 {
    match (shape) {
        Shape::Nothing => 0,
        Shape::Circle(radius) => (*radius as u32) * 3,
        Shape::Box { width, height, tags } => {
            ((*width >> 90) as u32) * ((*height >> 200) as u32) + (tags.length() as u32)
        },
    }
}

public fun paste(album: &mut Album, position: Position) {
    dynamic_object_field::add(&mut album.id, b"position", position);
}

public fun peel(album: &mut Album): Position {
    dynamic_object_field::remove(&mut album.id, b"position")
}

/// Changes one field in place, takes one away, swaps and pops in the vector.
public fun edit(album: &mut Album, key: u64) {
    let shape: &mut Shape = dynamic_field::borrow_mut(&mut album.id, key);
    *shape = Shape::Circle(65535);
    if (key > 0) {
        let _: Shape = dynamic_field::remove(&mut album.id, key - 1);
    };
    album.shapes.reverse();
    album.shapes.swap_remove(0);
    album.flags.push_back(album.shapes.contains(&Shape::Circle(7)));
}

public fun mix<T>(small: u8, wide: u256, to: Option<address>, list: vector<u16>, text: String) {
    let mut bytes = std::bcs::to_bytes(&list);
    bytes.append(std::bcs::to_bytes(&to));
    bytes.append(*text.as_bytes());
    event::emit(Mixed<T> {
        small: small ^ 0x5a,
        wide: (wide | 1) / 3 % 1000000007,
        to,
        list,
        shape: Shape::Box { width: 1, height: wide, tags: vector[text.substring(0, text.length() / 2), text] },
        kind: string::from_ascii(type_name::with_defining_ids<T>().into_string()),
        digest: hash::blake2b256(&bytes),
    });
}

public fun verify(signature: vector<u8>, key: vector<u8>, message: vector<u8>): bool {
    ed25519::ed25519_verify(&signature, &key, &message)
}

/// About ten instructions a turn.
public fun spin(turns: u64): u64 {
    let mut sum: u64 = 0;
    let mut i: u64 = 0;
    while (i < turns) {
        sum = sum + i % 7;
        i = i + 1;
    };
    sum
}

public fun nothing() {}
