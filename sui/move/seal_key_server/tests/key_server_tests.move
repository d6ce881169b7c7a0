#[test_only]
module seal_key_server::key_server_tests;

use seal_key_server::key_server::{Self, KeyServer};
use std::string::String;
use std::unit_test::{assert_eq, destroy};
use sui::event;

const OWNER: address = @0xa11ce;

/// The generator of G2, compressed (RFC 9380 and the curve's specification).
fun generator(): vector<u8> {
    x"93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
}

fun url(): String {
    b"https://keys.example".to_string()
}

fun register(name: vector<u8>, url: vector<u8>, key_type: u8, pk: vector<u8>): KeyServer {
    let ctx = &mut tx_context::new_from_hint(OWNER, 7, 0, 0, 0);
    key_server::register(name.to_string(), url.to_string(), key_type, pk, ctx)
}

fun register_with_pk(pk: vector<u8>) {
    destroy(register(b"keys", b"https://keys.example", 0, pk));
}

fun register_with_url(url: vector<u8>) {
    destroy(register(b"keys", url, 0, generator()));
}

fun text(bytes: u64): vector<u8> {
    vector::tabulate!(bytes, |_| 0x61)
}

#[test]
fun registers_and_moves() {
    let mut server = register(b"keys", b"https://keys.example", 0, generator());
    let id = object::id(&server);
    let (first, last) = server.versions_for_testing();
    assert_eq!(first, 2);
    assert_eq!(last, 2);
    assert_eq!(server.name(), b"keys".to_string());
    assert_eq!(server.key_type(), 0);
    assert_eq!(server.pk(), generator());
    assert_eq!(server.url(), option::some(url()));
    let registered = key_server::registered_for_testing(
        id,
        b"keys".to_string(),
        url(),
        generator(),
        OWNER,
    );
    assert_eq!(event::events_by_type(), vector[registered]);

    server.update_url(b"http://127.0.0.1:1".to_string());
    assert_eq!(server.url(), option::some(b"http://127.0.0.1:1".to_string()));
    assert_eq!(server.pk(), generator());
    let updated = key_server::url_updated_for_testing(id, b"http://127.0.0.1:1".to_string());
    assert_eq!(event::events_by_type(), vector[updated]);
    destroy(server);
}

#[test]
fun a_committee_has_no_url() {
    let mut server = register(b"keys", b"https://keys.example", 0, generator());
    server.as_committee_for_testing();
    assert_eq!(server.url(), option::none());
    destroy(server);
}

#[test]
fun longest_name_and_shortest_url() {
    destroy(register(text(64), b"http://a", 0, generator()));
}

#[test]
fun longest_url() {
    let mut longest = b"https://";
    longest.append(text(504));
    register_with_url(longest);
}

#[test, expected_failure(abort_code = key_server::EKeyTypeUnknown)]
fun another_key_type() {
    destroy(register(b"keys", b"https://keys.example", 1, generator()));
}

#[test, expected_failure(abort_code = key_server::EPublicKeyLength)]
fun short_key() {
    let mut pk = generator();
    pk.pop_back();
    register_with_pk(pk);
}

#[test, expected_failure(abort_code = key_server::EPublicKeyLength)]
fun long_key() {
    let mut pk = generator();
    pk.push_back(0);
    register_with_pk(pk);
}

#[test, expected_failure(abort_code = key_server::EPublicKeyForm)]
fun uncompressed_key() {
    let mut pk = generator();
    *&mut pk[0] = 0x13;
    register_with_pk(pk);
}

#[test, expected_failure(abort_code = key_server::EPublicKeyForm)]
fun key_at_infinity() {
    let mut pk = vector::tabulate!(96, |_| 0);
    *&mut pk[0] = 0xc0;
    register_with_pk(pk);
}

#[test, expected_failure(abort_code = key_server::ENameLength)]
fun no_name() {
    destroy(register(b"", b"https://keys.example", 0, generator()));
}

#[test, expected_failure(abort_code = key_server::ENameLength)]
fun long_name() {
    destroy(register(text(65), b"https://keys.example", 0, generator()));
}

#[test, expected_failure(abort_code = key_server::EUrlInvalid)]
fun another_scheme() {
    register_with_url(b"ftp://keys.example");
}

#[test, expected_failure(abort_code = key_server::EUrlInvalid)]
fun scheme_later() {
    register_with_url(b" https://keys.example");
}

#[test, expected_failure(abort_code = key_server::EUrlInvalid)]
fun no_url() {
    register_with_url(b"");
}

#[test, expected_failure(abort_code = key_server::EUrlInvalid)]
fun only_a_scheme() {
    register_with_url(b"https://");
}

#[test, expected_failure(abort_code = key_server::EUrlInvalid)]
fun long_url() {
    let mut url = b"https://";
    url.append(text(505));
    register_with_url(url);
}

#[test, expected_failure(abort_code = key_server::EUrlInvalid)]
fun update_to_a_bad_url() {
    let mut server = register(b"keys", b"https://keys.example", 0, generator());
    server.update_url(b"keys.example".to_string());
    destroy(server);
}
