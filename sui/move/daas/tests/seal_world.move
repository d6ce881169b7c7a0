/// What the tests of releases, policies and passes share: a cluster in term 2 whose session signed
/// core/vectors/release.json, a node of Alice's, and a policy of the operator's.
#[test_only]
module k3s_daas::seal_world;

use k3s_daas::cluster::{Cluster, ClusterCap};
use k3s_daas::enclaves::{Self, Session};
use k3s_daas::nodes;
use k3s_daas::release_vectors as vectors;
use k3s_daas::seal_policy::{Self, AccessGrant, Policy, RecoveryGrant, Terms};
use k3s_daas::staking::{Self, Position};
use k3s_daas::vectors as ids;
use k3s_daas::world::{Self, pcr};
use std::string::String;
use sui::address;

// === Constants ===

const OWNER: address = @0x0FE;
const GRANT_MS: u64 = 60_000;

public fun owner(): address { OWNER }

public fun recipient(): address { address::from_bytes(vectors::recipient()) }

public fun other_recipient(): address { address::from_bytes(vectors::other_recipient()) }

public fun grant_ms(): u64 { GRANT_MS }

/// Of every release of the vectors.
public fun release_until_ms(): u64 { 1_763_700_060_000 }

public fun pod_uid(): String { b"5a7c3c0e-0b1f-4a52-9f0b-0d6a3f7f1c11".to_string() }

public fun other_pod_uid(): String { b"1d2c3b4a-0000-4000-8000-000000000002".to_string() }

public fun namespace(): String { b"tenant-a".to_string() }

public fun service_account(): String { b"web".to_string() }

public fun service_account_uid(): String { b"c2f1a7de-91b4-4d0e-8f53-6f0f9a4be2d2".to_string() }

// === Terms ===

/// Arguments of `new_terms`, to be changed one by one.
public struct Draft has copy, drop {
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
}

/// Terms that everything in `scene` meets: config 3, any stake, node, time and image, 10 uses.
public fun draft(): Draft {
    Draft {
        config_versions: vector[3],
        stake_min: 0,
        stakes: vector[],
        node_keys: vector[],
        not_before_ms: 0,
        not_after_ms: std::u64::max_value!(),
        uses_max: 10,
        renewals_max: 2,
        grant_ms: GRANT_MS,
        image_digests: vector[],
    }
}

public fun configs(mut self: Draft, versions: vector<u64>): Draft {
    self.config_versions = versions;
    self
}

public fun stake_min(mut self: Draft, amount: u64): Draft {
    self.stake_min = amount;
    self
}

public fun nodes(mut self: Draft, stakes: vector<ID>, node_keys: vector<vector<u8>>): Draft {
    self.stakes = stakes;
    self.node_keys = node_keys;
    self
}

public fun window(mut self: Draft, not_before_ms: u64, not_after_ms: u64): Draft {
    self.not_before_ms = not_before_ms;
    self.not_after_ms = not_after_ms;
    self
}

public fun uses(mut self: Draft, uses_max: u64): Draft {
    self.uses_max = uses_max;
    self
}

public fun renewals(mut self: Draft, renewals_max: u64): Draft {
    self.renewals_max = renewals_max;
    self
}

public fun lasting(mut self: Draft, grant_ms: u64): Draft {
    self.grant_ms = grant_ms;
    self
}

public fun images(mut self: Draft, digests: vector<vector<u8>>): Draft {
    self.image_digests = digests;
    self
}

public fun terms(self: Draft): Terms {
    let Draft {
        config_versions,
        stake_min,
        stakes,
        node_keys,
        not_before_ms,
        not_after_ms,
        uses_max,
        renewals_max,
        grant_ms,
        image_digests,
    } = self;
    seal_policy::new_terms(
        config_versions,
        stake_min,
        stakes,
        node_keys,
        not_before_ms,
        not_after_ms,
        uses_max,
        renewals_max,
        grant_ms,
        image_digests,
    )
}

// === Scene ===

/// Alice's stake of 5,000 behind worker-1, and the policy `ids_policy` of the operator's for the
/// service account of the vectors' pods.
public struct Scene {
    cluster: Cluster,
    cap: ClusterCap,
    session: Session,
    position: Position,
    policy: Policy,
}

