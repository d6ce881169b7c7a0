/// An upgrade policy with a delay. A `Timelock` holds the `UpgradeCap` of a package, for good: an upgrade
/// must be announced by its digest, and can be made only when the delay has passed. Nothing shortens
/// the delay, and the capability never comes out again.
///
/// It is for packages that decide who may read secrets: Seal's key servers ask any version of a package,
/// so whoever can upgrade one at once can open everything sealed under it. This package itself must be
/// published immutable, or it protects nothing.
module k3s_daas_upgrades::timelock;

use sui::clock::Clock;
use sui::event;
use sui::package::{Self, UpgradeCap, UpgradeReceipt, UpgradeTicket};

// === Errors ===

/// A delay is at least a day and at most a year.
const EDelay: u64 = 0;
/// An upgrade of the package was authorised in this transaction, and is not committed yet.
const EUpgrading: u64 = 1;
/// A digest must have 32 bytes.
const EDigestLength: u64 = 2;
/// A policy is 0 (compatible), 128 (additive) or 192 (dependencies only).
const EPolicyUnknown: u64 = 3;
/// The package may be upgraded under a stricter policy only.
const EPolicyTooPermissive: u64 = 4;
/// Another upgrade is announced: cancel it first.
const EAnnounced: u64 = 5;
/// No upgrade is announced.
const ENotAnnounced: u64 = 6;
/// The delay has not passed.
const ETooEarly: u64 = 7;
/// The announcement has expired: cancel it, and announce again.
const EExpired: u64 = 8;

// === Constants ===

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const DELAY_MS_MIN: u64 = DAY_MS;
const DELAY_MS_MAX: u64 = 365 * DAY_MS;
/// How long an announced upgrade can be made, so that none is kept in store until those it concerns have
/// forgotten it.
const WINDOW_MS: u64 = 7 * DAY_MS;
const DIGEST_BYTES: u64 = 32;

// === Structs ===

/// Whoever owns it may announce upgrades of `cap`'s package.
public struct Timelock has key, store {
    id: UID,
    cap: UpgradeCap,
    delay_ms: u64,
    announced: Option<Announcement>,
}

/// An upgrade to exactly this bytecode under exactly this policy.
public struct Announcement has copy, drop, store {
    /// Digest of modules and dependencies, as in `sui::package::UpgradeTicket`.
    digest: vector<u8>,
    policy: u8,
    /// First moment at which it can be made.
    earliest_ms: u64,
    /// First moment at which it is too late.
    expires_ms: u64,
}

// === Events ===

public struct Locked has copy, drop {
    timelock: ID,
    package: ID,
    delay_ms: u64,
}

/// `package` is what would be upgraded.
public struct UpgradeAnnounced has copy, drop {
    timelock: ID,
    package: ID,
    digest: vector<u8>,
    policy: u8,
    earliest_ms: u64,
    expires_ms: u64,
}

public struct UpgradeCancelled has copy, drop {
    timelock: ID,
    package: ID,
    digest: vector<u8>,
}

/// `package` is the new version's id.
public struct Upgraded has copy, drop {
    timelock: ID,
    package: ID,
    version: u64,
}

public struct Restricted has copy, drop {
    timelock: ID,
    package: ID,
    policy: u8,
}

/// The package is immutable from here on.
public struct MadeImmutable has copy, drop {
    timelock: ID,
    package: ID,
}

// === Public functions ===

/// Puts the capability behind a delay for good.
public fun lock(cap: UpgradeCap, delay_ms: u64, ctx: &mut TxContext): Timelock {
    assert!(delay_ms >= DELAY_MS_MIN && delay_ms <= DELAY_MS_MAX, EDelay);
    // Or an upgrade without a delay could follow in this transaction.
    assert_settled(&cap);
    let timelock = Timelock { id: object::new(ctx), cap, delay_ms, announced: option::none() };
    event::emit(Locked {
        timelock: object::id(&timelock),
        package: timelock.cap.package(),
        delay_ms,
    });
    timelock
}

