/// Policies of sealed secrets. A policy belongs to the author of a workload and says who may open the
/// secrets sealed under it: pods of one service account, on nodes with enough stake, placed by images
/// that the author accepts, in a time window, a number of times. `request_access` checks all that
/// against a receipt and a release of the live enclave, charges a use, and mints a grant; Seal's key
/// servers evaluate `seal_approve`, which checks the grant and everything that may have changed since.
///
/// Key servers run `seal_approve` of any version of this package, so the package must be immutable or
/// upgradeable only with a delay (docs/chain/upgrades.md).
module k3s_daas::seal_policy;

use k3s_daas::cluster::Cluster;
use k3s_daas::decisions;
use k3s_daas::enclaves::Session;
use k3s_daas::releases;
use k3s_daas::staking::Position;
use std::hash;
use std::string::String;
use sui::bcs;
use sui::clock::Clock;
use sui::event;
use sui::table::{Self, Table};

// === Errors ===

/// The policy or the grant belongs to another cluster.
const EWrongCluster: u64 = 0;
/// Only the policy's owner may do this.
const ENotOwner: u64 = 1;
/// A namespace and a service account have 1 to 253 bytes, a UID 1 to 64.
const ESubjectLength: u64 = 2;
/// The owner accepts 1 to 16 enclave configs, and each is one that the cluster accepts now.
const EConfigs: u64 = 3;
/// The window is empty.
const EWindowEmpty: u64 = 4;
/// A grant lasts from one second to one day.
const EGrantDuration: u64 = 5;
/// At most 64 allowed nodes, with as many keys as stakes, each key of 32 bytes.
const ENodes: u64 = 6;
/// At most 64 image digests of 32 bytes each.
const EImages: u64 = 7;
/// A version that is retired, or not there yet.
const EVersion: u64 = 8;
/// The decision is not the active session's in the active term.
const ENotActive: u64 = 9;
/// The release is for another receipt.
const EWrongReceipt: u64 = 10;
/// The release is for another pod than the receipt.
const EWrongPod: u64 = 11;
/// The release, the grant or the identity is of another policy.
const EWrongPolicy: u64 = 12;
/// The sender is not the recipient of the grant.
const EWrongRecipient: u64 = 13;
/// The release has expired.
const EReleaseExpired: u64 = 14;
/// The pod runs in another namespace or under another service account.
const EWrongSubject: u64 = 15;
/// The policy's owner has not accepted this enclave config.
const EConfigNotAccepted: u64 = 16;
/// The stake is not the one behind the node.
const EWrongStake: u64 = 17;
/// The node has given its name up.
const ENodeGone: u64 = 18;
/// The node has another key than when the pod was placed.
const EWrongNodeKey: u64 = 19;
/// The node is jailed.
const ENodeJailed: u64 = 20;
/// The stake is smaller than the policy or the node's claim asks for.
const EStakeTooSmall: u64 = 21;
/// The policy does not allow this node.
const ENodeNotAllowed: u64 = 22;
/// The pod runs an image that the policy does not allow.
const EImageNotAllowed: u64 = 23;
/// Before or after the policy's window.
const EOutsideWindow: u64 = 24;
/// All uses are used up.
const EUsesExhausted: u64 = 25;
/// The pod has renewed its grant as often as it may.
const ERenewalsExhausted: u64 = 26;
/// The grant has expired.
const EGrantExpired: u64 = 27;
/// The owner has revoked the grant.
const EGrantRevoked: u64 = 28;
/// The grant is of another session or term: ask again once the pod is adopted.
const EWrongSession: u64 = 29;
/// The identity is not the one canonical form, or of another cluster or subject.
const EWrongIdentity: u64 = 30;
/// The recipient has the pod's newest grant, for this very receipt.
const EAlreadyGranted: u64 = 31;
/// A release of the same moment or a later one was used for the pod.
const EReleaseOvertaken: u64 = 32;

// === Constants ===

const NAME_BYTES_MAX: u64 = 253;
const UID_BYTES_MAX: u64 = 64;
const CONFIGS_MAX: u64 = 16;
const NODES_MAX: u64 = 64;
const IMAGES_MAX: u64 = 64;
const DIGEST_BYTES: u64 = 32;
const GRANT_MS_MIN: u64 = 1_000;
const GRANT_MS_MAX: u64 = 24 * 60 * 60 * 1000;
/// How long the owner's own grant lasts.
const RECOVERY_MS: u64 = 60 * 60 * 1000;

