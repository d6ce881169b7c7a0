/** Sealed Secrets for tests: real ciphertext for real keys, made by what `daas secret seal` uses. */
import { randomBytes } from 'node:crypto';

import { SEALED_ANNOTATIONS, SEALED_LABEL, fromHex, toBase64, utf8, type SuiId } from '@k3s-daas/core';
import { generateMasterKey, MasterKey } from '@k3s-daas/seal';
import { parseSealConfig, sealValues, type SealConfig, type SealedValue } from '@k3s-daas/seal/sealed';

import type { SealSettings } from '../config.ts';
import { CLUSTER, id, PACKAGE, sealSettings } from './world.ts';

export const POLICY = id('90');

const keys = new Map<SuiId, MasterKey>();

function keyOf(server: SuiId): MasterKey {
  const key =
    keys.get(server) ?? new MasterKey(generateMasterKey((length) => new Uint8Array(randomBytes(length))));
  keys.set(server, key);
  return key;
}

export interface Where {
  readonly cluster?: SuiId;
  readonly package?: SuiId;
  readonly keyServers?: SealSettings['keyServers'];
  readonly threshold?: number;
}

/** What is sealed with; the test's cluster unless something else is asked for. */
function sealConfig(where: Where = {}): SealConfig {
  const {
    cluster = CLUSTER,
    threshold = sealSettings.threshold,
    keyServers = sealSettings.keyServers,
  } = where;
  return parseSealConfig({
    apiVersion: 'k3s-daas.io/v1alpha1',
    kind: 'SealConfiguration',
    cluster,
    package: where.package ?? PACKAGE,
    chainId: sealSettings.chain.chainId,
    threshold,
    keyServers: keyServers.map(({ objectId, weight }, index) => ({
      objectId,
      weight,
      name: `server-${index}`,
      publicKey: toBase64(keyOf(objectId).publicKey),
      proof: toBase64(keyOf(objectId).provePossession(fromHex(objectId.slice(2)))),
    })),
  });
}

export interface Sealing extends Where {
  readonly namespace?: string;
  readonly name?: string;
  readonly values?: Readonly<Record<string, string>>;
  readonly policy?: SuiId;
  readonly serviceAccount?: string;
  readonly version?: bigint;
  readonly type?: string;
}

export interface SecretObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

/** As `daas secret seal` writes it: namespace `shop`, name `db`, one key `password`, unless something else is asked for. */
export async function sealedSecret(sealing: Sealing = {}): Promise<SecretObject> {
  const { namespace = 'shop', name = 'db', values = { password: 'hunter2' } } = sealing;
  const identity = {
    policy: sealing.policy ?? POLICY,
    cluster: sealing.cluster ?? CLUSTER,
    namespace,
    serviceAccount: sealing.serviceAccount ?? 'default',
    version: sealing.version ?? 1n,
  };
  const plain = new Map(Object.entries(values).map(([key, text]) => [key, utf8(text)]));
  const sealed = await sealValues(sealConfig(sealing), { identity, secret: name, values: plain });
  const [first] = sealed.values();
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { [SEALED_LABEL]: 'true' }, annotations: annotationsOf(first) },
    type: sealing.type ?? 'Opaque',
    data: Object.fromEntries([...sealed].map(([key, { bytes }]) => [key, toBase64(bytes)])),
  };
}

function annotationsOf(value: SealedValue | undefined): Record<string, string> {
  if (value === undefined) return {};
  const { identity, threshold, services } = value;
  return {
    [SEALED_ANNOTATIONS.policy]: identity.policy,
    [SEALED_ANNOTATIONS.version]: identity.version.toString(),
    [SEALED_ANNOTATIONS.serviceAccount]: identity.serviceAccount,
    [SEALED_ANNOTATIONS.threshold]: threshold.toString(),
    [SEALED_ANNOTATIONS.keyServers]: services.map(({ objectId }) => objectId).join(','),
  };
}
