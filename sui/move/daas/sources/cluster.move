/// The shared root of one installation. Every other object names its `Cluster`, and wherever two of
/// them meet their clusters are compared. What an operator may do needs the `ClusterCap` made
/// together with the cluster.
///
/// The structs that live inside the `Cluster` (claims, stake parameters) are defined here, because
/// Move's modules form no cycles; the rules over them are in `staking`, `nodes` and `enclaves`.
module k3s_daas::cluster;

use std::string::String;
use sui::balance::{Self, Balance};
use sui::event;
use sui::sui::SUI;
use sui::table::{Self, Table};
use sui::vec_map::{Self, VecMap};

// === Errors ===

/// The cluster object belongs to another version of this package.
const EWrongVersion: u64 = 0;
/// The capability belongs to another cluster.
const EWrongCap: u64 = 1;
/// A digest must have 32 bytes.
const EDigestLength: u64 = 2;
/// A PCR must have 48 bytes (SHA-384).
const EPcrLength: u64 = 3;
/// A PCR of zeros is that of an enclave in debug mode.
const EPcrZero: u64 = 4;
/// A minimum stake, a delay or an age must not be zero.
const EZeroParameter: u64 = 5;
/// The unbonding delay is longer than a year.
const EUnbondingTooLong: u64 = 6;
/// Retire a config first: a cluster has at most 16.
const ETooManyConfigs: u64 = 7;
/// No accepted enclave config has this version.
const EConfigUnknown: u64 = 8;

// === Constants ===

const VERSION: u64 = 1;
const DIGEST_BYTES: u64 = 32;
const PCR_BYTES: u64 = 48;
const CONFIGS_MAX: u64 = 16;
const UNBONDING_MS_MAX: u64 = 365 * 24 * 60 * 60 * 1000;

// === Structs ===

public struct Cluster has key {
    id: UID,
    version: u64,
    config_digest: vector<u8>,
    policy_digest: vector<u8>,
    /// Newest accepted enclave config; versions are never used twice.
    config_version: u64,
    configs: VecMap<u64, EnclaveConfig>,
    document_age_ms_max: u64,
    active: Option<ActiveSession>,
    /// Number of activations so far.
    term: u64,
    stakes: StakeParameters,
    claims: Table<String, NodeClaim>,
    claimed_stakes: Table<ID, String>,
    /// What was slashed. Nothing pays out of it.
    treasury: Balance<SUI>,
}

/// The owner's right over one cluster, named by `cluster`.
public struct ClusterCap has key, store {
    id: UID,
    cluster: ID,
}

/// Measurements of one accepted enclave image: SHA-384, 48 bytes each.
public struct EnclaveConfig has copy, drop, store {
    pcr0: vector<u8>,
    pcr1: vector<u8>,
    pcr2: vector<u8>,
}

/// The one session whose decisions bind. `config_version` is the session's, so that retiring a
/// config can end it.
public struct ActiveSession has copy, drop, store {
    session: ID,
    term: u64,
    config_version: u64,
}

/// Amounts in MIST. Rates are per core and per GiB of claimed capacity.
public struct StakeParameters has copy, drop, store {
    user_min: u64,
    node_min: u64,
    admin_min: u64,
    mist_per_cpu: u64,
    mist_per_gib: u64,
    unbonding_ms: u64,
}

/// A node name held by a stake (`nodes`). `required` is what the stake must keep active, in MIST.
public struct NodeClaim has store {
    name: String,
    stake: ID,
    owner: address,
    node_key: vector<u8>,
    csr_key_hash: vector<u8>,
    cpu_milli: u64,
    memory_mib: u64,
    required: u64,
    jailed: bool,
    claimed_ms: u64,
}

// === Events ===

public struct ClusterCreated has copy, drop {
    cluster: ID,
    config_digest: vector<u8>,
    policy_digest: vector<u8>,
}

public struct ConfigAccepted has copy, drop {
    cluster: ID,
    config_version: u64,
    pcr0: vector<u8>,
    pcr1: vector<u8>,
    pcr2: vector<u8>,
}

public struct ConfigRetired has copy, drop {
    cluster: ID,
    config_version: u64,
}

// === Public functions ===

/// Shares a new cluster whose config 1 is the given PCRs, and returns its capability.
#[allow(lint(share_owned))]
public fun create(
    config_digest: vector<u8>,
    policy_digest: vector<u8>,
    pcr0: vector<u8>,
    pcr1: vector<u8>,
    pcr2: vector<u8>,
    document_age_ms_max: u64,
    user_min: u64,
    node_min: u64,
    admin_min: u64,
    mist_per_cpu: u64,
    mist_per_gib: u64,
    unbonding_ms: u64,
    ctx: &mut TxContext,
): ClusterCap {
    let stakes = StakeParameters {
        user_min,
        node_min,
        admin_min,
        mist_per_cpu,
        mist_per_gib,
        unbonding_ms,
    };
    let (cluster, cap) = new(
        config_digest,
        policy_digest,
        new_config(pcr0, pcr1, pcr2),
        document_age_ms_max,
        stakes,
        ctx,
    );
    transfer::share_object(cluster);
    cap
}

