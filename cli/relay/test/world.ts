import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Test } from 'tap';

import {
  DecisionKind,
  encodeDecisionMessage,
  encodeReleaseMessage,
  enclaveUserData,
  fromHex,
  generateEd25519,
  parseConfiguration,
  receiptDigest,
  sha256,
  toBase64,
  utf8,
  type Bytes,
  type ChainView,
  type Decision,
  type Receipt,
  type Release,
  type RelayConfiguration,
  type Signer,
  type SuiId,
} from '@k3s-daas/core';
import { developmentNsm } from '@k3s-daas/enclave';
import {
  addressOf,
  connectChain,
  createSealPolicy,
  generateAccount,
  grantSlot,
  registerAndActivate,
  stakeAndClaim,
  watchChain,
  type Actor,
  type PolicyTerms,
} from '@k3s-daas/sui-client';

import {
  authority,
  chain,
  chainId,
  clock,
  funded,
  newCluster,
  packageId,
  PCRS,
  url,
} from '../../registrar/test/world.ts';
import { Books } from '../books.ts';
import { RelayMetrics } from '../metrics.ts';
import { Relay } from '../relay.ts';
import type { RELAY_LIMITS } from '../serve.ts';
import { serveRelay } from '../serve.ts';

export { chain, clock, closeWorld, FEE, funded, packageId, sentBy, url } from '../../registrar/test/world.ts';

const HOUR_MS = 3_600_000n;
const SUBJECT = { namespace: 'app', serviceAccount: 'api', serviceAccountUid: null };
export const log = { info: () => undefined, warn: () => undefined };

let lastMs = 0;

/** What an enclave signs is later each time. */
function moment(): bigint {
  lastMs = Math.max(lastMs + 1, clock.now());
  return BigInt(lastMs);
}

export interface Signed {
  readonly message: Bytes;
  readonly signature: Bytes;
}

/** A cluster with a live enclave, one node behind one stake, and the account that owns everything. */
export class Scene {
  readonly actor: Actor;
  readonly cluster: SuiId;
  readonly cap: SuiId;
  readonly digest: Bytes;
  readonly nodeKey: Signer = generateEd25519();
  key: Signer = generateEd25519();
  session: SuiId = '';
  term = 0n;
  position: SuiId = '';
  #sequence = 0n;

  private constructor(made: Awaited<ReturnType<typeof newCluster>>) {
    this.actor = made.actor;
    this.cluster = made.cluster;
    this.cap = made.cap;
    this.digest = made.digest;
  }

  static async create(): Promise<Scene> {
    const scene = new Scene(await newCluster());
    await scene.boot();
    const { position } = await stakeAndClaim(scene.actor, {
      cluster: scene.cluster,
      amount: 5_000n,
      nodeKey: scene.nodeKey,
      name: 'n1',
      csrKeyHash: sha256(utf8('csr')),
      cpuMilli: 4_000n,
      memoryMib: 8_192n,
    });
    scene.position = position;
    return scene;
  }

  get owned() {
    return { cluster: this.cluster, cap: this.cap };
  }

  /** Another enclave takes over, with another key. */
  async boot(): Promise<void> {
    this.key = generateEd25519();
    const keys = { logKey: generateEd25519().publicKey, tlsKeyHash: sha256(utf8('tls')) };
    const { slot } = await grantSlot(this.actor, this.owned, {
      registrar: addressOf(this.actor.signer),
      configVersion: 1n,
      expiresMs: BigInt(clock.now() + 60_000),
    });
    const nsm = await developmentNsm({
      authority,
      pcrs: PCRS,
      clock,
      moduleId: 'i-0123456789abcdef0-enc0123456789abcdef',
    });
    const document = await nsm.attest({
      nonce: fromHex(slot.slice(2)),
      publicKey: this.key.publicKey,
      userData: enclaveUserData({
        cluster: this.cluster,
        configDigest: this.digest,
        decisionKey: this.key.publicKey,
        ...keys,
      }),
    });
    const { session, term } = await registerAndActivate(this.actor, this.owned, { slot, document, ...keys });
    this.session = session;
    this.term = term;
  }

  async policy(change: Partial<PolicyTerms> = {}, subject = SUBJECT): Promise<SuiId> {
    return (await createSealPolicy(this.actor, this.cluster, subject, { ...this.terms(), ...change })).policy;
  }

