import { rename, writeFile } from 'node:fs/promises';

import { describeError } from '@k3s-daas/core';

/** How a started part is told to others and ended. */
export interface RunningPart {
  /** Addresses and ids that the starter waits for. */
  readonly ready: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

const CLOSE_MS_MAX = 3_500;

/**
 * Runs one part of the system until SIGINT or SIGTERM, then closes it within a bound. When the part serves, its
 * addresses are announced: as one line of JSON on standard output, and in the file that DAAS_READY_FILE names.
 */
export async function runRole(
  start: (signal: AbortSignal) => Promise<RunningPart>,
  announce: (ready: RunningPart['ready']) => Promise<void> | void = announceReady,
): Promise<void> {
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => {
      resolve();
    });
  });
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(event, () => {
      stop.abort();
    });
  }

  let part: RunningPart;
  try {
    part = await start(stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return;
    throw error;
  }
  await announce(part.ready);
  await stopped;
  await closeWithin(part);
}

async function announceReady(ready: RunningPart['ready']): Promise<void> {
  const text = `${JSON.stringify({ ready })}\n`;
  process.stdout.write(text);
  const file = process.env['DAAS_READY_FILE'];
  if (file === undefined) return;
  // Renamed into place, so that a reader never sees half of it.
  await writeFile(`${file}.partial`, text);
  await rename(`${file}.partial`, file);
}

async function closeWithin(part: RunningPart): Promise<void> {
  const timer = setTimeout(() => {
    process.stderr.write(`not closed within ${CLOSE_MS_MAX} ms, exiting\n`);
    process.exit(1);
  }, CLOSE_MS_MAX);
  try {
    await part.close();
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  }
  clearTimeout(timer);
}
