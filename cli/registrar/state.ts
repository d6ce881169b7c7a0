import { isSuiId, type SuiId } from '@k3s-daas/core';
import { z } from 'zod';

import {
  lockStateFile,
  openState,
  readStateFile,
  stateOwner,
  writeStateFile,
  type OpenStateOptions,
  type StateKind,
} from '../state-file.ts';

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
  ...stateOwner,
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

const KIND: StateKind<RegistrarState> = { part: 'registrar', schema: stateSchema };

/** The books, or null if there is no file. @throws StateError STATE_CORRUPT */
export function readState(file: string): Promise<RegistrarState | null> {
  return readStateFile(file, KIND);
}

/** @throws StateError STATE_UNWRITABLE */
export function writeState(file: string, state: RegistrarState): Promise<void> {
  return writeStateFile(file, KIND, state);
}

/** The books to go on with. @throws StateError */
export function openBooks(
  options: Omit<OpenStateOptions<RegistrarState>, 'kind' | 'empty'>,
): Promise<RegistrarState> {
  return openState({
    ...options,
    kind: KIND,
    empty: ({ cluster, address }) => emptyState(cluster, address),
  });
}

/** Keeps a second registrar off the same books. @throws StateError STATE_LOCKED */
export function lockState(file: string): Promise<() => Promise<void>> {
  return lockStateFile(file, KIND.part);
}
