/** A chain in memory for tests: the real port, real keys and signatures, data of the test. */
import {
  DecisionKind,
  ed25519FromSeed,
  encodeDecisionMessage,
  encodeReceipt,
  sha256,
  snapshotDigest,
  StakeRole,
  utf8,
  type ChainSnapshot,
  type ChainView,
  type Clock,
  type ClusterState,
  type Decision,
  type NodeClaim,
  type Session,
  type Signer,
  type Stake,
} from '@k3s-daas/core';

import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import type { BoundPod, ClusterFacts, SealedSecret, SecretsMode } from '../sealed/facts.ts';

export const id = (byte: string): string => `0x${byte.repeat(32)}`;
const digest = (text: string): Uint8Array => sha256(utf8(text));

export const CLUSTER = id('c1');
export const PACKAGE = id('dd');
const SESSION = id('5e');
const TERM = 3n;
const POLICY_DIGEST = digest('policy');
export const STAKE_1 = id('a1');
export const STAKE_2 = id('a2');
const OWNER = id('0e');

/** The enclave's decision key, and another one that nobody registered. */
export const enclaveKey: Signer = ed25519FromSeed(digest('enclave'));
export const strangerKey: Signer = ed25519FromSeed(digest('stranger'));

export function stake(stakeId: string, change: Partial<Stake> = {}): Stake {
  return { id: stakeId, owner: OWNER, role: StakeRole.node, active: 1_000n, unbonding: 0n, ...change };
}

export function claim(node: string, stakeId: string, change: Partial<NodeClaim> = {}): NodeClaim {
  return {
    node,
    stake: stakeId,
    owner: OWNER,
    nodeKey: digest(`key ${node}`),
    csrKeyHash: digest(`csr ${node}`),
    cpuMilli: 4_000n,
    memoryMib: 16_384n,
    required: 1_000n,
    jailed: false,
    ...change,
  };
}

export interface WorldState {
  readonly cluster: ClusterState;
  readonly stakes: readonly Stake[];
  readonly claims: readonly NodeClaim[];
  readonly sessions: readonly Session[];
}

export const session: Session = {
  id: SESSION,
  configVersion: 1n,
  decisionKey: enclaveKey.publicKey,
  logKey: digest('log key'),
  tlsKeyHash: digest('tls key'),
  revoked: false,
};

/** Cluster with an active session, n1 and n2 claimed and staked. */
export const healthy: WorldState = {
  cluster: {
    id: CLUSTER,
    configDigest: digest('config'),
    policyDigest: POLICY_DIGEST,
    configVersion: 1n,
    active: { session: SESSION, term: TERM },
  },
  stakes: [stake(STAKE_1), stake(STAKE_2)],
  claims: [claim('n1', STAKE_1), claim('n2', STAKE_2)],
  sessions: [session],
};

export class MemoryChain implements ChainView {
  #snapshot: ChainSnapshot | null = null;
  #checkpoint = 0n;
  #going: { readonly clock: Clock; readonly ageMs: number } | null = null;
  readonly #listeners = new Set<(snapshot: ChainSnapshot) => void>();

