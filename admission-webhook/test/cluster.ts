/** A real control plane with the webhook of this folder in front of it, set up as `daas up` and a real cluster do. */
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { SECRETS_MODE_LABEL, systemClock, WEBHOOK_USER } from '@k3s-daas/core';
import {
  createAuthority,
  ensureControlPlane,
  startControlPlane,
  type Authority,
  type ControlPlane,
  type ControlPlaneOptions,
  type KeyedCertificatePem,
} from '@k3s-daas/control-plane';
import { KubeConfig } from '@kubernetes/client-node';
import { pino, type Logger } from 'pino';
import { Registry } from 'prom-client';

import {
  renderAdmissionConfiguration,
  renderOverlay,
  serveWebhook,
  startClusterFacts,
  type SealSettings,
  type WatchedFacts,
  type Webhook,
  type WebhookOptions,
} from '../index.ts';
import { lookupFailed } from '../denied.ts';
import { healthy, MemoryChain, sealSettings, type WorldState } from './world.ts';

const API_CLIENT = 'k3s-daas:api-server';
export const SNAPSHOT_AGE_MS_MAX = 30_000;
/** What a busy machine may need; the API server waits for 5 s. */
const LOOKUP_MS_MAX = 4_000;

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface ApiCall {
  readonly user: string;
  readonly groups?: readonly string[];
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
}

export const kubelet = (node: string): Pick<ApiCall, 'user' | 'groups'> => ({
  user: `system:node:${node}`,
  groups: ['system:nodes'],
});
export const admin: Pick<ApiCall, 'user' | 'groups'> = { user: 'test-admin', groups: ['system:masters'] };

export interface ClusterOptions extends Omit<ControlPlaneOptions, 'binaries' | 'dir'> {
  readonly seal?: SealSettings;
}

export class Cluster {
  readonly chain = new MemoryChain();
  readonly registry = new Registry();
  readonly log: Logger = pino({ level: 'silent' });
  readonly dir: string;
  readonly #clients = new Map<string, Promise<KeyedCertificatePem>>();
  #authority: Authority | undefined;
  readonly #seal: SealSettings;
  #facts: WatchedFacts | undefined;
  #webhookUrl = '';
  #webhook: Webhook | undefined;
  #controlPlane: ControlPlane | undefined;

  private constructor(dir: string, seal: SealSettings) {
    this.dir = dir;
    this.#seal = seal;
  }