public fun scene(draft: Draft): Scene { scene_of(draft, option::none()) }

public fun scene_of(draft: Draft, service_account_uid: Option<String>): Scene {
    let (mut cluster, cap, session) = world::active();
    let mut position = world::stake(&mut cluster, 5_000);
    world::claim(&mut cluster, &mut position);
    let policy = seal_policy::create(
        &cluster,
        namespace(),
        service_account(),
        service_account_uid,
        draft.terms(),
        &mut world::tx(OWNER, 7),
    );
    Scene { cluster, cap, session, position, policy }
}

/// Another policy of that cluster, with the id `ids_other_policy`.
public fun other_policy(cluster: &Cluster, sender: address): Policy {
    seal_policy::create(
        cluster,
        namespace(),
        service_account(),
        option::none(),
        draft().configs(vector[cluster.config_version()]).terms(),
        &mut world::tx(sender, 8),
    )
}

/// Another session of the vectors' keys, in whatever cluster, of the config with that version.
public fun session_of(
    cluster: &Cluster,
    cap: &ClusterCap,
    config_version: u64,
    hint: u64,
): Session {
    let expires_ms = world::now_ms() + 60_000;
    let ctx = &mut world::tx(OWNER, hint);
    let slot = enclaves::new_slot(cluster, cap, OWNER, config_version, expires_ms, ctx);
    let nonce = object::id(&slot).to_bytes();
    let clock = world::clock(world::now_ms());
    let keys = vector[ids::keys_decision(), ids::keys_log(), ids::enclave_tls_key_hash()];
    let user_data = enclaves::enclave_user_data(cluster, &keys[0], &keys[1], &keys[2]);
    let session = enclaves::register_inner(
        cluster,
        slot,
        world::now_ms(),
        vector[0, 1, 2],
        vector[pcr(10), pcr(11), pcr(12)],
        option::some(keys[0]),
        option::some(user_data),
        option::some(nonce),
        keys[1],
        keys[2],
        world::coin(world::bond_min()),
        &clock,
        &mut world::tx(OWNER, hint + 1),
    );
    clock.destroy_for_testing();
    session
}

public fun end(scene: Scene) { std::unit_test::destroy(scene) }

public fun parts(scene: Scene): (Cluster, ClusterCap, Session, Position, Policy) {
    let Scene { cluster, cap, session, position, policy } = scene;
    (cluster, cap, session, position, policy)
}

public fun cluster(scene: &Scene): &Cluster { &scene.cluster }

public fun session(scene: &Scene): &Session { &scene.session }

public fun position(scene: &Scene): &Position { &scene.position }

public fun policy(scene: &Scene): &Policy { &scene.policy }

// === What happens ===

public fun set_terms(scene: &mut Scene, draft: Draft) {
    seal_policy::set_terms(
        &scene.cluster,
        &mut scene.policy,
        draft.terms(),
        &world::tx(OWNER, 50),
    );
}

public fun rotate(scene: &mut Scene): u64 {
    seal_policy::rotate(&scene.cluster, &mut scene.policy, &world::tx(OWNER, 51))
}

public fun retire_versions(scene: &mut Scene, version_min: u64) {
    let ctx = world::tx(OWNER, 52);
    seal_policy::retire_versions(&scene.cluster, &mut scene.policy, version_min, &ctx);
}

public fun revoke_grants(scene: &mut Scene) {
    seal_policy::revoke_grants(&scene.cluster, &mut scene.policy, &world::tx(OWNER, 53));
}

public fun slash(scene: &mut Scene, amount: u64) {
    let reason = b"evidence".to_string();
    staking::slash(&mut scene.cluster, &scene.cap, &mut scene.position, amount, reason);
}

/// Alice asks for that much of her stake back: it is still slashable, but active no more.
public fun unbond(scene: &mut Scene, amount: u64) {
    let clock = world::clock(world::now_ms());
    let ctx = world::tx(world::alice(), 54);
    staking::request_unbond(&mut scene.cluster, &mut scene.position, amount, &clock, &ctx);
    clock.destroy_for_testing();
}

public fun jail(scene: &mut Scene) {
    nodes::jail(&mut scene.cluster, &scene.cap, world::first_name());
}

