/** A real control plane with the real webhook before it and sealed Secrets in it; only the chain is one in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  renderAdmissionConfiguration,
  renderOverlay,
  serveWebhook,
  startClusterFacts,
  type Webhook,
  type WebhookConfigInput,
  type WebhookTls,
  type WatchedFacts,
} from '@k3s-daas/admission-webhook';
import {
  createAuthority,
  ensureControlPlane,
  freePorts,
  nodeManifest,
  startControlPlane,
  type Authority,
  type ControlPlane,
  type KeyedCertificatePem,
} from '@k3s-daas/control-plane';
import { RECEIPT_ANNOTATION, SCHEDULER_NAME, SECRETS_MODE_LABEL, systemClock } from '@k3s-daas/core';
import { z } from 'zod';

import { kubeConfigFrom, silentLog } from '../../../admission-webhook/test/outside.ts';
import {
  CLUSTER,
  decide,
  healthy,
  MemoryChain,
  PACKAGE,
  sealSettings,
  sign,
} from '../../../admission-webhook/test/world.ts';
import { offlineSealConfig } from '../../../sui/seal/testdata/offline.ts';
import { send, verdictOf, type Answer, type Call, type Credentials } from '../http.ts';
import { writeChain } from './chain-file.ts';
import { sealedSecret, type SecretManifest, type SealParts } from './secrets.ts';

/** Asks for sealed secrets of every workload. */
export const APP = 'app';
/** The same, of another tenant. */
export const OTHER = 'other';
/** Label `references`: whatever is referenced is sealed. */
export const LOOSE = 'loose';
export const ACCOUNT = 'api';
export const IMAGE = `registry.example/app@sha256:${'a1'.repeat(32)}`;
export const STALE_MS = 30_000;
const API_CLIENT = 'k3s-daas:api-server';
const WAIT_MS_MAX = 60_000;
/** What a busy machine may need; the API server waits for 5 s. */
const LOOKUP_MS_MAX = 4_000;
export const MANIFESTS = resolve(import.meta.dirname, '../../../manifests/base');

export interface Person {
  readonly user: string;
  readonly groups?: readonly string[];
}
export const admin: Person = { user: 'sealed-admin', groups: ['system:masters'] };
/** Has every right within the namespaces APP, OTHER and LOOSE, and may write namespaces themselves. */
export const tenant: Person = { user: 'tenant' };
export const enclave: Person = { user: 'k3s-daas:enclave' };
export const kubelet = (node: string): Person => ({ user: `system:node:${node}`, groups: ['system:nodes'] });

export const PATCHES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

const podSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), namespace: z.string(), uid: z.string() }),
  spec: z.looseObject({
    nodeName: z.string().default(''),
    schedulerName: z.string().default(''),
    volumes: z.array(z.looseObject({ name: z.string() })).default([]),
    initContainers: z.array(z.looseObject({ name: z.string(), image: z.string() })).default([]),
    containers: z.array(z.looseObject({ name: z.string(), image: z.string() })),
  }),
});
export type Pod = z.infer<typeof podSchema>;

export interface PodParts {
  readonly metadata?: object;
  readonly spec?: object;
}

/** A pod without any secret. */
export function plainPod(name: string, { metadata = {}, spec = {} }: PodParts = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: {
      schedulerName: SCHEDULER_NAME,
      terminationGracePeriodSeconds: 0,
      containers: [mainContainer()],
      ...spec,
    },
  };
}

export function mainContainer(more: object = {}): object {
  const resources = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: '200m', memory: '128Mi' } };
  return { name: 'main', image: IMAGE, resources, ...more };
}

export const fromSecret = (name = 'db', key = 'password'): object => ({
  name: 'PASSWORD',
  valueFrom: { secretKeyRef: { name, key } },
});

/** A pod as everyone writes it: a variable from Secret `db`, which is sealed for its service account. */
export function sealedPod(name: string, { metadata = {}, spec = {} }: PodParts = {}): object {
  return plainPod(name, {
    metadata,
    spec: { serviceAccountName: ACCOUNT, containers: [mainContainer({ env: [fromSecret()] })], ...spec },
  });
}

export interface WebhookSetup {
  /** Folder with what the chain says (chain-file.ts). */
  readonly dir: string;
  readonly port: number;
  /** Path of the kubeconfig of k3s-daas:webhook. */
  readonly kubeconfig: string;
  readonly config: WebhookConfigInput;
  readonly tls: WebhookTls;
}

