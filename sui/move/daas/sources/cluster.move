/// The shared root of one installation. Every other object names its `Cluster`, and wherever two of
/// them meet their clusters are compared. What an operator may do needs the `ClusterCap` made
/// together with the cluster; once `govern` has been called, terms, images and slashing need a vote
/// of the stakers as well (`governance`).
///
/// The object holds only its version: the state is a `ClusterInner` of that version, so that a later
/// package can change its shape (`migrate`) and an older package cannot touch it any more. What lives
/// inside the `Cluster` (claims, tiers) is defined here, because Move's modules form no cycles; the
/// rules over it are in `staking`, `nodes`, `enclaves`, `access_pass` and `governance`.
module k3s_daas::cluster;

use k3s_daas::parameters::{Parameters, Tier};
use std::string::String;
use sui::balance::{Self, Balance};
use sui::event;
use sui::sui::SUI;
use sui::table::{Self, Table};
use sui::vec_map::{Self, VecMap};
use sui::versioned::{Self, Versioned};

// === Errors ===

/// The cluster belongs to another version of this package: call the newest one, or `migrate` first.
const EWrongVersion: u64 = 0;
/// The capability belongs to another cluster.
const EWrongCap: u64 = 1;
/// A digest must have 32 bytes.
const EDigestLength: u64 = 2;
/// A PCR must have 48 bytes (SHA-384).
const EPcrLength: u64 = 3;
/// A PCR of zeros is that of an enclave in debug mode.
const EPcrZero: u64 = 4;
/// Retire a config first: a cluster has at most 16.
const ETooManyConfigs: u64 = 5;
/// No accepted enclave config has this version.
const EConfigUnknown: u64 = 6;
/// The stakers govern this cluster: propose it in `governance`.
const EGoverned: u64 = 7;
/// A cluster has at most 16 tiers.
const ETooManyTiers: u64 = 8;
/// No tier has this name.
const ETierUnknown: u64 = 9;
/// The name of a tier has 1 to 63 bytes.
const ETierName: u64 = 10;
/// The cluster is already of this package's version.
const EMigrated: u64 = 11;

// === Constants ===

/// Version of the package and of `ClusterInner`.
const VERSION: u64 = 1;
const DIGEST_BYTES: u64 = 32;
const PCR_BYTES: u64 = 48;
const CONFIGS_MAX: u64 = 16;
const TIERS_MAX: u64 = 16;
const TIER_NAME_BYTES_MAX: u64 = 63;

// === Structs ===

public struct Cluster has key {
    id: UID,
    inner: Versioned,
}

