import type { Bytes, SuiId } from '@k3s-daas/core';
import { replayLog, type Replay } from '@k3s-daas/scheduler-extender';
import { readSession } from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { print, toJson, type Output } from '../output.ts';
import { openReader, type Reader } from '../reader.ts';

/**
 * Replays a decision log twice: once to learn which sessions it names, then with their keys as the chain holds them.
 *
 * @returns the exit code: 0 if nothing contradicts.
 */
export async function verifyLog(
  output: Output,
  configFile: string | undefined,
  file: string,
): Promise<number> {
  const reader = await openReader(configFile);
  const { policy } = reader.configuration;
  const first = await replay(file, () => replayLog(file, { policy }));
  const sessionKeys = await keysOf(reader, first);
  const result = await replay(file, () => replayLog(file, { policy, sessionKeys }));
  const { records, head, sessions, lags, violations } = result;
  const verified = violations.length === 0;
  const [decisions, adoptions] = [result.decisions.length, result.adoptions.length];
  print(output, { verified, records, head, sessions, decisions, adoptions, lags, violations }, () =>
    render(result),
  );
  return verified ? 0 : 1;
}

async function keysOf({ chain, configuration }: Reader, { sessions }: Replay): Promise<Map<SuiId, Bytes>> {
  const keys = new Map<SuiId, Bytes>();
  for (const { session } of sessions) {
    const { decisionKey } = await readSession(chain.client, configuration.cluster.package, session);
    keys.set(session, decisionKey);
  }
  return keys;
}

async function replay(file: string, run: () => Promise<Replay>): Promise<Replay> {
  try {
    return await run();
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') {
      throw new CliError('FILE_UNREADABLE', `${file} cannot be read`, 'check the path', { cause });
    }
    throw cause;
  }
}

function render({ records, sessions, decisions, adoptions, lags, violations, tornBytes }: Replay): string {
  const states = Object.groupBy(decisions, ({ state }) => state);
  const counts = Object.entries(states).map(([state, some]) => `${some.length} ${state}`);
  const lines = [
    `${records} records of ${sessions.length} sessions, ${decisions.length} decisions (${counts.join(', ')})`,
    `lags: ${toJson(Object.fromEntries(lags.map(({ operator, lag }) => [operator.slice(0, 10), lag])))}`,
  ];
  if (adoptions.length > 0) lines.push(`${adoptions.length} adoptions of pods that earlier sessions placed`);
  if (tornBytes > 0) lines.push(`the last ${tornBytes} bytes are an incomplete record`);
  for (const { position, offset, code, message } of violations) {
    lines.push(`✗ record ${position} at byte ${offset}: ${code}: ${message}`);
  }
  lines.push(
    violations.length === 0
      ? 'verified: hashes, sequences, signatures, costs, lags, shortlists, scores'
      : 'NOT verified',
  );
  return lines.join('\n');
}
