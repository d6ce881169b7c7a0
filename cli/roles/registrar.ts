import { CodedError } from '@k3s-daas/core';

import { openRegistrar } from '../registrar/open.ts';
import { partLogger } from './log.ts';
import type { RunningPart } from './role.ts';

/** Exit code of `--once` where it is worth trying again later (EX_TEMPFAIL). */
const TRY_LATER = 75;
const LATER = new Set(['BUDGET_EXHAUSTED', 'TRANSACTION_PENDING', 'BOOT_CHANGED', 'REQUEST_FAILED']);

/** Registers each boot of the enclave until it is closed. */
export async function startRegistrar(
  configFile: string | undefined,
  options: { readonly newState: boolean },
): Promise<RunningPart> {
  const log = partLogger('registrar');
  const { registrar, close } = await openRegistrar(configFile, { ...options, log });
  const stop = new AbortController();
  const running = registrar.run(stop.signal);
  return {
    ready: {},
    async close() {
      stop.abort();
      await running;
      await close();
    },
  };
}

/** One registration, if the boot that runs has none. Exit codes: 0 it is live, 75 try again later, else as all commands. */
export async function registerOnce(
  configFile: string | undefined,
  options: { readonly newState: boolean },
): Promise<number> {
  const { registrar, close } = await openRegistrar(configFile, { ...options, log: partLogger('registrar') });
  try {
    const { session, term } = await registrar.round(new AbortController().signal);
    process.stdout.write(`${JSON.stringify({ session, term: term.toString() })}\n`);
    return 0;
  } catch (error) {
    const coded: CodedError | null = error instanceof CodedError ? error : null;
    if (coded === null || !LATER.has(coded.code)) throw error;
    process.stderr.write(`${coded.code}: ${coded.message} (${coded.remedy})\n`);
    return TRY_LATER;
  } finally {
    await close();
  }
}