public fun unjail(scene: &mut Scene) {
    nodes::unjail(&mut scene.cluster, &scene.cap, world::first_name());
}

public fun leave(scene: &mut Scene) {
    world::leave_at(&mut scene.cluster, &mut scene.position, world::alice(), world::now_ms());
}

/// Alice claims worker-1 again, as in the beginning.
public fun claim_again(scene: &mut Scene) {
    world::claim(&mut scene.cluster, &mut scene.position);
}

/// Alice claims worker-1 with another node key.
public fun claim_with_another_key(scene: &mut Scene) {
    let clock = world::clock(world::now_ms());
    nodes::claim(
        &mut scene.cluster,
        &mut scene.position,
        world::first_name(),
        ids::keys_other(),
        ids::claims_first_csr_key_hash(),
        4_000,
        8_192,
        vectors::claim_by_other_key(),
        &clock,
        &world::tx(world::alice(), 20),
    );
    clock.destroy_for_testing();
}

/// Alice claims worker-2 instead.
public fun claim_another_name(scene: &mut Scene) {
    let proof = ids::claims_other_name_proof();
    let name = world::other_name();
    world::claim_as(&mut scene.cluster, &mut scene.position, world::alice(), name, proof);
}

/// Bob claims worker-1 with the same node key, as if he had it from Alice.
public fun claim_by_bob(scene: &mut Scene): Position {
    let mut position = world::other_stake(&mut scene.cluster, 5_000);
    let proof = ids::claims_other_stake_proof();
    let name = world::first_name();
    world::claim_as(&mut scene.cluster, &mut position, world::bob(), name, proof);
    position
}

public fun revoke_session(scene: &mut Scene) {
    world::revoke(&mut scene.cluster, &scene.cap, &mut scene.session);
}

public fun retire_config(scene: &mut Scene, version: u64) {
    scene.cluster.retire_config(&scene.cap, version);
}

/// The same session again, under the next term.
public fun next_term(scene: &mut Scene) {
    let term = scene.cluster.term();
    enclaves::activate(&mut scene.cluster, &scene.cap, &scene.session, term);
}

/// Another session of the same keys, under the next term.
public fun next_session(scene: &mut Scene): Session {
    let session = session_of(&scene.cluster, &scene.cap, 3, 60);
    let term = scene.cluster.term();
    enclaves::activate(&mut scene.cluster, &scene.cap, &session, term);
    session
}

/// The cluster is migrated to a later version of the package.
public fun migrate(scene: &mut Scene) { scene.cluster.set_version_for_testing(2) }

// === Access ===

/// A receipt and a release with their signatures.
public struct Papers has copy, drop {
    receipt_message: vector<u8>,
    receipt_signature: vector<u8>,
    release_message: vector<u8>,
    release_signature: vector<u8>,
}

/// The pod's, as the enclave makes them.
public fun bind(): Papers {
    released(vectors::releases_bind_message(), vectors::releases_bind_signature())
}

/// The receipt of `bind` with another release.
public fun released(message: vector<u8>, signature: vector<u8>): Papers {
    papers(
        vectors::receipts_bind_message(),
        vectors::receipts_bind_signature(),
        message,
        signature,
    )
}

/// As `bind`, made at the same moment for another key.
public fun to_another(): Papers {
    released(
        vectors::releases_other_recipient_message(),
        vectors::releases_other_recipient_signature(),
    )
}

/// Later, for the key of the pod's container that was started anew.
public fun second(): Papers {
    released(vectors::releases_second_message(), vectors::releases_second_signature())
}

/// Later still, for the key of `bind` again.
public fun third(): Papers {
    released(vectors::releases_third_message(), vectors::releases_third_signature())
}

public fun fourth(): Papers {
    released(vectors::releases_fourth_message(), vectors::releases_fourth_signature())
}

/// As `bind`, made a moment later.
public fun bind_later(): Papers {
    released(
        vectors::releases_same_recipient_later_message(),
        vectors::releases_same_recipient_later_signature(),
    )
}

/// Of the receipt of `bind`, made after the releases of `adopt`.
public fun after_adoption(): Papers {
    released(
        vectors::releases_after_adoption_message(),
        vectors::releases_after_adoption_signature(),
    )
}

