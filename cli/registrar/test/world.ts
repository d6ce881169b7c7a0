import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

import type { Test } from 'tap';

import { clientCertificateFromCsr, createAuthority } from '@k3s-daas/control-plane';
import {
  configDigest,
  enclaveUserData,
  ENCLAVE_USER,
  fromHex,
  parseConfiguration,
  policyDigest,
  policySchema,
  sha256,
  toBase64,
  toHex,
  utf8,
  type Bytes,
  type SuiId,
} from '@k3s-daas/core';
import { createDevelopmentAuthority, developmentNsm } from '@k3s-daas/enclave';
import { createLedger, serveLedger } from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import {
  addressOf,
  connectChain,
  createCluster,
  generateAccount,
  publishPackage,
  type Account,
  type Actor,
  type Chain,
} from '@k3s-daas/sui-client';

import { makeKeys, type EnclaveKeys } from '../../../enclave/boot/keys.ts';
import { attestationVerifier } from '../../roles/ledger.ts';
import { checkCertificate, type CertificateIssuer } from '../kubernetes.ts';

/** Shared by chain, NSM and registrar; tests move it ahead. */
export const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };

export const ANCHOR_WINDOW_MS = 60_000;
export const BOND = 5_000n;
/** What the embedded ledger takes for each transaction. */
export const FEE = 1_000_000n;

export const PCRS: ReadonlyMap<number, Bytes> = new Map(
  [0, 1, 2].map((index) => [index, new Uint8Array(48).fill(index + 1)]),
);
const pcr = (index: number): Bytes => PCRS.get(index) ?? new Uint8Array(48);

export const authority = await createDevelopmentAuthority({ clock });
const ledger = createLedger({
  framework: await compileFramework(),
  clock,
  emptyCheckpointMs: 100,
  verifyAttestation: attestationVerifier(authority.rootCertificateDer),
});
const server = await serveLedger(ledger, { host: '127.0.0.1', port: 0 });
export const { url } = server;
export const chainId: string = ledger.chainId;
export const chain: Chain = connectChain({ url, chainId });
const owner: Account = await funded();
const compiled = await compilePackage({
  dir: fileURLToPath(new URL('../../../sui/move/daas', import.meta.url)),
});
export const { packageId } = await publishPackage(
  { client: chain.client, signer: owner },
  compiled.modules,
  compiled.dependencies,
);

export async function closeWorld(): Promise<void> {
  await server.close();
  ledger.close();
}

