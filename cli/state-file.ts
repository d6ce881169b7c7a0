import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';

import { z } from 'zod';

import { CodedError, isSuiId, type SuiId } from '@k3s-daas/core';

// Books of a part that spends money: one file, whole or refused, kept by one process.

export type StateErrorCode =
  'STATE_MISSING' | 'STATE_CORRUPT' | 'STATE_FOREIGN' | 'STATE_EXISTS' | 'STATE_UNWRITABLE' | 'STATE_LOCKED';

/** Why books are not used, or cannot be written. */
export class StateError extends CodedError<StateErrorCode> {}

/** What the books of every part hold: of which cluster and paying address they are. */
export const stateOwner = { cluster: z.string().refine(isSuiId), address: z.string().refine(isSuiId) };

export interface StateOwner {
  readonly cluster: SuiId;
  readonly address: SuiId;
}

/** How a part keeps its books. */
export interface StateKind<T> {
  /** Who keeps them, as people call it: the registrar. */
  readonly part: string;
  readonly schema: z.ZodType<T>;
}

export interface OpenStateOptions<T> extends StateOwner {
  readonly file: string;
  readonly kind: StateKind<T>;
  /** Begins new books where the old are lost. */
  readonly newState: boolean;
  /** Whether the chain shows that this address has spent for this cluster before. */
  readonly hasHistory: () => Promise<boolean>;
  readonly empty: (owner: StateOwner) => T;
}

const STATE_BYTES_MAX = 32 << 20;

/**
 * The books of this cluster and address, or new ones. Lost books are not empty ones: an empty volume after each crash
 * would otherwise be a fresh budget after each crash.
 * @throws StateError
 */
export async function openState<T extends StateOwner>(options: OpenStateOptions<T>): Promise<T> {
  const { file, kind, cluster, address, newState } = options;
  const kept = await readStateFile(file, kind);
  if (newState && kept !== null) {
    throw new StateError(
      'STATE_EXISTS',
      `${file} is there and whole, so --new-state is refused`,
      'start without --new-state; it is for one start after a loss and belongs in no unit file',
    );
  }
  if (kept !== null) {
    if (kept.cluster === cluster && kept.address === address) return kept;
    throw new StateError(
      'STATE_FOREIGN',
      `${file} is of cluster ${kept.cluster} and address ${kept.address}`,
      'name a stateFile of its own for each cluster and key',
    );
  }
  if (!newState && (await options.hasHistory())) {
    throw new StateError(
      'STATE_MISSING',
      `there is no ${file}, but ${address} has paid for this cluster before`,
      'restore it and keep it on a volume that outlives the process; if it is lost, start once with --new-state',
    );
  }
  const begun = options.empty({ cluster, address });
  await writeStateFile(file, kind, begun);
  return begun;
}

/**
 * Reads books, or null if there is no file. The first line is the SHA-256 of the second, so that a torn or edited file is
 * told from a whole one: books that cannot be read are not taken for empty ones.
 * @throws StateError STATE_CORRUPT
 */
export async function readStateFile<T>(file: string, { part, schema }: StateKind<T>): Promise<T | null> {
  let text: string;
  try {
    text = await readBounded(file);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw corrupt(file, part, 'it cannot be read', cause);
  }
  const [sum = '', body = '', ...rest] = text.split('\n');
  if (rest.join('') !== '' || sum !== checksum(body))
    throw corrupt(file, part, 'its checksum does not match');
  const state = schema.safeParse(JSON.parse(body));
  if (!state.success) throw corrupt(file, part, z.prettifyError(state.error));
  return state.data;
}

/** Writes books so that they survive a power cut: the file whole and on disk, then its name. @throws StateError */
export async function writeStateFile<T>(file: string, { part }: StateKind<T>, state: T): Promise<void> {
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
    throw new StateError(
      'STATE_UNWRITABLE',
      `${file} cannot be written, so nothing is spent`,
      `give the ${part} a folder on a disk with room that it may write to`,
      { cause },
    );
  }
}

/**
 * Keeps a second process off the same books until this one ends, however it ends: the kernel releases a name in the
 * abstract socket namespace with the process that holds it.
 * @throws StateError STATE_LOCKED
 */
export async function lockStateFile(file: string, part: string): Promise<() => Promise<void>> {
  const name = createHash('sha256').update(resolve(file)).digest('hex');
  const server = createServer();
  try {
    await new Promise<void>((done, failed) => {
      server.once('error', failed);
      server.listen(`\0k3s-daas-${part}-${name}`, done);
    });
  } catch (cause) {
    throw new StateError(
      'STATE_LOCKED',
      `another ${part} keeps its books in ${file}`,
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

function corrupt(file: string, part: string, why: string, cause?: unknown): StateError {
  return new StateError(
    'STATE_CORRUPT',
    `${file} is not the ${part}'s: ${why}`,
    'restore it, or move it away and start once with --new-state',
    { cause },
  );
}
