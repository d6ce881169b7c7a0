/** The installation under attack, who may be impersonated by a stolen credential, and what must never change. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import {
  consoleProgress,
  createNode,
  issueNodeIdentity,
  startStack,
  type NodeIdentity,
  type Stack,
} from '@k3s-daas/cli';
import { ensureControlPlane, type KeyedCertificatePem } from '@k3s-daas/control-plane';
import {
  generateEd25519,
  RECEIPT_ANNOTATION,
  SCHEDULER_NAME,
  systemClock,
  type Signer,
} from '@k3s-daas/core';
import { stakeAndClaim, type Actor } from '@k3s-daas/sui-client';
import { parse } from 'yaml';
import { z } from 'zod';

import { send, verdictOf, type Answer, type Call, type Credentials } from './http.ts';

export const APP = 'app';
export const OTHER = 'other';
/** On a busy machine webhook and enclave may see a checkpoint some seconds late. */
export const STALE_MS = 10_000;
/** Of a receipt that the enclave has signed, with which a dozen attacks are tried: all of them before it ends. */
export const RECEIPT_MS = 30_000;
const GIBIBYTE = 1n << 30n;
const WAIT_MS_MAX = 60_000;

export interface Person {
  readonly user: string;
  readonly groups?: readonly string[];
}

export const admin: Person = { user: 'attacks-admin', groups: ['system:masters'] };
export const scheduler: Person = { user: 'k3s-daas:scheduler' };
export const enclave: Person = { user: 'k3s-daas:enclave' };
export const controller: Person = { user: 'k3s-daas:controller' };
/** Has the ClusterRole `admin` in namespace APP, and nothing else. */
export const alice: Person = { user: 'alice' };
export const kubelet = (node: string): Person => ({ user: `system:node:${node}`, groups: ['system:nodes'] });

export interface JoinedNode {
  readonly name: string;
  readonly position: string;
  readonly owner: Actor;
  readonly key: Signer;
  readonly identity: NodeIdentity;
}

const podSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: z.record(z.string(), z.string()).default({}),
  }),
  spec: z.looseObject({ nodeName: z.string().default('') }),
});
export type Pod = z.infer<typeof podSchema>;

const configSchema = z.looseObject({
  client: z.looseObject({ enclaveUrl: z.string(), bootstrapUrl: z.string() }),
  proxy: z.looseObject({ listen: z.looseObject({ port: z.number() }) }),
  webhook: z.looseObject({ listen: z.looseObject({ port: z.number() }) }),
});

export class World {
  readonly stack: Stack;
  readonly dir: string;
  readonly nodes = new Map<string, JoinedNode>();
  readonly #clients = new Map<string, Promise<KeyedCertificatePem>>();

  private constructor(stack: Stack, dir: string) {
    this.stack = stack;
    this.dir = dir;
  }

  static async start(comment: (text: string) => void): Promise<World> {
    const dir = mkdtempSync(join(tmpdir(), 'daas-attacks-'));
    const stack = await startStack({
      dir,
      binaries: await ensureControlPlane(),
      progress: consoleProgress(systemClock, (text) => {
        comment(text.trimEnd());
      }),
      policy: {
        shortlist: 2,
        capacity: { cpuMilli: 16_000n, memoryBytes: 32n * GIBIBYTE },
        receiptLifetimeMs: RECEIPT_MS,
        stakeSnapshotAgeMsMax: STALE_MS,
      },
      signal: new AbortController().signal,
      onExit: ({ name, lastLines }) => {
        comment(`${name} ended: ${lastLines.slice(-500)}`);
      },
    });
    return new World(stack, dir);
  }