export async function funded(mist = 1_000_000_000_000n): Promise<Account & { getSecretKey(): string }> {
  const account = generateAccount();
  const body = JSON.stringify({ address: addressOf(account), mist: mist.toString() });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(new URL('/faucet', url), { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`faucet: ${response.status} ${await response.text()}`);
  return account;
}

/** A cluster of its own for one test, with the account that owns its cap and pays. */
export async function newCluster(): Promise<{
  readonly actor: Actor;
  readonly cluster: SuiId;
  readonly cap: SuiId;
  readonly digest: Bytes;
}> {
  const actor: Actor = { client: chain.client, signer: await funded(), packageId };
  const policy = policyDigest(policySchema.parse({ capacity: { cpuMilli: 4_000, memoryBytes: 8_000_000 } }));
  const digest = configDigest({
    apiServerCaDigest: sha256(utf8('ca')),
    chainId,
    packageId,
    policyDigest: policy,
  });
  const { clusterId, capId } = await createCluster(actor, {
    configDigest: digest,
    policyDigest: policy,
    enclave: { pcr0: pcr(0), pcr1: pcr(1), pcr2: pcr(2) },
    parameters: {
      stakes: {
        userMin: 100n,
        nodeMin: 1_000n,
        adminMin: 10_000n,
        mistPerCpu: 100n,
        mistPerGib: 10n,
        userUnbondingMs: 300_000n,
        nodeUnbondingMs: 600_000n,
        adminUnbondingMs: 1_200_000n,
      },
      enclaves: {
        documentAgeMsMax: 300_000n,
        bondMin: BOND,
        anchorWindowMs: BigInt(ANCHOR_WINDOW_MS),
      },
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
  return { actor, cluster: clusterId, cap: capId, digest };
}

/** A valid section `attestation`, as the configuration gives it. */
export const accepted = parseConfiguration({
  apiVersion: 'k3s-daas.io/v1alpha1',
  kind: 'DaaSConfiguration',
  cluster: { id: `0x${'11'.repeat(32)}`, package: packageId, chainId },
  chain: { network: 'embedded', url },
  kubernetes: { server: 'https://127.0.0.1', caFile: 'ca.crt' },
  policy: { capacity: { cpuMilli: '1', memoryBytes: '1' } },
  attestation: { root: { kind: 'development', certificateFile: 'root.crt' } },
}).attestation;

export interface Reply {
  format: string;
  document: string;
  decisionKey: string;
  logKey: string;
  tlsKeyHash: string;
  certificatePem: string;
  csrPem: string;
}

/** What the bootstrap listener may be told to do wrong. Each sees the honest answer. */
export interface Lies {
  /** Changes the answer; null is the standing document. */
  reply?: (honest: Reply, slot: string | null) => Reply | Promise<Reply>;
  /** Answers in its place. */
  respond?: (request: IncomingMessage, response: ServerResponse, slot: string | null) => boolean;
  pcrs?: ReadonlyMap<number, Bytes>;
  /** Instead of the digest of the cluster. */
  digest?: Bytes;
}

/** An enclave as far as a registrar sees it: keys of a boot, documents of a real NSM, a certificate that it took. */
export class TestEnclave {
  lies: Lies = {};
  keys: EnclaveKeys;
  /** Documents made for slots. */
  readonly slots: string[] = [];
  readonly certificates: string[] = [];
  readonly #cluster: SuiId;
  readonly #digest: Bytes;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  private constructor(cluster: SuiId, digest: Bytes, keys: EnclaveKeys) {
    this.#cluster = cluster;
    this.#digest = digest;
    this.keys = keys;
  }

  static async start(t: Test, of: { readonly cluster: SuiId; readonly digest: Bytes }): Promise<TestEnclave> {
    const enclave = new TestEnclave(of.cluster, of.digest, await makeKeys({ host: '127.0.0.1', clock }));
    await new Promise<void>((resolve) => enclave.#server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      enclave.#server.closeAllConnections();
      enclave.#server.close();
    });
    return enclave;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A restart: new keys. */
  async boot(): Promise<void> {
    this.keys = await makeKeys({ host: '127.0.0.1', clock });
  }

  async honest(slot: string | null): Promise<Reply> {
    const { decision, log, tls } = this.keys;
    const nsm = await developmentNsm({
      authority,
      pcrs: this.lies.pcrs ?? PCRS,
      clock,
      moduleId: 'i-0123456789abcdef0-enc0123456789abcdef',
    });
    const document = await nsm.attest({
      publicKey: decision.publicKey,
      userData: enclaveUserData({
        cluster: this.#cluster,
        configDigest: this.lies.digest ?? this.#digest,
        decisionKey: decision.publicKey,
        logKey: log.publicKey,
        tlsKeyHash: tls.keyHash,
      }),
      ...(slot === null ? {} : { nonce: fromHex(slot.slice(2)) }),
    });
    return {
      format: 'aws-nitro',
      document: toBase64(document),
      decisionKey: toHex(decision.publicKey),
      logKey: toHex(log.publicKey),
      tlsKeyHash: toHex(tls.keyHash),
      certificatePem: tls.certificatePem,
      csrPem: tls.csrPem,
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://enclave');
    const slot = searchParams.get('slot');
    if (this.lies.respond?.(request, response, slot) === true) return;
    if (request.method === 'PUT' && pathname === '/api/v1/tee/kubernetes-certificate') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.certificates.push(Buffer.concat(chunks).toString('utf8'));
      response.writeHead(204).end();
      return;
    }
    if (slot !== null) this.slots.push(slot);
    const honest = await this.honest(slot);
    const reply = (await this.lies.reply?.(honest, slot)) ?? honest;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  }
}

const ca = await createAuthority('test', { days: 365, now: () => new Date(clock.now()) });

/** Issues as a cluster would, for a week from now; counts. */
export function testIssuer(): { issuer: CertificateIssuer; issued: () => number } {
  let count = 0;
  const issuer: CertificateIssuer = async ({ pem, keyHash }) => {
    count += 1;
    const issued = await clientCertificateFromCsr(ca, pem, { commonName: ENCLAVE_USER, days: 7 });
    return checkCertificate(issued.certPem, keyHash);
  };
  return { issuer, issued: () => count };
}

/** Transactions that an address sent, and what they were allowed to cost, from the ledger's own record. */
export async function sentBy(address: SuiId): Promise<{ digest: string; budget: bigint; failed: boolean }[]> {
  const page = await chain.client.core.listTransactions({
    filter: { sender: address },
    limit: 200,
    include: { transaction: true, effects: true },
  });
  return page.transactions.map((result) => {
    const found = result.$kind === 'Transaction' ? result.Transaction : result.FailedTransaction;
    return {
      digest: found.digest,
      budget: BigInt(found.transaction.gasData.budget ?? 0),
      failed: result.$kind !== 'Transaction',
    };
  });
}
