/// Key servers as SealClient finds them: an object with the versions it offers, and below it one
/// dynamic field for each version. A ciphertext names these objects for good, so there is no way
/// to take one back or to give it another key.
module seal_key_server::key_server;

use std::string::String;
use sui::dynamic_field as field;
use sui::event;

// === Errors ===

/// Only keys of Boneh-Franklin encryption over BLS12-381 (type 0) are known.
const EKeyTypeUnknown: u64 = 0;
/// A public key is a compressed point of G2: 96 bytes.
const EPublicKeyLength: u64 = 1;
/// The public key is not in compressed form, or it is the point at infinity, under which every
/// identity has the same key.
const EPublicKeyForm: u64 = 2;
/// A name has 1 to 64 bytes.
const ENameLength: u64 = 3;
/// A URL begins with http:// or https://, goes on from there, and has at most 512 bytes.
const EUrlInvalid: u64 = 4;

// === Constants ===

const VERSION: u64 = 2;
const KEY_TYPE_BONEH_FRANKLIN_BLS12381: u8 = 0;
const PUBLIC_KEY_BYTES: u64 = 96;
/// The two highest bits of a compressed point: compressed, infinity.
const FLAG_MASK: u8 = 0xc0;
const FLAG_COMPRESSED: u8 = 0x80;
const NAME_BYTES_MAX: u64 = 64;
const URL_BYTES_MAX: u64 = 512;

// === Structs ===

/// Whoever owns it may change the URL. The field under key 2 (u64) is its `KeyServerV2`.
public struct KeyServer has key, store {
    id: UID,
    /// Lowest and highest version that there is a field for.
    first_version: u64,
    last_version: u64,
}

public struct KeyServerV2 has store {
    name: String,
    key_type: u8,
    /// Compressed point of G2.
    pk: vector<u8>,
    server_type: ServerType,
}

/// Laid out whole as Seal has it, since an upgrade cannot add a variant. Nothing here makes a
/// committee.
public enum ServerType has copy, drop, store {
    Independent { url: String },
    Committee { version: u32, threshold: u16, partial_key_servers: vector<PartialKeyServer> },
}

public struct PartialKeyServer has copy, drop, store {
    name: String,
    url: String,
    partial_pk: vector<u8>,
    party_id: u16,
}

// === Events ===

public struct KeyServerRegistered has copy, drop {
    key_server: ID,
    name: String,
    url: String,
    pk: vector<u8>,
    registrar: address,
}

public struct KeyServerUrlUpdated has copy, drop {
    key_server: ID,
    url: String,
}

// === Public functions ===

/// A new independent key server. That the registrar holds the secret key is not proven here: the
/// server proves it to each client (`/v1/service`).
public fun register(
    name: String,
    url: String,
    key_type: u8,
    pk: vector<u8>,
    ctx: &mut TxContext,
): KeyServer {
    assert!(key_type == KEY_TYPE_BONEH_FRANKLIN_BLS12381, EKeyTypeUnknown);
    assert!(pk.length() == PUBLIC_KEY_BYTES, EPublicKeyLength);
    assert!(pk[0] & FLAG_MASK == FLAG_COMPRESSED, EPublicKeyForm);
    assert!(!name.is_empty() && name.length() <= NAME_BYTES_MAX, ENameLength);
    assert_url(&url);
    let mut id = object::new(ctx);
    event::emit(KeyServerRegistered {
        key_server: id.to_inner(),
        name,
        url,
        pk,
        registrar: ctx.sender(),
    });
    let server_type = ServerType::Independent { url };
    field::add(&mut id, VERSION, KeyServerV2 { name, key_type, pk, server_type });
    KeyServer { id, first_version: VERSION, last_version: VERSION }
}

/// Gives the server another address. Its key stays.
public fun update_url(server: &mut KeyServer, url: String) {
    assert_url(&url);
    event::emit(KeyServerUrlUpdated { key_server: server.id.to_inner(), url });
    server.inner_mut().server_type = ServerType::Independent { url };
}

public fun name(server: &KeyServer): String {
    server.inner().name
}

public fun key_type(server: &KeyServer): u8 {
    server.inner().key_type
}

public fun pk(server: &KeyServer): vector<u8> {
    server.inner().pk
}

/// None for a committee, whose members have URLs of their own.
public fun url(server: &KeyServer): Option<String> {
    match (&server.inner().server_type) {
        ServerType::Independent { url } => option::some(*url),
        ServerType::Committee { .. } => option::none(),
    }
}

// === Private functions ===

fun inner(server: &KeyServer): &KeyServerV2 {
    field::borrow(&server.id, VERSION)
}

fun inner_mut(server: &mut KeyServer): &mut KeyServerV2 {
    field::borrow_mut(&mut server.id, VERSION)
}

fun assert_url(url: &String) {
    let length = url.length();
    assert!(length <= URL_BYTES_MAX, EUrlInvalid);
    let after = if (url.index_of(&b"https://".to_string()) == 0) {
        8
    } else if (url.index_of(&b"http://".to_string()) == 0) {
        7
    } else {
        abort EUrlInvalid
    };
    assert!(length > after, EUrlInvalid);
}

// === Test-only functions ===

#[test_only]
public fun registered_for_testing(
    key_server: ID,
    name: String,
    url: String,
    pk: vector<u8>,
    registrar: address,
): KeyServerRegistered {
    KeyServerRegistered { key_server, name, url, pk, registrar }
}

#[test_only]
public fun url_updated_for_testing(key_server: ID, url: String): KeyServerUrlUpdated {
    KeyServerUrlUpdated { key_server, url }
}

#[test_only]
public fun as_committee_for_testing(server: &mut KeyServer) {
    let partial_key_servers = vector[
        PartialKeyServer {
            name: b"first".to_string(),
            url: b"https://first.example".to_string(),
            partial_pk: vector[],
            party_id: 0,
        },
    ];
    server.inner_mut().server_type =
        ServerType::Committee { version: 0, threshold: 1, partial_key_servers };
}

#[test_only]
public fun versions_for_testing(server: &KeyServer): (u64, u64) {
    (server.first_version, server.last_version)
}
