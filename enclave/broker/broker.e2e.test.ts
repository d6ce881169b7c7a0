/**
 * The broker against the real kube-apiserver: tokens that the API server has issued to a node's kubelet and reviews
 * itself, pods that the engine has bound there, and what happens to both. Tokens that no API server would issue are signed
 * with its own key, so that each check is met alone.
 */
import { randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  createAuthority,
  ensureControlPlane,
  nodeManifest,
  startControlPlane,
  type Binaries,
  type ControlPlane,
} from '@k3s-daas/control-plane';
import {
  BROKER_AUDIENCE,
  decodeDecisionMessage,
  decodeReceipt,
  decodeReleaseMessage,
  encodePlanVariable,
  ENCLAVE_USER,
  fromBase64,
  podFacts,
  receiptDigest,
  RECEIPT_ANNOTATION,
  SCHEDULER_NAME,
  verifyEd25519,
  type PodFacts,
} from '@k3s-daas/core';
import {
  binder,
  createEngine,
  kubeClient,
  kubeView,
  openDecisionLog,
  replayLog,
  type Engine,
  type KubeClient,
  type WatchedKubeView,
} from '@k3s-daas/scheduler-extender';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { z } from 'zod';

import { idOf, World } from '../../scheduler-extender/decision/test/world.ts';
import { serveBroker, type BrokerServer } from './server.ts';
import type { ReleaseReply } from './sign.ts';

const REPOSITORY = join(import.meta.dirname, '..', '..');
const RECIPIENT = `0x${'ab'.repeat(32)}`;
const POLICY = `0x${'cd'.repeat(32)}`;
const FOREIGN_POLICY = `0x${'ce'.repeat(32)}`;
const PACKAGE = idOf('package', 0);
const log = pino({ enabled: false });

/** Built earlier: building takes minutes. */
async function builtBinaries(): Promise<Binaries | null> {
  const cache = join(process.env['DAAS_CACHE_DIR'] ?? join(REPOSITORY, '.cache'), 'control-plane');
  const complete: { folder: string; ms: number }[] = [];
  for (const folder of (await readdir(cache).catch(() => [])).map((name) => join(cache, name))) {
    const whole = await access(join(folder, 'versions.json')).then(
      () => true,
      () => false,
    );
    if (whole) complete.push({ folder, ms: (await stat(folder)).mtimeMs });
  }
  const newest = complete.sort((a, b) => b.ms - a.ms)[0]?.folder;
  const assets = process.env['KUBEBUILDER_ASSETS'] ?? newest;
  if (assets === undefined) return null;
  return ensureControlPlane({ env: { ...process.env, KUBEBUILDER_ASSETS: assets } });
}

async function until<T>(what: string, look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** With a path that a kubelet would expand; all it says, the API server stores. */
const PLAN = encodePlanVariable({
  cluster: idOf('cluster', 0),
  package: PACKAGE,
  broker: 'https://127.0.0.1:1',
  relay: 'http://127.0.0.1:2',
  chain: { chainId: 'chain', urls: ['http://127.0.0.1:3'] },
  keyServers: [{ objectId: idOf('key server', 0), weight: 1 }],
  threshold: 1,
  refreshSeconds: 0,
  secrets: [{ name: 'db', policy: POLICY, version: '1', keys: [{ key: 'k', sha256: '33'.repeat(32) }] }],
  files: [{ volume: 'v', path: 'a$$b/$(HOME)', mode: 0o400, secret: 'db', key: 'k' }],
  env: [],
});

const podManifest = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'shop' },
  spec: {
    schedulerName: SCHEDULER_NAME,
    serviceAccountName: 'default',
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 0,
    initContainers: [
      {
        name: 'seal-fetch',
        image: `registry.invalid/seal-fetch@sha256:${'22'.repeat(32)}`,
        env: [{ name: 'DAAS_PLAN', value: PLAN }],
      },
    ],
    containers: [
      {
        name: 'main',
        image: `registry.invalid/app@sha256:${'11'.repeat(32)}`,
        resources: { requests: { cpu: '100m', memory: '64Mi' } },
      },
    ],
    volumes: [
      {
        name: 'seal-token',
        projected: {
          sources: [
            { serviceAccountToken: { audience: BROKER_AUDIENCE, path: 'token', expirationSeconds: 600 } },
          ],
        },
      },
    ],
  },
});

