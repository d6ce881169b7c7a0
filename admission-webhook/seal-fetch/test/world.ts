import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import {
  createServer as createHttpServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { verifyDocument } from '@k3s-daas/attestation';
import { freePorts } from '@k3s-daas/control-plane';
import {
  BROKER_AUDIENCE,
  configDigest,
  decodeDecisionMessage,
  DecisionKind,
  enclaveUserData,
  encodeDecisionMessage,
  encodePlanVariable,
  fromHex,
  generateEd25519,
  sha256,
  toBase64,
  utf8,
  type Bytes,
  type FetchPlan,
  type SuiId,
} from '@k3s-daas/core';
import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import {
  generateMasterKey,
  MasterKey,
  parseSealConfig,
  registerKeyServer,
  serveKeyServer,
  suiChain,
  type KeyServer,
} from '@k3s-daas/seal';
import type { KubeRequest, KubeResponse, LiveReceipt } from '@k3s-daas/scheduler-extender';
import {
  addressOf,
  connectChain,
  createCluster,
  createSealPolicy,
  generateAccount,
  grantSlot,
  publishPackage,
  registerAndActivate,
  slash,
  stakeAndClaim,
  watchChain,
  type Account,
  type Actor,
  type PolicyTerms,
} from '@k3s-daas/sui-client';
import { pino } from 'pino';

import { Books } from '../../../cli/relay/books.ts';
import { RelayMetrics } from '../../../cli/relay/metrics.ts';
import { Relay } from '../../../cli/relay/relay.ts';
import { serveRelay } from '../../../cli/relay/serve.ts';
import { serveBroker } from '../../../enclave/broker/server.ts';
import { makeKeys } from '../../../enclave/boot/keys.ts';
import { createDevelopmentAuthority, developmentNsm } from '../../../enclave/nsm/index.ts';

// The chain with the real Move package, three real key servers, the real broker and the real relay.

/** Of everybody, the chain included. */
export const clock = { aheadMs: 0, now: (): number => Date.now() + clock.aheadMs };
const ACCOUNT_UID = '6a1f2f0e-0000-4000-8000-000000000002';
export const SUBJECT = { namespace: 'app', serviceAccount: 'api' };
const PCRS = new Map([0, 1, 2].map((index) => [index, new Uint8Array(48).fill(index + 1)]));
const pcr = (index: number): Bytes => PCRS.get(index) ?? new Uint8Array(48);
const HOUR_MS = 3_600_000n;

const silent = pino({ level: 'silent' });
const RELAY_BUDGET = {
  requestsPerAddressAndMinuteMax: 1_000,
  requestsPerNamespaceAndMinuteMax: 1_000,
  gasMistPerTransactionMax: 500_000_000n,
  gasMistPerDayMax: 50_000_000_000n,
  gasMistPerNamespaceAndDayMax: 50_000_000_000n,
};

const closers: (() => Promise<unknown> | undefined)[] = [];
export async function closeWorld(): Promise<void> {
  for (const close of closers.reverse()) await close();
}

const authority = await createDevelopmentAuthority({ clock });
const ledger = createLedger({
  framework: await compileFramework(),
  clock,
  verifyAttestation: (bytes, clockMs) => {
    const trust = { trustAnchor: authority.rootCertificateDer, nowMs: Number(clockMs) };
    const { moduleId, timestampMs, digest, ...document } = verifyDocument(new Uint8Array(bytes), trust);
    return {
      moduleId,
      timestampMs,
      digest,
      pcrs: [...document.pcrs].map(([index, value]) => ({ index, value })),
      publicKey: document.publicKey ?? undefined,
      userData: document.userData ?? undefined,
      nonce: document.nonce ?? undefined,
    };
  },
});
const server = await serveLedger(ledger, { host: '127.0.0.1', port: 0 });
closers.push(async () => {
  await server.close();
  ledger.close();
});
export const chainUrl = server.url;
export const chainId = ledger.chainId;
export const { client } = connectChain({ url: server.url, chainId });

export function funded(): Account {
  const account = generateAccount();
  ledger.faucet(addressOf(account), 1_000_000_000_000n);
  return account;
}

const operator = funded();
const relayer = funded();
async function publish(name: string): Promise<SuiId> {
  const { modules, dependencies } = await compilePackage({
    dir: join(import.meta.dirname, '../../../sui/move', name),
  });
  return (await publishPackage({ client, signer: operator }, modules, dependencies)).packageId;
}
export const packageId = await publish('daas');
const keyServerPackage = await publish('seal_key_server');
const actor: Actor = { client, signer: operator, packageId };

const policyDigest = sha256(utf8('policy'));
const digest = configDigest({
  apiServerCaDigest: sha256(utf8('ca')),
  chainId,
  packageId,
  policyDigest,
});
const { clusterId, capId: cap } = await createCluster(actor, {
  configDigest: digest,
  policyDigest,
  enclave: { pcr0: pcr(0), pcr1: pcr(1), pcr2: pcr(2) },
  parameters: {
    stakes: {
      userMin: 100n,
      nodeMin: 1_000n,
      adminMin: 10_000n,
      mistPerCpu: 100n,
      mistPerGib: 10n,
      userUnbondingMs: HOUR_MS,
      nodeUnbondingMs: HOUR_MS,
      adminUnbondingMs: HOUR_MS,
    },
    enclaves: { documentAgeMsMax: 300_000n, bondMin: 1n, anchorWindowMs: 60_000n },
    votes: {
      votingMs: 60_000n,
      timelockMs: 60_000n,
      executionMs: 60_000n,
      quorumBps: 5_000n,
      electorateMin: 1_000n,
      deposit: 100n,
    },
  },
});

export const cluster = clusterId;

const keys = await makeKeys({ host: '127.0.0.1', clock });
export const tlsKeyHash = keys.tls.keyHash;
const session = await startSession();
const nodeKey = generateEd25519();
const { position } = await stakeAndClaim(actor, {
  cluster,
  amount: 1_500n,
  nodeKey,
  name: 'n1',
  csrKeyHash: sha256(utf8('csr')),
  cpuMilli: 4_000n,
  memoryMib: 8_192n,
});

async function startSession(): Promise<SuiId> {
  const registered = { logKey: keys.log.publicKey, tlsKeyHash };
  const nsm = await developmentNsm({
    authority,
    pcrs: PCRS,
    clock,
    moduleId: 'i-0123456789abcdef0-enc0123456789abcdef',
  });
  const owned = { cluster, cap };
  const { slot } = await grantSlot(actor, owned, {
    registrar: addressOf(operator),
    configVersion: 1n,
    expiresMs: BigInt(clock.now() + 60_000),
  });
  const document = await nsm.attest({
    nonce: fromHex(slot.slice(2)),
    publicKey: keys.decision.publicKey,
    userData: enclaveUserData({
      cluster,
      configDigest: digest,
      decisionKey: keys.decision.publicKey,
      logKey: keys.log.publicKey,
      tlsKeyHash,
    }),
  });
  return (await registerAndActivate(actor, owned, { slot, document, ...registered })).session;
}

/** What stands behind the pods' node. */
export const node = { stake: position, nodeKey: nodeKey.publicKey };

export async function slashNode(amount: bigint): Promise<void> {
  await slash(actor, { cluster, cap }, { position, amount, reason: 'evidence' });
}

/** Terms that let the pods in. */
export function termsOf(changed: Partial<PolicyTerms> = {}): PolicyTerms {
  return {
    configVersions: [1n],
    stakeMin: 1_500n,
    nodes: [],
    notBeforeMs: BigInt(clock.now()) - HOUR_MS,
    notAfterMs: BigInt(clock.now()) + HOUR_MS,
    usesMax: 10n,
    renewalsMax: 10n,
    grantMs: 600_000n,
    imageDigests: [],
    ...changed,
  };
}

/** A policy of `app/api`. */
export async function createPolicy(owner: Account, changed: Partial<PolicyTerms> = {}): Promise<SuiId> {
  const terms = termsOf(changed);
  const subject = { ...SUBJECT, serviceAccountUid: null };
  return (await createSealPolicy({ client, signer: owner, packageId }, cluster, subject, terms)).policy;
}

// --- key servers

export interface ServedKeyServer {
  readonly objectId: SuiId;
  readonly masterKey: MasterKey;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export async function addKeyServer(name: string): Promise<ServedKeyServer> {
  const masterKey = new MasterKey(generateMasterKey(random));
  // Kept while it is stopped, so not one that the kernel may give to a connection meanwhile.
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  const signer = { client, signer: operator, packageId: keyServerPackage };
  const objectId = await registerKeyServer(signer, { name, url, publicKey: masterKey.publicKey });
  let running: KeyServer | null = null;
  const stop = async (): Promise<void> => {
    await running?.close();
    running = null;
  };
  const start = async (): Promise<void> => {
    running ??= await serveKeyServer({
      objectId,
      masterKey,
      port,
      chain: suiChain(client),
      clock,
      random,
      stalenessPackage: keyServerPackage,
      stalenessMsMax: 120_000,
    });
  };
  await start();
  closers.push(stop);
  return { objectId, masterKey, start, stop };
}

export const keyServers = [
  await addKeyServer('one'),
  await addKeyServer('two'),
  await addKeyServer('three'),
] as const;

/** What owners seal with. */
export function sealConfigOf(servers: readonly ServedKeyServer[], threshold: number) {
  return parseSealConfig({
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'SealConfiguration',
    cluster,
    package: packageId,
    chainId,
    threshold,
    keyServers: servers.map(({ objectId, masterKey }, index) => ({
      objectId,
      weight: 1,
      name: `server-${index}`,
      publicKey: toBase64(masterKey.publicKey),
      proof: toBase64(masterKey.provePossession(fromHex(objectId.slice(2)))),
    })),
  });
}
export const sealConfig = sealConfigOf(keyServers, 2);

// --- broker

/** What a door answers. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Record<string, string>;
}

/** A request that came to a door, and what the door would honestly answer. */
export interface Call {
  readonly authorization: string;
  readonly body: Record<string, unknown>;
  readonly honest: () => Promise<Answer>;
}

export interface Door {
  readonly url: string;
  readonly calls: Call[];
  /** Answers instead of the honest door, in turn; null hangs up. */
  readonly next: ((call: Call) => Promise<Answer | null> | Answer | null)[];
}

async function open(
  listener: (handler: (req: IncomingMessage, res: ServerResponse) => void) => Server,
  scheme: string,
  honest: (call: Omit<Call, 'honest'>) => Promise<Answer>,
): Promise<Door> {
  const door: Omit<Door, 'url'> = { calls: [], next: [] };
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
    const said = { authorization: req.headers.authorization ?? '', body };
    const call = { ...said, honest: () => honest(said) };
    door.calls.push(call);
    const answer = await (door.next.shift() ?? call.honest)(call);
    if (answer === null) {
      res.destroy();
      return;
    }
    res.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
    res.end(JSON.stringify(answer.body));
  };
  const served = listener((req, res) => {
    handle(req, res).catch((error: unknown) => res.destroy(error as Error));
  }).listen(0, '127.0.0.1');
  await once(served, 'listening');
  closers.push(() => {
    served.close();
    return undefined;
  });
  return { ...door, url: `${scheme}://127.0.0.1:${(served.address() as AddressInfo).port}` };
}

/** The pod that a token is of: a test's token is `header.claims.uid`. */
export function tokenOf(podUid: string, subject = SUBJECT): string {
  const claims = {
    'kubernetes.io': {
      namespace: subject.namespace,
      pod: { name: 'api-0', uid: podUid },
      serviceaccount: { name: subject.serviceAccount, uid: ACCOUNT_UID },
    },
  };
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return [part({ alg: 'none' }), part(claims), Buffer.from(podUid).toString('base64url')].join('.');
}

/** The API server, the extender's engine and the enclave around the real broker: every pod is placed on n1. */
const realBroker = await serveBroker({
  host: '127.0.0.1',
  port: 0,
  tls: { cert: keys.tls.certificatePem, key: keys.tls.keyPem },
  log: silent,
  signer: keys.decision,
  clock,
  identity: () => ({ cluster, session, term: 1n, configVersion: 1n }),
  client: { request: (request) => Promise.resolve(apiServer(request)) },
  engine: { adopt: ({ uid }) => Promise.resolve(placed(uid)) },
  cluster: { id: cluster, package: packageId },
  readiness: () => ({ ready: true, reasons: [] }),
  monotonic: () => performance.now(),
  releasesPerMinuteMax: 1_000,
});
closers.push(() => realBroker.close());

/** By UID: what the webhook has written into the pod. */
export const plans = new Map<string, FetchPlan>();

/** A TokenReview, or the pod of the last one. */
function apiServer({ method, body }: KubeRequest): KubeResponse {
  if (method === 'POST') {
    const { token } = (body as { spec: { token: string } }).spec;
    const uid = Buffer.from(token.split('.')[2] ?? '', 'base64url').toString('utf8');
    reviewed = uid;
    const user = {
      username: `system:serviceaccount:${SUBJECT.namespace}:${SUBJECT.serviceAccount}`,
      uid: ACCOUNT_UID,
      extra: {
        'authentication.kubernetes.io/pod-name': ['api-0'],
        'authentication.kubernetes.io/pod-uid': [uid],
        'authentication.kubernetes.io/node-name': ['n1'],
      },
    };
    return { status: 201, body: { status: { authenticated: true, audiences: [BROKER_AUDIENCE], user } } };
  }
  const metadata = { uid: reviewed, namespace: SUBJECT.namespace, name: 'api-0', resourceVersion: '1' };
  const plan = plans.get(reviewed);
  const env = plan === undefined ? [] : [{ name: 'DAAS_PLAN', value: encodePlanVariable(plan) }];
  const initContainers = [{ name: 'seal-fetch', env }];
  const spec = { serviceAccountName: SUBJECT.serviceAccount, nodeName: 'n1', initContainers, containers: [] };
  return { status: 200, body: { metadata, spec, status: { phase: 'Pending' } } };
}
let reviewed = '';

function placed(podUid: string): LiveReceipt {
  const message = receiptMessage(podUid);
  const { payload: decision } = decodeDecisionMessage(message);
  return { receipt: { message, signature: keys.decision.sign(message) }, decision };
}

const receipts = new Map<string, Bytes>();
/** One receipt for each pod. */
function receiptMessage(podUid: string): Bytes {
  const known = receipts.get(podUid);
  if (known !== undefined) return known;
  const message = encodeDecisionMessage(BigInt(clock.now()), {
    cluster,
    session,
    term: 1n,
    configVersion: 1n,
    sequence: BigInt(receipts.size + 1),
    previous: sha256(),
    kind: DecisionKind.bind,
    podUid,
    ...SUBJECT,
    pod: 'api-0',
    serviceAccountUid: ACCOUNT_UID,
    podSpecDigest: sha256(utf8('spec')),
    node: 'n1',
    nodeUid: '6a1f2f0e-0000-4000-8000-000000000003',
    nodeKeyHash: sha256(nodeKey.publicKey),
    stake: position,
    notAfterMs: BigInt(clock.now() + 10_000),
    policyDigest,
    checkpoint: 1n,
    checkpointDigest: sha256(utf8('checkpoint')),
    snapshotDigest: sha256(utf8('snapshot')),
    inputDigest: sha256(utf8('input')),
    feasibleDigest: sha256(utf8('feasible')),
  });
  receipts.set(podUid, message);
  return message;
}

// --- relay

const relaySection = { batchMs: 0, batchMax: 16, budget: RELAY_BUDGET };
const books = await Books.open({
  file: join(mkdtempSync(join(tmpdir(), 'seal-fetch-')), 'relay.json'),
  cluster,
  address: addressOf(relayer),
  budget: relaySection.budget,
  clock,
  newState: false,
  hasHistory: () => Promise.resolve(false),
});
const metrics = new RelayMetrics();
const watcher = watchChain({
  chain: connectChain({ url: server.url, chainId }),
  packageId,
  clusterId: cluster,
  clock,
  log: silent,
  pollMs: 100,
});
const realRelay = await serveRelay({
  relay: new Relay({
    relay: relaySection,
    actor: { client, signer: relayer, packageId },
    view: watcher,
    chainAgeMsMax: 30_000,
    books,
    clock,
    log: silent,
    metrics,
  }),
  host: '127.0.0.1',
  port: 0,
  budget: relaySection.budget,
  metrics,
  gauges: () => ({ left: books.left, balance: null }),
  clock,
  log: silent,
});
watcher.start();
await watcher.synced;
closers.push(async () => {
  await realRelay.close();
  await watcher.stop();
});

// --- doors: what stands before the real ones, so that a test can count, answer instead, and hang up

const { keyPem: key, certificatePem: cert } = keys.tls;

/** Sends a call on as it came. */
function forwarded(target: string, path: string) {
  return async ({ authorization, body }: Omit<Call, 'honest'>): Promise<Answer> => {
    const outgoing = (target.startsWith('https:') ? httpsRequest : httpRequest)(new URL(path, target), {
      method: 'POST',
      ca: cert,
      checkServerIdentity: () => undefined,
      agent: false,
      headers: { 'content-type': 'application/json', ...(authorization !== '' && { authorization }) },
    });
    outgoing.end(JSON.stringify(body));
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const answered = JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
    return { status: incoming.statusCode ?? 0, body: answered };
  };
}

const toBroker = forwarded(`https://127.0.0.1:${realBroker.port}`, '/api/v1/releases');
export const broker = await open(
  (handler) => createHttpsServer({ key, cert, minVersion: 'TLSv1.3' }, handler),
  'https',
  toBroker,
);
export const relayDoor = await open(
  (handler) => createHttpServer(handler),
  'http',
  forwarded(realRelay.url, '/api/v1/access'),
);

/** Somebody who answers as the broker would, with a TLS key of their own. */
export async function openImpostor(): Promise<Door & { readonly tlsKeyHash: Bytes }> {
  const own = await makeKeys({ host: '127.0.0.1', clock });
  const door = await open(
    (handler) => createHttpsServer({ key: own.tls.keyPem, cert: own.tls.certificatePem }, handler),
    'https',
    toBroker,
  );
  return { ...door, tlsKeyHash: own.tls.keyHash };
}

/** A full node that puts other bytes wherever it finds the given ones. */
export async function openLiar(lies: readonly (readonly [Bytes, Bytes])[]): Promise<string> {
  const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const headers = Object.entries(req.headers).filter(([name]) => name !== 'host' && name !== 'connection');
    const answer = await fetch(new URL(req.url ?? '/', chainUrl), {
      method: 'POST',
      headers: headers as [string, string][],
      body: Buffer.concat(chunks),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    for (const [truth, lie] of lies) {
      for (let at = body.indexOf(truth); at !== -1; at = body.indexOf(truth, at + lie.length))
        body.set(lie, at);
    }
    res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    res.end(body);
  };
  const liar = createHttpServer((req, res) => {
    handle(req, res).catch((error: unknown) => res.destroy(error as Error));
  }).listen(0, '127.0.0.1');
  await once(liar, 'listening');
  closers.push(() => {
    liar.close();
    return undefined;
  });
  return `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
}
