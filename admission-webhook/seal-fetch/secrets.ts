import type { Bytes, FetchPlan } from '@k3s-daas/core';
import type { SealedValue } from '@k3s-daas/seal/sealed';

import { writeAtomically, type FileProjection } from './atomic-writer.ts';
import type { SealedSet } from './ciphertext.ts';
import { environmentFile, writeEnvironmentFile } from './env-file.ts';
import { FetchError } from './errors.ts';
import type { Places } from './places.ts';

/** Keys of each Secret that the plan writes somewhere. */
export function keysInUse({ files, env }: FetchPlan, secret: string): Set<string> {
  return new Set([...files, ...env].filter((use) => use.secret === secret).map(({ key }) => key));
}

/** What is to be opened, by `secret/key`; a key that nothing shows stays closed. */
export function valuesInUse(plan: FetchPlan, sets: readonly SealedSet[]): Map<string, SealedValue> {
  const values = new Map<string, SealedValue>();
  for (const { secret, values: all } of sets)
    for (const key of keysInUse(plan, secret)) {
      const value = all.get(key);
      if (value === undefined)
        throw new FetchError('CIPHERTEXT_MISSING', `the Secret ${secret} has no key ${key}`);
      values.set(`${secret}/${key}`, value);
    }
  return values;
}

/**
 * Writes what was opened where the plan says, each volume at once.
 * @param opened plaintexts by `secret/key`.
 * @throws FetchError VALUE_NOT_ENVIRONMENT before anything is written, WRITE_FAILED
 */
export function writeSecrets(
  plan: FetchPlan,
  places: Places,
  opened: ReadonlyMap<string, Bytes>,
  nowMs: number,
): void {
  const valueOf = ({ secret, key }: { readonly secret: string; readonly key: string }): Bytes => {
    const value = opened.get(`${secret}/${key}`);
    if (value === undefined) throw new FetchError('CIPHERTEXT_MISSING', `${secret}/${key} was not opened`);
    return value;
  };
  const environment = environmentFile(
    plan.env.map((use) => ({ name: use.name, from: `${use.secret}/${use.key}`, value: valueOf(use) })),
  );
  try {
    const volumes = new Map<string, Map<string, FileProjection>>();
    for (const file of plan.files) {
      const files = volumes.get(file.volume) ?? new Map<string, FileProjection>();
      volumes.set(file.volume, files.set(file.path, { data: valueOf(file), mode: file.mode }));
    }
    for (const [volume, files] of volumes) writeAtomically(places.volume(volume), files, nowMs);
    if (plan.env.length > 0) writeEnvironmentFile(places.environment, environment);
  } finally {
    environment.fill(0);
  }
}
