import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** What a round in a process of its own came to. */
export interface Outcome {
  readonly compared: number;
  readonly disagreements: number;
  /** The generated programs were too much for the compiler. */
  readonly uncompiled: boolean;
}

const NIGHTLY = fileURLToPath(new URL('nightly.ts', import.meta.url));

/**
 * A round of nightly.ts in a process of its own, because a panic of the WASM compiler leaves it unusable. `folder` takes
 * its files. Null when it was stopped or broke off.
 */
export async function childRound(seed: bigint, folder: string, signal: AbortSignal): Promise<Outcome | null> {
  return await new Promise((resolve) => {
    let outcome: Outcome | null = null;
    const child = fork(NIGHTLY, ['--round', `${seed}`], {
      signal,
      // What a stopped round leaves behind lies in here.
      env: { ...process.env, TMPDIR: folder },
    });
    child.on('message', (message) => (outcome = message as Outcome));
    child.on('error', () => undefined);
    child.on('close', () => {
      resolve(outcome);
    });
  });
}
