import { systemClock } from '@k3s-daas/core';

import { loadConfiguration } from '../configuration.ts';
import { print, type Output } from '../output.ts';
import { remaining } from '../registrar/budget.ts';
import { registrarSection } from '../registrar/open.ts';
import { readState } from '../registrar/state.ts';

const SHOWN = 10;

/** What is left of the budget, what was registered last, and why nothing is registered now. Reads the books only. */
export async function showRegistrar(output: Output, configFile: string | undefined): Promise<number> {
  const loaded = await loadConfiguration(configFile);
  const { budget, stateFile } = registrarSection(loaded);
  const file = loaded.path(stateFile);
  const state = await readState(file);
  if (state === null) {
    print(output, { stateFile: file, started: false }, () => `no registrar has kept books in ${file} yet`);
    return 1;
  }
  const left = remaining(state, budget, systemClock.now());
  const { waiting, bonds, certificates, address, cluster } = state;
  const registrations = state.registrations.slice(-SHOWN).toReversed();
  const value = { cluster, address, waiting, left, budget, registrations, bonds, certificates };
  print(output, value, () => {
    const time = (ms: number): string => new Date(ms).toISOString();
    return [
      waiting === null
        ? 'the enclave is registered'
        : `not registered since ${time(waiting.sinceMs)}: ${waiting.message}`,
      `left: ${left.registrationsThisHour} of ${budget.registrationsPerHourMax} registrations this hour, ` +
        `${left.gasMistToday} of ${budget.gasMistPerDayMax} MIST of gas today, ` +
        `${left.bondMist} of ${budget.bondMistOutMax} MIST for bonds`,
      ...registrations.map(
        ({ atMs, session, term, digest }) =>
          `${time(atMs)}  term ${term}  session ${session}  transaction ${digest}`,
      ),
    ].join('\n');
  });
  return waiting === null ? 0 : 1;
}