/// Accepts another enclave image under the next config version.
public fun accept_config(
    cluster: &mut Cluster,
    cap: &ClusterCap,
    pcr0: vector<u8>,
    pcr1: vector<u8>,
    pcr2: vector<u8>,
) {
    cluster.assert_cap(cap);
    assert!(cluster.configs.length() < CONFIGS_MAX, ETooManyConfigs);
    cluster.config_version = cluster.config_version + 1;
    cluster.configs.insert(cluster.config_version, new_config(pcr0, pcr1, pcr2));
    event::emit(ConfigAccepted {
        cluster: object::id(cluster),
        config_version: cluster.config_version,
        pcr0,
        pcr1,
        pcr2,
    });
}

/// Withdraws an enclave image: its sessions can no longer register, activate or have decisions
/// verified, and if the active session runs it, no session is active any more.
public fun retire_config(cluster: &mut Cluster, cap: &ClusterCap, version: u64) {
    cluster.assert_cap(cap);
    assert!(cluster.configs.contains(&version), EConfigUnknown);
    cluster.configs.remove(&version);
    if (cluster.active.is_some_and!(|active| active.config_version == version)) {
        cluster.active = option::none();
    };
    event::emit(ConfigRetired { cluster: object::id(cluster), config_version: version });
}

// === Views ===

public fun config_digest(cluster: &Cluster): vector<u8> { cluster.config_digest }

public fun policy_digest(cluster: &Cluster): vector<u8> { cluster.policy_digest }

public fun config_version(cluster: &Cluster): u64 { cluster.config_version }

public fun document_age_ms_max(cluster: &Cluster): u64 { cluster.document_age_ms_max }

public fun is_accepted(cluster: &Cluster, config_version: u64): bool {
    cluster.configs.contains(&config_version)
}

/// The accepted config of that version.
public fun config(cluster: &Cluster, config_version: u64): EnclaveConfig {
    assert!(cluster.is_accepted(config_version), EConfigUnknown);
    *cluster.configs.get(&config_version)
}

public fun term(cluster: &Cluster): u64 { cluster.term }

/// Whether this session is the active one, and its term the active term.
public fun is_active(cluster: &Cluster, session: ID, term: u64): bool {
    cluster.active.is_some_and!(|active| active.session == session && active.term == term)
}

public fun active_session(cluster: &Cluster): Option<ID> {
    cluster.active.map_ref!(|active| active.session)
}

public fun stakes(cluster: &Cluster): StakeParameters { cluster.stakes }

public fun treasury_value(cluster: &Cluster): u64 { cluster.treasury.value() }

public fun has_claim(cluster: &Cluster, name: String): bool { cluster.claims.contains(name) }

/// The claim of that name. Aborts in `sui::dynamic_field` when there is none: ask `has_claim` first.
public fun claim(cluster: &Cluster, name: String): &NodeClaim { cluster.claims.borrow(name) }

/// The node name that a stake holds.
public fun claimed_name(cluster: &Cluster, stake: ID): Option<String> {
    if (cluster.claimed_stakes.contains(stake)) option::some(*cluster.claimed_stakes.borrow(stake))
    else option::none()
}

public fun pcr0(config: &EnclaveConfig): vector<u8> { config.pcr0 }

public fun pcr1(config: &EnclaveConfig): vector<u8> { config.pcr1 }

public fun pcr2(config: &EnclaveConfig): vector<u8> { config.pcr2 }

public fun user_min(stakes: &StakeParameters): u64 { stakes.user_min }

public fun node_min(stakes: &StakeParameters): u64 { stakes.node_min }

public fun admin_min(stakes: &StakeParameters): u64 { stakes.admin_min }

public fun mist_per_cpu(stakes: &StakeParameters): u64 { stakes.mist_per_cpu }

public fun mist_per_gib(stakes: &StakeParameters): u64 { stakes.mist_per_gib }

public fun unbonding_ms(stakes: &StakeParameters): u64 { stakes.unbonding_ms }

public fun claim_stake(claim: &NodeClaim): ID { claim.stake }

public fun claim_owner(claim: &NodeClaim): address { claim.owner }

public fun claim_node_key(claim: &NodeClaim): vector<u8> { claim.node_key }

public fun claim_csr_key_hash(claim: &NodeClaim): vector<u8> { claim.csr_key_hash }

public fun claim_cpu_milli(claim: &NodeClaim): u64 { claim.cpu_milli }

public fun claim_memory_mib(claim: &NodeClaim): u64 { claim.memory_mib }

