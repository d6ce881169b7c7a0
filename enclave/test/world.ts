import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';

import { clientCertificateFromCsr, createAuthority } from '@k3s-daas/control-plane';
import {
  configDigest,
  ENCLAVE_USER,
  fromHex,
  parseConfiguration,
  policyDigest,
  SCHEDULER_USER,
  sha256,
  toHex,
  type Bytes,
  type ChainSnapshot,
  type Configuration,
  type EnclaveConfiguration,
  type Session,
  type SuiId,
} from '@k3s-daas/core';
import type { ChainWatcher } from '@k3s-daas/sui-client';
import { pino } from 'pino';

import type { OpenedNsm } from '../boot/nsm.ts';
import type { EnclaveOptions, EnclaveWorld } from '../boot/world.ts';
import type { AttestationReply } from '../http/bootstrap.ts';
import type { GrantedSlot } from '../http/slots.ts';
import {
  createDevelopmentAuthority,
  developmentNsm,
  type AttestationRequest,
  type Nsm,
  type NsmDescription,
} from '../nsm/index.ts';
import { runEnclave, type RunningEnclave } from '../run.ts';
import { TestTime } from './time.ts';

export const CLUSTER = `0x${'11'.repeat(32)}`;
export const SESSION = `0x${'22'.repeat(32)}`;
/** Of a chain of this machine: no public network has it. */
export const CHAIN = 'Wmiwh256NxMGKwSHp1thyBUgCz4PMxCuh2wvpRiziCy';
const PACKAGE = `0x${'44'.repeat(32)}`;
export const ca = await createAuthority('test');
const scheduler = await ca.issue({ commonName: SCHEDULER_USER, usages: ['client'], days: 1 });
const authority = await createDevelopmentAuthority({ clock: { now: () => Date.now() - 86_400_000 } });
export const ROOT = authority.rootCertificateDer;
const pcrOf = (fill: number): Bytes => new Uint8Array(48).fill(fill);
export const PCRS = { 0: pcrOf(1), 1: pcrOf(2), 2: pcrOf(3) };

/** A development NSM whose faults the test chooses. */
export class FaultyNsm implements Nsm {
  kind: Nsm['kind'] = 'development';
  readonly #nsm: Nsm;
  readonly calls: AttestationRequest[] = [];
  /** Runs before each call; what it throws is what the NSM answers. */
  before: (request: AttestationRequest) => void | Promise<void> = () => undefined;
  /** Makes another document of the one that was made. */
  mangle: (document: Bytes, request: AttestationRequest) => Bytes | Promise<Bytes> = (document) => document;

  constructor(nsm: Nsm) {
    this.#nsm = nsm;
  }

  describe(): NsmDescription {
    return this.#nsm.describe();
  }

  random(): Promise<Bytes> {
    return this.#nsm.random();
  }

  async attest(request: AttestationRequest): Promise<Bytes> {
    this.calls.push(request);
    await this.before(request);
    return this.mangle(await this.#nsm.attest(request), request);
  }
}

/** How an NSM keeps its certificates, where it is not as the development NSM does. */
export type NsmHabits = Pick<Parameters<typeof developmentNsm>[0], 'leafLeftMsMin'>;

export async function testNsm(
  time: TestTime,
  pcrs: Readonly<Record<number, Bytes>> = PCRS,
  habits: NsmHabits = {},
): Promise<Nsm> {
  return developmentNsm({
    ...habits,
    authority,
    pcrs: new Map(Object.entries(pcrs).map(([index, pcr]) => [Number(index), pcr])),
    clock: time.nsmClock,
    moduleId: 'i-test-enc1',
  });
}

/** A watcher whose snapshots the test sets. */
export class TestChain implements ChainWatcher {
  #snapshot: ChainSnapshot | null = null;
  readonly #listeners = new Set<(snapshot: ChainSnapshot) => void>();
  readonly synced = Promise.resolve();
  started = false;

  start(): void {
    this.started = true;
  }