// === Structs ===

public struct Policy has key {
    id: UID,
    cluster: ID,
    owner: address,
    namespace: String,
    service_account: String,
    /// Names may be given again; with a UID the policy is of this very service account.
    service_account_uid: Option<String>,
    terms: Terms,
    /// Newest version of the secret, from 1; each has an identity of its own.
    version: u64,
    /// Oldest version that still opens.
    version_min: u64,
    /// Grants of an earlier generation are void.
    generation: u64,
    uses: u64,
    /// By pod UID.
    charges: Table<String, Charge>,
}

/// What a policy asks. An empty list of nodes or images allows any. Names no cluster: whether a cluster
/// accepts the configs is asked when the terms are given to a policy.
public struct Terms has copy, drop, store {
    config_versions: vector<u64>,
    stake_min: u64,
    nodes: vector<AllowedNode>,
    not_before_ms: u64,
    not_after_ms: u64,
    uses_max: u64,
    /// How often one pod may have its grant made anew.
    renewals_max: u64,
    grant_ms: u64,
    image_digests: vector<vector<u8>>,
}

/// A node by the stake behind it and its key, never by its name.
public struct AllowedNode has copy, drop, store {
    stake: ID,
    node_key: vector<u8>,
}

/// That a pod was charged a use, the receipt of its newest grant, and what that grant came from.
public struct Charge has copy, drop, store {
    receipt_digest: vector<u8>,
    renewals: u64,
    /// Who has the newest grant.
    recipient: address,
    /// When the enclave made the release behind it.
    released_ms: u64,
}

/// What `request_access` gives the recipient of a release. Cannot be passed on.
public struct AccessGrant has key {
    id: UID,
    cluster: ID,
    policy: ID,
    generation: u64,
    session: ID,
    term: u64,
    pod_uid: String,
    node: String,
    stake: ID,
    node_key_hash: vector<u8>,
    image_digests: vector<vector<u8>>,
    recipient: address,
    expires_ms: u64,
}

/// What the owner of a policy gives itself to open its own secrets.
public struct RecoveryGrant has key {
    id: UID,
    policy: ID,
    expires_ms: u64,
}

/// What a secret is encrypted to (docs/formats.md). The order of the fields is the byte format.
public struct Identity has copy, drop {
    policy: ID,
    cluster: ID,
    namespace: String,
    service_account: String,
    version: u64,
}

// === Events ===

public struct PolicyCreated has copy, drop {
    cluster: ID,
    policy: ID,
    owner: address,
    namespace: String,
    service_account: String,
    service_account_uid: Option<String>,
}

public struct TermsChanged has copy, drop {
    cluster: ID,
    policy: ID,
    terms: Terms,
}

public struct Rotated has copy, drop {
    cluster: ID,
    policy: ID,
    version: u64,
}

public struct VersionsRetired has copy, drop {
    cluster: ID,
    policy: ID,
    version_min: u64,
}

public struct GrantsRevoked has copy, drop {
    cluster: ID,
    policy: ID,
    generation: u64,
}

/// `charged` is false for a renewal, also by the receipt of an adoption.
public struct AccessGranted has copy, drop {
    cluster: ID,
    policy: ID,
    grant: ID,
    pod_uid: String,
    node: String,
    stake: ID,
    recipient: address,
    receipt_digest: vector<u8>,
    charged: bool,
    uses: u64,
    expires_ms: u64,
}

/// The owner has opened its own secrets, without a pod.
public struct Recovered has copy, drop {
    cluster: ID,
    policy: ID,
    owner: address,
    expires_ms: u64,
}

// === Public functions ===