  /** With a namespace `shop`, of mode `references`. */
  static async start({ seal = sealSettings, ...options }: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'daas-admission-')), seal);
    await cluster.#start(options);
    return cluster;
  }

  get controlPlane(): ControlPlane {
    if (this.#controlPlane === undefined) throw new Error('not started');
    return this.#controlPlane;
  }

  /** The real ones, once the control plane is up. The webhook is there before: the API server is told its address. */
  get facts(): WatchedFacts {
    const real = (): WatchedFacts => {
      if (this.#facts === undefined) throw lookupFailed('the API server is not up yet');
      return this.#facts;
    };
    return {
      mode: async (namespace) => real().mode(namespace),
      secret: async (namespace, name) => real().secret(namespace, name),
      pod: async (namespace, name) => real().pod(namespace, name),
      expectChange: (namespace, secret) => {
        real().expectChange(namespace, secret);
      },
      registry: this.registry,
      stale: () => this.#facts?.stale() ?? null,
      close: () => real().close(),
    };
  }

  /** From now on the chain is in this state, and what is known of it is `ageMs` old. */
  setChain(state: WorldState = healthy, ageMs = 0): void {
    this.chain.goOn(state, systemClock, ageMs);
  }

  async stopWebhook(): Promise<number> {
    const port = this.#webhook?.port ?? 0;
    await this.#webhook?.close();
    return port;
  }

  async startWebhook(port: number): Promise<Webhook> {
    this.registry.clear();
    this.#webhook = await serveWebhook({ ...(await this.#webhookOptions()), port });
    return this.#webhook;
  }

  async call({ user, groups = [], method, path, body, type = 'application/json' }: ApiCall): Promise<Answer> {
    const key = JSON.stringify([user, groups]);
    const known = this.#clients.get(key);
    const client = known ?? this.controlPlane.issueClient({ commonName: user, organizations: groups });
    this.#clients.set(key, client);
    const { certPem, keyPem } = await client;
    return new Promise((resolve, reject) => {
      const req = request(
        `${this.controlPlane.apiServerUrl}${path}`,
        {
          method,
          ca: this.controlPlane.caPem,
          cert: certPem,
          key: keyPem,
          headers: { 'content-type': type },
          timeout: 20_000,
        },
        (res) => {
          text(res).then((answer) => {
            const json = answer.startsWith('{') ? (JSON.parse(answer) as Record<string, unknown>) : {};
            resolve({ status: res.statusCode ?? 0, text: answer, json });
          }, reject);
        },
      );
      req.once('error', reject);
      req.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async stop(): Promise<void> {
    await this.#facts?.close();
    await this.#controlPlane?.stop();
    await this.#webhook?.close();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** Moves API server and webhook to another authority, as manifests/README.md says, without a pause. */
  async rotate(): Promise<void> {
    const [old, next] = [await this.#ca(), await createAuthority('next-ca')];
    const both = old.certPem + next.certPem;
    await this.#applyOverlay(both);
    // For its watches to bring it there. A busy machine needs longer than a moment, and nothing tells.
    await sleep(3_000);
    const server = await this.#serverCertificate(next);
    this.#webhook?.setTls({ ...server, clientCaPem: both });
    await this.#renderAdmission(next);
    // kube-apiserver looks at its files once a second.
    await sleep(5_000);
    this.#webhook?.setTls({ ...server, clientCaPem: next.certPem });
    await this.#applyOverlay(next.certPem);
    await sleep(3_000);
    this.#authority = next;
  }

  async #start(options: Omit<ControlPlaneOptions, 'binaries' | 'dir'>): Promise<void> {
    const binaries = await ensureControlPlane();
    this.setChain();
    const { port } = await this.startWebhook(0);
    this.#webhookUrl = `https://127.0.0.1:${port}/validate`;
    const configuration = await this.#renderAdmission(await this.#ca());
    this.#controlPlane = await startControlPlane({
      ...options,
      binaries,
      dir: join(this.dir, 'control-plane'),
      flags: { ...options.flags, apiServer: [`--admission-control-config-file=${configuration}`] },
    });
    await this.#applyOverlay((await this.#ca()).certPem);
    await this.#startFacts();
    await this.createNamespace('shop', 'references');
    await this.#untilGuarded();
  }

  /** `mode` as the label has it; none is as good as `required`. */
  async createNamespace(name: string, mode?: string): Promise<void> {
    const labels = mode === undefined ? {} : { [SECRETS_MODE_LABEL]: mode };
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
    await this.controlPlane.kubectl(['create', '-f', '-'], { input: JSON.stringify(namespace) });
  }

  async #startFacts(): Promise<void> {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(await this.controlPlane.kubeconfig({ commonName: WEBHOOK_USER }));
    this.#facts = startClusterFacts({
      kubeConfig,
      seal: this.#seal,
      clock: systemClock,
      log: this.log,
      readMsMax: LOOKUP_MS_MAX,
    });
  }

  async #renderAdmission(ca: Authority): Promise<string> {
    const client = await ca.issue({ commonName: API_CLIENT, usages: ['client'], days: 1 });
    const dir = join(this.dir, 'admission');
    return renderAdmissionConfiguration({
      dir,
      webhookUrl: this.#webhookUrl,
      cert: client.certPem,
      key: client.keyPem,
    });
  }

  async #applyOverlay(webhookCaPem: string): Promise<void> {
    const dir = join(this.dir, 'overlay');
    await renderOverlay({ dir, webhookUrl: this.#webhookUrl, webhookCaPem, controlPlaneNodes: ['cp-1'] });
    await this.controlPlane.kubectl(['apply', '-k', dir]);
  }

  #serverCertificate(ca: Authority): Promise<KeyedCertificatePem> {
    return ca.issue({ commonName: 'webhook', usages: ['server'], ips: ['127.0.0.1'], days: 1 });
  }

  async #ca(): Promise<Authority> {
    this.#authority ??= await createAuthority('webhook-ca');
    return this.#authority;
  }

  async #webhookOptions(): Promise<Omit<WebhookOptions, 'port'>> {
    const ca = await this.#ca();
    const server = await this.#serverCertificate(ca);
    return {
      chain: this.chain,
      clock: systemClock,
      config: {
        controlPlaneNodes: ['cp-1'],
        allowedClients: [API_CLIENT],
        receiptLifetimeMs: 10_000,
        stakeSnapshotAgeMsMax: SNAPSHOT_AGE_MS_MAX,
        drainMs: 0,
        lookupMsMax: LOOKUP_MS_MAX,
        seal: this.#seal,
      },
      facts: this.facts,
      tls: { ...server, clientCaPem: ca.certPem },
      host: '127.0.0.1',
      log: this.log,
      registry: this.registry,
    };
  }

  /** The API server takes a moment to see new webhook configurations, and the namespace. */
  async #untilGuarded(): Promise<void> {
    const deadline = performance.now() + 60_000;
    while (performance.now() < deadline) {
      const foreign = await this.#probe({ schedulerName: 'foreign' });
      const unset = await this.#probe({});
      if (foreign.text.includes('POD_SCHEDULER_WRONG') && unset.status === 201) return;
      await sleep(100);
    }
    throw new Error('the webhook was not called within a minute');
  }

  #probe(spec: object): Promise<Answer> {
    const containers = [{ name: 'c', image: 'i' }];
    const body = { metadata: { name: 'probe' }, spec: { ...spec, containers } };
    const path = '/api/v1/namespaces/shop/pods?dryRun=All';
    return this.call({ ...admin, method: 'POST', path, body });
  }
}
