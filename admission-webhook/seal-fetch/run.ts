import { lstatSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { parseFetchPlan, systemClock, type FetchPlan } from '@k3s-daas/core';
import { connectChain, type Chain } from '@k3s-daas/sui-client';

import { FetchError } from './errors.ts';
import { fetchSecrets, type Log, type World } from './fetch-secrets.ts';
import { placesUnder, type Places } from './places.ts';
import { keepFresh } from './refresh.ts';
import { oneLine } from './retry.ts';

export interface Process {
  /** The variable DAAS_PLAN. */
  readonly plan: string | undefined;
  /** `/` in a pod. */
  readonly root: string;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

/** `seal-fetch run`. @returns the exit code. */
export async function run({ plan: text, root, signal, print }: Process): Promise<number> {
  const places = placesUnder(root);
  try {
    const plan = readPlan(text);
    const world = worldOf(plan, places, signal, print);
    const opened = await orEnded(fetchSecrets(world), signal);
    if (opened === null)
      throw new FetchError('ENDED', 'it was told to stop before the secrets were in place');
    print(`secrets are in place, ${Math.round(performance.now())} ms after the start`);
    if (plan.refreshSeconds > 0) await orEnded(keepFresh(world, opened), signal);
    return 0;
  } catch (error) {
    const line = oneLine(error);
    print(line);
    explain(places, line);
    return 1;
  }
}

/** `seal-fetch ready`: whether all that the plan asks for is in place. @returns the exit code. */
export function ready({ plan: text, root, print }: Omit<Process, 'signal'>): number {
  try {
    return isReady(readPlan(text), placesUnder(root)) ? 0 : 1;
  } catch (error) {
    print(oneLine(error));
    return 1;
  }
}

/** Waits for nothing that is under way once the signal is aborted: files are written without a pause, so whole or not at all. */
function orEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    work.then(resolve, reject);
    const ended = (): void => {
      resolve(null);
    };
    if (signal.aborted) ended();
    else signal.addEventListener('abort', ended, { once: true });
  });
}

function readPlan(text: string | undefined): FetchPlan {
  if (text === undefined) throw new FetchError('PLAN_MISSING', 'the variable DAAS_PLAN is not set');
  return parseFetchPlan(text);
}

/** Files are there only whole and of one version, so that they are there says that they are good. */
function isReady({ files, env }: FetchPlan, places: Places): boolean {
  const there = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return (
    files.every(({ volume, path }) => there(join(places.volume(volume), path))) &&
    (env.length === 0 || there(places.environment))
  );
}

function worldOf(plan: FetchPlan, places: Places, signal: AbortSignal, print: (line: string) => void): World {
  return {
    plan,
    places,
    nodes: nodesOf(plan),
    clock: systemClock,
    log: logTo(print),
    signal,
    elapsedMs: () => performance.now(),
    random: Math.random,
    sleep: async (ms, ended) => {
      await delay(ms, undefined, { signal: ended }).catch(() => undefined);
    },
  };
}

function nodesOf({ chain: { chainId, urls } }: FetchPlan): readonly [Chain, ...Chain[]] {
  const [first, ...others] = urls.map((url) => connectChain({ url, chainId }));
  if (first === undefined) throw new FetchError('PLAN_MISSING', 'the plan names no full node');
  return [first, ...others];
}

function logTo(print: (line: string) => void): Log {
  return {
    done: (step, ms) => {
      print(`${step}: ${Math.round(ms)} ms`);
    },
    failed: (error, pauseMs) => {
      const next = pauseMs === null ? 'the files stay as they are' : `again in ${Math.round(pauseMs)} ms`;
      print(`${oneLine(error)}; ${next}`);
    },
    info: print,
  };
}

/** For `kubectl describe pod`. Outside a pod there is no such file, and none is made. */
function explain({ terminationLog }: Places, line: string): void {
  try {
    if (lstatSync(terminationLog).isFile()) writeFileSync(terminationLog, line);
  } catch {
    // The line is on stderr too, and the kubelet takes it from there (FallbackToLogsOnError).
  }
}