export class SealedWorld {
  readonly chain = new MemoryChain();
  readonly dir: string;
  readonly seal = offlineSealConfig({ cluster: CLUSTER, packageId: PACKAGE });
  readonly #clients = new Map<string, Promise<KeyedCertificatePem>>();
  readonly #log = silentLog();
  readonly authority: Authority;
  #plane: ControlPlane | undefined;
  #webhook: Webhook | undefined;
  #facts: WatchedFacts | undefined;
  #port = 0;
  #count = 0;

  private constructor(dir: string, authority: Authority) {
    this.dir = dir;
    this.authority = authority;
  }

  static async start(): Promise<SealedWorld> {
    const dir = await mkdtemp(join(tmpdir(), 'daas-sealed-'));
    const world = new SealedWorld(dir, await createAuthority('webhook-ca'));
    try {
      await world.#start();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  get plane(): ControlPlane {
    if (this.#plane === undefined) throw new Error('not started');
    return this.#plane;
  }

  get webhookUrl(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** A new name, so that no request is refused for a name that is taken. */
  name(prefix: string): string {
    return `${prefix}-${(this.#count += 1)}`;
  }

  async stop(): Promise<void> {
    await this.#facts?.close();
    await this.#plane?.stop();
    await this.#webhook?.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  credentials({ user, groups = [] }: Person): Promise<KeyedCertificatePem> {
    const key = JSON.stringify([user, groups]);
    const known = this.#clients.get(key);
    const client = known ?? this.plane.issueClient({ commonName: user, organizations: groups });
    this.#clients.set(key, client);
    return client;
  }

  async api(by: Person | Credentials, path: string, call: Call): Promise<Answer> {
    const credentials = 'user' in by ? await this.credentials(by) : by;
    return send(`${this.plane.apiServerUrl}${path}`, this.plane.caPem, credentials, call);
  }

  /** What the API server makes of a request, in a word (verdict.ts of http.ts, and the codes of our policies). */
  async attempt(by: Person | Credentials, path: string, call: Call): Promise<string> {
    const answer = await this.api(by, path, call);
    const policy = /denied request: ([A-Z_]+): /.exec(answer.text);
    return answer.status >= 300 && policy !== null ? (policy[1] ?? '') : verdictOf(answer);
  }

  create(by: Person, path: string, body: object): Promise<string> {
    return this.attempt(by, path, { method: 'POST', body });
  }

  patch(by: Person, path: string, type: string, body: unknown): Promise<string> {
    const query = type === PATCHES.apply ? '?fieldManager=attack&force=true' : '';
    return this.attempt(by, `${path}${query}`, { method: 'PATCH', type, body });
  }

  /** As the administrator; must be accepted. */
  async must(path: string, call: Call): Promise<unknown> {
    const answer = await this.api(admin, path, call);
    if (answer.status >= 300) throw new Error(`${call.method} ${path}: ${answer.text}`);
    return JSON.parse(answer.text) as unknown;
  }

  get(path: string): Promise<unknown> {
    return this.must(path, { method: 'GET' });
  }

  /** A Secret whose every value is a genuine Seal ciphertext. */
  secret(name: string, parts: SealParts = {}): Promise<SecretManifest> {
    return sealedSecret(this.seal, name, { namespace: APP, serviceAccount: ACCOUNT, ...parts });
  }

  /** What would be stored of a pod, with all that admission and the API server fill in. */
  async stored(body: object, namespace = APP): Promise<Pod> {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    return podSchema.parse(await this.must(path, { method: 'POST', body }));
  }

  async createPod(body: object, namespace = APP): Promise<Pod> {
    return podSchema.parse(await this.must(`/api/v1/namespaces/${namespace}/pods`, { method: 'POST', body }));
  }

  async pod(name: string, namespace = APP): Promise<Pod> {
    return podSchema.parse(await this.get(`/api/v1/namespaces/${namespace}/pods/${name}`));
  }

  /** Places a pod on a node as the enclave does. */
  async bind({ metadata: { name, namespace, uid } }: Pod, node = 'n1'): Promise<Pod> {
    this.setChain();
    const receipt = this.receipt({ name, namespace, uid }, node);
    const verdict = await this.attempt(enclave, `/api/v1/namespaces/${namespace}/pods/${name}/binding`, {
      method: 'POST',
      body: binding({ name, namespace, uid }, node, receipt),
    });
    if (verdict !== 'accepted') throw new Error(`binding ${name}: ${verdict}`);
    return this.pod(name, namespace);
  }

  /** A receipt of the active session's key, as of `ageMs` ago. */
  receipt(
    pod: { readonly name: string; readonly namespace: string; readonly uid: string },
    node: string,
    change: Parameters<typeof decide>[2] = {},
    { key, ageMs = 0 }: { readonly key?: Parameters<typeof sign>[2]; readonly ageMs?: number } = {},
  ): string {
    const then = Date.now() - ageMs;
    const placement = { podUid: pod.uid, namespace: pod.namespace, pod: pod.name, node };
    return sign(decide(placement, then, change), then, key);
  }

  /** What the chain says from now on; without arguments, that all is well. */
  setChain(state = healthy, ageMs = 0): void {
    this.chain.goOn(state, systemClock, ageMs);
    writeChain(this.dir, { state, ageMs });
  }

  /** Ends the webhook; `startWebhook` brings it back on the same port. */
  async stopWebhook(): Promise<void> {
    await this.#webhook?.close();
    this.#webhook = undefined;
  }

  async startWebhook(): Promise<void> {
    if (this.#facts === undefined) throw new Error('not started');
    const { port, config, tls } = await this.webhookSetup();
    const known = { chain: this.chain, facts: this.#facts, clock: systemClock, log: this.#log };
    this.#webhook = await serveWebhook({ port, config, tls, ...known, host: '127.0.0.1' });
  }

  /** The webhook starts anew, and remembers nothing of the cluster. */
  async restartWebhook(): Promise<void> {
    await this.stopWebhook();
    await this.#facts?.close();
    await this.#startFacts();
    await this.startWebhook();
  }

  async #startFacts(): Promise<void> {
    const kubeConfig = kubeConfigFrom(await this.plane.kubeconfig({ commonName: 'k3s-daas:webhook' }));
    this.#facts = startClusterFacts({
      kubeConfig,
      seal: this.#settings(),
      clock: systemClock,
      log: this.#log,
      readMsMax: LOOKUP_MS_MAX,
    });
  }

  /** What a webhook of this world needs, in this process or another. */
  async webhookSetup(): Promise<WebhookSetup> {
    const days = 1;
    const server = await this.authority.issue({
      commonName: 'webhook',
      usages: ['server'],
      ips: ['127.0.0.1'],
      days,
    });
    return {
      dir: this.dir,
      port: this.#port,
      kubeconfig: await this.plane.kubeconfig({ commonName: 'k3s-daas:webhook' }),
      config: {
        allowedClients: [API_CLIENT],
        receiptLifetimeMs: 10_000,
        stakeSnapshotAgeMsMax: STALE_MS,
        drainMs: 0,
        lookupMsMax: LOOKUP_MS_MAX,
        seal: this.#settings(),
      },
      tls: { ...server, clientCaPem: this.authority.certPem },
    };
  }

  #settings(): typeof sealSettings {
    const keyServers = this.seal.keyServers.map(({ objectId, weight }) => ({ objectId, weight }));
    return {
      ...sealSettings,
      cluster: CLUSTER,
      package: PACKAGE,
      keyServers,
      threshold: this.seal.threshold,
    };
  }

  async #start(): Promise<void> {
    const [port = 0] = await freePorts(1);
    this.#port = port;
    const client = await this.authority.issue({ commonName: API_CLIENT, usages: ['client'], days: 1 });
    const configuration = await renderAdmissionConfiguration({
      dir: join(this.dir, 'admission'),
      webhookUrl: `${this.webhookUrl}/validate`,
      cert: client.certPem,
      key: client.keyPem,
    });
    this.#plane = await startControlPlane({
      binaries: await ensureControlPlane(),
      dir: join(this.dir, 'control-plane'),
      scheduler: false,
      kwok: false,
      flags: {
        apiServer: [`--admission-control-config-file=${configuration}`],
        // No kubelet tells of these nodes, and nobody shall miss them: pods would be evicted in the middle of the attacks.
        controllerManager: ['--node-monitor-grace-period=24h'],
      },
    });
    await this.#plane.kubectl(['apply', '-f', join(MANIFESTS, 'rbac.yaml')]);
    await this.#tenancies();
    this.setChain();
    await this.#startFacts();
    await this.startWebhook();
    await this.register();
    await this.#populate();
  }

  /** Applies what `daas up` and a real cluster apply; with another base, what they would of that one. */
  async apply(base = MANIFESTS): Promise<void> {
    const dir = join(this.dir, 'overlay');
    const webhookUrl = `${this.webhookUrl}/validate`;
    await renderOverlay({ dir, webhookUrl, webhookCaPem: this.authority.certPem, base });
    await this.plane.kubectl(['apply', '-k', dir]);
  }

  /** `apply`, and waits until it is in force. */
  async register(): Promise<void> {
    await this.apply();
    await until('the webhook to be asked', async () => {
      const path = `/api/v1/namespaces/${APP}/pods?dryRun=All`;
      const verdict = await this.create(admin, path, plainPod('probe'));
      const mode = { metadata: { name: 'probe', labels: { [SECRETS_MODE_LABEL]: 'wrong' } } };
      const policy = await this.create(admin, '/api/v1/namespaces?dryRun=All', mode);
      return verdict === 'SECRETS_REQUIRED' && policy === 'NAMESPACE_MODE_WRONG' ? true : undefined;
    });
  }

  /** What is there before anything is guarded: namespaces, people, and a plain Secret from before. */
  async #tenancies(): Promise<void> {
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: tenant.user }];
    const roleRef = (name: string): object => ({
      apiGroup: 'rbac.authorization.k8s.io',
      kind: 'ClusterRole',
      name,
    });
    const post = (path: string, body: object): Promise<unknown> => this.must(path, { method: 'POST', body });
    await post(`${rbac}/clusterroles`, {
      metadata: { name: 'writes-namespaces' },
      rules: [
        {
          apiGroups: [''],
          resources: ['namespaces', 'namespaces/status', 'namespaces/finalize'],
          verbs: ['get', 'create', 'update', 'patch'],
        },
      ],
    });
    await post(`${rbac}/clusterrolebindings`, {
      metadata: { name: 'tenant-writes-namespaces' },
      roleRef: roleRef('writes-namespaces'),
      subjects,
    });
    for (const name of [APP, OTHER, LOOSE]) {
      const labels = name === LOOSE ? { [SECRETS_MODE_LABEL]: 'references' } : {};
      await post('/api/v1/namespaces', { metadata: { name, labels } });
      await post(`${rbac}/namespaces/${name}/rolebindings`, {
        metadata: { name: 'tenant' },
        roleRef: roleRef('cluster-admin'),
        subjects,
      });
      await post(`/api/v1/namespaces/${name}/serviceaccounts`, { metadata: { name: ACCOUNT } });
      const stringData = { password: 'plain' };
      await post(`/api/v1/namespaces/${name}/secrets`, { metadata: { name: 'old' }, stringData });
      await until(`the service account of ${name}`, async () => {
        const path = `/api/v1/namespaces/${name}/serviceaccounts/default`;
        const { status } = await this.api(admin, path, { method: 'GET' });
        return status === 200 ? true : undefined;
      });
    }
    await post(`/api/v1/namespaces/${APP}/serviceaccounts`, {
      metadata: { name: 'puller' },
      imagePullSecrets: [{ name: 'old' }],
    });
  }

  /** Sealed Secrets and nodes, all by the ways that are open to everyone. */
  async #populate(): Promise<void> {
    for (const namespace of [APP, OTHER, LOOSE]) {
      await this.must(`/api/v1/namespaces/${namespace}/secrets`, {
        method: 'POST',
        body: await this.secret('db', { namespace, values: { password: 's3cret', user: 'app' } }),
      });
    }
    for (const name of ['n1', 'n2']) await this.createNode(name);
  }

  /** As its kubelet. */
  async createNode(name: string): Promise<void> {
    const body = nodeManifest({ name, cpu: '8', memory: '16Gi', pods: '50' });
    const verdict = await this.create(kubelet(name), '/api/v1/nodes', body);
    if (verdict !== 'accepted') throw new Error(`node ${name}: ${verdict}`);
  }
}

interface Target {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

export function binding({ name, namespace, uid }: Target, node: string, receipt?: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: {
      name,
      namespace,
      uid,
      ...(receipt === undefined ? {} : { annotations: { [RECEIPT_ANNOTATION]: receipt } }),
    },
    target: { apiVersion: 'v1', kind: 'Node', name: node },
  };
}

export async function until<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  const deadline = systemClock.now() + WAIT_MS_MAX;
  for (;;) {
    const result = await attempt();
    if (result !== undefined) return result;
    if (systemClock.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await sleep(100);
  }
}
