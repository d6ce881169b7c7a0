/// Evidence against an enclave, judged by the chain alone. A session that signs two different things
/// where only one can be true has lost its key or its mind: it ends, and its bond goes to the treasury.
/// Anyone may report; nobody gains by it. Stakes are slashed through `staking` and `governance`.
module k3s_daas::slashing;

use k3s_daas::anchors;
use k3s_daas::cluster::Cluster;
use k3s_daas::decisions;
use k3s_daas::enclaves::Session;
use sui::clock::Clock;
use sui::event;

// === Errors ===

/// The two messages are the same bytes.
const ESameBytes: u64 = 0;
/// The two decisions have different sequences: both may be true.
const EDifferentSequences: u64 = 1;
/// The two anchors are of different sizes: both may be true.
const EDifferentSizes: u64 = 2;
/// The two anchors have the same root.
const ESameRoot: u64 = 3;

// === Events ===

/// The session signed two decisions with this sequence.
public struct DecisionsEquivocated has copy, drop {
    cluster: ID,
    session: ID,
    sequence: u64,
    bond: u64,
}

/// The session signed two logs of this size.
public struct AnchorsEquivocated has copy, drop {
    cluster: ID,
    session: ID,
    size: u64,
    bond: u64,
}

// === Public functions ===

/// Two decisions of one session with one sequence and different bytes. It does not matter whether
/// the session, or its image, is still accepted.
public fun report_decisions(
    cluster: &mut Cluster,
    session: &mut Session,
    first_message: vector<u8>,
    first_signature: vector<u8>,
    second_message: vector<u8>,
    second_signature: vector<u8>,
    clock: &Clock,
) {
    cluster.assert_version();
    session.assert_cluster(cluster);
    assert!(first_message != second_message, ESameBytes);
    let first = decisions::parse_signed(cluster, session, first_message, first_signature);
    let second = decisions::parse_signed(cluster, session, second_message, second_signature);
    assert!(first.sequence() == second.sequence(), EDifferentSequences);
    let bond = session.forfeit(cluster, clock);
    event::emit(DecisionsEquivocated {
        cluster: object::id(cluster),
        session: object::id(session),
        sequence: first.sequence(),
        bond,
    });
}

/// Two anchors of one session with one size and different roots: two logs.
public fun report_anchors(
    cluster: &mut Cluster,
    session: &mut Session,
    first_message: vector<u8>,
    first_signature: vector<u8>,
    second_message: vector<u8>,
    second_signature: vector<u8>,
    clock: &Clock,
) {
    cluster.assert_version();
    session.assert_cluster(cluster);
    let first = anchors::verify(cluster, session, first_message, first_signature);
    let second = anchors::verify(cluster, session, second_message, second_signature);
    assert!(first.size() == second.size(), EDifferentSizes);
    assert!(first.root() != second.root(), ESameRoot);
    let bond = session.forfeit(cluster, clock);
    event::emit(AnchorsEquivocated {
        cluster: object::id(cluster),
        session: object::id(session),
        size: first.size(),
        bond,
    });
}