/// Announces the upgrade to the bytecode of that digest; it can be made from `delay_ms` on, for a week.
public fun announce(timelock: &mut Timelock, digest: vector<u8>, policy: u8, clock: &Clock) {
    assert_settled(&timelock.cap);
    assert!(timelock.announced.is_none(), EAnnounced);
    assert!(digest.length() == DIGEST_BYTES, EDigestLength);
    assert_policy(policy);
    assert!(policy >= timelock.cap.policy(), EPolicyTooPermissive);
    let earliest_ms = clock.timestamp_ms() + timelock.delay_ms;
    let expires_ms = earliest_ms + WINDOW_MS;
    timelock.announced.fill(Announcement { digest, policy, earliest_ms, expires_ms });
    event::emit(UpgradeAnnounced {
        timelock: object::id(timelock),
        package: timelock.cap.package(),
        digest,
        policy,
        earliest_ms,
        expires_ms,
    });
}

/// The ticket for the announced upgrade, when its delay has passed; the transaction must use it, and
/// `commit` the receipt. The announcement is used up.
public fun authorize(timelock: &mut Timelock, clock: &Clock): UpgradeTicket {
    let now_ms = clock.timestamp_ms();
    assert!(timelock.announced.is_some(), ENotAnnounced);
    let Announcement { digest, policy, earliest_ms, expires_ms } = timelock.announced.extract();
    assert!(now_ms >= earliest_ms, ETooEarly);
    assert!(now_ms < expires_ms, EExpired);
    timelock.cap.authorize(policy, digest)
}

/// Ends the upgrade that `authorize` began.
public fun commit(timelock: &mut Timelock, receipt: UpgradeReceipt) {
    timelock.cap.commit(receipt);
    event::emit(Upgraded {
        timelock: object::id(timelock),
        package: timelock.cap.package(),
        version: timelock.cap.version(),
    });
}

/// Withdraws the announcement, expired or not.
public fun cancel(timelock: &mut Timelock) {
    assert!(timelock.announced.is_some(), ENotAnnounced);
    let Announcement { digest, .. } = timelock.announced.extract();
    event::emit(UpgradeCancelled {
        timelock: object::id(timelock),
        package: timelock.cap.package(),
        digest,
    });
}

/// Allows upgrades under this policy or a stricter one only, from now on. An announced upgrade that this
/// rules out cannot be made any more.
public fun restrict(timelock: &mut Timelock, policy: u8) {
    assert_settled(&timelock.cap);
    assert_policy(policy);
    assert!(policy >= timelock.cap.policy(), EPolicyTooPermissive);
    if (policy == package::additive_policy()) timelock.cap.only_additive_upgrades()
    else if (policy == package::dep_only_policy()) timelock.cap.only_dep_upgrades();
    event::emit(Restricted {
        timelock: object::id(timelock),
        package: timelock.cap.package(),
        policy,
    });
}

/// Nobody upgrades the package any more. What was announced is forgotten.
public fun make_immutable(timelock: Timelock) {
    let Timelock { id, cap, .. } = timelock;
    event::emit(MadeImmutable { timelock: id.to_inner(), package: cap.package() });
    id.delete();
    cap.make_immutable();
}

// === Views ===

/// The newest version of the package.
public fun package(timelock: &Timelock): ID { timelock.cap.package() }

/// How many versions the package has had, from 1.
public fun version(timelock: &Timelock): u64 { timelock.cap.version() }

public fun policy(timelock: &Timelock): u8 { timelock.cap.policy() }

public fun delay_ms(timelock: &Timelock): u64 { timelock.delay_ms }

public fun announced(timelock: &Timelock): Option<Announcement> { timelock.announced }

public fun digest(announcement: &Announcement): vector<u8> { announcement.digest }

public fun announced_policy(announcement: &Announcement): u8 { announcement.policy }

public fun earliest_ms(announcement: &Announcement): u64 { announcement.earliest_ms }

public fun expires_ms(announcement: &Announcement): u64 { announcement.expires_ms }

// === Private functions ===

/// `sui::package` takes the id away from the capability between authorising and committing.
fun assert_settled(cap: &UpgradeCap) {
    assert!(cap.package() != @0x0.to_id(), EUpgrading);
}

fun assert_policy(policy: u8) {
    let known = vector[
        package::compatible_policy(),
        package::additive_policy(),
        package::dep_only_policy(),
    ];
    assert!(known.contains(&policy), EPolicyUnknown);
}