/// `stakes` and `node_keys` name the allowed nodes, entry by entry.
public fun new_terms(
    config_versions: vector<u64>,
    stake_min: u64,
    stakes: vector<ID>,
    node_keys: vector<vector<u8>>,
    not_before_ms: u64,
    not_after_ms: u64,
    uses_max: u64,
    renewals_max: u64,
    grant_ms: u64,
    image_digests: vector<vector<u8>>,
): Terms {
    assert!(!config_versions.is_empty() && config_versions.length() <= CONFIGS_MAX, EConfigs);
    assert!(not_before_ms < not_after_ms, EWindowEmpty);
    assert!(grant_ms >= GRANT_MS_MIN && grant_ms <= GRANT_MS_MAX, EGrantDuration);
    assert!(stakes.length() == node_keys.length() && stakes.length() <= NODES_MAX, ENodes);
    assert!(node_keys.all!(|key| key.length() == DIGEST_BYTES), ENodes);
    assert!(image_digests.length() <= IMAGES_MAX, EImages);
    assert!(image_digests.all!(|digest| digest.length() == DIGEST_BYTES), EImages);
    let nodes = stakes.zip_map!(node_keys, |stake, node_key| AllowedNode { stake, node_key });
    Terms {
        config_versions,
        stake_min,
        nodes,
        not_before_ms,
        not_after_ms,
        uses_max,
        renewals_max,
        grant_ms,
        image_digests,
    }
}

/// A policy of the sender, for one service account. It has no `store` and no `drop`: pass it to `share`.
public fun create(
    cluster: &Cluster,
    namespace: String,
    service_account: String,
    service_account_uid: Option<String>,
    terms: Terms,
    ctx: &mut TxContext,
): Policy {
    assert_configs(cluster, &terms);
    assert_length(&namespace, NAME_BYTES_MAX);
    assert_length(&service_account, NAME_BYTES_MAX);
    service_account_uid.do_ref!(|uid| assert_length(uid, UID_BYTES_MAX));
    let policy = Policy {
        id: object::new(ctx),
        cluster: object::id(cluster),
        owner: ctx.sender(),
        namespace,
        service_account,
        service_account_uid,
        terms,
        version: 1,
        version_min: 1,
        generation: 0,
        uses: 0,
        charges: table::new(ctx),
    };
    event::emit(PolicyCreated {
        cluster: policy.cluster,
        policy: object::id(&policy),
        owner: policy.owner,
        namespace,
        service_account,
        service_account_uid,
    });
    event::emit(TermsChanged { cluster: policy.cluster, policy: object::id(&policy), terms });
    policy
}

#[allow(lint(share_owned))]
public fun share(policy: Policy) {
    transfer::share_object(policy);
}

/// Sets new terms. Configs, stake, nodes, images and window hold for grants that exist already, too,
/// when these are used; counts and durations hold for the grants to come (`revoke_grants`).
public fun set_terms(cluster: &Cluster, policy: &mut Policy, terms: Terms, ctx: &TxContext) {
    policy.assert_owner(cluster, ctx);
    assert_configs(cluster, &terms);
    policy.terms = terms;
    event::emit(TermsChanged { cluster: policy.cluster, policy: object::id(policy), terms });
}

/// Begins the next version of the secret, under an identity of its own. Older ones still open until
/// they are retired.
public fun rotate(cluster: &Cluster, policy: &mut Policy, ctx: &TxContext): u64 {
    policy.assert_owner(cluster, ctx);
    policy.version = policy.version + 1;
    event::emit(Rotated {
        cluster: policy.cluster,
        policy: object::id(policy),
        version: policy.version,
    });
    policy.version
}

/// Opens nothing older than `version_min` any more. What was opened before stays known to whoever
/// opened it.
public fun retire_versions(
    cluster: &Cluster,
    policy: &mut Policy,
    version_min: u64,
    ctx: &TxContext,
) {
    policy.assert_owner(cluster, ctx);
    assert!(version_min > policy.version_min && version_min <= policy.version, EVersion);
    policy.version_min = version_min;
    event::emit(VersionsRetired {
        cluster: policy.cluster,
        policy: object::id(policy),
        version_min,
    });
}

/// Voids every grant made so far.
public fun revoke_grants(cluster: &Cluster, policy: &mut Policy, ctx: &TxContext) {
    policy.assert_owner(cluster, ctx);
    policy.generation = policy.generation + 1;
    event::emit(GrantsRevoked {
        cluster: policy.cluster,
        policy: object::id(policy),
        generation: policy.generation,
    });
}