  terms(): PolicyTerms {
    return {
      configVersions: [1n],
      stakeMin: 0n,
      nodes: [],
      notBeforeMs: 0n,
      notAfterMs: BigInt(clock.now()) + 1_000n * HOUR_MS,
      usesMax: 1_000n,
      renewalsMax: 3n,
      grantMs: 600_000n,
      imageDigests: [],
    };
  }

  /** The receipt of a pod, which stays the same unless its decision is changed. */
  receipt(podUid: string, change: Partial<Decision> = {}, key = this.key): Receipt {
    const made: Decision = {
      cluster: this.cluster,
      session: this.session,
      term: this.term,
      configVersion: 1n,
      sequence: (this.#sequence += 1n),
      previous: sha256(),
      kind: DecisionKind.bind,
      podUid,
      namespace: SUBJECT.namespace,
      pod: podUid,
      serviceAccount: SUBJECT.serviceAccount,
      serviceAccountUid: 'uid-of-api',
      podSpecDigest: sha256(utf8('spec')),
      node: 'n1',
      nodeUid: 'uid-of-n1',
      nodeKeyHash: sha256(this.nodeKey.publicKey),
      stake: this.position,
      notAfterMs: BigInt(clock.now() + 10_000),
      policyDigest: sha256(utf8('policy')),
      checkpoint: 1n,
      checkpointDigest: sha256(utf8('checkpoint')),
      snapshotDigest: sha256(utf8('snapshot')),
      inputDigest: sha256(utf8('input')),
      feasibleDigest: sha256(utf8('feasible')),
      ...change,
    };
    return sign(key, encodeDecisionMessage(moment(), made));
  }

  release(
    of: {
      readonly receipt: Receipt;
      readonly podUid: string;
      readonly policy: SuiId;
      readonly recipient: SuiId;
    },
    change: Partial<Release> = {},
    key = this.key,
  ): Signed {
    const now = moment();
    const made: Release = {
      cluster: this.cluster,
      session: this.session,
      receiptDigest: receiptDigest(of.receipt),
      podUid: of.podUid,
      policy: of.policy,
      recipient: of.recipient,
      imageDigests: [],
      notAfterMs: BigInt(clock.now()) + 60_000n,
      ...change,
    };
    return sign(key, encodeReleaseMessage(now, made));
  }

  /** What a pod sends: its receipt, and a release for each policy. */
  ask(policies: readonly SuiId[], pod: Partial<Pod> = {}): Ask {
    const { podUid = `pod-${(count += 1)}`, recipient = newAddress() } = pod;
    const receipt = pod.receipt ?? this.receipt(podUid, pod.decision);
    const releases = policies.map((policy) => ({
      policy,
      ...this.release({ receipt, podUid, policy, recipient }, pod.release),
    }));
    return { podUid, recipient, receipt, releases };
  }
}

let count = 0;

/** Moves the clock of chain and relay, and waits until the relay has seen the chain at that time. */
export async function advance({ relay }: Pick<TestRelay, 'relay'>, ms: number): Promise<void> {
  clock.aheadMs += ms;
  for (;;) {
    try {
      relay.requireReady();
      return;
    } catch {
      await sleep(20);
    }
  }
}

export interface Pod {
  readonly podUid: string;
  readonly recipient: SuiId;
  readonly receipt: Receipt;
  readonly decision: Partial<Decision>;
  readonly release: Partial<Release>;
}

export interface Ask {
  readonly podUid: string;
  readonly recipient: SuiId;
  readonly receipt: Signed;
  readonly releases: readonly (Signed & { readonly policy: SuiId })[];
}

export function newAddress(): SuiId {
  return addressOf(generateAccount());
}

export function sign(key: Signer, message: Bytes): Signed {
  return { message, signature: key.sign(message) };
}

/** The JSON of a request. */
export function bodyOf({ receipt, releases }: Pick<Ask, 'receipt' | 'releases'>) {
  const text = ({ message, signature }: Signed) => ({
    message: toBase64(message),
    signature: toBase64(signature),
  });
  return {
    receipt: text(receipt),
    releases: releases.map(({ policy, ...signed }) => ({ policy, ...text(signed) })),
  };
}

/** What stands between the relay and its Sui node. */
export interface Way {
  /** Names of methods that were asked, in order. */
  readonly asked: string[];
  /** Called before a request goes on; what it throws is what the relay sees. */
  before: (method: string) => Promise<void> | void;
  /** Called when the node has answered. */
  after: (method: string) => Promise<void> | void;
}

export interface TestRelay {
  readonly url: string;
  readonly relay: Relay;
  readonly books: Books;
  readonly actor: Actor;
  readonly address: SuiId;
  readonly way: Way;
  readonly file: string;
  close(): Promise<void>;
  post(body: unknown): Promise<Reply>;
}

export interface Reply {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: {
    readonly code?: string;
    readonly message?: string;
    readonly remedy?: string;
    readonly abort?: string;
    readonly grants?: readonly {
      readonly policy: SuiId;
      readonly grant: SuiId;
      readonly expiresMs: string;
    }[];
    readonly transaction?: string;
  };
}

type Section = Pick<RelayConfiguration, 'batchMs' | 'batchMax' | 'budget'>;

export interface TestRelayOptions {
  readonly budget?: Partial<RelayConfiguration['budget']>;
  readonly batchMs?: number;
  readonly limits?: Partial<typeof RELAY_LIMITS>;
  /** Goes on with the books and the coin of another. */
  readonly after?: TestRelay;
  readonly view?: Pick<ChainView, 'current'>;
}

/** A relay of the scene's cluster on a free port, until the test ends. */
export async function startTestRelay(
  t: Test,
  scene: Scene,
  options: TestRelayOptions = {},
): Promise<TestRelay> {
  const dir = await mkdtemp(join(tmpdir(), 'daas-relay-'));
  const file = options.after?.file ?? join(dir, 'relay.json');
  const way: Way = { asked: [], before: () => undefined, after: () => undefined };
  const connected = connectChain({ url, chainId, fetch: throughWay(way), attemptsMax: 1 });
  const signer = options.after?.actor.signer ?? (await funded());
  const actor: Actor = { client: connected.client, signer, packageId };
  const address = addressOf(signer);
  const section = sectionOf(options);
  const { budget } = section;
  const books = await Books.open({
    file,
    cluster: scene.cluster,
    address,
    budget,
    clock,
    newState: false,
    hasHistory: () => Promise.resolve(false),
  });
  const metrics = new RelayMetrics();
  // Its own way to the chain, so that what the relay itself asks can be counted and broken.
  const watcher = watchChain({ chain, packageId, clusterId: scene.cluster, clock, log, pollMs: 50 });
  const relay = new Relay({
    relay: section,
    actor,
    view: options.view ?? watcher,
    chainAgeMsMax: 30_000,
    books,
    clock,
    log,
    metrics,
    lookMs: 500,
  });
  const server = await serveRelay({
    relay,
    host: '127.0.0.1',
    port: 0,
    budget,
    metrics,
    gauges: () => ({ left: books.left, balance: null }),
    clock,
    log,
    limits: options.limits ?? {},
  });
  watcher.start();
  await watcher.synced;
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await server.close();
    await watcher.stop();
  };
  t.teardown(async () => {
    await close();
    await rm(dir, { recursive: true, force: true });
  });
  return {
    url: server.url,
    relay,
    books,
    actor,
    address,
    way,
    file,
    close,
    post: (body) => post(server.url, body),
  };
}

