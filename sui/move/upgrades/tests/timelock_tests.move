#[test_only]
module k3s_daas_upgrades::timelock_tests;

use k3s_daas_upgrades::timelock::{Self, Timelock};
use std::unit_test::{assert_eq, destroy};
use sui::bcs;
use sui::clock::{Self, Clock};
use sui::event;
use sui::package::{Self, UpgradeCap};

const NOW_MS: u64 = 1_763_700_000_000;
// Two days later, and a week after that.
const EARLIEST_MS: u64 = 1_763_872_800_000;
const EXPIRED_MS: u64 = 1_764_477_600_000;
const DAY_MS: u64 = 86_400_000;
const PACKAGE: address = @0xDAA5;

const COMPATIBLE: u8 = 0;
const ADDITIVE: u8 = 128;
const DEP_ONLY: u8 = 192;

fun cap(ctx: &mut TxContext): UpgradeCap { package::test_publish(PACKAGE.to_id(), ctx) }

fun clock(ms: u64, ctx: &mut TxContext): Clock {
    let mut clock = clock::create_for_testing(ctx);
    clock.set_for_testing(ms);
    clock
}

fun digest(): vector<u8> { vector::tabulate!(32, |i| i as u8) }

/// Locked for two days.
fun locked(ctx: &mut TxContext): Timelock { timelock::lock(cap(ctx), 2 * DAY_MS, ctx) }

fun announce_now(timelock: &mut Timelock, policy: u8, ctx: &mut TxContext) {
    let clock = clock(NOW_MS, ctx);
    timelock.announce(digest(), policy, &clock);
    clock.destroy_for_testing();
}

fun upgrade_at(timelock: &mut Timelock, ms: u64, ctx: &mut TxContext) {
    let clock = clock(ms, ctx);
    let ticket = timelock.authorize(&clock);
    timelock.commit(package::test_upgrade(ticket));
    clock.destroy_for_testing();
}

#[test]
fun an_upgrade_after_its_delay() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    assert_eq!(timelock.package(), PACKAGE.to_id());
    assert_eq!(timelock.version(), 1);
    assert_eq!(timelock.delay_ms(), 172_800_000);
    assert_eq!(timelock.announced(), option::none());
    timelock.announce_now(COMPATIBLE, ctx);
    let announced = timelock.announced().destroy_some();
    assert_eq!(announced.digest(), digest());
    assert_eq!(announced.announced_policy(), COMPATIBLE);
    assert_eq!(announced.earliest_ms(), EARLIEST_MS);
    assert_eq!(announced.expires_ms(), EXPIRED_MS);
    let clock = clock(EARLIEST_MS, ctx);
    let ticket = timelock.authorize(&clock);
    // Exactly what was announced.
    assert_eq!(*ticket.digest(), digest());
    assert_eq!(ticket.policy(), COMPATIBLE);
    assert_eq!(ticket.package(), PACKAGE.to_id());
    let receipt = package::test_upgrade(ticket);
    let upgraded = receipt.package();
    timelock.commit(receipt);
    assert_eq!(timelock.package(), upgraded);
    assert_eq!(timelock.version(), 2);
    assert_eq!(timelock.announced(), option::none());
    clock.destroy_for_testing();
    destroy(timelock);
}

#[test]
fun an_upgrade_in_the_last_millisecond_and_another_after_it() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(DEP_ONLY, ctx);
    timelock.upgrade_at(EXPIRED_MS - 1, ctx);
    timelock.announce_now(ADDITIVE, ctx);
    timelock.upgrade_at(EARLIEST_MS, ctx);
    assert_eq!(timelock.version(), 3);
    destroy(timelock);
}

#[test, expected_failure(abort_code = timelock::ETooEarly)]
fun no_upgrade_before_its_delay() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    timelock.upgrade_at(EARLIEST_MS - 1, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::EExpired)]
fun no_upgrade_after_its_time() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    timelock.upgrade_at(EXPIRED_MS, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::ENotAnnounced)]
fun no_upgrade_unannounced() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.upgrade_at(EARLIEST_MS, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::ENotAnnounced)]
fun an_announcement_is_good_for_one_upgrade() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    timelock.upgrade_at(EARLIEST_MS, ctx);
    timelock.upgrade_at(EARLIEST_MS, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::ENotAnnounced)]
fun no_upgrade_once_cancelled() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    timelock.cancel();
    timelock.upgrade_at(EARLIEST_MS, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::ENotAnnounced)]
fun nothing_to_cancel() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.cancel();
    abort 0
}

#[test, expected_failure(abort_code = timelock::EAnnounced)]
fun one_announcement_at_a_time() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    abort 0
}

#[test]
fun delays_of_a_day_and_of_a_year() {
    let ctx = &mut tx_context::dummy();
    let day = timelock::lock(cap(ctx), 86_400_000, ctx);
    let year = timelock::lock(cap(ctx), 31_536_000_000, ctx);
    assert_eq!(day.delay_ms(), 86_400_000);
    assert_eq!(year.delay_ms(), 31_536_000_000);
    destroy(day);
    destroy(year);
}

#[test, expected_failure(abort_code = timelock::EDelay)]
fun a_delay_of_less_than_a_day() {
    let ctx = &mut tx_context::dummy();
    let _timelock = timelock::lock(cap(ctx), 86_399_999, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::EDelay)]
fun a_delay_of_more_than_a_year() {
    let ctx = &mut tx_context::dummy();
    let _timelock = timelock::lock(cap(ctx), 31_536_000_001, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::EUpgrading)]
