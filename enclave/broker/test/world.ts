import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { once } from 'node:events';
import { Writable } from 'node:stream';

import { createAuthority } from '@k3s-daas/control-plane';
import {
  BROKER_AUDIENCE,
  encodeFetchPlan,
  podFacts,
  RECEIPT_ANNOTATION,
  SCHEDULER_NAME,
  type FetchPlan,
  type PodFacts,
} from '@k3s-daas/core';
import type { Engine, KubeClient, KubeRequest, KubeResponse, Reason } from '@k3s-daas/scheduler-extender';
import { pino } from 'pino';

import { idOf, World } from '../../../scheduler-extender/decision/test/world.ts';
import { serveBroker, type BrokerServer } from '../server.ts';

export const TOKEN = 'aGVhZA.Ym9keQ.c2lnbmF0dXJl';
export const RECIPIENT = `0x${'ab'.repeat(32)}`;
export const policyOf = (number: number): string => `0x${number.toString(16).padStart(64, '0')}`;
export const digestOf = (number: number): string => number.toString(16).padStart(64, '0');

/** The plan of a pod with one Secret under each policy, as it stands in a spec. Nothing in it needs doubling. */
export function planText(policies: readonly string[], changed: Partial<FetchPlan> = {}): string {
  return encodeFetchPlan({
    cluster: idOf('cluster', 0),
    package: idOf('package', 0),
    broker: 'https://127.0.0.1:1',
    relay: 'http://127.0.0.1:2',
    chain: { chainId: 'chain', urls: ['http://127.0.0.1:3'] },
    keyServers: [{ objectId: idOf('key server', 0), weight: 1 }],
    threshold: 1,
    refreshSeconds: 0,
    secrets: policies.map((policy, at) => ({
      name: `s${at}`,
      policy,
      version: '1',
      keys: [{ key: 'k', sha256: digestOf(at) }],
    })),
    files: [],
    env: [],
    ...changed,
  });
}

/** The init container that a sealed pod begins with. */
export const sealFetch = (plan: string): Record<string, unknown> => ({
  name: 'seal-fetch',
  image: `registry.example/fetch@sha256:${digestOf(2)}`,
  env: [{ name: 'DAAS_PLAN', value: plan }],
});
/** What a pod is planned for unless a test says otherwise. */
const PLANNED = planText(Array.from({ length: 16 }, (_, at) => policyOf(at)));

const ca = await createAuthority('test');
const own = await ca.issue({ commonName: 'broker', usages: ['server'], ips: ['127.0.0.1'], days: 1 });

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface Ask {
  readonly body?: unknown;
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  readonly path?: string;
  readonly method?: string;
}

interface PodJson {
  metadata: Record<string, unknown>;
  spec: Record<string, unknown>;
  status: Record<string, unknown>;
}

interface Review {
  authenticated?: boolean;
  error?: string;
  audiences?: string[];
  user?: { username: string; uid: string; extra?: Record<string, string[]> };
}

/** A broker over real TLS, a real engine, and an API server that says what the test wants. */
export class BrokerWorld {
  readonly world = new World();
  engine!: Engine;
  server!: BrokerServer;
  logged = '';
  /** What the API server was asked. */
  readonly asked: KubeRequest[] = [];
  readonly pods = new Map<string, PodJson>();
  /** What the API server says of a token. */
  review: Review = {};
  /** Instead of the API server's own answer. */
  answer: ((request: KubeRequest) => Promise<KubeResponse | undefined> | KubeResponse | undefined) | null =
    null;
  reasons: Reason[] = [];
  monotonicMs = 0;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  static async start(releasesPerMinuteMax = 600): Promise<BrokerWorld> {
    const here = new BrokerWorld();
    here.engine = await here.world.start();
    await here.#serve(releasesPerMinuteMax);
    return here;
  }

  /** The process ends; another session finds the log. */
  async restart(session: number): Promise<void> {
    await this.server.close();
    await this.engine.close();
    this.world.newSession(session);
    this.engine = await this.world.crash();
    await this.#serve(600);
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.server.close();
    await this.engine.close();
  }