/// Sends the release's recipient a grant, if the live enclave has placed the pod (`receipt`), released
/// the policy's secrets to that recipient (`release`), and the policy's terms hold now. Anyone may ask:
/// it is the enclave that decides who gets what. The first grant of a pod costs a use; the same receipt
/// again costs a renewal, another receipt another use. A release serves once, and none serves after a
/// later one, so that whoever replays them charges nothing.
public fun request_access(
    cluster: &Cluster,
    session: &Session,
    policy: &mut Policy,
    position: &Position,
    receipt_message: vector<u8>,
    receipt_signature: vector<u8>,
    release_message: vector<u8>,
    release_signature: vector<u8>,
    clock: &Clock,
    ctx: &mut TxContext,
) {
    let grant = new_grant(
        cluster,
        session,
        policy,
        position,
        receipt_message,
        receipt_signature,
        release_message,
        release_signature,
        clock,
        ctx,
    );
    let recipient = grant.recipient;
    transfer::transfer(grant, recipient);
}

/// Deletes a grant that is not needed any more.
public fun discard(grant: AccessGrant) {
    let AccessGrant { id, .. } = grant;
    id.delete();
}

/// Gives the owner a grant for its own secrets, for an hour: break-glass, and an event that says so.
public fun recover(cluster: &Cluster, policy: &Policy, clock: &Clock, ctx: &mut TxContext) {
    transfer::transfer(new_recovery(cluster, policy, clock, ctx), ctx.sender());
}

/// Deletes a recovery grant.
public fun discard_recovery(grant: RecoveryGrant) {
    let RecoveryGrant { id, .. } = grant;
    id.delete();
}

// === Seal ===

/// What key servers evaluate, as the recipient, before they release a key. Changes nothing. Everything
/// that the grant rests on is looked at again: it may have changed since.
entry fun seal_approve(
    id: vector<u8>,
    grant: &AccessGrant,
    cluster: &Cluster,
    policy: &Policy,
    session: &Session,
    position: &Position,
    clock: &Clock,
    ctx: &TxContext,
) {
    let now_ms = clock.timestamp_ms();
    policy.assert_cluster(cluster);
    assert!(grant.cluster == object::id(cluster), EWrongCluster);
    session.assert_cluster(cluster);
    assert!(grant.policy == object::id(policy), EWrongPolicy);
    assert!(grant.recipient == ctx.sender(), EWrongRecipient);
    assert!(grant.generation == policy.generation, EGrantRevoked);
    assert!(now_ms < grant.expires_ms, EGrantExpired);
    assert!(grant.session == object::id(session), EWrongSession);
    session.assert_live(cluster);
    assert!(cluster.is_active(grant.session, grant.term), EWrongSession);
    policy.assert_config(session);
    policy.assert_node(cluster, position, grant.stake, grant.node, grant.node_key_hash);
    policy.assert_images(&grant.image_digests);
    policy.assert_window(now_ms);
    policy.assert_identity(id);
}

/// The same for the owner's own grant, which rests on ownership alone: neither window nor node count.
entry fun seal_approve_recovery(
    id: vector<u8>,
    grant: &RecoveryGrant,
    cluster: &Cluster,
    policy: &Policy,
    clock: &Clock,
    ctx: &TxContext,
) {
    policy.assert_owner(cluster, ctx);
    assert!(grant.policy == object::id(policy), EWrongPolicy);
    assert!(clock.timestamp_ms() < grant.expires_ms, EGrantExpired);
    policy.assert_identity(id);
}

// === Views ===

public fun cluster(policy: &Policy): ID { policy.cluster }

public fun owner(policy: &Policy): address { policy.owner }

public fun namespace(policy: &Policy): String { policy.namespace }

public fun service_account(policy: &Policy): String { policy.service_account }

public fun service_account_uid(policy: &Policy): Option<String> { policy.service_account_uid }

public fun terms(policy: &Policy): Terms { policy.terms }

public fun version(policy: &Policy): u64 { policy.version }

public fun version_min(policy: &Policy): u64 { policy.version_min }

public fun generation(policy: &Policy): u64 { policy.generation }

public fun uses(policy: &Policy): u64 { policy.uses }

/// Renewals that a pod has had; none if it was charged no use.
public fun renewals(policy: &Policy, pod_uid: String): Option<u64> {
    if (policy.charges.contains(pod_uid)) option::some(policy.charges.borrow(pod_uid).renewals)
    else option::none()
}

public fun grant_policy(grant: &AccessGrant): ID { grant.policy }

public fun grant_recipient(grant: &AccessGrant): address { grant.recipient }

public fun grant_expires_ms(grant: &AccessGrant): u64 { grant.expires_ms }

