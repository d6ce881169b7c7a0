/// What must end by a limit and not by the process's memory or patience.
module limits::limits;

use std::bcs;
use std::hash;
use std::string;
use sui::bls12381;
use sui::hash as sui_hash;

public struct Many has drop {
    a: u64,
    b: vector<u8>,
}

public fun forever() {
    loop {}
}

public fun recurse(n: u64): u64 {
    recurse(n + 1) + 1
}

public fun grow() {
    let mut v = vector<u64>[];
    loop { v.push_back(1) }
}

/// Doubles a vector until its length is refused.
public fun double() {
    let mut v = b"0123456789abcdef";
    loop {
        let other = v;
        v.append(other);
    }
}

/// Keeps ever more vectors of the largest allowed size.
public fun hoard() {
    let mut large = b"0123456789abcdef";
    while (large.length() < 131072) {
        let other = large;
        large.append(other);
    };
    let mut all = vector[];
    loop { all.push_back(large) }
}

/// The same through a native: its result is charged, too.
public fun hoard_text() {
    let mut bytes = vector[];
    131072u64.do!(|_| bytes.push_back(97));
    let text = string::utf8(bytes);
    let mut all = vector[];
    loop { all.push_back(text.substring(0, 131072)) }
}

public fun hoard_bcs() {
    let mut bytes = vector[];
    100000u64.do!(|_| bytes.push_back(97));
    let mut all = vector[];
    loop { all.push_back(bcs::to_bytes(&bytes)) }
}

public fun hoard_structs() {
    let mut all = vector[];
    loop {
        let mut some = vector[];
        200000u64.do!(|i| some.push_back(Many { a: i, b: vector[] }));
        all.push_back(some);
    }
}

public fun hash_forever() {
    let mut bytes = vector[];
    100000u64.do!(|_| bytes.push_back(97));
    loop {
        hash::sha3_256(bytes);
    }
}

public fun hash_refs_forever() {
    let mut bytes = vector[];
    100000u64.do!(|_| bytes.push_back(97));
    loop {
        sui_hash::blake2b256(&bytes);
    }
}

public fun verify_forever() {
    loop {
        bls12381::bls12381_min_pk_verify(&b"signature", &b"key", &b"message");
    }
}