/// Another receipt of the same pod, and its release, made after those above.
public fun adopt(): Papers {
    papers(
        vectors::receipts_adopt_message(),
        vectors::receipts_adopt_signature(),
        vectors::releases_adopt_message(),
        vectors::releases_adopt_signature(),
    )
}

public fun adopt_second(): Papers {
    papers(
        vectors::receipts_adopt_message(),
        vectors::receipts_adopt_signature(),
        vectors::releases_adopt_second_message(),
        vectors::releases_adopt_second_signature(),
    )
}

/// Another pod of the same service account on the same node.
public fun other_pod(): Papers {
    papers(
        vectors::receipts_other_pod_message(),
        vectors::receipts_other_pod_signature(),
        vectors::releases_other_pod_message(),
        vectors::releases_other_pod_signature(),
    )
}

public fun papers(
    receipt_message: vector<u8>,
    receipt_signature: vector<u8>,
    release_message: vector<u8>,
    release_signature: vector<u8>,
): Papers {
    Papers { receipt_message, receipt_signature, release_message, release_signature }
}

/// `request_access` by somebody, now.
public fun request(scene: &mut Scene, papers: Papers): AccessGrant {
    scene.request_at(papers, world::bob(), world::now_ms())
}

public fun request_at(scene: &mut Scene, papers: Papers, sender: address, ms: u64): AccessGrant {
    let Scene { cluster, session, position, policy, .. } = scene;
    request_with(cluster, session, policy, position, papers, sender, ms)
}

public fun request_with(
    cluster: &Cluster,
    session: &Session,
    policy: &mut Policy,
    position: &Position,
    papers: Papers,
    sender: address,
    ms: u64,
): AccessGrant {
    let clock = world::clock(ms);
    let grant = seal_policy::new_grant(
        cluster,
        session,
        policy,
        position,
        papers.receipt_message,
        papers.receipt_signature,
        papers.release_message,
        papers.release_signature,
        &clock,
        &mut world::tx(sender, 11),
    );
    clock.destroy_for_testing();
    grant
}

/// `seal_approve` of version 1 by the recipient, now.
public fun approve(scene: &Scene, grant: &AccessGrant) {
    scene.approve_id(grant, vectors::identities_version1());
}

public fun approve_id(scene: &Scene, grant: &AccessGrant, id: vector<u8>) {
    scene.approve_at(grant, id, recipient(), world::now_ms());
}

public fun approve_at(
    scene: &Scene,
    grant: &AccessGrant,
    id: vector<u8>,
    sender: address,
    ms: u64,
) {
    let Scene { cluster, session, position, policy, .. } = scene;
    approve_with(id, grant, cluster, policy, session, position, sender, ms);
}

public fun approve_with(
    id: vector<u8>,
    grant: &AccessGrant,
    cluster: &Cluster,
    policy: &Policy,
    session: &Session,
    position: &Position,
    sender: address,
    ms: u64,
) {
    let clock = world::clock(ms);
    let ctx = world::tx(sender, 12);
    seal_policy::seal_approve_for_testing(
        id,
        grant,
        cluster,
        policy,
        session,
        position,
        &clock,
        &ctx,
    );
    clock.destroy_for_testing();
}

public fun recover(scene: &Scene, sender: address): RecoveryGrant {
    recover_with(&scene.cluster, &scene.policy, sender)
}

public fun recover_with(cluster: &Cluster, policy: &Policy, sender: address): RecoveryGrant {
    let clock = world::clock(world::now_ms());
    let grant = seal_policy::new_recovery(cluster, policy, &clock, &mut world::tx(sender, 13));
    clock.destroy_for_testing();
    grant
}

public fun approve_recovery(
    scene: &Scene,
    grant: &RecoveryGrant,
    id: vector<u8>,
    sender: address,
    ms: u64,
) {
    approve_recovery_with(id, grant, &scene.cluster, &scene.policy, sender, ms);
}

public fun approve_recovery_with(
    id: vector<u8>,
    grant: &RecoveryGrant,
    cluster: &Cluster,
    policy: &Policy,
    sender: address,
    ms: u64,
) {
    let clock = world::clock(ms);
    let ctx = world::tx(sender, 14);
    seal_policy::seal_approve_recovery_for_testing(id, grant, cluster, policy, &clock, &ctx);
    clock.destroy_for_testing();
}
