import type { Clock, FetchPlan, SuiId } from '@k3s-daas/core';
import { OpenError, openValues } from '@k3s-daas/seal/sealed';
import { addressOf, type Chain } from '@k3s-daas/sui-client';

import { Access, type Held } from './access.ts';
import { findEnclave, hasGrants } from './chain.ts';
import { checkPlanned, readVolume, type PlannedSecret, type SealedSet } from './ciphertext.ts';
import { FetchError } from './errors.ts';
import type { Places } from './places.ts';
import { byAnyOf } from './majority.ts';
import { retrying, type Pacing } from './retry.ts';
import { valuesInUse, writeSecrets } from './secrets.ts';
import { signedVersion } from './signed-version.ts';
import { readToken, type PodToken } from './token.ts';

/** Everything that a pod and its surroundings are to seal-fetch. */
export interface World extends Pacing {
  readonly plan: FetchPlan;
  readonly places: Places;
  /** The plan's full nodes: most must agree on whom to trust, and objects are read from any of those who do. */
  readonly nodes: readonly [Chain, ...Chain[]];
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the pod ends. */
  readonly signal: AbortSignal;
}

/** Told of what happens, never of what is secret. */
export interface Log {
  /** A step that is done, and how long it took. */
  done(step: string, ms: number): void;
  failed(error: unknown, pauseMs: number | null): void;
  info(message: string): void;
}

const BUDGET_MS = 60_000;
const GRANT_WAIT_MS = 5_000;
const GRANT_PAUSE_MS = 50;

/** What the pod runs with: which ciphertext, and the access that it was opened with. */
export interface Opened {
  readonly sets: readonly SealedSet[];
  readonly access: Access;
}

/**
 * The protocol (docs/seal-fetch.md), tried for about a minute.
 * @throws CodedError the reason of the last attempt.
 */
export async function fetchSecrets(world: World): Promise<Opened> {
  const access = new Access(world.plan, world.clock);
  const attempt = async (): Promise<Opened> => {
    const token = await readToken(world.places.token);
    const sets = await timed(world, 'ciphertext', () => readAdmitted(world, token));
    await openAndWrite(world, access, token, sets);
    return { sets, access };
  };
  return withinBudget(world, attempt);
}

/** @throws CodedError the reason of the last attempt. */
export function withinBudget<T>(world: World, attempt: () => Promise<T>): Promise<T> {
  return retrying(attempt, {
    ...world,
    budgetMs: BUDGET_MS,
    failed: (error, pauseMs) => {
      world.log.failed(error, pauseMs);
    },
  });
}

/** Enclave by the chain → its consent → grants → keys → files. */
export async function openAndWrite(
  world: World,
  access: Access,
  { text: token }: PodToken,
  sets: readonly SealedSet[],
): Promise<void> {
  const { plan, places, clock, signal } = world;
  const values = valuesInUse(plan, sets);
  const policies = [...new Set(sets.map(({ policy }) => policy))];
  const { value: enclave, nodes } = await timed(world, 'enclave', () => findEnclave(world, plan, clock));
  const held = await access.obtain({
    enclave,
    token,
    policies,
    signal,
    timed: (step, run) => timed(world, step, run),
  });
  const opened = await byAnyOf(nodes, signal, async (node) => {
    await timed(world, 'grant', () => untilReadable(world, node, held));
    return timed(world, 'keys', () => open(world, node, held, values));
  }).catch((error: unknown) => {
    if (error instanceof OpenError && error.code === 'OPEN_REFUSED') access.drop();
    throw error;
  });
  try {
    if (signal.aborted) throw new FetchError('ENDED', 'it was told to stop');
    writeSecrets(plan, places, opened, clock.now());
  } finally {
    for (const plaintext of opened.values()) plaintext.fill(0);
  }
}

async function readAdmitted(world: World, token: PodToken): Promise<SealedSet[]> {
  return Promise.all(world.plan.secrets.map((planned) => readSecret(world, planned, token)));
}

/** A sidecar that starts again takes what it would have taken while it ran: else no rotated pod outlives a restart. */
async function readSecret(world: World, planned: PlannedSecret, token: PodToken): Promise<SealedSet> {
  const { plan, places } = world;
  const { name: secret, policy, version, keys } = planned;
  const folder = places.ciphertext(secret);
  const found = await readVolume(
    folder,
    keys.map(({ key }) => key),
  );
  try {
    return checkPlanned(plan, planned, found, token);
  } catch (error) {
    const changed = error instanceof FetchError && error.code === 'CIPHERTEXT_CHANGED';
    if (plan.refreshSeconds === 0 || !changed) throw error;
    const admitted = { secret, policy, version: BigInt(version) };
    return await signedVersion(world, admitted, await readVolume(folder), token);
  }
}

/** The relay may be ahead of the full node that is asked here. */
async function untilReadable(world: World, node: Chain, { account, grants }: Held): Promise<void> {
  const { plan, signal, elapsedMs, sleep } = world;
  const wanted = new Map([...grants].map(([policy, { grant }]) => [policy, grant]));
  const endsAt = elapsedMs() + GRANT_WAIT_MS;
  for (let pauseMs = GRANT_PAUSE_MS; ; pauseMs *= 2) {
    if (await hasGrants(node, plan, wanted, addressOf(account))) return;
    if (signal.aborted || elapsedMs() + pauseMs >= endsAt)
      throw new FetchError('GRANT_MISSING', `${node.url} does not have the grants yet`);
    await sleep(pauseMs, signal);
  }
}

function open(
  { plan }: World,
  { client }: Chain,
  { account, session, position, grants }: Held & { readonly position: SuiId },
  values: ReturnType<typeof valuesInUse>,
): ReturnType<typeof openValues> {
  const byPolicy = new Map([...grants].map(([policy, { grant }]) => [policy, grant]));
  const approval = { kind: 'placement', cluster: plan.cluster, session, position, grants: byPolicy } as const;
  return openValues({ client, account, packageId: plan.package, approval }, values);
}

async function timed<T>({ elapsedMs, log }: World, step: string, run: () => Promise<T>): Promise<T> {
  const began = elapsedMs();
  const result = await run();
  log.done(step, elapsedMs() - began);
  return result;
}
