import { join } from 'node:path';

import { readFile } from 'node:fs/promises';

import { freePorts } from '@k3s-daas/control-plane';
import { isSuiId } from '@k3s-daas/core';
import { z } from 'zod';

import { CliError } from '../errors.ts';
import { writeWhole } from './files.ts';

const id = z.string().refine(isSuiId);
const port = z.number().int().min(1).max(65_535);

/** kubeconfigs, `daas.yaml` and webhook registration name them, so a later start takes the same. */
const portsBefore = { apiServer: port, ledger: port, webhook: port, extender: port, bootstrap: port };

const stateSchema = z.strictObject({
  version: z.literal(2),
  ports: z.strictObject({ ...portsBefore, proxy: port }),
  chain: z.strictObject({
    chainId: z.string(),
    packageId: id,
    cluster: id,
    cap: id,
    operatorSecret: z.string(),
  }),
});

/** Before there was an attesting proxy. */
const stateSchemaV1 = stateSchema.extend({ version: z.literal(1), ports: z.strictObject(portsBefore) });

/** What a later start in the same folder needs to go on with the same cluster. */
export type InstallationState = z.infer<typeof stateSchema>;

const FILE = 'installation.json';

/** The state of an earlier start, or null for a folder without one. One of version 1 gets what it lacks. */
export async function loadState(dir: string): Promise<InstallationState | null> {
  let text: string;
  try {
    text = await readFile(join(dir, FILE), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
  const value: unknown = JSON.parse(text);
  const before = stateSchemaV1.safeParse(value);
  if (before.success) {
    const { ports, chain } = before.data;
    return { version: 2, ports: { ...ports, proxy: await otherPort(Object.values(ports)) }, chain };
  }
  const state = stateSchema.safeParse(value);
  if (state.success) return state.data;
  throw new CliError(
    'DATA_DIR_UNUSABLE',
    `${join(dir, FILE)} is not of this version: ${z.prettifyError(state.error)}`,
    'start in a new folder',
  );
}

/** Nobody listens on the saved ports now, so one of them may come out as free. */
async function otherPort(taken: readonly number[]): Promise<number> {
  for (;;) {
    const [free = 0] = await freePorts(1);
    if (!taken.includes(free)) return free;
  }
}

export async function saveState(dir: string, state: InstallationState): Promise<void> {
  await writeWhole(join(dir, FILE), JSON.stringify(state, null, 1));
}