  stop(): Promise<void> {
    this.started = false;
    return Promise.resolve();
  }

  current(): ChainSnapshot | null {
    return this.#snapshot;
  }

  onChange(listener: (snapshot: ChainSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  status(): ReturnType<ChainWatcher['status']> {
    return {
      running: this.started,
      polls: 1,
      resyncs: 1,
      divergences: 0,
      inexact: 0,
      failures: 0,
      lastError: null,
    };
  }

  set(snapshot: ChainSnapshot): void {
    this.#snapshot = snapshot;
    for (const listener of [...this.#listeners]) listener(snapshot);
  }
}

/** An API server that has nothing, knows nobody's token, and says so in good order. */
async function emptyApiServer(): Promise<{ url: string; close: () => Promise<void> }> {
  const { certPem: cert, keyPem: key } = await ca.issue({
    commonName: 'api',
    usages: ['server'],
    ips: ['127.0.0.1'],
    days: 1,
  });
  const tls = { cert, key, ca: ca.certPem, requestCert: true, rejectUnauthorized: true };
  const server = createServer(tls, (request, response) => {
    if (request.method === 'POST') {
      response.statusCode = 201;
      response.end(JSON.stringify({ status: { authenticated: false } }));
      return;
    }
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const object = { metadata: { resourceVersion: '10', annotations } };
    response.write(`${JSON.stringify({ type: 'BOOKMARK', object })}\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

/** Everything of one enclave process, over real HTTP. */
export class TestEnclave {
  readonly time = new TestTime();
  readonly chain = new TestChain();
  /** The slots that are on chain, and each lookup of some. */
  readonly slots = new Map<SuiId, GrantedSlot>();
  readonly lookups: (readonly SuiId[])[] = [];
  /** Runs before each lookup; what it throws is what the chain answers. */
  beforeLookup: () => void | Promise<void> = () => undefined;
  readonly dir = mkdtempSync(join(tmpdir(), 'daas-enclave-'));
  /** All that was logged, and all that was answered. */
  logged = '';
  answered = '';
  nsm!: FaultyNsm;
  configuration!: Configuration;
  running!: RunningEnclave;
  readonly #abort = new AbortController();
  #closeApi: () => Promise<void> = () => Promise.resolve();

  /** Prepares NSM, files and API server; nothing runs yet. */
  static async prepare(
    change: { nsm?: NsmHabits; enclave?: object; kubernetes?: object; policy?: object } = {},
  ): Promise<TestEnclave> {
    const test = new TestEnclave();
    test.nsm = new FaultyNsm(await testNsm(test.time, PCRS, change.nsm));
    const api = await emptyApiServer();
    test.#closeApi = api.close;
    writeFileSync(join(test.dir, 'ca.crt'), ca.certPem);
    test.configuration = parseConfiguration({
      apiVersion: 'k3s-daas.io/v1alpha1',
      kind: 'DaaSConfiguration',
      cluster: { id: CLUSTER, package: PACKAGE, chainId: CHAIN },
      chain: { network: 'embedded', url: 'http://127.0.0.1:1' },
      kubernetes: { server: api.url, caFile: 'ca.crt', ...change.kubernetes },
      policy: { capacity: { cpuMilli: 1000, memoryBytes: 1000 }, ...change.policy },
      enclave: {
        listen: { host: '127.0.0.1', port: 0 },
        bootstrap: { host: '127.0.0.1', port: 0 },
        broker: { listen: { host: '127.0.0.1', port: 0 } },
        dataDir: '.',
        clientCaFile: 'ca.crt',
        // The NSM itself is the world's.
        nsm: { kind: 'development', authorityFile: 'unused' },
        ...change.enclave,
      },
    });
    return test;
  }

  async run(world: Partial<EnclaveWorld> = {}): Promise<this> {
    const opened = (): Promise<OpenedNsm> => Promise.resolve({ nsm: this.nsm, trustAnchor: ROOT });
    const lines = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.logged += chunk.toString();
        done();
      },
    });
    const options: EnclaveOptions = {
      configuration: this.configuration,
      enclave: this.configuration.enclave as EnclaveConfiguration,
      path: (relative) => join(this.dir, relative),
      repository: this.dir,
      clock: this.time.clock,
      log: pino({ level: 'trace' }, lines),
      signal: this.#abort.signal,
    };
    this.running = await runEnclave(options, {
      time: this.time,
      openNsm: opened,
      checkEntropy: () => Promise.resolve({ source: 'a test' }),
      watchChain: () => this.chain,
      findSlots: (ids) => this.findSlots(ids),
      ...world,
    });
    return this;
  }

  /** Boots all the way: registers on the test's chain and hands in the Kubernetes certificate. */
  async runToReady(): Promise<this> {
    await this.run();
    const reply = await this.attested();
    this.register(reply);
    await this.certify(reply);
    await this.running.ready;
    return this;
  }

  async findSlots(ids: readonly SuiId[]): Promise<Map<SuiId, GrantedSlot>> {
    this.lookups.push(ids);
    await this.beforeLookup();
    return new Map([...this.slots].filter(([id]) => ids.includes(id)));
  }

  /** The owner of the ClusterCap grants it for an hour. */
  grant(slot: SuiId, change: Partial<GrantedSlot> = {}): void {
    const expiresMs = BigInt(this.time.nsmClock.now() + 3_600_000);
    this.slots.set(slot, { cluster: CLUSTER, expiresMs, ...change });
  }

  /** Waits for the standing document. */
  async attested(): Promise<AttestationReply> {
    await eventually(
      'an attestation',
      async () => (await this.get('/api/v1/tee/attestation')).status === 200,
    );
    return (await this.get('/api/v1/tee/attestation')).json as unknown as AttestationReply;
  }

  register(reply: AttestationReply, change: SnapshotChange = {}): void {
    this.chain.set(this.snapshot(reply, change));
  }

  async certify(reply: AttestationReply): Promise<Reply> {
    const { certPem } = await clientCertificateFromCsr(ca, reply.csrPem, {
      commonName: ENCLAVE_USER,
      days: 1,
    });
    return this.put(certPem);
  }

  put(pem: string, type = 'application/x-pem-file'): Promise<Reply> {
    const path = '/api/v1/tee/kubernetes-certificate';
    return this.#send(path, { method: 'PUT', body: pem, headers: { 'content-type': type } });
  }

  get(path: string): Promise<Reply> {
    return this.#send(path);
  }

  /** Asks the extender over TLS, as kube-scheduler. */
  async tls(path: string, body?: object): Promise<Record<string, unknown>> {
    const port = /"port":(\d+),"msg":"extender serving"/.exec(this.logged)?.[1] ?? '';
    const { certPem: cert, keyPem: key } = scheduler;
    const options = { cert, key, rejectUnauthorized: false, agent: false } as const;
    const request = httpsRequest(`https://127.0.0.1:${port}${path}`, {
      ...options,
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json' },
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    this.answered += text;
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** The code with which a filter call is refused; '' if this enclave decides. */
  async refusal(): Promise<string> {
    const metadata = { name: 'web', namespace: 'shop', uid: '7d1f0a52', resourceVersion: '1' };
    const spec = { containers: [], schedulerName: 'k3s-daas-scheduler', serviceAccountName: 'default' };
    const answer = await this.tls('/scheduler/filter', {
      Pod: { metadata, spec, status: { phase: 'Pending' } },
      Nodes: null,
      NodeNames: ['nowhere'],
    });
    return ((answer['Error'] as string | undefined) ?? '').split(':')[0] ?? '';
  }

  /** Asks the broker as a pod with a forged token does; status and code of its answer, and the key that it shows. */
  async release(): Promise<{ status: number; code: string; message: string; tlsKeyHash: string }> {
    const port = /"port":(\d+),"msg":"broker serving"/.exec(this.logged)?.[1] ?? '';
    const request = httpsRequest(`https://127.0.0.1:${port}/api/v1/releases`, {
      method: 'POST',
      rejectUnauthorized: false,
      agent: false,
      headers: { 'content-type': 'application/json', authorization: 'Bearer a.b.c' },
    });
    request.end(JSON.stringify({ recipient: CLUSTER, policies: [SESSION] }));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (!(response.socket instanceof TLSSocket)) throw new Error('not over TLS');
    const { raw } = response.socket.getPeerCertificate();
    const spki = new X509Certificate(raw).publicKey.export({ format: 'der', type: 'spki' });
    let text = '';
    for await (const chunk of response) text += String(chunk);
    this.answered += text;
    const { code, message } = JSON.parse(text) as { code: string; message: string };
    return { status: response.statusCode ?? 0, code, message, tlsKeyHash: toHex(sha256(spki)) };
  }

  /** What time it is for decisions, by the age that the extender gives the chain's state. */
  async decisionTimeMs(): Promise<number> {
    const health = (await this.tls('/api/v1/health')) as { chain: { ageMs: number } };
    return health.chain.ageMs + (this.chain.current()?.checkpointTimestampMs ?? 0);
  }

  /** Codes in /readyz, or [] when it says 200. */
  async reasons(): Promise<string[]> {
    const { status, json } = await this.get('/readyz');
    const reasons = json['reasons'] as { code: string; message: string }[];
    if ((status === 200) !== (reasons.length === 0)) throw new Error(`status ${status} with other reasons`);
    return reasons.map(({ code }) => code);
  }

  /** The chain as it is when this boot is registered and active, but for what the test changes. */
  snapshot(reply: AttestationReply, change: SnapshotChange = {}): ChainSnapshot {
    const { policy, cluster } = this.configuration;
    const keys = {
      decisionKey: fromHex(reply.decisionKey),
      logKey: fromHex(reply.logKey),
      tlsKeyHash: fromHex(reply.tlsKeyHash),
    };
    const session: Session = { id: SESSION, configVersion: 3n, revoked: false, ...keys, ...change.session };
    const other = { ...session, id: `0x${'55'.repeat(32)}`, decisionKey: new Uint8Array(32) };
    const digest = new Uint8Array(32);
    return {
      checkpoint: 1n,
      checkpointDigest: digest,
      checkpointTimestampMs: this.time.nsmClock.now() - (change.ageMs ?? 0),
      cluster: {
        id: CLUSTER,
        configDigest: configDigest({
          apiServerCaDigest: sha256(new X509Certificate(ca.certPem).raw),
          chainId: cluster.chainId,
          packageId: cluster.package,
          policyDigest: policyDigest(policy),
        }),
        policyDigest: policyDigest(policy),
        configVersion: 3n,
        active: { session: SESSION, term: 7n },
        ...change.cluster,
      },
      stakes: new Map(),
      claims: new Map(),
      sessions: new Map([session, other].map((each) => [each.id, each])),
      digest,
    };
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.running.close();
    await this.#closeApi();
    this.time.close();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #send(path: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(`http://127.0.0.1:${this.running.bootstrapPort}${path}`, init);
    const text = await response.text();
    this.answered += text;
    const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: response.status, headers: response.headers, text, json };
  }
}

/** Waits until `count` more requests have come to servers of this process than when it was called, and are being served. */
export function arrivals(count: number): Promise<void> {
  let left = count;
  return new Promise((resolve) => {
    const seen = (): void => {
      if ((left -= 1) > 0) return;
      unsubscribe('http.server.request.start', seen);
      // Their handlers run after this is told.
      setImmediate(resolve);
    };
    subscribe('http.server.request.start', seen);
  });
}

export interface SnapshotChange {
  readonly session?: Partial<Session>;
  readonly cluster?: Partial<ChainSnapshot['cluster']>;
  /** Age of the snapshot, ms. */
  readonly ageMs?: number;
}

/** Waits until it is so; it must become so within a minute of real time, which a busy machine may need. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
