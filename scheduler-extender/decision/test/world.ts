import {
  decodeDecisionMessage,
  decodeReceipt,
  ed25519FromSeed,
  policyDigest,
  policySchema,
  SCHEDULER_NAME,
  sha256,
  snapshotDigest,
  StakeRole,
  utf8,
  type ChainSnapshot,
  type NodeClaim,
  type Policy,
  type Session,
  type Signer,
  type Stake,
  type SuiId,
} from '@k3s-daas/core';

import type { Engine } from '../../engine.ts';
import { openDecisionLog } from '../../log/log.ts';
import { MemoryDisk } from '../../log/test/memory-file-system.ts';
import type {
  BindingRequest,
  BindingResult,
  EngineDependencies,
  PodFacts,
  SessionIdentity,
} from '../../ports.ts';
import { createEngine } from '../engine.ts';

export const idOf = (kind: string, number: number): SuiId =>
  `0x${Buffer.from(sha256(utf8(`${kind}-${number}`))).toString('hex')}`;

const CLUSTER = idOf('cluster', 0);
const CLUSTER_KEY = sha256(utf8('a key that nobody asks for'));
const GIB = 1n << 30n;

/** A cluster, a chain and an API server in memory; the API server keeps Kubernetes' rules for bindings. */
export class World {
  nowMs = 1_800_000_000_000;
  synced = true;
  nodesVersion = 1;
  chainAgeMs = 1_000;
  noSnapshot = false;
  identity: SessionIdentity | null = {
    cluster: CLUSTER,
    session: idOf('session', 0),
    term: 1n,
    configVersion: 1n,
  };
  /** Every message that was ever signed, whatever became of it. */
  readonly signed: Uint8Array[] = [];
  signer = this.#recording(ed25519FromSeed(sha256(utf8('a key for tests'))));
  /** Sessions on chain. */
  readonly sessions = new Map<SuiId, Session>();
  policy: Policy;
  readonly nodes = new Map<string, { name: string; uid: string }>();
  readonly stakes = new Map<SuiId, Stake>();
  readonly claims = new Map<string, NodeClaim>();
  /** What the API server holds, by UID. The cache shows the same unless `staleCache` does. */
  readonly pods = new Map<string, PodFacts>();
  readonly staleCache = new Map<string, PodFacts>();
  /** UIDs of pods that the API server has and the cache does not know yet. */
  readonly hidden = new Set<string>();
  readonly serviceAccounts = new Map([['shop/default', 'sa-uid-1']]);
  readonly posted: BindingRequest[] = [];
  /** Answers instead of the API server; after 'applied' the binding has happened all the same. */
  fault: ((request: BindingRequest) => BindingResult | { applied: BindingResult } | undefined) | null = null;
  readFails = false;
  disk = new MemoryDisk();
  /** Bindings on their way: the API server gets them when the clock moves on. */
  readonly late: BindingRequest[] = [];
  #boot = 0;
  #version = 1;
  #snapshot: ChainSnapshot | null = null;

  constructor(options: { operators?: number; nodesEach?: number; policy?: Record<string, unknown> } = {}) {
    const { operators = 4, nodesEach = 2, policy = {} } = options;
    const capacity = { cpuMilli: '100000', memoryBytes: String(400n * GIB) };
    this.policy = policySchema.parse({ capacity, shortlist: 4, ...policy });
    this.#register(idOf('session', 0));
    for (let operator = 0; operator < operators; operator += 1) {
      for (let at = 0; at < nodesEach; at += 1)
        this.addNode(`n${operator}-${at}`, operator, 1000n * BigInt(operator + 1));
    }
  }