function sectionOf({ budget, batchMs = 20 }: TestRelayOptions): Section {
  const id = `0x${'11'.repeat(32)}`;
  const { relay } = parseConfiguration({
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'DaaSConfiguration',
    cluster: { id, package: id, chainId },
    chain: { network: 'embedded', url },
    kubernetes: { server: 'https://127.0.0.1', caFile: 'ca.crt' },
    policy: { capacity: { cpuMilli: '1', memoryBytes: '1' } },
    relay: { listen: { host: '127.0.0.1', port: 0 }, suiKeyFile: 'key', stateFile: 'state' },
  });
  if (relay === undefined) throw new Error('the section was given');
  // Beyond what a configuration may say: simulations of what shall share a transaction take seconds on a busy machine.
  return { ...relay, batchMs, budget: { ...relay.budget, ...budget } };
}

function throughWay(way: Way): typeof fetch {
  return async (input, init) => {
    const address = input instanceof Request ? input.url : String(input);
    const method = address.split('/').at(-1) ?? '';
    way.asked.push(method);
    await way.before(method);
    const response = await fetch(input, init);
    // Read whole before it is let through or lost.
    const body = await response.arrayBuffer();
    await way.after(method);
    return new Response(body, response);
  };
}

async function post(base: string, body: unknown): Promise<Reply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${base}/api/v1/access`, { method: 'POST', headers, body: text });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    body: (await response.json()) as Reply['body'],
  };
}
