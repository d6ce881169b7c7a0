import { SEALED_LABEL, toBase64, utf8, type SuiId } from '@k3s-daas/core';
import { sealValues, type SealConfig, type SealedValue } from '@k3s-daas/seal';

import { id } from '../../../admission-webhook/test/world.ts';

const POLICY: SuiId = id('0f');

export interface SealParts {
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly policy?: SuiId;
  readonly version?: bigint;
  readonly threshold?: number;
  /** Plaintexts by key. */
  readonly values?: Readonly<Record<string, string>>;
}

export interface SecretManifest {
  readonly apiVersion: 'v1';
  readonly kind: 'Secret';
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

/** Genuine ciphertext by the unmodified SealClient, for any cluster and place. */
export async function sealedSecret(
  config: SealConfig,
  name: string,
  { namespace = 'app', values = { password: 's3cret' }, ...parts }: SealParts,
): Promise<SecretManifest> {
  const sealed = await sealValues(config, {
    identity: {
      cluster: config.cluster,
      namespace,
      policy: parts.policy ?? POLICY,
      serviceAccount: parts.serviceAccount ?? 'api',
      version: parts.version ?? 1n,
    },
    secret: name,
    values: new Map(Object.entries(values).map(([key, text]) => [key, utf8(text)])),
    ...(parts.threshold === undefined ? {} : { threshold: parts.threshold }),
  });
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { [SEALED_LABEL]: 'true' } },
    type: 'Opaque',
    data: dataOf(sealed),
  };
}

function dataOf(sealed: ReadonlyMap<string, SealedValue>): Record<string, string> {
  return Object.fromEntries([...sealed].map(([key, { bytes }]) => [key, toBase64(bytes)]));
}
