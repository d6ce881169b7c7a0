/// What a key server puts before the calls of a policy: the dry run fails unless the chain that
/// the node shows is as recent as the key server's clock says. Names and abort codes are those of
/// Seal's own package, so that a key server can be configured with either.
module seal_key_server::time;

use sui::clock::Clock;

// === Errors ===

/// The node is behind: what it shows may have been revoked since.
const EStaleNode: u64 = 93492;
/// The key server's clock is behind the chain.
const EStaleKeyServer: u64 = 93493;

// === Public functions ===

/// Aborts unless `now_ms` and the chain's clock differ by at most `allowed_ms`.
public fun check_staleness(now_ms: u64, allowed_ms: u64, clock: &Clock) {
    let chain_ms = clock.timestamp_ms();
    if (now_ms >= chain_ms) {
        assert!(now_ms - chain_ms <= allowed_ms, EStaleNode);
    } else {
        assert!(chain_ms - now_ms <= allowed_ms, EStaleKeyServer);
    }
}
