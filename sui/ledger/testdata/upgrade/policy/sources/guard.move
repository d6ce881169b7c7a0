/// An upgrade policy of its own: nothing but additions, and nothing before an epoch.
module policy::guard;

use sui::package::{Self, UpgradeCap, UpgradeReceipt, UpgradeTicket};

const ETooEarly: u64 = 1;

public struct Guard has key, store {
    id: UID,
    cap: UpgradeCap,
    epoch: u64,
}

public fun new(cap: UpgradeCap, epoch: u64, ctx: &mut TxContext): Guard {
    Guard { id: object::new(ctx), cap, epoch }
}

public fun authorize(guard: &mut Guard, digest: vector<u8>, ctx: &TxContext): UpgradeTicket {
    assert!(ctx.epoch() >= guard.epoch, ETooEarly);
    guard.cap.authorize(package::additive_policy(), digest)
}

public fun commit(guard: &mut Guard, receipt: UpgradeReceipt) {
    guard.cap.commit(receipt);
}
