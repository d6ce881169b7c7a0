import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';

import { z } from 'zod';

import { isSuiId, type SuiId } from '@k3s-daas/core';

import { RegistrarError } from './errors.ts';

const STATE_BYTES_MAX = 32 << 20;

const id = z.string().refine(isSuiId);
const key = z.string().regex(/^[0-9a-f]{64}$/);
const mist = z.string().regex(/^\d{1,20}$/);
const digest = z.string().min(1).max(64);
const time = z.number().int().min(0);

const expense = z.strictObject({
  kind: z.enum(['grant', 'register', 'end', 'reclaim']),
  atMs: time,
  /** Decision key of the boot that a registration is for, hex. */
  boot: key.nullable(),
  digest,
  /** The gas budget while `open`, then what it cost. */
  mist,
  outcome: z.enum(['open', 'done', 'failed']),
});

const stateSchema = z.strictObject({
  version: z.literal(1),
  /** Whose money: these books are of one cluster and one paying address. */
  cluster: id,
  address: id,
  expenses: z.array(expense).max(100_000),
  /** Bonds of sessions that have not come back. */
  bonds: z.array(z.strictObject({ session: id, mist })).max(20_000),
  /** Newest last, a few. */
  registrations: z
    .array(z.strictObject({ atMs: time, session: id, term: mist, boot: key, digest }))
    .max(1_000),
  /** Client certificates that an enclave took, by the hash of its TLS key. */
  certificates: z.array(z.strictObject({ tlsKeyHash: key, renewAtMs: time, notAfterMs: time })).max(1_000),
  /** Why nothing is registered now; null while all is well. */
  waiting: z
    .strictObject({
      sinceMs: time,
      code: z.string().max(64),
      message: z.string().max(2_000),
      retryAtMs: time.nullable(),
    })
    .nullable(),
});

/** What the registrar remembers over restarts. Whether an enclave is registered is asked of the chain, not of this. */
export type RegistrarState = z.infer<typeof stateSchema>;
export type Expense = RegistrarState['expenses'][number];
export type ExpenseKind = Expense['kind'];

export function emptyState(cluster: SuiId, address: SuiId): RegistrarState {
  const lists = { expenses: [], bonds: [], registrations: [], certificates: [] };
  return { version: 1, cluster, address, ...lists, waiting: null };
}

/**
 * Reads the books, or null if there is no file. The first line is the SHA-256 of the second, so that a torn or edited
 * file is told from a whole one: books that cannot be read are not taken for empty ones.
 * @throws RegistrarError STATE_CORRUPT
 */
export async function readState(file: string): Promise<RegistrarState | null> {
  let text: string;
  try {
    text = await readBounded(file);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw corrupt(file, 'it cannot be read', cause);
  }
  const [sum = '', body = '', ...rest] = text.split('\n');
  if (rest.join('') !== '' || sum !== checksum(body)) throw corrupt(file, 'its checksum does not match');
  const state = stateSchema.safeParse(JSON.parse(body));
  if (!state.success) throw corrupt(file, z.prettifyError(state.error));
  return state.data;
}

/** Writes the books so that they survive a power cut: the file whole and on disk, then its name. */
export async function writeState(file: string, state: RegistrarState): Promise<void> {
  const body = JSON.stringify(state);
  const partial = `${file}.partial`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(partial, 'w', 0o600);
    try {
      await handle.writeFile(`${checksum(body)}\n${body}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
    const folder = await open(dirname(file), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw new RegistrarError(
      'STATE_UNWRITABLE',
      `${file} cannot be written, so nothing is spent`,
      'give the registrar a folder on a disk with room that it may write to',
      { cause },
    );
  }
}

/**
 * Keeps a second registrar off the same books until this process ends, however it ends: the kernel releases a name in
 * the abstract socket namespace with the process that holds it.
 * @throws RegistrarError STATE_LOCKED
 */
export async function lockState(file: string): Promise<() => Promise<void>> {
  const name = createHash('sha256').update(resolve(file)).digest('hex');
  const server = createServer();
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(`\0k3s-daas-registrar-${name}`, done);
    });
  } catch (cause) {
    throw new RegistrarError(
      'STATE_LOCKED',
      `another registrar keeps its books in ${file}`,
      'end it, or give this one a stateFile and a Sui key of its own',
      { cause },
    );
  }
  server.unref();
  return () =>
    new Promise((done) => {
      server.close(() => {
        done();
      });
    });
}

async function readBounded(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    if (size > STATE_BYTES_MAX) throw new RangeError(`it has ${size} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function checksum(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

function corrupt(file: string, why: string, cause?: unknown): RegistrarError {
  return new RegistrarError(
    'STATE_CORRUPT',
    `${file} is not the registrar's: ${why}`,
    'restore it, or move it away and start once with --new-state',
    { cause },
  );
}
