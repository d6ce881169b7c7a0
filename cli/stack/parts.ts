import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Children, type Child, type ChildExit } from '@k3s-daas/control-plane';
import { z } from 'zod';

import { CliError } from '../errors.ts';

const LAUNCHER = fileURLToPath(new URL('../bin/daas.js', import.meta.url));
/** The ledger loads its snapshot first, in about a second; without one it takes 0.3 ms for a transaction to replay. */
const READY_MS_MAX = 120_000;
const POLL_MS = 25;

/** Our own parts, each a process of its own that runs `daas ROLE`. */
export interface Parts {
  /** Starts a role and resolves with what it says when it serves. `name` tells apart several of one role. */
  start(role: string, args: readonly string[], name?: string): Promise<StartedPart>;
  processes(): readonly { readonly name: string; readonly pid: number }[];
  /** Ends the enclave and the webhook, then the chain that they read. */
  stop(): Promise<void>;
}

export interface StartedPart {
  readonly child: Child;
  readonly ready: Record<string, unknown>;
}

export async function createParts(dir: string, onExit: (exit: ChildExit) => void): Promise<Parts> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const children = new Children(dir, onExit);
  return {
    start: (role, args, name = role) => startPart(children, dir, { role, args, name }),
    processes: () => children.list().map(({ name, pid }) => ({ name, pid })),
    stop: () => children.stop('ledger'),
  };
}

async function startPart(
  children: Children,
  dir: string,
  { role, args, name }: { readonly role: string; readonly args: readonly string[]; readonly name: string },
): Promise<StartedPart> {
  const readyFile = join(dir, `${name}.ready.json`);
  await rm(readyFile, { force: true });
  const child = await children.start(name, process.execPath, [LAUNCHER, role, ...args], {
    DAAS_READY_FILE: readyFile,
    DAAS_CACHE_DIR: process.env['DAAS_CACHE_DIR'],
  });
  const deadline = Date.now() + READY_MS_MAX;
  for (;;) {
    if (child.hasExited()) {
      const { lastLines } = await child.exited;
      throw new CliError(
        'CHILD_EXITED',
        `daas ${name} ended before it was ready:\n${lastLines}`,
        'mend what its log says',
      );
    }
    const ready = await readReady(readyFile);
    if (ready !== null) return { child, ready };
    if (Date.now() > deadline) {
      throw new CliError(
        'CHILD_TIMEOUT',
        `daas ${name} was not ready within ${READY_MS_MAX / 1000} s`,
        `read its log: ${join(dir, 'logs', `${name}.log`)}`,
      );
    }
    await sleep(POLL_MS);
  }
}

async function readReady(file: string): Promise<Record<string, unknown> | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    return null;
  }
  return z.strictObject({ ready: z.record(z.string(), z.unknown()) }).parse(JSON.parse(text)).ready;
}
