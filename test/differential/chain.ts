/** The real package on the embedded ledger, with slots of every kind, and the answer of a registration there. */
import { verifyDocument, AttestationError } from '@k3s-daas/attestation';
import { sha256, utf8, type Bytes, type SuiId } from '@k3s-daas/core';
import {
  AttestationFault,
  createLedger,
  serveLedger,
  type AttestationVerifier,
  type Ledger,
} from '@k3s-daas/ledger';
import { compileFramework, compilePackage } from '@k3s-daas/move';
import {
  acceptConfig,
  addressOf,
  ChainError,
  connectChain,
  createCluster,
  generateAccount,
  grantSlot,
  publishPackage,
  readCluster,
  readSession,
  readSlot,
  register,
  retireConfig,
  type Actor,
  type ClusterRecord,
  type EnclaveConfig,
  type Owned,
  type RegisterArgs,
  type SessionRecord,
  type SlotRecord,
} from '@k3s-daas/sui-client';

import { NOW } from './documents.ts';

export const AGE_MS_MAX = 300_000;
export const BOND_MIN = 5_000n;
const CONFIG_DIGEST = sha256(utf8('config'));

const image = (first: number): EnclaveConfig => ({
  pcr0: new Uint8Array(48).fill(first),
  pcr1: new Uint8Array(48).fill(first + 1),
  pcr2: new Uint8Array(48).fill(first + 2),
});
/** By config version. 1 is old and still accepted, 2 is retired, 3 is the newest. */
export const IMAGES: Readonly<Record<string, EnclaveConfig>> = { 1: image(10), 2: image(20), 3: image(30) };

const SLOTS = {
  newest: { configVersion: 3n, expiresMs: NOW + 3_600_000 },
  old: { configVersion: 1n, expiresMs: NOW + 3_600_000 },
  retired: { configVersion: 2n, expiresMs: NOW + 3_600_000 },
  expiring: { configVersion: 3n, expiresMs: NOW },
  last: { configVersion: 3n, expiresMs: NOW + 1 },
  expired: { configVersion: 3n, expiresMs: 1 },
  foreign: { configVersion: 1n, expiresMs: NOW + 3_600_000 },
  foreignExpired: { configVersion: 1n, expiresMs: 1 },
  retiredExpired: { configVersion: 2n, expiresMs: 1 },
} as const;
export type SlotName = keyof typeof SLOTS;
export const slotNames = Object.keys(SLOTS) as SlotName[];

export type Answer =
  | { readonly verdict: 'accepted'; readonly session: SessionRecord }
  /** `module::constant`, or `module::code` for a module of the framework. */
  | { readonly verdict: string; readonly session: null };

export interface TestChain {
  readonly ledger: Ledger;
  readonly actor: Actor;
  readonly cluster: ClusterRecord;
  /** One of each kind that was not used yet. */
  readonly slots: Readonly<Record<SlotName, SlotRecord>>;
  /** What the ledger's native pins from now on. */
  trust(root: Bytes): void;
  /** `load_nitro_attestation`, `register` and `share` as one transaction; what is accepted uses its slot up. */
  register(attempt: RegisterArgs): Promise<Answer>;
  grant(name: SlotName): Promise<SlotRecord>;
  /** Puts another slot of the kind in the place of the one that was used. */
  renew(name: SlotName): Promise<void>;
  close(): Promise<void>;
}

/** @param packageDir of the Move package, so that a mutant of it can be compared as well. */
export async function startChain(packageDir: string): Promise<TestChain> {
  let trustAnchor: Bytes = new Uint8Array();
  const ledger = createLedger({
    framework: await compileFramework(),
    clock: { startMs: NOW },
    verifyAttestation: (document, clockMs) => asNative(document, clockMs, trustAnchor),
  });
  const server = await serveLedger(ledger, { host: '127.0.0.1', port: 0 });
  const { client } = connectChain({ url: server.url, chainId: ledger.chainId });
  const signer = generateAccount();
  ledger.faucet(addressOf(signer), 10n ** 15n);
  const compiled = await compilePackage({ dir: packageDir });
  const { packageId } = await publishPackage({ client, signer }, compiled.modules, compiled.dependencies);
  const actor: Actor = { client, signer, packageId };
  const own = await makeCluster(actor);
  const other = await makeCluster(actor);
  await acceptConfig(actor, own, image(20));
  await acceptConfig(actor, own, image(30));
  const grant = async (name: SlotName): Promise<SlotRecord> => {
    const { configVersion, expiresMs } = SLOTS[name];
    const { slot } = await grantSlot(actor, name.startsWith('foreign') ? other : own, {
      registrar: addressOf(signer),
      configVersion,
      expiresMs: BigInt(expiresMs),
    });
    return await readSlot(client, packageId, slot);
  };
  const granted: [SlotName, SlotRecord][] = [];
  for (const name of slotNames) granted.push([name, await grant(name)]);
  const slots = Object.fromEntries(granted) as Record<SlotName, SlotRecord>;
  await retireConfig(actor, own, 2n);
  return {
    ledger,
    actor,
    cluster: await readCluster(client, packageId, own.cluster),
    slots,
    trust: (root) => (trustAnchor = root),
    register: (attempt) => answer(actor, own.cluster, attempt),
    grant,
    renew: async (name) => {
      slots[name] = await grant(name);
    },
    close: async () => {
      await server.close();
      ledger.close();
    },
  };
}

async function makeCluster(actor: Actor): Promise<Owned> {
  const { clusterId, capId } = await createCluster(actor, {
    configDigest: CONFIG_DIGEST,
    policyDigest: sha256(utf8('policy')),
    enclave: image(10),
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
      enclaves: { documentAgeMsMax: BigInt(AGE_MS_MAX), bondMin: BOND_MIN, anchorWindowMs: 60_000n },
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
  return { cluster: clusterId, cap: capId };
}

/** The project's verifier in the place of Sui's native: the chain's clock, no policy. */
function asNative(document: Bytes, clockMs: bigint, trustAnchor: Bytes): ReturnType<AttestationVerifier> {
  try {
    const { pcrs, publicKey, userData, nonce, ...rest } = verifyDocument(new Uint8Array(document), {
      trustAnchor,
      nowMs: Number(clockMs),
    });
    return {
      ...rest,
      pcrs: [...pcrs].map(([index, value]) => ({ index, value })),
      publicKey: publicKey ?? undefined,
      userData: userData ?? undefined,
      nonce: nonce ?? undefined,
    };
  } catch (cause) {
    if (!(cause instanceof AttestationError)) throw cause;
    throw new AttestationFault(isMalformed(cause) ? 'parse' : 'verify', cause.message, { cause });
  }
}

/** Which of the two aborts of `sui::nitro_attestation` an error of the verifier is. */
export function isMalformed({ code }: AttestationError): boolean {
  return /^(?:CBOR|COSE|DOCUMENT)_/.test(code) && code !== 'COSE_SIGNATURE';
}

async function answer(actor: Actor, cluster: SuiId, attempt: RegisterArgs): Promise<Answer> {
  try {
    const { session } = await register(actor, cluster, attempt);
    return { verdict: 'accepted', session: await readSession(actor.client, actor.packageId, session) };
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    return { verdict: refusal(error), session: null };
  }
}

/** The Move abort by name, or the code of the refusal. */
function refusal({ abort, code }: ChainError): string {
  if (abort === null) return code;
  return abort.name ?? `${abort.module}::${abort.code}`;
}
