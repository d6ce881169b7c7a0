import { execFileSync } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer, request as httpsRequest, type Agent, type Server } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { createAuthority, type KeyedCertificatePem } from '@k3s-daas/control-plane';
import { enclaveUserData, parseConfiguration, toHex, type Bytes, type Session } from '@k3s-daas/core';
import { createDevelopmentAuthority, developmentNsm } from '@k3s-daas/enclave';
import { pino } from 'pino';

import type { AcceptingCluster } from '../../enclave-verify.ts';
import { derToPem } from '../../stack/files.ts';
import type { ChainPort, ChainState } from '../chain.ts';
import type { ForwardLimits } from '../forward.ts';
import type { Pauses } from '../link.ts';
import { enclaveAccess, linkOf } from '../proxy.ts';
import { serveProxy, type ProxyServer } from '../serve.ts';

const dir = mkdtempSync(join(tmpdir(), 'daas-attest-proxy-'));
process.once('exit', () => {
  rmSync(dir, { recursive: true, force: true });
});

export const clock = { now: () => Date.now() };
export const ca = await createAuthority('client CA');
export const strangerCa = await createAuthority('stranger CA');
const client = (commonName: string): Promise<KeyedCertificatePem> =>
  ca.issue({ commonName, usages: ['client'], days: 1 });
export const scheduler = await client('k3s-daas:scheduler');
export const nobody = await client('k3s-daas:nobody');
const server = await ca.issue({ commonName: 'proxy', usages: ['server'], ips: ['127.0.0.1'], days: 1 });
const nsmAuthority = await createDevelopmentAuthority({ clock });

const file = (name: string, text: string): string => {
  writeFileSync(join(dir, name), text);
  return name;
};
file('proxy.crt', server.certPem);
file('proxy.key', server.keyPem);
file('ca.crt', ca.certPem);
/** What the proxy shows the enclave, as it is on disk from now on. */
export function putClient({ certPem, keyPem }: KeyedCertificatePem): void {
  file('client.crt', certPem);
  file('client.key', keyPem);
}
putClient(scheduler);
file('root.crt', derToPem(nsmAuthority.rootCertificateDer));

const pcr = (fill: number): Bytes => new Uint8Array(48).fill(fill);
export const PCRS = new Map([1, 2, 3].map((fill, index) => [index, pcr(fill)]));
const id = (fill: string): string => `0x${fill.repeat(32)}`;
export const CLUSTER: AcceptingCluster = {
  id: id('c1'),
  configDigest: new Uint8Array(32).fill(9),
  configs: [{ key: 4n, value: { pcr0: pcr(1), pcr1: pcr(2), pcr2: pcr(3) } }],
};

const spkiHash = (pem: string): Bytes =>
  new Uint8Array(
    createHash('sha256')
      .update(new X509Certificate(pem).publicKey.export({ format: 'der', type: 'spki' }))
      .digest(),
  );