  current(): ChainSnapshot | null {
    if (this.#snapshot === null || this.#going === null) return this.#snapshot;
    const { clock, ageMs } = this.#going;
    return { ...this.#snapshot, checkpointTimestampMs: clock.now() - ageMs };
  }

  onChange(listener: (snapshot: ChainSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes a new checkpoint of this state, the last one. */
  set(state: WorldState, timestampMs: number): void {
    this.#going = null;
    this.#make(state, timestampMs);
  }

  /** Makes a new checkpoint of this state; the chain goes on in it, and what is known of it is always `ageMs` old. */
  goOn(state: WorldState, clock: Clock, ageMs = 0): void {
    this.#going = { clock, ageMs };
    this.#make(state, clock.now() - ageMs);
  }

  #make(state: WorldState, timestampMs: number): void {
    const content = {
      cluster: state.cluster,
      stakes: new Map(state.stakes.map((entry) => [entry.id, entry])),
      claims: new Map(state.claims.map((entry) => [entry.node, entry])),
      sessions: new Map(state.sessions.map((entry) => [entry.id, entry])),
    };
    this.#snapshot = {
      ...content,
      checkpoint: ++this.#checkpoint,
      checkpointDigest: digest(`checkpoint ${this.#checkpoint}`),
      checkpointTimestampMs: timestampMs,
      digest: snapshotDigest(content),
    };
    for (const listener of this.#listeners) listener(this.#snapshot);
  }

  forget(): void {
    this.#snapshot = null;
  }
}

export interface Placement {
  readonly podUid: string;
  readonly namespace: string;
  readonly pod: string;
  readonly node: string;
}

/** A decision of the active session on n1, with this much of it changed. */
export function decide(placement: Placement, nowMs: number, change: Partial<Decision> = {}): Decision {
  return {
    cluster: CLUSTER,
    session: SESSION,
    term: TERM,
    configVersion: 1n,
    sequence: 7n,
    previous: digest('previous'),
    kind: DecisionKind.bind,
    ...placement,
    serviceAccount: 'default',
    serviceAccountUid: '7c5a0a52-3f0e-4d8f-9d5b-0b7f3f4f5a11',
    podSpecDigest: digest('spec'),
    nodeUid: '0f8fad5b-d9cb-469f-a165-70867728950e',
    nodeKeyHash: sha256(digest(`key ${placement.node}`)),
    stake: placement.node === 'n2' ? STAKE_2 : STAKE_1,
    notAfterMs: BigInt(nowMs + 10_000),
    policyDigest: POLICY_DIGEST,
    checkpoint: 1n,
    checkpointDigest: digest('checkpoint 1'),
    snapshotDigest: digest('snapshot'),
    inputDigest: digest('input'),
    feasibleDigest: digest('feasible'),
    ...change,
  };
}

/** The annotation's text. */
export function sign(decision: Decision, timestampMs: number, key: Signer = enclaveKey): string {
  const message = encodeDecisionMessage(BigInt(timestampMs), decision);
  return encodeReceipt({ message, signature: key.sign(message) });
}

/** Three key servers, threshold two, as the embedded default has them. */
export const sealSettings: SealSettings = {
  cluster: CLUSTER,
  package: PACKAGE,
  broker: 'https://broker.example:9444',
  relay: 'http://relay.example:9445',
  chain: { chainId: '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S', urls: ['http://chain.example:9000'] },
  keyServers: ['b1', 'b2', 'b3'].map((byte) => ({ objectId: id(byte), weight: 1 })),
  threshold: 2,
  image: `registry.example/seal-fetch@sha256:${'5e'.repeat(32)}`,
};

const path = (namespace: string, name: string): string => `${namespace}/${name}`;

/** The cluster in memory: what is not there is not found, and namespaces are of mode `references` unless set. */
export class MemoryFacts implements ClusterFacts {
  readonly modes = new Map<string, SecretsMode>();
  /** By `namespace/name`; a Denied is what looking it up throws. */
  readonly secrets = new Map<string, SealedSecret | Denied>();
  readonly pods = new Map<string, BoundPod>();
  readonly expected: string[] = [];
  /** Set: every look-up fails with it, or never ends. */
  failure: Error | 'hangs' | null = null;
  /** Why it would be stale. */
  news: string | null = null;

  async mode(namespace: string): Promise<SecretsMode> {
    await this.#fail();
    return this.modes.get(namespace) ?? 'references';
  }

  async secret(namespace: string, name: string): Promise<SealedSecret> {
    await this.#fail();
    const found = this.secrets.get(path(namespace, name));
    if (found instanceof Denied) throw found;
    if (found === undefined)
      throw new Denied('SECRET_NOT_FOUND', `there is no Secret ${path(namespace, name)}`, 'create it first');
    return found;
  }

  async pod(namespace: string, name: string): Promise<BoundPod | null> {
    await this.#fail();
    return this.pods.get(path(namespace, name)) ?? null;
  }

  expectChange(namespace: string, secret: string): void {
    this.expected.push(path(namespace, secret));
  }

  stale(): string | null {
    return this.news;
  }

  async #fail(): Promise<void> {
    if (this.failure === 'hangs') await new Promise(() => undefined);
    if (this.failure instanceof Error) throw this.failure;
    await Promise.resolve();
  }
}
