#[test_only]
module seal_key_server::time_tests;

use seal_key_server::time;
use sui::clock;

const MAX: u64 = 18_446_744_073_709_551_615;

fun check(now_ms: u64, allowed_ms: u64, chain_ms: u64) {
    let ctx = &mut tx_context::dummy();
    let mut clock = clock::create_for_testing(ctx);
    clock.set_for_testing(chain_ms);
    time::check_staleness(now_ms, allowed_ms, &clock);
    clock.destroy_for_testing();
}

#[test]
fun within_bounds() {
    check(1_000, 0, 1_000);
    check(1_100, 100, 1_000);
    check(900, 100, 1_000);
    check(MAX, MAX, 0);
    check(0, MAX, MAX);
    check(MAX, 0, MAX);
}

#[test, expected_failure(abort_code = time::EStaleNode)]
fun node_behind() {
    check(1_101, 100, 1_000);
}

#[test, expected_failure(abort_code = time::EStaleNode)]
fun node_far_behind() {
    check(MAX, MAX - 1, 0);
}

#[test, expected_failure(abort_code = time::EStaleKeyServer)]
fun key_server_behind() {
    check(899, 100, 1_000);
}