/** A key with a self-signed certificate of the form that the enclave makes. */
export function selfSigned(name: string): KeyedCertificatePem {
  const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.crt`)];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const extensions = [
    'basicConstraints=critical,CA:TRUE,pathlen:0',
    'keyUsage=critical,digitalSignature,keyCertSign',
    'extendedKeyUsage=serverAuth',
    'subjectAltName=IP:127.0.0.1',
  ].flatMap((extension) => ['-addext', extension]);
  const subject = ['-subj', '/CN=k3s-daas:enclave', '-days', '1'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, '-nodes', ...subject, ...extensions, '-keyout', key, '-out', cert],
    { stdio: 'ignore' },
  );
  return { certPem: readFileSync(cert, 'utf8'), keyPem: readFileSync(key, 'utf8') };
}

export interface Identity {
  readonly tls: KeyedCertificatePem;
  readonly session: Session;
}

let boots = 0;
/** The keys of one boot and the session that the chain has of it. */
export function boot(): Identity {
  boots += 1;
  const tls = selfSigned(`enclave-${boots}`);
  const mark = boots.toString(16).padStart(2, '0');
  return {
    tls,
    session: {
      id: id(mark),
      configVersion: 4n,
      decisionKey: new Uint8Array(32).fill(boots + 16),
      logKey: new Uint8Array(32).fill(boots + 128),
      tlsKeyHash: spkiHash(tls.certPem),
      revoked: false,
    },
  };
}

export interface AttestationWishes {
  readonly pcrs?: ReadonlyMap<number, Bytes>;
  readonly cluster?: AcceptingCluster;
  readonly authority?: typeof nsmAuthority;
  /** Moves the NSM's clock. */
  readonly ageMs?: number;
}

/** What an enclave with these keys answers to a nonce. */
export async function attestationOf(
  { tls, session }: Identity,
  nonce: Bytes | null,
  { pcrs = PCRS, cluster = CLUSTER, authority = nsmAuthority, ageMs = 0 }: AttestationWishes = {},
): Promise<Record<string, string>> {
  const { decisionKey, logKey, tlsKeyHash } = session;
  const nsm = await developmentNsm({
    authority,
    pcrs,
    clock: { now: () => Date.now() - ageMs },
    moduleId: 'i-0123456789abcdef0-enc01',
  });
  const document = await nsm.attest({
    publicKey: decisionKey,
    ...(nonce !== null && { nonce }),
    userData: enclaveUserData({
      cluster: cluster.id,
      configDigest: cluster.configDigest,
      decisionKey,
      logKey,
      tlsKeyHash,
    }),
  });
  return {
    format: 'aws-nitro',
    document: Buffer.from(document).toString('base64'),
    decisionKey: toHex(decisionKey),
    logKey: toHex(logKey),
    tlsKeyHash: toHex(tlsKeyHash),
    certificatePem: tls.certPem,
    csrPem: 'csr',
  };
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

async function listen(it: NetServer, port: number): Promise<number> {
  it.listen(port, '127.0.0.1');
  await once(it, 'listening');
  return (it.address() as AddressInfo).port;
}

/** The enclave's plain listener, or somebody who says to be it. */
export async function serveAttestation(answer: Listener): Promise<{ url: string; close(): Promise<void> }> {
  const it = createHttpServer(answer);
  const port = await listen(it, 0);
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      it.close();
      it.closeAllConnections();
      await sleep(0);
    },
  };
}

export const nonceOf = ({ url = '' }: IncomingMessage): Bytes =>
  new Uint8Array(Buffer.from(new URL(url, 'http://x').searchParams.get('nonce') ?? '', 'hex'));

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

/** The enclave's TLS listener. Answers what it is asked with the words of `handler`, after it has noted it. */
export class Extender {
  readonly seen: Seen[] = [];
  /** Connections made, those of them whose handshake was completed, and those that are open. */
  attempts = 0;
  connections = 0;
  open = 0;
  handler: (seen: Seen, response: ServerResponse) => void = (seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-from': this.name });
    response.end(JSON.stringify({ path: seen.path, by: this.name }));
  };
  /** Status of its answer to a probe. */
  livez = 200;
  readonly name: string;
  readonly #server: Server;
  port = 0;

  constructor(name: string, { certPem, keyPem }: KeyedCertificatePem) {
    this.name = name;
    this.#server = createServer(
      { cert: certPem, key: keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: true },
      (request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const { method = '', url: path = '', headers, rawHeaders } = request;
          const seen = { method, path, headers, rawHeaders, body: Buffer.concat(chunks).toString() };
          if (path === '/livez') sendJson(response, {}, this.livez);
          else {
            this.seen.push(seen);
            this.handler(seen, response);
          }
        });
      },
    );
    this.#server.on('connection', () => (this.attempts += 1));
    this.#server.on('secureConnection', (socket) => {
      this.connections += 1;
      this.open += 1;
      socket.on('close', () => (this.open -= 1));
    });
  }

  async listen(port = 0): Promise<this> {
    this.port = await listen(this.#server, port);
    return this;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

export class FakeChain implements ChainPort {
  state: ChainState | null;
  accepting: AcceptingCluster = CLUSTER;
  failure: Error | null = null;
  reads = 0;
  readonly #listeners = new Set<() => void>();

  constructor(session: Session | null) {
    this.state = stateOf(session, 1n);
  }

  current(): ChainState | null {
    // A chain that goes on: only a test that says so has an old state.
    return this.state;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cluster(): Promise<AcceptingCluster> {
    this.reads += 1;
    return this.failure === null ? Promise.resolve(this.accepting) : Promise.reject(this.failure);
  }

  set(session: Session | null, term: bigint): void {
    this.state = stateOf(session, term);
    for (const listener of this.#listeners) listener();
  }
}

function stateOf(session: Session | null, term: bigint): ChainState {
  return { active: session === null ? null : { session, term }, atMs: Date.now() };
}

export interface Proxy {
  readonly port: number;
  readonly server: ProxyServer;
  readonly log: () => readonly Record<string, unknown>[];
  readonly ready: () => Promise<{ status: number; json: Readiness }>;
  close(): Promise<void>;
}

export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly { readonly code: string; readonly cause?: string; readonly message: string }[];
  readonly enclave: { readonly session: string; readonly term: string } | null;
}

const QUICK: Pauses = { retryMin: 10, retryMax: 100, look: 20, probe: 60_000 };

/** The proxy as the role makes it, over a chain of the test's. */
export async function startProxy(options: {
  readonly chain: ChainPort;
  readonly bootstrapUrl: string;
  readonly enclavePort: number;
  readonly limits?: Partial<ForwardLimits>;
  readonly pauses?: Partial<Pauses>;
  readonly fetchMsMax?: number;
}): Promise<Proxy> {
  const configuration = parseConfiguration({
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'DaaSConfiguration',
    cluster: { id: CLUSTER.id, package: id('aa'), chainId: 'Wmiwh256NxMGKwSHp1thyBUgCz4PMxCuh2wvpRiziCy' },
    chain: { network: 'embedded', url: 'http://127.0.0.1:1' },
    kubernetes: { server: 'https://127.0.0.1:1', caFile: 'ca.crt' },
    policy: { capacity: { cpuMilli: 1000, memoryBytes: 1000 } },
    attestation: { root: { kind: 'development', certificateFile: 'root.crt' } },
    proxy: {
      listen: { host: '127.0.0.1', port: 0 },
      certFile: 'proxy.crt',
      keyFile: 'proxy.key',
      clientCaFile: 'ca.crt',
      enclaveUrl: `https://127.0.0.1:${options.enclavePort}`,
      bootstrapUrl: options.bootstrapUrl,
      clientCertFile: 'client.crt',
      clientKeyFile: 'client.key',
    },
  });
  const { proxy } = configuration;
  if (proxy === undefined) throw new Error('the section is there');
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const parts = {
    configuration,
    proxy,
    path: (relative: string) => join(dir, relative),
    clock,
    log: pino({ level: 'trace' }, stream),
    ...options,
    pauses: { ...QUICK, ...options.pauses },
  };
  const link = linkOf(parts, await enclaveAccess(parts));
  const served = await serveProxy({
    link,
    tls: { certPem: server.certPem, keyPem: server.keyPem, clientCaPem: ca.certPem },
    allowedClients: proxy.allowedClients,
    host: '127.0.0.1',
    port: 0,
    clock,
    log: parts.log,
    ...(options.limits !== undefined && { limits: options.limits }),
  });
  link.start();
  return {
    port: served.port,
    server: served,
    log: () => lines,
    ready: async () => {
      const { status, text } = await call(served.port, '/readyz');
      return { status, json: JSON.parse(text) as Readiness };
    },
    close: async () => {
      await served.close();
      await link.close();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly text: string;
}

export interface CallOptions {
  readonly method?: string;
  readonly body?: string | Buffer;
  readonly headers?: Record<string, string>;
  readonly as?: KeyedCertificatePem | null;
  readonly agent?: Agent;
  readonly maxVersion?: 'TLSv1.2';
}

export function call(port: number, path: string, options: CallOptions = {}): Promise<Answer> {
  const { body, as = scheduler, agent, headers = {}, maxVersion } = options;
  const sized = body !== undefined && !('transfer-encoding' in headers);
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        path,
        method: options.method ?? (body === undefined ? 'GET' : 'POST'),
        agent: agent ?? false,
        ca: ca.certPem,
        ...(as !== null && { cert: as.certPem, key: as.keyPem }),
        ...(maxVersion && { maxVersion }),
        headers: { ...(sized && { 'content-length': Buffer.byteLength(body) }), ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            rawHeaders: response.rawHeaders,
            text: Buffer.concat(chunks).toString(),
          });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  msMax = 5_000,
): Promise<void> {
  const deadline = performance.now() + msMax;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(5);
  }
}