const issued = z.object({ status: z.object({ token: z.string() }) });

/** The chain is a world in memory; API server, pods, tokens and reviews are real. */
class Cluster {
  readonly world = new World({ operators: 0 });
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly view: WatchedKubeView;
  readonly #dir: string;
  readonly #own: { certPem: string; keyPem: string };
  readonly #ca: string;
  engine!: Engine;
  #server!: BrokerServer;

  constructor(parts: {
    plane: ControlPlane;
    client: KubeClient;
    view: WatchedKubeView;
    dir: string;
    own: { certPem: string; keyPem: string };
    ca: string;
  }) {
    this.plane = parts.plane;
    this.client = parts.client;
    this.view = parts.view;
    this.#dir = parts.dir;
    this.#own = parts.own;
    this.#ca = parts.ca;
  }

  get logPath(): string {
    return join(this.#dir, 'decisions.log');
  }

  async boot(): Promise<void> {
    const { world } = this;
    this.engine = await createEngine({
      policy: world.policy,
      clock: { now: () => world.nowMs },
      chain: { current: () => world.snapshot(), onChange: () => () => undefined },
      kube: this.view,
      binder: binder(this.client),
      signer: world.signer,
      identity: () => world.identity,
      log: await openDecisionLog({ path: this.logPath }),
    });
    this.#server = await serveBroker({
      client: this.client,
      engine: this.engine,
      cluster: { id: idOf('cluster', 0), package: PACKAGE },
      signer: world.signer,
      clock: { now: () => world.nowMs },
      identity: () => world.identity,
      readiness: () => ({ ready: true, reasons: [] }),
      monotonic: () => performance.now(),
      releasesPerMinuteMax: 600,
      tls: { cert: this.#own.certPem, key: this.#own.keyPem },
      host: '127.0.0.1',
      port: 0,
      log,
    });
  }

  async shutDown(): Promise<void> {
    await this.#server.close();
    await this.engine.close();
  }

  create(manifest: object): Promise<string> {
    return this.plane.kubectl(['create', '-f', '-'], { input: JSON.stringify(manifest) });
  }

  async remove(name: string): Promise<void> {
    await this.plane.kubectl([
      'delete',
      'pod',
      '-n',
      'shop',
      name,
      '--grace-period=0',
      '--force',
      '--wait=true',
    ]);
  }

  /** The pod of that name, once the view shows it so. */
  pod(name: string, like: (pod: PodFacts) => boolean = () => true): Promise<PodFacts> {
    return until(`pod ${name}`, () => [...this.view.pods()].find((pod) => pod.name === name && like(pod)));
  }

  /** Makes a pod and has the engine bind it to the node. */
  async place(name: string, node: string): Promise<PodFacts> {
    await this.create(podManifest(name));
    const pod = await this.pod(name);
    this.engine.filter(pod, [node]);
    const outcome = await this.engine.bind({ namespace: 'shop', pod: name, podUid: pod.uid, node });
    if (!outcome.bound) throw new Error(`${outcome.code}: ${outcome.message}`);
    return this.pod(name, ({ nodeName }) => nodeName === node);
  }

  /**
   * The token that the kubelet of a node gets for a pod of its own. It asks again and again, as a kubelet does: what
   * guards tokens in the API server learns of a pod, its node and its UID by a watch, and so a moment late.
   */
  kubeletToken(node: string, pod: PodFacts): Promise<string> {
    return until(`a token for pod ${pod.name}`, async () => {
      try {
        return await this.askForToken(node, pod);
      } catch (error) {
        if (/no token: (403|404|409)/.test(String(error))) return undefined;
        throw error;
      }
    });
  }

