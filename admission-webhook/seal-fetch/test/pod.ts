import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';

import { toHex, type Bytes, type FetchPlan, type SuiId } from '@k3s-daas/core';
import type { SealedValue } from '@k3s-daas/seal';
import { connectChain } from '@k3s-daas/sui-client';

import type { World } from '../fetch-secrets.ts';
import { placesUnder } from '../places.ts';
import {
  broker,
  chainId,
  chainUrl,
  clock,
  cluster,
  keyServers,
  packageId,
  plans,
  relayDoor,
  tokenOf,
} from './world.ts';

/** A Secret as its owner sealed it. */
export interface SealedSecret {
  readonly name: string;
  readonly policy: SuiId;
  readonly version: bigint;
  readonly values: ReadonlyMap<string, SealedValue>;
}

/** The plan that the webhook would make for these Secrets. */
export function planOf(secrets: readonly SealedSecret[], changed: Partial<FetchPlan> = {}): FetchPlan {
  return {
    cluster,
    package: packageId,
    broker: broker.url,
    relay: relayDoor.url,
    chain: { chainId, urls: [chainUrl] },
    keyServers: keyServers.map(({ objectId }) => ({ objectId, weight: 1 })),
    threshold: 2,
    refreshSeconds: 0,
    secrets: secrets.map(({ name, policy, version, values }) => ({
      name,
      policy,
      version: String(version),
      keys: [...values].map(([key, { digest }]) => ({ key, sha256: toHex(digest) })),
    })),
    files: secrets.flatMap(({ name, values }) =>
      [...values.keys()].map((key) => ({
        volume: 'all',
        path: `${name}/${key}`,
        mode: 0o440,
        secret: name,
        key,
      })),
    ),
    env: [],
    ...changed,
  };
}

let writes = 0;
/** Puts a Secret's data where the kubelet would, or replaces it. */
export function mount(root: string, name: string, data: ReadonlyMap<string, Bytes>): void {
  const folder = join(root, 'daas/in', name);
  writes += 1;
  const stamped = `..2026_01_01_00_00_00.${writes}`;
  mkdirSync(join(folder, stamped), { recursive: true });
  for (const [key, bytes] of data) {
    writeFileSync(join(folder, stamped, key), bytes);
    rmSync(join(folder, key), { force: true });
    symlinkSync(join('..data', key), join(folder, key));
  }
  symlinkSync(stamped, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
}

export const bytesOf = (values: ReadonlyMap<string, SealedValue>): Map<string, Bytes> =>
  new Map([...values].map(([key, { bytes }]) => [key, bytes]));

export function writeToken(root: string, text: string): void {
  const folder = join(root, 'var/run/secrets/kubernetes.io/serviceaccount');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'token'), text);
}

/** A pod with this plan in its spec, and its folders as the kubelet makes them. */
export function furnish(
  root: string,
  podUid: string,
  plan: FetchPlan,
  secrets: readonly SealedSecret[],
): void {
  plans.set(podUid, plan);
  for (const { name, values } of secrets) mount(root, name, bytesOf(values));
  for (const { volume } of plan.files) mkdirSync(join(root, 'daas/out', volume), { recursive: true });
  mkdirSync(join(root, 'daas/env'), { recursive: true });
  mkdirSync(join(root, 'dev'), { recursive: true });
  writeFileSync(join(root, 'dev/termination-log'), '');
  writeToken(root, tokenOf(podUid));
}

export interface TestWorld extends World {
  readonly lines: string[];
  /** Pauses that were made, ms. */
  readonly pauses: number[];
}

/** seal-fetch in such a pod. Pauses take no time, and time passes by them. `paused` is called within each. */
export function worldIn(
  root: string,
  plan: FetchPlan,
  {
    signal = new AbortController().signal,
    paused = () => Promise.resolve(),
  }: {
    readonly signal?: AbortSignal;
    readonly paused?: (pause: number) => Promise<void> | void;
  } = {},
): TestWorld {
  let skippedMs = 0;
  const lines: string[] = [];
  const pauses: number[] = [];
  const [first, ...others] = plan.chain.urls.map((url) => connectChain({ url, chainId: plan.chain.chainId }));
  if (first === undefined) throw new Error('a plan names a node');
  return {
    lines,
    pauses,
    plan,
    places: placesUnder(root),
    nodes: [first, ...others],
    clock,
    signal,
    elapsedMs: () => performance.now() + skippedMs,
    random: () => 0.5,
    sleep: async (ms) => {
      skippedMs += ms;
      pauses.push(ms);
      await paused(pauses.length);
      await turn();
    },
    log: {
      done: (step) => lines.push(step),
      failed: (error) => lines.push(String((error as { code?: string }).code)),
      info: (message) => lines.push(message),
    },
  };
}