/// The bytes that a version of the policy's secrets is encrypted to.
public fun identity(policy: &Policy, version: u64): vector<u8> {
    bcs::to_bytes(
        &Identity {
            policy: object::id(policy),
            cluster: policy.cluster,
            namespace: policy.namespace,
            service_account: policy.service_account,
            version,
        },
    )
}

// === Package functions ===

public(package) fun new_grant(
    cluster: &Cluster,
    session: &Session,
    policy: &mut Policy,
    position: &Position,
    receipt_message: vector<u8>,
    receipt_signature: vector<u8>,
    release_message: vector<u8>,
    release_signature: vector<u8>,
    clock: &Clock,
    ctx: &mut TxContext,
): AccessGrant {
    let now_ms = clock.timestamp_ms();
    policy.assert_cluster(cluster);
    let decision = decisions::verify(cluster, session, receipt_message, receipt_signature);
    assert!(decision.is_active(cluster), ENotActive);
    let release = releases::verify(cluster, session, release_message, release_signature);
    let receipt_digest = decisions::receipt_digest(receipt_message, receipt_signature);
    assert!(release.receipt_digest() == receipt_digest, EWrongReceipt);
    assert!(release.pod_uid() == decision.pod_uid(), EWrongPod);
    assert!(release.policy() == object::id(policy), EWrongPolicy);
    assert!(now_ms <= release.not_after_ms(), EReleaseExpired);

    assert!(decision.namespace() == policy.namespace, EWrongSubject);
    assert!(decision.service_account() == policy.service_account, EWrongSubject);
    policy
        .service_account_uid
        .do_ref!(|uid| assert!(decision.service_account_uid() == *uid, EWrongSubject));
    policy.assert_config(session);
    let (node, key_hash) = (decision.node(), decision.node_key_hash());
    policy.assert_node(cluster, position, decision.stake(), node, key_hash);
    let image_digests = release.image_digests();
    policy.assert_images(&image_digests);
    policy.assert_window(now_ms);
    let recipient = release.recipient();
    let charged = policy.charge(
        decision.pod_uid(),
        decision.is_adoption(),
        receipt_digest,
        recipient,
        release.timestamp_ms(),
    );

    let grant = AccessGrant {
        id: object::new(ctx),
        cluster: policy.cluster,
        policy: object::id(policy),
        generation: policy.generation,
        session: object::id(session),
        term: decision.term(),
        pod_uid: decision.pod_uid(),
        node,
        stake: decision.stake(),
        node_key_hash: key_hash,
        image_digests,
        recipient,
        expires_ms: now_ms + policy.terms.grant_ms,
    };
    event::emit(AccessGranted {
        cluster: grant.cluster,
        policy: grant.policy,
        grant: object::id(&grant),
        pod_uid: grant.pod_uid,
        node,
        stake: grant.stake,
        recipient: grant.recipient,
        receipt_digest,
        charged,
        uses: policy.uses,
        expires_ms: grant.expires_ms,
    });
    grant
}

public(package) fun new_recovery(
    cluster: &Cluster,
    policy: &Policy,
    clock: &Clock,
    ctx: &mut TxContext,
): RecoveryGrant {
    policy.assert_owner(cluster, ctx);
    let grant = RecoveryGrant {
        id: object::new(ctx),
        policy: object::id(policy),
        expires_ms: clock.timestamp_ms() + RECOVERY_MS,
    };
    event::emit(Recovered {
        cluster: policy.cluster,
        policy: grant.policy,
        owner: policy.owner,
        expires_ms: grant.expires_ms,
    });
    grant
}

// === Private functions ===

fun assert_length(text: &String, bytes_max: u64) {
    assert!(!text.is_empty() && text.length() <= bytes_max, ESubjectLength);
}

fun assert_cluster(policy: &Policy, cluster: &Cluster) {
    cluster.assert_version();
    assert!(policy.cluster == object::id(cluster), EWrongCluster);
}

fun assert_owner(policy: &Policy, cluster: &Cluster, ctx: &TxContext) {
    policy.assert_cluster(cluster);
    assert!(policy.owner == ctx.sender(), ENotOwner);
}

/// Nobody accepts an image that it cannot have seen: versions still to come are refused.
fun assert_configs(cluster: &Cluster, terms: &Terms) {
    assert!(terms.config_versions.all!(|version| cluster.is_accepted(*version)), EConfigs);
}