  /** Asks for it once. */
  async askForToken(node: string, pod: PodFacts): Promise<string> {
    const { certPem, keyPem } = await this.plane.issueClient({
      commonName: `system:node:${node}`,
      organizations: ['system:nodes'],
    });
    const client = kubeClient({
      server: this.plane.apiServerUrl,
      ca: this.plane.caPem,
      cert: () => certPem,
      key: keyPem,
    });
    try {
      const { status, body } = await client.request({
        method: 'POST',
        path: '/api/v1/namespaces/shop/serviceaccounts/default/token',
        body: {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            audiences: [BROKER_AUDIENCE],
            expirationSeconds: 600,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.name, uid: pod.uid },
          },
        },
      });
      if (status !== 201) throw new Error(`no token: ${status} ${JSON.stringify(body)}`);
      return issued.parse(body).status.token;
    } finally {
      client.close();
    }
  }

  /** A token by the API server's own key, with other claims than it would write. */
  async forge(token: string, change: (claims: Claims) => void): Promise<string> {
    const [header = '', payload = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    claims.jti = randomUUID();
    change(claims);
    const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
    const key = await readFile(join(this.plane.dir, 'pki', 'service-account.key'), 'utf8');
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg: string };
    const signature =
      alg === 'RS256'
        ? sign('sha256', Buffer.from(input), key)
        : sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' });
    return `${input}.${signature.toString('base64url')}`;
  }

  async ask(token: string, policy = POLICY): Promise<{ status: number; json: Record<string, unknown> }> {
    const body = JSON.stringify({ recipient: RECIPIENT, policies: [policy] });
    const request = httpsRequest({
      host: '127.0.0.1',
      port: this.#server.port,
      path: '/api/v1/releases',
      method: 'POST',
      ca: this.#ca,
      agent: false,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    });
    request.end(body);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of response) text += String(chunk);
    return { status: response.statusCode ?? 0, json: JSON.parse(text) as Record<string, unknown> };
  }

  async verdict(token: string, policy = POLICY): Promise<string> {
    const { status, json } = await this.ask(token, policy);
    return status === 200 ? '200' : `${status} ${String(json['code'])}`;
  }
}

interface Claims {
  jti: string;
  exp: number;
  iat: number;
  nbf: number;
  aud: string[];
  'kubernetes.io': { node?: { name: string; uid: string }; pod?: { name: string; uid: string } };
}

async function cluster(t: Test, binaries: Binaries): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), 'daas-broker-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const plane = await startControlPlane({
    binaries,
    dir,
    controllerManager: false,
    scheduler: false,
    kwok: false,
  });
  t.teardown(() => plane.stop());
  await plane.kubectl(['apply', '-f', join(REPOSITORY, 'manifests', 'base', 'rbac.yaml')]);
  const { certPem, keyPem } = await plane.issueClient({ commonName: ENCLAVE_USER });
  const client = kubeClient({
    server: plane.apiServerUrl,
    ca: plane.caPem,
    cert: () => certPem,
    key: keyPem,
  });
  t.teardown(() => {
    client.close();
  });
  const view = kubeView({ client, clock: { now: () => Date.now() }, random: Math.random, log });
  t.teardown(() => view.close());
  const ca = await createAuthority('a test');
  const own = await ca.issue({ commonName: 'broker', usages: ['server'], ips: ['127.0.0.1'], days: 1 });
  const here = new Cluster({ plane, client, view, dir, own, ca: ca.certPem });
  await here.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  await here.create({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'shop' },
  });
  for (const name of ['n1', 'n2']) {
    await here.create(nodeManifest({ name, cpu: '4', memory: '8Gi', pods: '110' }));
    here.world.addNode(name, 1, 5_000n);
  }
  await until('the view', () => (view.synced && view.node('n2') !== undefined ? true : undefined));
  await until('the service account', () => view.serviceAccountUid('shop', 'default'));
  await here.boot();
  t.teardown(() => here.shutDown());
  return here;
}

const binaries = await builtBinaries();
const skip = binaries === null ? 'no control plane is built: npm run daas -- up builds it' : false;

