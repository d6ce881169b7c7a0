/// An `UpgradeCap` whose upgrades are announced before they can happen, so that whoever disagrees with the new code
/// has time to leave. There is no way to get the cap out again, and none to shorten the delay.
///
/// announce(digest) → delay → authorize → the transaction's Upgrade command → commit
module upgrade_timelock::timelock;

use sui::clock::Clock;
use sui::event;
use sui::package::{Self, UpgradeCap, UpgradeReceipt, UpgradeTicket};

/// The delay is shorter than `delay_min_ms` or longer than `delay_max_ms`.
const EDelayOutOfRange: u64 = 0;
/// A digest has 32 bytes.
const EDigestLength: u64 = 1;
/// An upgrade is announced already; withdraw it first.
const EAlreadyAnnounced: u64 = 2;
/// No upgrade is announced.
const ENotAnnounced: u64 = 3;
/// The delay has not passed.
const ETooEarly: u64 = 4;
/// The announcement was not used in time and must be made again.
const EExpired: u64 = 5;
/// The policy is looser than the cap's own, or unknown.
const EPolicyNotAllowed: u64 = 6;

const DAY_MS: u64 = 86_400_000;
const DELAY_MIN_MS: u64 = 86_400_000; // a day
const DELAY_MAX_MS: u64 = 31_536_000_000; // a year
/// An announcement that lies around for ever would be an upgrade without a warning again.
const USABLE_MS: u64 = 14 * DAY_MS;
const DIGEST_LENGTH: u64 = 32;

/// Holds the cap. Whoever owns it may announce and upgrade.
public struct TimelockedCap has key, store {
    id: UID,
    cap: UpgradeCap,
    delay_ms: u64,
    pending: Option<Announcement>,
}

/// An upgrade to come: the digest binds its modules and dependencies.
public struct Announcement has copy, drop, store {
    policy: u8,
    digest: vector<u8>,
    ready_ms: u64,
}

public struct CapLocked has copy, drop {
    lock: ID,
    package: ID,
    delay_ms: u64,
}

public struct UpgradeAnnounced has copy, drop {
    lock: ID,
    package: ID,
    policy: u8,
    digest: vector<u8>,
    ready_ms: u64,
}

public struct UpgradeWithdrawn has copy, drop {
    lock: ID,
    digest: vector<u8>,
}

public struct UpgradeCommitted has copy, drop {
    lock: ID,
    package: ID,
    version: u64,
}

public struct MadeImmutable has copy, drop {
    lock: ID,
    package: ID,
}

/// Locks a cap for good.
public fun lock(cap: UpgradeCap, delay_ms: u64, ctx: &mut TxContext): TimelockedCap {
    assert!(delay_ms >= DELAY_MIN_MS && delay_ms <= DELAY_MAX_MS, EDelayOutOfRange);
    let locked = TimelockedCap { id: object::new(ctx), cap, delay_ms, pending: option::none() };
    event::emit(CapLocked {
        lock: object::id(&locked),
        package: locked.cap.package(),
        delay_ms,
    });
    locked
}

/// Says which upgrade is to come; it can be authorized after the delay and for `usable_ms` from then on.
public fun announce(self: &mut TimelockedCap, policy: u8, digest: vector<u8>, clock: &Clock) {
    assert!(self.pending.is_none(), EAlreadyAnnounced);
    assert!(digest.length() == DIGEST_LENGTH, EDigestLength);
    assert!(is_policy(policy) && policy >= self.cap.policy(), EPolicyNotAllowed);
    let ready_ms = clock.timestamp_ms() + self.delay_ms;
    self.pending.fill(Announcement { policy, digest, ready_ms });
    event::emit(UpgradeAnnounced {
        lock: object::id(self),
        package: self.cap.package(),
        policy,
        digest,
        ready_ms,
    });
}

/// Takes an announcement back.
public fun withdraw(self: &mut TimelockedCap) {
    assert!(self.pending.is_some(), ENotAnnounced);
    let Announcement { digest, .. } = self.pending.extract();
    event::emit(UpgradeWithdrawn { lock: object::id(self), digest });
}

/// Uses the announcement up: the ticket allows exactly the upgrade that was announced.
public fun authorize(self: &mut TimelockedCap, clock: &Clock): UpgradeTicket {
    assert!(self.pending.is_some(), ENotAnnounced);
    let Announcement { policy, digest, ready_ms } = self.pending.extract();
    let now_ms = clock.timestamp_ms();
    assert!(now_ms >= ready_ms, ETooEarly);
    assert!(now_ms - ready_ms < USABLE_MS, EExpired);
    self.cap.authorize(policy, digest)
}

/// Ends an upgrade.
public fun commit(self: &mut TimelockedCap, receipt: UpgradeReceipt) {
    self.cap.commit(receipt);
    event::emit(UpgradeCommitted {
        lock: object::id(self),
        package: self.cap.package(),
        version: self.cap.version(),
    });
}

/// Gives the right to upgrade up. That needs no announcement: it takes nothing from anybody.
public fun make_immutable(self: TimelockedCap) {
    let TimelockedCap { id, cap, .. } = self;
    event::emit(MadeImmutable { lock: id.to_inner(), package: cap.package() });
    id.delete();
    package::make_immutable(cap);
}

public fun package(self: &TimelockedCap): ID { self.cap.package() }

public fun delay_ms(self: &TimelockedCap): u64 { self.delay_ms }

/// When the announced upgrade can be authorized; none if there is none.
public fun ready_ms(self: &TimelockedCap): Option<u64> { self.pending.map_ref!(|one| one.ready_ms) }

public fun delay_min_ms(): u64 { DELAY_MIN_MS }

public fun delay_max_ms(): u64 { DELAY_MAX_MS }

public fun usable_ms(): u64 { USABLE_MS }

fun is_policy(policy: u8): bool {
    policy == package::compatible_policy() ||
    policy == package::additive_policy() ||
    policy == package::dep_only_policy()
}
