import { CodedError, fromBase64, isSuiId, type Bytes } from '@k3s-daas/core';
import { z } from 'zod';

import { assertG2 } from '../key-server/crypto.ts';
import type { SealRules } from './check.ts';

export type SealConfigErrorCode =
  | 'SEAL_CONFIG_MALFORMED'
  | 'SEAL_CONFIG_KEY_SERVER_MISSING'
  | 'SEAL_CONFIG_KEY_SERVER_UNTRUSTED'
  | 'SEAL_CONFIG_PACKAGE_WRONG';

const REMEDIES: Readonly<Record<SealConfigErrorCode, string>> = {
  SEAL_CONFIG_MALFORMED: 'write it anew with `daas secret config`',
  SEAL_CONFIG_KEY_SERVER_MISSING:
    'correct seal.keyServers in daas.yaml; each needs an independent KeyServer on this chain',
  SEAL_CONFIG_KEY_SERVER_UNTRUSTED:
    'the key server must run and hold the key that the chain has of it; ask its operator, or leave it out',
  SEAL_CONFIG_PACKAGE_WRONG: "name the first version of the cluster's package: cluster.package in daas.yaml",
};

/** A published configuration that nothing should be sealed with. */
export class SealConfigError extends CodedError<SealConfigErrorCode> {
  constructor(code: SealConfigErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, REMEDIES[code], options);
  }
}

const KEY_SERVERS_MAX = 16;
const id = z.string().refine(isSuiId, 'expected 0x and 64 lower-case hex digits');

function base64(bytes: number) {
  return z.string().transform((text, context): Bytes => {
    try {
      const value = fromBase64(text);
      if (value.length === bytes) return value;
    } catch {
      // Refused below.
    }
    context.addIssue({ code: 'custom', message: `expected ${bytes} bytes in base64` });
    return z.NEVER;
  });
}

/** Compressed, of the right subgroup, not infinity: to another one, everyone could decrypt. */
const publicKey = base64(96).refine((bytes) => {
  try {
    assertG2(bytes);
    return true;
  } catch {
    return false;
  }
}, 'expected a point of G2 in BLS12-381');

const keyServerSchema = z.strictObject({
  objectId: id,
  weight: z.int().min(1).max(255),
  name: z.string().min(1).max(64),
  publicKey,
  /** The server's own signature of its key and object, which a sealer verifies again. */
  proof: base64(48),
});

const schema = z
  .strictObject({
    apiVersion: z.literal('k3s-daas.io/v1alpha1'),
    kind: z.literal('SealConfiguration'),
    cluster: id,
    package: id,
    chainId: z.string().min(1).max(64),
    threshold: z.int().min(1).max(254),
    keyServers: z.array(keyServerSchema).min(1).max(KEY_SERVERS_MAX),
  })
  .refine(({ keyServers }) => new Set(keyServers.map((each) => each.objectId)).size === keyServers.length, {
    path: ['keyServers'],
    error: 'a key server is named twice',
  })
  .refine(({ keyServers, threshold }) => threshold <= totalWeight(keyServers), {
    path: ['threshold'],
    error: 'more than all key servers weigh',
  })
  .refine(({ keyServers }) => totalWeight(keyServers) < 255, {
    path: ['keyServers'],
    error: 'weighs 255 or more, which Seal cannot share a key among',
  });

/** All that sealing needs to know of a cluster; public, and worth as much as the way it came by. */
export type SealConfig = z.infer<typeof schema>;
export type SealKeyServer = SealConfig['keyServers'][number];

/** @throws SealConfigError SEAL_CONFIG_MALFORMED */
export function parseSealConfig(value: unknown): SealConfig {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new SealConfigError(
    'SEAL_CONFIG_MALFORMED',
    `not a configuration to seal with:\n${z.prettifyError(result.error)}`,
  );
}

/** The rules that admission holds values to, if the cluster is configured as published. */
export function rulesOf(config: SealConfig): SealRules {
  return {
    cluster: config.cluster,
    packageId: config.package,
    keyServers: new Map(config.keyServers.map(({ objectId, weight }) => [objectId, weight])),
    threshold: config.threshold,
  };
}

function totalWeight(servers: readonly { readonly weight: number }[]): number {
  return servers.reduce((sum, { weight }) => sum + weight, 0);
}