  addNode(name: string, operator: number, active: bigint): void {
    const id = idOf(`stake of ${name} by`, operator);
    const owner = idOf('operator', operator);
    this.nodes.set(name, { name, uid: `uid-of-${name}` });
    this.stakes.set(id, { id, owner, role: StakeRole.node, active, unbonding: 0n });
    const nodeKey = sha256(utf8(`key of ${name}`));
    const capacity = { cpuMilli: 4000n, memoryMib: 8192n };
    this.claims.set(name, {
      node: name,
      stake: id,
      owner,
      nodeKey,
      csrKeyHash: nodeKey,
      ...capacity,
      required: 1000n,
      jailed: false,
    });
    this.nodesVersion += 1;
    this.#snapshot = null;
  }

  /** Takes the stake of a node down to this much. */
  setStake(node: string, active: bigint): void {
    const claim = this.claims.get(node);
    const stake = this.stakes.get(claim?.stake ?? '');
    if (stake === undefined) throw new Error(`no stake behind ${node}`);
    this.stakes.set(stake.id, { ...stake, active });
    this.#snapshot = null;
  }

  addPod(uid: string, cpuMilli = 1000n, memoryBytes = GIB): PodFacts {
    const pod: PodFacts = {
      uid,
      namespace: 'shop',
      name: `pod-${uid}`,
      resourceVersion: String((this.#version += 1)),
      schedulerName: SCHEDULER_NAME,
      serviceAccount: 'default',
      specDigest: sha256(utf8(`spec of ${uid}`)),
      requests: { cpuMilli, memoryBytes },
      nodeName: '',
      nominatedNode: '',
      receipt: '',
      phase: 'Pending',
      deleting: false,
    };
    this.pods.set(uid, pod);
    return pod;
  }

  changePod(uid: string, change: Partial<PodFacts>): PodFacts {
    const pod = { ...this.pod(uid), ...change, resourceVersion: String((this.#version += 1)) };
    this.pods.set(uid, pod);
    return pod;
  }

  pod(uid: string): PodFacts {
    const pod = this.pods.get(uid);
    if (pod === undefined) throw new Error(`no pod ${uid}`);
    return pod;
  }

  request(uid: string, node: string): { namespace: string; pod: string; podUid: string; node: string } {
    return { namespace: 'shop', pod: `pod-${uid}`, podUid: uid, node };
  }

  get names(): string[] {
    return [...this.nodes.keys()];
  }

  snapshot(): ChainSnapshot {
    this.#snapshot ??= this.#makeSnapshot();
    return { ...this.#snapshot, checkpointTimestampMs: this.nowMs - this.chainAgeMs };
  }

  dependencies(): EngineDependencies {
    const boot = this.#boot;
    // A process that has crashed sends nothing any more, and nobody answers it.
    const alive = (): Promise<void> =>
      boot === this.#boot ? Promise.resolve() : new Promise(() => undefined);
    return {
      policy: this.policy,
      clock: { now: () => this.nowMs },
      signer: this.signer,
      identity: () => this.identity,
      chain: { current: () => (this.noSnapshot ? null : this.snapshot()), onChange: () => () => undefined },
      kube: this.#view(),
      binder: {
        bind: async (request) => {
          await alive();
          this.posted.push(request);
          const fault = this.fault?.(request);
          if (fault === undefined) return this.#bind(request);
          if (!('applied' in fault)) return fault;
          this.#bind(request);
          return fault.applied;
        },
        read: async (_namespace, _name, uid) => {
          await alive();
          if (this.readFails) throw new Error('connect ECONNREFUSED');
          return this.pods.get(uid) ?? null;
        },
      },
    };
  }

  async start(): Promise<Engine> {
    const log = await openDecisionLog({ path: '/log', fileSystem: this.disk });
    return createEngine({ ...this.dependencies(), log });
  }

  /** Moves the clock; what was on its way arrives first. */
  advance(ms: number): void {
    for (const request of this.late.splice(0)) this.#bind(request);
    this.nowMs += ms;
  }

  /** Filters the pod and binds it to the fairest node. */
  async place(engine: Engine, uid: string): ReturnType<Engine['bind']> {
    const [node = ''] = engine.filter(this.pod(uid), this.names).names;
    return engine.bind(this.request(uid, node));
  }

  /** The next boot is another session, of another key, in the next term. */
  newSession(number: number): void {
    this.signer = this.#recording(ed25519FromSeed(sha256(utf8(`key of session ${number}`))));
    const session = idOf('session', number);
    this.identity = { cluster: CLUSTER, session, term: (this.identity?.term ?? 0n) + 1n, configVersion: 1n };
    this.#register(session);
  }

  /** Changes what the chain says of a node's claim. */
  setClaim(node: string, change: Partial<NodeClaim>): void {
    const claim = this.claims.get(node);
    if (claim === undefined) throw new Error(`nobody claims ${node}`);
    this.claims.set(node, { ...claim, ...change });
    this.#snapshot = null;
  }

  /** Changes what the chain says of a session; null takes it away. */
  setSession(id: SuiId, change: Partial<Session> | null): void {
    const session = this.sessions.get(id);
    if (change === null || session === undefined) this.sessions.delete(id);
    else this.sessions.set(id, { ...session, ...change });
    this.#snapshot = null;
  }

  #register(id: SuiId): void {
    const keys = { decisionKey: this.signer.publicKey, logKey: CLUSTER_KEY, tlsKeyHash: CLUSTER_KEY };
    this.sessions.set(id, { id, configVersion: 1n, revoked: false, ...keys });
    this.#snapshot = null;
  }

  /** Boots again on what a crash at this moment leaves on the disk: all of it, unless told otherwise. */
  async crash(bytes: Uint8Array = this.disk.bytes): Promise<Engine> {
    this.#boot += 1;
    this.disk = new MemoryDisk(bytes.slice());
    return this.start();
  }

  #recording(signer: Signer): Signer {
    return {
      publicKey: signer.publicKey,
      sign: (message) => {
        this.signed.push(message);
        return signer.sign(message);
      },
    };
  }

  #view(): EngineDependencies['kube'] {
    const synced = (): boolean => this.synced;
    const version = (): number => this.nodesVersion;
    const cached = (uid: string): PodFacts | undefined =>
      this.hidden.has(uid) ? undefined : (this.staleCache.get(uid) ?? this.pods.get(uid));
    return {
      get synced() {
        return synced();
      },
      get nodesVersion() {
        return version();
      },
      pod: cached,
      pods: () => this.pods.values(),
      node: (name) => this.nodes.get(name),
      nodes: () => this.nodes.values(),
      serviceAccountUid: (namespace, name) => this.serviceAccounts.get(`${namespace}/${name}`),
    };
  }

  /** The API server's part: UID and version are preconditions, and a bound pod is never bound again. */
  #bind(request: BindingRequest): BindingResult {
    const pod = this.pods.get(request.podUid);
    if (pod === undefined) return { kind: 'refused', status: 404, message: 'pod not found' };
    const { notAfterMs } = decodeDecisionMessage(decodeReceipt(request.receipt).message).payload;
    if (this.nowMs >= Number(notAfterMs))
      return { kind: 'refused', status: 403, message: 'the receipt has expired' };
    if (pod.resourceVersion !== request.resourceVersion)
      return { kind: 'conflict', message: 'the object was modified' };
    if (pod.nodeName !== '') return { kind: 'conflict', message: 'pod is already assigned to a node' };
    this.changePod(request.podUid, { nodeName: request.node, receipt: request.receipt });
    return { kind: 'bound' };
  }

  #makeSnapshot(): ChainSnapshot {
    const content = {
      cluster: {
        id: CLUSTER,
        configDigest: sha256(utf8('config')),
        policyDigest: policyDigest(this.policy),
        configVersion: 1n,
        active: null,
      },
      stakes: new Map(this.stakes),
      claims: new Map(this.claims),
      sessions: new Map(this.sessions),
    };
    return {
      ...content,
      checkpoint: 77n,
      checkpointDigest: sha256(utf8('checkpoint 77')),
      checkpointTimestampMs: this.nowMs,
      digest: snapshotDigest(content),
    };
  }
}
