/** An enclave in the attacker's hands: the development NSM with whatever PCRs, clock, root and nonce it likes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  enclaveUserData,
  fromBase64,
  fromHex,
  generateEd25519,
  systemClock,
  type Bytes,
  type Signer,
  type SuiId,
} from '@k3s-daas/core';
import { developmentNsm, type DevelopmentAuthority } from '@k3s-daas/enclave';
import { addressOf, grantSlot, readCluster, type Actor, type RegisterArgs } from '@k3s-daas/sui-client';
import { z } from 'zod';

import type { World } from './world.ts';

const authoritySchema = z.object({ rootCertificateDer: z.base64(), rootKeyPkcs8: z.base64() });

/** The root that the ledger trusts. With it a test can make an image that measures like ours and keeps its key. */
export async function trustedAuthority(world: World): Promise<DevelopmentAuthority> {
  const text = await readFile(join(world.dir, 'enclave', 'nsm-authority.json'), 'utf8');
  const { rootCertificateDer, rootKeyPkcs8 } = authoritySchema.parse(JSON.parse(text));
  return { rootCertificateDer: fromBase64(rootCertificateDer), rootKeyPkcs8: fromBase64(rootKeyPkcs8) };
}

export interface Image {
  readonly decision: Signer;
  readonly args: RegisterArgs;
}

export interface ImageOptions {
  readonly slot: SuiId;
  readonly authority: DevelopmentAuthority;
  readonly pcrs?: ReadonlyMap<number, Bytes>;
  readonly ageMs?: number;
  /** Slot that the document names. */
  readonly nonce?: SuiId;
  /** Cluster that the document names. */
  readonly cluster?: SuiId;
}

/** Boots an image: keys, and an attestation document over them. */
export async function boot(world: World, options: ImageOptions): Promise<Image> {
  const { slot, authority, ageMs = 0, nonce = slot } = options;
  const { operator, packageId, owned } = world.stack.world;
  const { configDigest } = await readCluster(operator.client, packageId, owned.cluster);
  const pcrs = options.pcrs ?? (await acceptedPcrs(world));
  const [decision, log, tls] = [generateEd25519(), generateEd25519(), generateEd25519()];
  const clock = { now: () => systemClock.now() - ageMs };
  const nsm = await developmentNsm({ authority, pcrs, clock, moduleId: 'i-attacks-enc1' });
  const keys = { decisionKey: decision.publicKey, logKey: log.publicKey, tlsKeyHash: tls.publicKey };
  const document = await nsm.attest({
    publicKey: keys.decisionKey,
    nonce: fromHex(nonce.slice(2)),
    userData: enclaveUserData({ cluster: options.cluster ?? owned.cluster, configDigest, ...keys }),
  });
  return { decision, args: { slot, document, logKey: keys.logKey, tlsKeyHash: keys.tlsKeyHash } };
}

/** The measurements that the cluster accepts. */
export async function acceptedPcrs(world: World): Promise<Map<number, Bytes>> {
  const { operator, packageId, owned } = world.stack.world;
  const [config] = (await readCluster(operator.client, packageId, owned.cluster)).configs;
  if (config === undefined) throw new RangeError('the cluster accepts no image');
  const { pcr0, pcr1, pcr2 } = config.value;
  return new Map([pcr0, pcr1, pcr2].entries());
}

/** A slot of our cluster for somebody, as its owner may grant it. */
export async function slotFor(world: World, registrar: Actor, lifetimeMs = 600_000): Promise<SuiId> {
  const { operator, owned } = world.stack.world;
  const { slot } = await grantSlot(operator, owned, {
    registrar: addressOf(registrar.signer),
    configVersion: 1n,
    expiresMs: BigInt(systemClock.now() + lifetimeMs),
  });
  return slot;
}