fun an_upgrade_begun_before_locking_is_refused() {
    let ctx = &mut tx_context::dummy();
    let mut cap = cap(ctx);
    let _ticket = cap.authorize(COMPATIBLE, digest());
    let _timelock = timelock::lock(cap, DAY_MS, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::EUpgrading)]
fun nothing_is_announced_in_the_middle_of_an_upgrade() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    let clock = clock(EARLIEST_MS, ctx);
    let _ticket = timelock.authorize(&clock);
    timelock.announce_now(COMPATIBLE, ctx);
    abort 0
}

/// Its event would name no package.
#[test, expected_failure(abort_code = timelock::EUpgrading)]
fun nothing_is_restricted_in_the_middle_of_an_upgrade() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    let clock = clock(EARLIEST_MS, ctx);
    let _ticket = timelock.authorize(&clock);
    timelock.restrict(ADDITIVE);
    abort 0
}

#[test, expected_failure(abort_code = package::EWrongUpgradeCap)]
fun the_receipt_of_another_package() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    let mut other = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    let clock = clock(EARLIEST_MS, ctx);
    let ticket = timelock.authorize(&clock);
    other.commit(package::test_upgrade(ticket));
    abort 0
}

#[test, expected_failure(abort_code = timelock::EDigestLength)]
fun a_digest_of_31_bytes() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    let clock = clock(NOW_MS, ctx);
    timelock.announce(digest().take(31), COMPATIBLE, &clock);
    abort 0
}

#[test, expected_failure(abort_code = timelock::EPolicyUnknown)]
fun an_unknown_policy() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(1, ctx);
    abort 0
}

#[test, expected_failure(abort_code = timelock::EPolicyUnknown)]
fun an_unknown_restriction() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.restrict(255);
    abort 0
}

#[test]
fun restricting_step_by_step() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    assert_eq!(timelock.policy(), COMPATIBLE);
    timelock.restrict(COMPATIBLE);
    timelock.restrict(ADDITIVE);
    assert_eq!(timelock.policy(), ADDITIVE);
    timelock.announce_now(ADDITIVE, ctx);
    timelock.restrict(ADDITIVE);
    timelock.upgrade_at(EARLIEST_MS, ctx);
    timelock.restrict(DEP_ONLY);
    assert_eq!(timelock.policy(), DEP_ONLY);
    timelock.announce_now(DEP_ONLY, ctx);
    timelock.upgrade_at(EARLIEST_MS, ctx);
    destroy(timelock);
}

#[test, expected_failure(abort_code = timelock::EPolicyTooPermissive)]
fun a_restriction_is_not_undone() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.restrict(DEP_ONLY);
    timelock.restrict(ADDITIVE);
    abort 0
}

#[test, expected_failure(abort_code = timelock::EPolicyTooPermissive)]
fun a_restriction_is_not_lifted() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.restrict(ADDITIVE);
    timelock.restrict(COMPATIBLE);
    abort 0
}

#[test, expected_failure(abort_code = timelock::EPolicyTooPermissive)]
fun nothing_is_announced_beyond_a_restriction() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.restrict(ADDITIVE);
    timelock.announce_now(COMPATIBLE, ctx);
    abort 0
}

#[test, expected_failure(abort_code = package::ETooPermissive)]
fun a_restriction_rules_out_what_was_announced() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    timelock.restrict(ADDITIVE);
    timelock.upgrade_at(EARLIEST_MS, ctx);
    abort 0
}

#[test]
fun making_a_package_immutable() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    timelock.announce_now(COMPATIBLE, ctx);
    timelock.make_immutable();
    assert_eq!(event::events_by_type<timelock::MadeImmutable>().length(), 1);
}

fun b<T: drop>(value: T): vector<u8> { bcs::to_bytes(&value) }

#[test]
fun events() {
    let ctx = &mut tx_context::dummy();
    let mut timelock = locked(ctx);
    let ids = vector[object::id(&timelock).to_bytes(), b(PACKAGE)].flatten();
    timelock.announce_now(COMPATIBLE, ctx);
    timelock.cancel();
    timelock.restrict(ADDITIVE);
    timelock.announce_now(ADDITIVE, ctx);
    timelock.upgrade_at(EARLIEST_MS, ctx);
    let upgraded = vector[
        object::id(&timelock).to_bytes(),
        timelock.package().to_bytes(),
    ].flatten();
    timelock.make_immutable();
    let locked = event::events_by_type<timelock::Locked>();
    assert_eq!(b(locked), vector[x"01", ids, b(172_800_000u64)].flatten());
    let times = vector[b(EARLIEST_MS), b(EXPIRED_MS)].flatten();
    let announced = event::events_by_type<timelock::UpgradeAnnounced>();
    assert_eq!(b(announced[0]), vector[ids, x"20", digest(), x"00", times].flatten());
    assert_eq!(b(announced[1]), vector[ids, x"20", digest(), x"80", times].flatten());
    let cancelled = event::events_by_type<timelock::UpgradeCancelled>();
    assert_eq!(b(cancelled), vector[x"01", ids, x"20", digest()].flatten());
    let restricted = event::events_by_type<timelock::Restricted>();
    assert_eq!(b(restricted), vector[x"01", ids, x"80"].flatten());
    let done = event::events_by_type<timelock::Upgraded>();
    assert_eq!(b(done), vector[x"01", upgraded, b(2u64)].flatten());
    let immutable = event::events_by_type<timelock::MadeImmutable>();
    assert_eq!(b(immutable), vector[x"01", upgraded].flatten());
}

use fun announce_now as Timelock.announce_now;
use fun upgrade_at as Timelock.upgrade_at;
