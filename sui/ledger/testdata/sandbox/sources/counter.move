/// What the ledger's tests run: owned and shared objects, events, tables, aborts, hot potatoes.
module sandbox::counter;

use std::string::String;
use sui::clock::Clock;
use sui::coin::Coin;
use sui::dynamic_field;
use sui::dynamic_object_field;
use sui::ed25519;
use sui::event;
use sui::nitro_attestation::NitroAttestationDocument;
use sui::poseidon;
use sui::sui::SUI;
use sui::table::{Self, Table};
use sui::transfer::Receiving;

#[error]
const EForbidden: vector<u8> = b"Thirteen is not counted.";
const ENegative: u64 = 7;

/// Shared.
public struct Counter has key {
    id: UID,
    value: u64,
    names: Table<address, String>,
    updated_ms: u64,
}

/// Owned.
public struct Ticket has key, store {
    id: UID,
    number: u64,
}

public struct Wrapper has key {
    id: UID,
    ticket: Ticket,
}

public struct Counted has copy, drop {
    by: address,
    value: u64,
}

/// Neither dropped nor stored.
public struct Promise {
    value: u64,
}

public struct COUNTER has drop {}

fun init(witness: COUNTER, ctx: &mut TxContext) {
    assert!(sui::types::is_one_time_witness(&witness), 1);
    transfer::share_object(Counter { id: object::new(ctx), value: 0, names: table::new(ctx), updated_ms: 0 });
}

public fun add(counter: &mut Counter, by: u64, clock: &Clock, ctx: &TxContext): u64 {
    assert!(by != 13, EForbidden);
    counter.value = counter.value + by;
    counter.updated_ms = clock.timestamp_ms();
    event::emit(Counted { by: ctx.sender(), value: counter.value });
    counter.value
}

public fun name(counter: &mut Counter, name: String, ctx: &TxContext) {
    counter.names.add(ctx.sender(), name);
}

public fun name_of(counter: &Counter, of: address): String {
    counter.names[of]
}

public fun value(counter: &Counter): u64 {
    counter.value
}

public fun value_ref(counter: &Counter): &u64 {
    &counter.value
}

public fun remove_counter(counter: Counter) {
    let Counter { id, names, .. } = counter;
    names.drop();
    id.delete();
}

public fun keep_counter(counter: Counter, ctx: &TxContext) {
    transfer::transfer(counter, ctx.sender());
}

public fun ticket(number: u64, ctx: &mut TxContext): Ticket {
    Ticket { id: object::new(ctx), number }
}

public fun number(ticket: &Ticket): u64 {
    ticket.number
}

public fun renumber(ticket: &mut Ticket, number: u64) {
    ticket.number = number;
}

public fun swap(a: &mut Ticket, b: &mut Ticket) {
    let number = a.number;
    a.number = b.number;
    b.number = number;
}

public fun tear(ticket: Ticket) {
    let Ticket { id, .. } = ticket;
    id.delete();
}

public fun wrap(ticket: Ticket, ctx: &mut TxContext) {
    transfer::transfer(Wrapper { id: object::new(ctx), ticket }, ctx.sender());
}

public fun unwrap(wrapper: Wrapper): Ticket {
    let Wrapper { id, ticket } = wrapper;
    id.delete();
    ticket
}

public fun attach(ticket: &mut Ticket, key: u64, child: Ticket) {
    dynamic_object_field::add(&mut ticket.id, key, child);
}

public fun detach(ticket: &mut Ticket, key: u64): Ticket {
    dynamic_object_field::remove(&mut ticket.id, key)
}

public fun note(ticket: &mut Ticket, key: String, text: String) {
    if (dynamic_field::exists_(&ticket.id, key)) {
        *dynamic_field::borrow_mut(&mut ticket.id, key) = text;
    } else {
        dynamic_field::add(&mut ticket.id, key, text);
    }
}

public fun receive(ticket: &mut Ticket, other: Receiving<Ticket>): Ticket {
    transfer::public_receive(&mut ticket.id, other)
}

public fun freeze_ticket(ticket: Ticket) {
    transfer::public_freeze_object(ticket);
}

public fun fail_after_changes(counter: &mut Counter, ticket: &mut Ticket) {
    counter.value = 999;
    ticket.number = 999;
    event::emit(Counted { by: @0x1, value: 999 });
    abort ENegative
}

public fun underflow(value: u64): u64 {
    value - 1
}

public fun spin() {
    loop {}
}

public fun recurse(depth: u64): u64 {
    if (depth == 0) 0 else 1 + recurse(depth - 1)
}

public fun hash_unknown(): u256 {
    poseidon::poseidon_bn254(&vector[1])
}

public fun promise(ticket: &Ticket): Promise {
    Promise { value: ticket.number }
}

public fun keep(promise: Promise) {
    let Promise { .. } = promise;
}

entry fun peek(ticket: &Ticket): u64 {
    ticket.number
}

fun hidden(): u64 {
    42
}

public fun hidden_twice(): u64 {
    hidden() * 2
}

public fun sum(tickets: vector<Ticket>): u64 {
    let mut total = 0;
    tickets.do!(|ticket| {
        total = total + ticket.number;
        ticket.tear();
    });
    total
}

public fun check_signature(signature: vector<u8>, key: vector<u8>, message: vector<u8>): bool {
    ed25519::ed25519_verify(&signature, &key, &message)
}

public fun coin_value(coin: &Coin<SUI>): u64 {
    coin.value()
}

public fun attested(document: NitroAttestationDocument): vector<u8> {
    let mut bytes = *document.module_id();
    bytes.append(std::bcs::to_bytes(document.timestamp()));
    bytes.append(*document.digest());
    document.pcrs().do_ref!(|entry| {
        bytes.push_back(entry.index());
        bytes.append(*entry.value());
    });
    bytes.append(std::bcs::to_bytes(document.public_key()));
    bytes.append(std::bcs::to_bytes(document.user_data()));
    bytes.append(std::bcs::to_bytes(document.nonce()));
    bytes
}