public struct ClusterInner has store {
    config_digest: vector<u8>,
    policy_digest: vector<u8>,
    /// Newest accepted enclave config; versions are never used twice.
    config_version: u64,
    configs: VecMap<u64, EnclaveConfig>,
    active: Option<ActiveSession>,
    /// Number of activations so far.
    term: u64,
    parameters: Parameters,
    /// Whether terms, images and slashing need a vote. Never false again once true.
    governed: bool,
    claims: Table<String, NodeClaim>,
    claimed_stakes: Table<ID, String>,
    /// Names that were given up while a certificate for them was still valid, and until when.
    reserved: Table<String, u64>,
    tiers: VecMap<String, Tier>,
    /// Sums over all positions of the cluster, in MIST.
    active_total: u64,
    unbonding_total: u64,
    /// What was slashed, and lost deposits. Nothing pays out of it.
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
    /// When the last certificate issued for the name ends; 0 until one was issued.
    certificate_until_ms: u64,
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

public struct ParametersChanged has copy, drop {
    cluster: ID,
    parameters: Parameters,
}

public struct Governed has copy, drop {
    cluster: ID,
}

public struct TierSet has copy, drop {
    cluster: ID,
    name: String,
    tier: Tier,
}

public struct TierRemoved has copy, drop {
    cluster: ID,
    name: String,
}

public struct Migrated has copy, drop {
    cluster: ID,
    from_version: u64,
    to_version: u64,
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
    parameters: Parameters,
    ctx: &mut TxContext,
): ClusterCap {
    let config = new_config(pcr0, pcr1, pcr2);
    let (cluster, cap) = new(config_digest, policy_digest, config, parameters, ctx);
    transfer::share_object(cluster);
    cap
}

/// Accepts another enclave image under the next config version. In a governed cluster that takes a
/// vote too: `governance::execute_config`.
public fun accept_config(
    cluster: &mut Cluster,
    cap: &ClusterCap,
    pcr0: vector<u8>,
    pcr1: vector<u8>,
    pcr2: vector<u8>,
) {
    cluster.assert_cap(cap);
    cluster.assert_ungoverned();
    cluster.add_config(new_config(pcr0, pcr1, pcr2));
}

/// Withdraws an enclave image: its sessions can no longer register, activate or have decisions
/// verified, and if the active session runs it, no session is active any more. Needs no vote even
/// in a governed cluster: it only takes trust away.
public fun retire_config(cluster: &mut Cluster, cap: &ClusterCap, version: u64) {
    cluster.assert_cap(cap);
    let inner = cluster.inner_mut();
    assert!(inner.configs.contains(&version), EConfigUnknown);
    inner.configs.remove(&version);
    if (inner.active.is_some_and!(|active| active.config_version == version)) {
        inner.active = option::none();
    };
    event::emit(ConfigRetired { cluster: object::id(cluster), config_version: version });
}

/// Sets new terms. Claims and passes keep what was asked of them when they were made.
public fun set_parameters(cluster: &mut Cluster, cap: &ClusterCap, parameters: Parameters) {
    cluster.assert_cap(cap);
    cluster.assert_ungoverned();
    cluster.change_parameters(parameters);
}

/// Hands terms, images and slashing over to the stakers, for good: from here on the capability
/// alone does none of these. It still retires images, activates sessions, jails nodes and revokes.
public fun govern(cluster: &mut Cluster, cap: &ClusterCap) {
    cluster.assert_cap(cap);
    cluster.assert_ungoverned();
    cluster.inner_mut().governed = true;
    event::emit(Governed { cluster: object::id(cluster) });
}

/// Sets what passes of this name are issued for (`access_pass`). Passes issued before keep their groups
/// until they are renewed.
public fun set_tier(cluster: &mut Cluster, cap: &ClusterCap, name: String, tier: Tier) {
    cluster.assert_cap(cap);
    assert!(!name.is_empty() && name.length() <= TIER_NAME_BYTES_MAX, ETierName);
    let tiers = &mut cluster.inner_mut().tiers;
    if (tiers.contains(&name)) { tiers.remove(&name); };
    assert!(tiers.length() < TIERS_MAX, ETooManyTiers);
    tiers.insert(name, tier);
    event::emit(TierSet { cluster: object::id(cluster), name, tier });
}

/// Issues no more passes of this name.
public fun remove_tier(cluster: &mut Cluster, cap: &ClusterCap, name: String) {
    cluster.assert_cap(cap);
    let tiers = &mut cluster.inner_mut().tiers;
    assert!(tiers.contains(&name), ETierUnknown);
    tiers.remove(&name);
    event::emit(TierRemoved { cluster: object::id(cluster), name });
}

/// Brings a cluster of an older version up to this package's; from then on older packages cannot
/// touch it. As it stands this suits a version that keeps the shape of `ClusterInner`; one that
/// changes it builds its own from the old one here.
public fun migrate(cluster: &mut Cluster, cap: &ClusterCap) {
    assert!(cap.cluster == object::id(cluster), EWrongCap);
    let from_version = cluster.inner.version();
    assert!(from_version < VERSION, EMigrated);
    let (inner, change) = cluster.inner.remove_value_for_upgrade<ClusterInner>();
    cluster.inner.upgrade(VERSION, inner, change);
    event::emit(Migrated { cluster: object::id(cluster), from_version, to_version: VERSION });
}

// === Views ===

/// Version of the package that the cluster works with.
public fun version(cluster: &Cluster): u64 { cluster.inner.version() }

public fun config_digest(cluster: &Cluster): vector<u8> { cluster.inner().config_digest }

public fun policy_digest(cluster: &Cluster): vector<u8> { cluster.inner().policy_digest }

public fun config_version(cluster: &Cluster): u64 { cluster.inner().config_version }

public fun is_accepted(cluster: &Cluster, config_version: u64): bool {
    cluster.inner().configs.contains(&config_version)
}

/// The accepted config of that version.
public fun config(cluster: &Cluster, config_version: u64): EnclaveConfig {
    assert!(cluster.is_accepted(config_version), EConfigUnknown);
    *cluster.inner().configs.get(&config_version)
}

public fun term(cluster: &Cluster): u64 { cluster.inner().term }

/// Whether this session is the active one, and its term the active term.
public fun is_active(cluster: &Cluster, session: ID, term: u64): bool {
    cluster.inner().active.is_some_and!(|active| active.session == session && active.term == term)
}

public fun active_session(cluster: &Cluster): Option<ID> {
    cluster.inner().active.map_ref!(|active| active.session)
}

public fun parameters(cluster: &Cluster): Parameters { cluster.inner().parameters }

public fun is_governed(cluster: &Cluster): bool { cluster.inner().governed }

/// Active stake of all positions, in MIST: the electorate of `governance`.
public fun active_total(cluster: &Cluster): u64 { cluster.inner().active_total }

/// Unbonding stake of all positions, in MIST.
public fun unbonding_total(cluster: &Cluster): u64 { cluster.inner().unbonding_total }

public fun treasury_value(cluster: &Cluster): u64 { cluster.inner().treasury.value() }

public fun has_claim(cluster: &Cluster, name: String): bool {
    cluster.inner().claims.contains(name)
}

/// The claim of that name. Aborts in `sui::dynamic_field` when there is none: ask `has_claim` first.
public fun claim(cluster: &Cluster, name: String): &NodeClaim {
    cluster.inner().claims.borrow(name)
}

/// The node name that a stake holds.
public fun claimed_name(cluster: &Cluster, stake: ID): Option<String> {
    let claimed = &cluster.inner().claimed_stakes;
    if (claimed.contains(stake)) option::some(*claimed.borrow(stake)) else option::none()
}

/// Until when a name that was given up stays reserved; 0 if it is not.
public fun reserved_until_ms(cluster: &Cluster, name: String): u64 {
    let reserved = &cluster.inner().reserved;
    if (reserved.contains(name)) *reserved.borrow(name) else 0
}

/// The tier of that name.
public fun tier(cluster: &Cluster, name: String): Tier {
    let tiers = &cluster.inner().tiers;
    assert!(tiers.contains(&name), ETierUnknown);
    *tiers.get(&name)
}

public fun cap_cluster(cap: &ClusterCap): ID { cap.cluster }

public fun pcr0(config: &EnclaveConfig): vector<u8> { config.pcr0 }

public fun pcr1(config: &EnclaveConfig): vector<u8> { config.pcr1 }

public fun pcr2(config: &EnclaveConfig): vector<u8> { config.pcr2 }

public fun claim_stake(claim: &NodeClaim): ID { claim.stake }

public fun claim_owner(claim: &NodeClaim): address { claim.owner }

public fun claim_node_key(claim: &NodeClaim): vector<u8> { claim.node_key }

public fun claim_csr_key_hash(claim: &NodeClaim): vector<u8> { claim.csr_key_hash }

public fun claim_cpu_milli(claim: &NodeClaim): u64 { claim.cpu_milli }

public fun claim_memory_mib(claim: &NodeClaim): u64 { claim.memory_mib }

public fun claim_required(claim: &NodeClaim): u64 { claim.required }

public fun claim_jailed(claim: &NodeClaim): bool { claim.jailed }

public fun claim_claimed_ms(claim: &NodeClaim): u64 { claim.claimed_ms }

public fun claim_certificate_until_ms(claim: &NodeClaim): u64 { claim.certificate_until_ms }

// === Package functions ===

public(package) fun new(
    config_digest: vector<u8>,
    policy_digest: vector<u8>,
    config: EnclaveConfig,
    parameters: Parameters,
    ctx: &mut TxContext,
): (Cluster, ClusterCap) {
    assert!(config_digest.length() == DIGEST_BYTES, EDigestLength);
    assert!(policy_digest.length() == DIGEST_BYTES, EDigestLength);
    let id = object::new(ctx);
    let inner = ClusterInner {
        config_digest,
        policy_digest,
        config_version: 0,
        configs: vec_map::empty(),
        active: option::none(),
        term: 0,
        parameters,
        governed: false,
        claims: table::new(ctx),
        claimed_stakes: table::new(ctx),
        reserved: table::new(ctx),
        tiers: vec_map::empty(),
        active_total: 0,
        unbonding_total: 0,
        treasury: balance::zero(),
    };
    let mut cluster = Cluster { id, inner: versioned::create(VERSION, inner, ctx) };
    let cap = ClusterCap { id: object::new(ctx), cluster: object::id(&cluster) };
    event::emit(ClusterCreated { cluster: cap.cluster, config_digest, policy_digest });
    event::emit(ParametersChanged { cluster: cap.cluster, parameters });
    cluster.add_config(config);
    (cluster, cap)
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

/// Every function that changes anything calls this, most of them through `inner`.
public(package) fun assert_version(cluster: &Cluster) {
    assert!(cluster.inner.version() == VERSION, EWrongVersion);
}

/// The one check in front of everything an operator may do.
public(package) fun assert_cap(cluster: &Cluster, cap: &ClusterCap) {
    cluster.assert_version();
    assert!(cap.cluster == object::id(cluster), EWrongCap);
}

/// In front of what the capability alone may do only until the stakers govern.
public(package) fun assert_ungoverned(cluster: &Cluster) {
    assert!(!cluster.is_governed(), EGoverned);
}

public(package) fun add_config(cluster: &mut Cluster, config: EnclaveConfig) {
    let inner = cluster.inner_mut();
    assert!(inner.configs.length() < CONFIGS_MAX, ETooManyConfigs);
    inner.config_version = inner.config_version + 1;
    let config_version = inner.config_version;
    inner.configs.insert(config_version, config);
    let EnclaveConfig { pcr0, pcr1, pcr2 } = config;
    event::emit(ConfigAccepted { cluster: object::id(cluster), config_version, pcr0, pcr1, pcr2 });
}

public(package) fun change_parameters(cluster: &mut Cluster, parameters: Parameters) {
    cluster.inner_mut().parameters = parameters;
    event::emit(ParametersChanged { cluster: object::id(cluster), parameters });
}

/// Makes a session the active one under the next term.
public(package) fun set_active(cluster: &mut Cluster, session: ID, config_version: u64): u64 {
    let inner = cluster.inner_mut();
    inner.term = inner.term + 1;
    inner.active = option::some(ActiveSession { session, term: inner.term, config_version });
    inner.term
}

/// No session is active any more, if it was this one.
public(package) fun clear_active(cluster: &mut Cluster, session: ID) {
    let inner = cluster.inner_mut();
    if (inner.active.is_some_and!(|active| active.session == session)) {
        inner.active = option::none();
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
    let inner = cluster.inner_mut();
    inner.claimed_stakes.add(stake, name);
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
        certificate_until_ms: 0,
    };
    inner.claims.add(name, claim);
}

public(package) fun remove_claim(cluster: &mut Cluster, name: String) {
    let inner = cluster.inner_mut();
    let NodeClaim { stake, .. } = inner.claims.remove(name);
    inner.claimed_stakes.remove(stake);
}

public(package) fun set_jailed(cluster: &mut Cluster, name: String, jailed: bool) {
    cluster.inner_mut().claims.borrow_mut(name).jailed = jailed;
}

public(package) fun set_certificate(cluster: &mut Cluster, name: String, until_ms: u64) {
    cluster.inner_mut().claims.borrow_mut(name).certificate_until_ms = until_ms;
}

public(package) fun reserve(cluster: &mut Cluster, name: String, until_ms: u64) {
    cluster.inner_mut().reserved.add(name, until_ms);
}

/// Frees a reserved name.
public(package) fun unreserve(cluster: &mut Cluster, name: String) {
    cluster.inner_mut().reserved.remove(name);
}

/// Keeps the sums: a position's active and unbonding stake went from the first two amounts to the
/// last two.
public(package) fun restate(
    cluster: &mut Cluster,
    active_before: u64,
    unbonding_before: u64,
    active_after: u64,
    unbonding_after: u64,
) {
    let inner = cluster.inner_mut();
    inner.active_total = inner.active_total - active_before + active_after;
    inner.unbonding_total = inner.unbonding_total - unbonding_before + unbonding_after;
}

public(package) fun join_treasury(cluster: &mut Cluster, lost: Balance<SUI>) {
    cluster.inner_mut().treasury.join(lost);
}

// === Private functions ===

fun inner(cluster: &Cluster): &ClusterInner {
    cluster.assert_version();
    cluster.inner.load_value()
}

fun inner_mut(cluster: &mut Cluster): &mut ClusterInner {
    cluster.assert_version();
    cluster.inner.load_value_mut()
}

// === Test functions ===

/// BCS of the inner state: the value of the dynamic field that `sui::versioned` keeps it in.
#[test_only]
public fun inner_bytes_for_testing(cluster: &Cluster): vector<u8> {
    sui::bcs::to_bytes(cluster.inner())
}

/// Makes the cluster one of a later version of the package.
#[test_only]
public fun set_version_for_testing(cluster: &mut Cluster, version: u64) {
    let (inner, change) = cluster.inner.remove_value_for_upgrade<ClusterInner>();
    cluster.inner.upgrade(version, inner, change);
}

/// The cluster again, as one of any version, and under another id: `sui::versioned` goes forward only.
#[test_only]
public fun remake_for_testing(
    cluster: Cluster,
    cap: ClusterCap,
    version: u64,
    ctx: &mut TxContext,
): (Cluster, ClusterCap) {
    let Cluster { id, inner } = cluster;
    id.delete();
    let ClusterCap { id, .. } = cap;
    id.delete();
    let inner: ClusterInner = inner.destroy();
    let id = object::new(ctx);
    let cluster = Cluster { id, inner: versioned::create(version, inner, ctx) };
    let cap = ClusterCap { id: object::new(ctx), cluster: object::id(&cluster) };
    (cluster, cap)
}