public fun claim_required(claim: &NodeClaim): u64 { claim.required }

public fun claim_jailed(claim: &NodeClaim): bool { claim.jailed }

public fun claim_claimed_ms(claim: &NodeClaim): u64 { claim.claimed_ms }

// === Package functions ===

public(package) fun new(
    config_digest: vector<u8>,
    policy_digest: vector<u8>,
    config: EnclaveConfig,
    document_age_ms_max: u64,
    stakes: StakeParameters,
    ctx: &mut TxContext,
): (Cluster, ClusterCap) {
    assert!(config_digest.length() == DIGEST_BYTES, EDigestLength);
    assert!(policy_digest.length() == DIGEST_BYTES, EDigestLength);
    assert!(document_age_ms_max > 0, EZeroParameter);
    assert!(stakes.user_min > 0 && stakes.node_min > 0 && stakes.admin_min > 0, EZeroParameter);
    assert!(stakes.unbonding_ms > 0, EZeroParameter);
    assert!(stakes.unbonding_ms <= UNBONDING_MS_MAX, EUnbondingTooLong);
    let mut configs = vec_map::empty();
    configs.insert(1, config);
    let cluster = Cluster {
        id: object::new(ctx),
        version: VERSION,
        config_digest,
        policy_digest,
        config_version: 1,
        configs,
        document_age_ms_max,
        active: option::none(),
        term: 0,
        stakes,
        claims: table::new(ctx),
        claimed_stakes: table::new(ctx),
        treasury: balance::zero(),
    };
    let id = object::id(&cluster);
    event::emit(ClusterCreated { cluster: id, config_digest, policy_digest });
    let EnclaveConfig { pcr0, pcr1, pcr2 } = config;
    event::emit(ConfigAccepted { cluster: id, config_version: 1, pcr0, pcr1, pcr2 });
    (cluster, ClusterCap { id: object::new(ctx), cluster: id })
}

public(package) fun new_config(
    pcr0: vector<u8>,
    pcr1: vector<u8>,
    pcr2: vector<u8>,
): EnclaveConfig {
    vector[pcr0, pcr1, pcr2].do!(|pcr| {
        assert!(pcr.length() == PCR_BYTES, EPcrLength);
        assert!(pcr.any!(|byte| *byte != 0), EPcrZero);
    });
    EnclaveConfig { pcr0, pcr1, pcr2 }
}

public(package) fun assert_version(cluster: &Cluster) {
    assert!(cluster.version == VERSION, EWrongVersion);
}

/// The one check in front of everything an operator may do.
public(package) fun assert_cap(cluster: &Cluster, cap: &ClusterCap) {
    cluster.assert_version();
    assert!(cap.cluster == object::id(cluster), EWrongCap);
}

/// Makes a session the active one under the next term.
public(package) fun set_active(cluster: &mut Cluster, session: ID, config_version: u64): u64 {
    cluster.term = cluster.term + 1;
    cluster.active = option::some(ActiveSession { session, term: cluster.term, config_version });
    cluster.term
}

/// No session is active any more, if it was this one.
public(package) fun clear_active(cluster: &mut Cluster, session: ID) {
    if (cluster.active.is_some_and!(|active| active.session == session)) {
        cluster.active = option::none();
    }
}

public(package) fun add_claim(
    cluster: &mut Cluster,
    name: String,
    stake: ID,
    owner: address,
    node_key: vector<u8>,
    csr_key_hash: vector<u8>,
    cpu_milli: u64,
    memory_mib: u64,
    required: u64,
    claimed_ms: u64,
) {
    cluster.claimed_stakes.add(stake, name);
    let claim = NodeClaim {
        name,
        stake,
        owner,
        node_key,
        csr_key_hash,
        cpu_milli,
        memory_mib,
        required,
        jailed: false,
        claimed_ms,
    };
    cluster.claims.add(name, claim);
}

public(package) fun remove_claim(cluster: &mut Cluster, name: String) {
    let NodeClaim { stake, .. } = cluster.claims.remove(name);
    cluster.claimed_stakes.remove(stake);
}

public(package) fun set_jailed(cluster: &mut Cluster, name: String, jailed: bool) {
    cluster.claims.borrow_mut(name).jailed = jailed;
}

public(package) fun join_treasury(cluster: &mut Cluster, slashed: Balance<SUI>) {
    cluster.treasury.join(slashed);
}

// === Test functions ===

#[test_only]
public fun stakes_for_testing(
    user_min: u64,
    node_min: u64,
    admin_min: u64,
    mist_per_cpu: u64,
    mist_per_gib: u64,
    unbonding_ms: u64,
): StakeParameters {
    StakeParameters { user_min, node_min, admin_min, mist_per_cpu, mist_per_gib, unbonding_ms }
}

#[test_only]
public fun set_version_for_testing(cluster: &mut Cluster, version: u64) {
    cluster.version = version;
}
