#[test_only]
module upgrade_timelock::timelock_tests;

use std::unit_test::assert_eq;
use sui::clock::{Self, Clock};
use sui::event;
use sui::package;
use sui::test_utils::destroy;
use upgrade_timelock::timelock::{Self, TimelockedCap};

const DAY_MS: u64 = 86_400_000;
const YEAR_MS: u64 = 365 * 86_400_000;
const PACKAGE: address = @0xabc;

fun setup(delay_ms: u64): (TimelockedCap, Clock, TxContext) {
    let mut ctx = tx_context::dummy();
    let cap = package::test_publish(PACKAGE.to_id(), &mut ctx);
    let locked = timelock::lock(cap, delay_ms, &mut ctx);
    let mut clock = clock::create_for_testing(&mut ctx);
    clock.set_for_testing(1_000);
    (locked, clock, ctx)
}

fun digest(): vector<u8> { vector::tabulate!(32, |_| 7) }

#[test]
fun upgrades_after_the_delay() {
    let (mut locked, mut clock, _) = setup(DAY_MS);
    assert_eq!(locked.delay_ms(), DAY_MS);
    assert_eq!(locked.package(), PACKAGE.to_id());
    assert_eq!(locked.ready_ms(), option::none());
    locked.announce(package::compatible_policy(), digest(), &clock);
    assert_eq!(locked.ready_ms(), option::some(1_000 + DAY_MS));
    clock.increment_for_testing(DAY_MS);
    let ticket = locked.authorize(&clock);
    assert_eq!(*ticket.digest(), digest());
    assert_eq!(ticket.policy(), package::compatible_policy());
    assert_eq!(locked.ready_ms(), option::none());
    locked.commit(package::test_upgrade(ticket));
    assert!(locked.package() != PACKAGE.to_id());
    assert_eq!(event::events_by_type<timelock::CapLocked>().length(), 1);
    assert_eq!(event::events_by_type<timelock::UpgradeAnnounced>().length(), 1);
    assert_eq!(event::events_by_type<timelock::UpgradeCommitted>().length(), 1);
    destroy(locked);
    destroy(clock);
}

#[test]
fun is_usable_to_the_last_millisecond() {
    let (mut locked, mut clock, _) = setup(YEAR_MS);
    locked.announce(package::dep_only_policy(), digest(), &clock);
    clock.increment_for_testing(YEAR_MS + 14 * DAY_MS - 1);
    destroy(locked.authorize(&clock));
    destroy(locked);
    destroy(clock);
}

#[test]
fun withdrawn_and_announced_again() {
    let (mut locked, mut clock, _) = setup(DAY_MS);
    locked.announce(package::additive_policy(), digest(), &clock);
    locked.withdraw();
    assert_eq!(locked.ready_ms(), option::none());
    clock.increment_for_testing(5);
    locked.announce(package::compatible_policy(), digest(), &clock);
    assert_eq!(locked.ready_ms(), option::some(1_005 + DAY_MS));
    assert_eq!(event::events_by_type<timelock::UpgradeWithdrawn>().length(), 1);
    destroy(locked);
    destroy(clock);
}

#[test]
fun made_immutable_at_any_time() {
    let (mut locked, clock, _) = setup(DAY_MS);
    locked.announce(package::compatible_policy(), digest(), &clock);
    locked.make_immutable();
    assert_eq!(event::events_by_type<timelock::MadeImmutable>().length(), 1);
    destroy(clock);
}

#[test]
fun bounds_of_the_delay() {
    assert_eq!(timelock::delay_min_ms(), DAY_MS);
    assert_eq!(timelock::delay_max_ms(), YEAR_MS);
    assert_eq!(timelock::usable_ms(), 14 * DAY_MS);
}

#[test, expected_failure(abort_code = timelock::EDelayOutOfRange)]
fun delay_too_short() {
    let (_locked, _clock, _ctx) = setup(DAY_MS - 1);
    abort
}

#[test, expected_failure(abort_code = timelock::EDelayOutOfRange)]
fun delay_too_long() {
    let (_locked, _clock, _ctx) = setup(YEAR_MS + 1);
    abort
}

#[test, expected_failure(abort_code = timelock::EDigestLength)]
fun digest_too_short() {
    let (mut locked, clock, _ctx) = setup(DAY_MS);
    locked.announce(package::compatible_policy(), vector[7], &clock);
    abort
}

#[test, expected_failure(abort_code = timelock::EAlreadyAnnounced)]
fun announced_twice() {
    let (mut locked, clock, _ctx) = setup(DAY_MS);
    locked.announce(package::compatible_policy(), digest(), &clock);
    locked.announce(package::compatible_policy(), digest(), &clock);
    abort
}

#[test, expected_failure(abort_code = timelock::ENotAnnounced)]
fun authorized_unannounced() {
    let (mut locked, clock, _ctx) = setup(DAY_MS);
    let _ticket = locked.authorize(&clock);
    abort
}

#[test, expected_failure(abort_code = timelock::ENotAnnounced)]
fun authorized_twice() {
    let (mut locked, mut clock, _ctx) = setup(DAY_MS);
    locked.announce(package::compatible_policy(), digest(), &clock);
    clock.increment_for_testing(DAY_MS);
    let _first = locked.authorize(&clock);
    let _second = locked.authorize(&clock);
    abort
}

#[test, expected_failure(abort_code = timelock::ENotAnnounced)]
fun withdrawn_unannounced() {
    let (mut locked, _clock, _ctx) = setup(DAY_MS);
    locked.withdraw();
    abort
}

#[test, expected_failure(abort_code = timelock::ETooEarly)]
fun a_millisecond_too_early() {
    let (mut locked, mut clock, _ctx) = setup(DAY_MS);
    locked.announce(package::compatible_policy(), digest(), &clock);
    clock.increment_for_testing(DAY_MS - 1);
    let _ticket = locked.authorize(&clock);
    abort
}

#[test, expected_failure(abort_code = timelock::EExpired)]
fun announced_too_long_ago() {
    let (mut locked, mut clock, _ctx) = setup(DAY_MS);
    locked.announce(package::compatible_policy(), digest(), &clock);
    clock.increment_for_testing(15 * DAY_MS);
    let _ticket = locked.authorize(&clock);
    abort
}

#[test, expected_failure(abort_code = timelock::EPolicyNotAllowed)]
fun unknown_policy() {
    let (mut locked, clock, _ctx) = setup(DAY_MS);
    locked.announce(1, digest(), &clock);
    abort
}

#[test, expected_failure(abort_code = timelock::EPolicyNotAllowed)]
fun looser_policy_than_the_cap() {
    let mut ctx = tx_context::dummy();
    let mut cap = package::test_publish(PACKAGE.to_id(), &mut ctx);
    cap.only_additive_upgrades();
    let mut locked = timelock::lock(cap, DAY_MS, &mut ctx);
    let clock = clock::create_for_testing(&mut ctx);
    locked.announce(package::compatible_policy(), digest(), &clock);
    abort
}