  /** Makes a pod, and has the engine bind it. The token is that of this pod then. */
  async place(name: string, containers: object[] = [], spec: object = {}): Promise<string> {
    const uid = `uid-of-${name}`;
    const json = {
      metadata: { uid, namespace: 'shop', name, resourceVersion: '1' },
      spec: {
        schedulerName: SCHEDULER_NAME,
        serviceAccountName: 'default',
        initContainers: [sealFetch(PLANNED)],
        containers: [{ name: 'main', image: `registry.example/app@sha256:${digestOf(1)}` }, ...containers],
        ...spec,
      },
      status: { phase: 'Pending' },
    };
    this.pods.set(uid, json);
    this.world.pods.set(uid, podFacts(json));
    const [node = ''] = this.engine.filter(podFacts(json), this.world.names).names;
    const bound = await this.engine.bind({ namespace: 'shop', pod: name, podUid: uid, node });
    if (!bound.bound) throw new Error(bound.message);
    this.authenticate(uid);
    return uid;
  }

  /** The API server knows the token as this pod's. */
  authenticate(uid: string): void {
    const { namespace, name, nodeName } = this.facts(uid);
    this.review = {
      authenticated: true,
      audiences: [BROKER_AUDIENCE],
      user: {
        username: `system:serviceaccount:${namespace}:default`,
        uid: 'sa-uid-1',
        extra: {
          'authentication.kubernetes.io/pod-name': [name],
          'authentication.kubernetes.io/pod-uid': [uid],
          'authentication.kubernetes.io/node-name': [nodeName],
        },
      },
    };
  }

  facts(uid: string): PodFacts {
    return this.world.pod(uid);
  }

  /** The Pod as the API server shows it. */
  json(uid: string): PodJson {
    const json = this.pods.get(uid);
    if (json === undefined) throw new Error(`no pod ${uid}`);
    const { nodeName, receipt } = this.facts(uid);
    return {
      metadata: { annotations: { [RECEIPT_ANNOTATION]: receipt }, ...json.metadata },
      spec: { nodeName, ...json.spec },
      status: { ...json.status },
    };
  }

  async ask(ask: Ask = {}): Promise<Answer> {
    const { token = TOKEN, body = { recipient: RECIPIENT, policies: [policyOf(1)] } } = ask;
    const content = typeof body === 'string' ? body : JSON.stringify(body);
    const request = httpsRequest({
      host: '127.0.0.1',
      port: this.server.port,
      path: ask.path ?? '/api/v1/releases',
      method: ask.method ?? 'POST',
      agent: this.#agent,
      ca: ca.certPem,
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(content),
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...ask.headers,
      },
    });
    request.end(content);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    const json = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: response.statusCode ?? 0, headers: response.headers, text, json };
  }

  /** Status and code of an answer. */
  async verdict(ask: Ask = {}): Promise<string> {
    const { status, json } = await this.ask(ask);
    return status === 200 ? '200' : `${status} ${String(json['code'])}`;
  }

  /** A bare TLS connection. */
  options(): { host: string; port: number; ca: string } {
    return { host: '127.0.0.1', port: this.server.port, ca: ca.certPem };
  }

  async #serve(releasesPerMinuteMax: number): Promise<void> {
    const lines = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.logged += chunk.toString();
        done();
      },
    });
    this.server = await serveBroker({
      client: this.#client(),
      engine: this.engine,
      cluster: { id: idOf('cluster', 0), package: idOf('package', 0) },
      signer: this.world.signer,
      clock: { now: () => this.world.nowMs },
      identity: () => this.world.identity,
      readiness: () => ({ ready: this.reasons.length === 0, reasons: this.reasons }),
      monotonic: () => this.monotonicMs,
      releasesPerMinuteMax,
      tls: { cert: own.certPem, key: own.keyPem },
      host: '127.0.0.1',
      port: 0,
      log: pino({ level: 'trace' }, lines),
    });
  }

  #client(): Pick<KubeClient, 'request'> {
    return {
      request: async (request) => {
        this.asked.push(request);
        return (await this.answer?.(request)) ?? this.#apiServer(request);
      },
    };
  }

  #apiServer({ method, path, body }: KubeRequest): KubeResponse {
    if (method === 'POST' && path === '/apis/authentication.k8s.io/v1/tokenreviews') {
      const { token } = (body as { spec: { token: string } }).spec;
      const status = token === TOKEN ? this.review : { error: 'invalid bearer token' };
      return { status: 201, body: { kind: 'TokenReview', spec: (body as { spec: object }).spec, status } };
    }
    const name = /^\/api\/v1\/namespaces\/shop\/pods\/([^/]+)$/.exec(path)?.[1];
    const found = [...this.pods].find(([, { metadata }]) => metadata['name'] === name);
    if (method !== 'GET' || found === undefined) return { status: 404, body: { kind: 'Status' } };
    return { status: 200, body: this.json(found[0]) };
  }
}