  async stop(): Promise<void> {
    await this.stack.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  async configuration(): Promise<z.infer<typeof configSchema>> {
    return configSchema.parse(parse(await readFile(this.stack.configFile, 'utf8')));
  }

  /** The real credential of somebody, as a thief would have it. */
  credentials({ user, groups = [] }: Person): Promise<KeyedCertificatePem> {
    const key = JSON.stringify([user, groups]);
    const known = this.#clients.get(key);
    const client = known ?? this.stack.plane.issueClient({ commonName: user, organizations: groups });
    this.#clients.set(key, client);
    return client;
  }

  async api(by: Person | Credentials, path: string, call: Call): Promise<Answer> {
    const credentials = 'user' in by ? await this.credentials(by) : by;
    const { apiServerUrl, caPem } = this.stack.plane;
    return send(`${apiServerUrl}${path}`, caPem, credentials, call);
  }

  /** What the API server makes of a request (http.ts). */
  async attempt(by: Person | Credentials, path: string, call: Call): Promise<string> {
    return verdictOf(await this.api(by, path, call));
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

  async createPod(name: string, more: PodParts = {}, namespace = APP): Promise<Pod> {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    return podSchema.parse(await this.must(path, { method: 'POST', body: podBody(name, more) }));
  }

  async pod(name: string, namespace = APP): Promise<Pod> {
    return podSchema.parse(await this.get(`/api/v1/namespaces/${namespace}/pods/${name}`));
  }

  async deletePod(name: string, namespace = APP): Promise<void> {
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    await this.must(path, { method: 'DELETE', body: { gracePeriodSeconds: 0 } });
    await until(`pod ${name} to be gone`, async () => {
      const { status } = await this.api(admin, path, { method: 'GET' });
      return status === 404 ? true : undefined;
    });
  }

  /** A pod that the enclave has placed, with a receipt that lives a little longer. */
  async placed(name: string, more: PodParts = {}): Promise<Pod> {
    await this.createPod(name, more);
    return until(`pod ${name} to be placed`, async () => {
      const pod = await this.pod(name);
      return pod.spec.nodeName === '' ? undefined : pod;
    });
  }

  /** Stakes, claims and joins, as an honest owner does. */
  async join(name: string, stake: bigint): Promise<JoinedNode> {
    const { plane, world } = this.stack;
    const identity = await issueNodeIdentity(plane, { name, cpu: '4', memory: '8Gi' });
    const owner = await world.fundedActor();
    const key = generateEd25519();
    const { position } = await stakeAndClaim(owner, {
      cluster: world.owned.cluster,
      amount: stake,
      name,
      nodeKey: key,
      csrKeyHash: identity.csrKeyHash,
      cpuMilli: 4_000n,
      memoryMib: 8_192n,
    });
    await until(`node ${name} to join`, async () => {
      try {
        await createNode(plane, identity);
        return true;
      } catch (error) {
        if (/NODE_NOT_CLAIMED|STAKE_MISSING|SNAPSHOT_STALE/.test(String(error))) return undefined;
        throw error;
      }
    });
    // The controller's first word, after the node controller's labels: from here on nothing changes by itself.
    const node = { name, position, owner, key, identity };
    this.nodes.set(name, node);
    return node;
  }

  /** Waits until the stake controller has written this state on a node. */
  async nodeState(name: string, state: string): Promise<void> {
    await until(`node ${name} to be ${state}`, async () =>
      JSON.stringify(await this.get(`/api/v1/nodes/${name}`)).includes(`"${state}"`) ? true : undefined,
    );
  }

  node(name: string): JoinedNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new RangeError(`node ${name} has not joined`);
    return node;
  }
}

export interface PodParts {
  readonly metadata?: object;
  readonly spec?: object;
}

/** A selector that no node satisfies: kube-scheduler leaves such a pod alone, so that only the attacker acts on it. */
export const NOWHERE = { nodeSelector: { 'example.com/nowhere': 'true' } };

export function podBody(name: string, { metadata = {}, spec = {} }: PodParts = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...metadata },
    spec: {
      schedulerName: SCHEDULER_NAME,
      terminationGracePeriodSeconds: 0,
      containers: [
        { name: 'main', image: 'registry.example/app:1', resources: { requests: { cpu: '100m' } } },
      ],
      ...spec,
    },
  };
}

export function receiptOf({ metadata }: Pod): string {
  const receipt = metadata.annotations[RECEIPT_ANNOTATION];
  if (receipt === undefined) throw new Error(`pod ${metadata.name} has no receipt`);
  return receipt;
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
