import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** A lock folder without an owner's name this old belongs to a process that died between two system calls. */
const NAMELESS_MS_MAX = 10_000;

/**
 * Holds a lock folder while `work` runs; waits while another live process holds it, and takes it from a dead one.
 * It saves double work and is not what correctness rests on: results are renamed into place.
 */
export async function withLock<T>(
  dir: string,
  waiting: (pid: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  const owner = join(dir, 'owner.json');
  let told = 0;
  while (!(await tryMkdir(dir))) {
    const holder = await readOwner(owner);
    if (await isStale(dir, holder)) {
      // Renamed first, so that of two who find it stale only one removes it.
      const aside = `${dir}.stale-${randomUUID()}`;
      await rename(dir, aside).catch(() => undefined);
      await rm(aside, { recursive: true, force: true });
      continue;
    }
    if (holder !== undefined && holder.pid !== told) waiting((told = holder.pid));
    await delay(300);
  }
  try {
    await writeFile(owner, JSON.stringify(ownIdentity()));
    return await work();
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function tryMkdir(dir: string): Promise<boolean> {
  try {
    await mkdir(dir);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function isStale(dir: string, holder: ProcessIdentity | undefined): Promise<boolean> {
  if (holder !== undefined) return !isRunning(holder);
  const made = await stat(dir).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs > NAMELESS_MS_MAX;
}

async function readOwner(path: string): Promise<ProcessIdentity | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    const { pid, startTime } = value as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : undefined;
  } catch {
    return undefined;
  }
}