void t.test('releases against the real API server', { skip }, async (t) => {
  if (binaries === null) return;
  const here = await cluster(t, binaries);
  const { plane, world } = here;
  const web = await here.place('web', 'n1');
  const token = await here.kubeletToken('n1', web);

  await t.test('a pod with the token of its kubelet gets a release', async (t) => {
    const { status, json } = await here.ask(token);
    t.equal(status, 200, JSON.stringify(json));
    const reply = json as unknown as ReleaseReply;
    const text = JSON.parse(
      await plane.kubectl(['get', 'pod', '-n', 'shop', 'web', '-o', 'jsonpath={.metadata.annotations}']),
    ) as Record<string, string>;
    const receipt = decodeReceipt(text[RECEIPT_ANNOTATION] ?? '');
    const message = fromBase64(reply.releases[0]?.message ?? '');
    t.ok(verifyEd25519(world.signer.publicKey, message, fromBase64(reply.releases[0]?.signature ?? '')));
    t.match(decodeReleaseMessage(message).payload, {
      podUid: web.uid,
      policy: POLICY,
      recipient: RECIPIENT,
      receiptDigest: receiptDigest(receipt),
      imageDigests: [new Uint8Array(32).fill(0x11), new Uint8Array(32).fill(0x22)],
    });
    t.match(reply, { node: 'n1', session: idOf('session', 0) });
    t.equal(await here.verdict(token, FOREIGN_POLICY), '403 POLICY_NOT_PLANNED', 'and none but its own');
  });

  await t.test('only the kubelet of the pod’s node gets such a token', async (t) => {
    await t.rejects(here.askForToken('n2', web), /no token: 403/, 'NodeRestriction');
  });

  await t.test('other tokens, some that no API server would issue', async (t) => {
    const [head, claims] = token.split('.');
    t.equal(await here.verdict(`${head ?? ''}.${claims ?? ''}.c2lnbmF0dXJl`), '401 TOKEN_REFUSED', 'forged');
    const request = (args: string[]): Promise<string> =>
      plane.kubectl(['create', 'token', '-n', 'shop', 'default', ...args]).then((text) => text.trim());
    const bound = ['--bound-object-kind=Pod', '--bound-object-name=web'];
    t.equal(
      await here.verdict(await request(['--audience=other', ...bound])),
      '401 TOKEN_REFUSED',
      'audience',
    );
    t.equal(await here.verdict(await request(bound)), '401 TOKEN_REFUSED', 'that of the API server');
    t.equal(
      await here.verdict(await request([`--audience=${BROKER_AUDIENCE}`])),
      '403 TOKEN_UNBOUND',
      'unbound',
    );
    const nowS = Math.floor(Date.now() / 1_000);
    const forged: [string, string, (claims: Claims) => void][] = [
      ['as it is', '200', () => undefined],
      [
        'expired',
        '401 TOKEN_REFUSED',
        (each) => {
          Object.assign(each, { iat: nowS - 1_200, nbf: nowS - 1_200, exp: nowS - 600 });
        },
      ],
      [
        'on another node',
        '403 TOKEN_FOREIGN',
        (each) => {
          each['kubernetes.io'].node = { name: 'n2', uid: 'x' };
        },
      ],
      [
        'on no node',
        '403 TOKEN_UNBOUND',
        (each) => {
          delete each['kubernetes.io'].node;
        },
      ],
    ];
    for (const [what, expected, change] of forged) {
      t.equal(await here.verdict(await here.forge(token, change)), expected, what);
    }
    const other = await here.place('other', 'n1');
    const mixed = await here.forge(token, (each) => {
      each['kubernetes.io'].pod = { name: 'web', uid: other.uid };
    });
    t.equal(await here.verdict(mixed), '401 TOKEN_REFUSED', 'the UID of another pod');
    t.equal(await here.verdict(await here.kubeletToken('n1', other)), '200', 'its own token');
  });

  await t.test('a pod that was deleted and made again', async (t) => {
    const first = await here.place('again', 'n1');
    const old = await here.kubeletToken('n1', first);
    t.equal(await here.verdict(old), '200');
    await here.remove('again');
    t.match(await here.verdict(old), /^(401 TOKEN_REFUSED|404 POD_UNKNOWN)$/, 'deleted');
    await until('the view', () => (here.view.pod(first.uid) === undefined ? true : undefined));
    const second = await here.place('again', 'n1');
    t.not(second.uid, first.uid);
    t.match(await here.verdict(old), /^(401 TOKEN_REFUSED|404 POD_UNKNOWN)$/, 'the new pod is another');
    t.equal(await here.verdict(await here.kubeletToken('n1', second)), '200');
  });

  await t.test('a pod that was changed by who may change anything', async (t) => {
    const pod = await here.place('changed', 'n1');
    const own = await here.kubeletToken('n1', pod);
    const elsewhere = (await here.pod('web')).receipt;
    const annotate = (text: string): Promise<string> =>
      plane.kubectl([
        'annotate',
        '-n',
        'shop',
        'pod',
        'changed',
        '--overwrite',
        `${RECEIPT_ANNOTATION}${text}`,
      ]);
    await annotate(`=${elsewhere}`);
    t.equal(await here.verdict(own), '403 RECEIPT_FOREIGN', 'the receipt of another pod');
    await annotate('-');
    t.equal(await here.verdict(own), '200', 'without an annotation the log counts');
    await annotate(`=${pod.receipt}`);
    t.equal(await here.verdict(own), '200');
    await plane.kubectl(['set', 'image', '-n', 'shop', 'pod/changed', 'main=registry.invalid/evil']);
    t.equal(await here.verdict(own), '403 POD_CHANGED');
  });

  await t.test('a pod that somebody else has bound, with a receipt of elsewhere', async (t) => {
    await here.create(podManifest('smuggled'));
    const pending = await here.pod('smuggled');
    const stranger = new World();
    const engine = await stranger.start();
    stranger.addPod('x');
    await stranger.place(engine, 'x');
    await engine.close();
    await plane.kubectl(['create', '--raw', '/api/v1/namespaces/shop/pods/smuggled/binding', '-f', '-'], {
      input: JSON.stringify({
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'smuggled', annotations: { [RECEIPT_ANNOTATION]: stranger.pod('x').receipt } },
        target: { apiVersion: 'v1', kind: 'Node', name: 'n1' },
      }),
    });
    const smuggled = await here.kubeletToken('n1', pending);
    t.equal(await here.verdict(smuggled), '404 RECEIPT_UNKNOWN');
  });

  await t.test('the node’s stake, and the session', async (t) => {
    world.setStake('n1', 1n);
    t.equal(await here.verdict(token), '403 NODE_INELIGIBLE');
    world.setStake('n1', 5_000n);
    const { identity } = world;
    world.identity = null;
    t.equal(await here.verdict(token), '503 NOT_READY');
    world.identity = identity;
    t.equal(await here.verdict(token), '200');
  });

  await t.test('after a restart the pod is adopted, on a log that replays', async (t) => {
    await here.shutDown();
    world.newSession(1);
    await here.boot();
    const { status, json } = await here.ask(token);
    t.equal(status, 200, JSON.stringify(json));
    const reply = json as unknown as ReleaseReply;
    t.equal(reply.session, idOf('session', 1));
    t.match(decodeDecisionMessage(fromBase64(reply.receipt.message)).payload, {
      kind: 1,
      podUid: web.uid,
      node: 'n1',
    });
    t.same(((await here.ask(token)).json as unknown as ReleaseReply).receipt, reply.receipt, 'once');
    const live = await here.client.request({ method: 'GET', path: '/api/v1/namespaces/shop/pods/web' });
    t.equal(podFacts(live.body).receipt, web.receipt, 'the pod keeps the receipt that placed it');
    const sessionKeys = new Map([...world.sessions.values()].map(({ id, decisionKey }) => [id, decisionKey]));
    const replay = await replayLog(here.logPath, { policy: world.policy, sessionKeys });
    t.same(replay.violations, []);
    t.equal(replay.adoptions.length, 1);
  });

  await t.test('a pod that ends gets nothing more', async (t) => {
    await plane.kubectl([
      'patch',
      'pod',
      '-n',
      'shop',
      'web',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["k3s-daas.io/test"]}}',
    ]);
    await plane.kubectl(['delete', 'pod', '-n', 'shop', 'web', '--wait=false']);
    t.equal(await here.verdict(token), '409 POD_ENDED');
    await plane.kubectl([
      'patch',
      'pod',
      '-n',
      'shop',
      'web',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":null}}',
    ]);
  });
});