fun assert_config(policy: &Policy, session: &Session) {
    let version = session.config_version();
    assert!(policy.terms.config_versions.contains(&version), EConfigNotAccepted);
}

/// The stake behind the node that the pod was placed on is still there, large enough and allowed.
fun assert_node(
    policy: &Policy,
    cluster: &Cluster,
    position: &Position,
    stake: ID,
    node: String,
    key_hash: vector<u8>,
) {
    position.assert_cluster(cluster);
    assert!(object::id(position) == stake, EWrongStake);
    assert!(cluster.has_claim(node), ENodeGone);
    let claim = cluster.claim(node);
    assert!(claim.claim_stake() == stake, EWrongStake);
    let node_key = claim.claim_node_key();
    assert!(hash::sha2_256(node_key) == key_hash, EWrongNodeKey);
    assert!(!claim.claim_jailed(), ENodeJailed);
    let required = policy.terms.stake_min.max(claim.claim_required());
    assert!(position.active_value() >= required, EStakeTooSmall);
    let allowed = &policy.terms.nodes;
    let this = AllowedNode { stake, node_key };
    assert!(allowed.is_empty() || allowed.contains(&this), ENodeNotAllowed);
}

/// Every image that runs is allowed; a release that names none proves nothing.
fun assert_images(policy: &Policy, running: &vector<vector<u8>>) {
    let allowed = &policy.terms.image_digests;
    if (allowed.is_empty()) return;
    assert!(!running.is_empty(), EImageNotAllowed);
    assert!(running.all!(|digest| allowed.contains(digest)), EImageNotAllowed);
}

fun assert_window(policy: &Policy, now_ms: u64) {
    let Terms { not_before_ms, not_after_ms, .. } = policy.terms;
    assert!(now_ms >= not_before_ms && now_ms < not_after_ms, EOutsideWindow);
}

/// The bytes are those of one of the policy's versions that open. The version comes last, so it is
/// read from the end, and everything is then compared.
fun assert_identity(policy: &Policy, id: vector<u8>) {
    let length = id.length();
    assert!(length > 8, EWrongIdentity);
    let version = bcs::new(vector::tabulate!(8, |i| id[length - 8 + i])).peel_u64();
    assert!(policy.identity(version) == id, EWrongIdentity);
    assert!(version >= policy.version_min && version <= policy.version, EVersion);
}

/// One use per pod: a container that restarts drains none, nor does an enclave that restarts and adopts the
/// pod (ADR 0015); both are renewals. Another placement is another use. Anyone may show the releases that
/// the chain has seen, in any order: each was made before the newest one that was used, or is that one,
/// whatever receipt it is for. Returns whether a use was charged.
fun charge(
    policy: &mut Policy,
    pod_uid: String,
    is_adoption: bool,
    receipt_digest: vector<u8>,
    recipient: address,
    released_ms: u64,
): bool {
    let mut renewals = 0;
    let mut charged = true;
    if (policy.charges.contains(pod_uid)) {
        let last = policy.charges.remove(pod_uid);
        let is_same = last.receipt_digest == receipt_digest;
        assert!(!is_same || last.recipient != recipient, EAlreadyGranted);
        assert!(released_ms > last.released_ms, EReleaseOvertaken);
        charged = !is_same && !is_adoption;
        if (!charged) {
            assert!(last.renewals < policy.terms.renewals_max, ERenewalsExhausted);
            renewals = last.renewals + 1;
        };
    };
    if (charged) {
        assert!(policy.uses < policy.terms.uses_max, EUsesExhausted);
        policy.uses = policy.uses + 1;
    };
    policy.charges.add(pod_uid, Charge { receipt_digest, renewals, recipient, released_ms });
    charged
}

// === Test functions ===

#[test_only]
public fun seal_approve_for_testing(
    id: vector<u8>,
    grant: &AccessGrant,
    cluster: &Cluster,
    policy: &Policy,
    session: &Session,
    position: &Position,
    clock: &Clock,
    ctx: &TxContext,
) {
    seal_approve(id, grant, cluster, policy, session, position, clock, ctx);
}

#[test_only]
public fun seal_approve_recovery_for_testing(
    id: vector<u8>,
    grant: &RecoveryGrant,
    cluster: &Cluster,
    policy: &Policy,
    clock: &Clock,
    ctx: &TxContext,
) {
    seal_approve_recovery(id, grant, cluster, policy, clock, ctx);
}
