import { systemClock } from '@k3s-daas/core';

import { openRelay } from '../relay/open.ts';
import { partLogger } from './log.ts';
import type { RunningPart } from './role.ts';

/** Brings the enclave's releases to the chain until it is closed. Ready: `{ url, address }`, of which the latter pays. */
export async function startRelay(
  configFile: string | undefined,
  options: { readonly newState: boolean } = { newState: false },
): Promise<RunningPart> {
  const log = partLogger('relay');
  const relay = await openRelay(configFile, { ...options, log, clock: systemClock });
  const { url, address } = relay;
  return { ready: { url, address }, close: () => relay.close() };
}
