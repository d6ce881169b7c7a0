import { GrpcTypes } from '@mysten/sui/grpc';
import { normalizeSuiAddress } from '@mysten/sui/utils';
import type { Bytes, SuiId } from '@k3s-daas/core';

import type { Chain } from './client.ts';
import { ChainError, toChainError } from './errors.ts';
import { EVENT_MODULES, parseEvent, type ChainEvent } from './events.ts';

// The SDK's listEvents takes one filter and gives no cursor where nothing matched. Read raw, one request covers all
// modules, and the watermark moves on over checkpoints without our events (sui.rpc.v2 query_options.proto).

/** Position in the ledger, opaque; null is before its first event. */
export type Cursor = Bytes | null;

export interface EventPage {
  readonly events: readonly ChainEvent[];
  /** Events of the package that this version does not know. */
  readonly unknown: number;
  readonly cursor: Cursor;
  /** False if there may be more events at once. */
  readonly atTip: boolean;
  /** Every event up to this checkpoint has been read; null if the node did not say. */
  readonly covered: bigint | null;
}

const PAGE = 1_000;
const PAGES_MAX = 100;

/** Events of the package after `cursor`, oldest first, at most 100 pages. @throws ChainError */
export async function listPackageEvents(chain: Chain, packageId: SuiId, cursor: Cursor): Promise<EventPage> {
  return listAll(chain, packageId, modules(packageId), cursor);
}

/** Ids of all sessions ever registered in a cluster, as far back as the node keeps events. @throws ChainError */
export async function listSessionIds(
  chain: Chain,
  packageId: SuiId,
  cluster: SuiId,
  max: number,
): Promise<ReadonlySet<SuiId>> {
  const type = `${packageId}::enclaves::SessionRegistered`;
  const ids = new Set<SuiId>();
  let cursor: Cursor = null;
  for (;;) {
    const page = await listAll(chain, packageId, [type], cursor);
    for (const event of page.events) {
      if (event.kind === 'enclaves::SessionRegistered' && event.cluster === cluster) ids.add(event.session);
    }
    if (ids.size > max)
      throw new ChainError('SNAPSHOT_TOO_LARGE', `there are more than ${max} enclave sessions`);
    if (page.atTip) return ids;
    cursor = page.cursor;
  }
}

/** Cursor at the newest event of the package. @throws ChainError */
export async function newestCursor(chain: Chain, packageId: SuiId): Promise<Cursor> {
  let before: Bytes | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const frames = await list(chain, modules(packageId), {
      ordering: GrpcTypes.Ordering.DESCENDING,
      limit: 1,
      ...(before && { before }),
    });
    const found = frames.find((frame) => frame.event !== undefined);
    if (found !== undefined) return found.watermark?.cursor ?? null;
    const last = frames.at(-1);
    const reason = last?.end?.reason;
    before = last?.watermark?.cursor;
    if (reason !== GrpcTypes.QueryEndReason.SCAN_LIMIT || before === undefined) return null;
  }
  return null;
}

async function listAll(
  chain: Chain,
  packageId: SuiId,
  types: readonly string[],
  from: Cursor,
): Promise<EventPage> {
  const events: ChainEvent[] = [];
  let unknown = 0;
  let cursor = from;
  let covered: bigint | null = null;
  let atTip = false;
  for (let page = 0; page < PAGES_MAX && !atTip; page += 1) {
    const frames = await list(chain, types, {
      ordering: GrpcTypes.Ordering.ASCENDING,
      limit: PAGE,
      ...(cursor && { after: cursor }),
    });
    for (const frame of frames) {
      cursor = frame.watermark?.cursor ?? cursor;
      covered = frame.watermark?.checkpoint ?? covered;
      if (frame.event === undefined) continue;
      const { eventType, contents } = frame.event;
      const event = parseEvent(packageId, eventType ?? '', contents?.value ?? new Uint8Array());
      if (event === null) unknown += 1;
      else events.push(event);
    }
    const reason = frames.at(-1)?.end?.reason;
    atTip = reason !== GrpcTypes.QueryEndReason.ITEM_LIMIT && reason !== GrpcTypes.QueryEndReason.SCAN_LIMIT;
  }
  return { events, unknown, cursor, atTip, covered };
}

async function list(
  chain: Chain,
  types: readonly string[],
  options: GrpcTypes.QueryOptions,
): Promise<GrpcTypes.ListEventsResponse[]> {
  const terms = types.map((eventType) => ({
    literals: [{ negated: false, predicate: { oneofKind: 'eventType' as const, eventType: { eventType } } }],
  }));
  const frames: GrpcTypes.ListEventsResponse[] = [];
  try {
    const call = chain.client.ledgerService.listEvents({
      readMask: { paths: ['event_type', 'contents', 'checkpoint', 'transaction_digest', 'event_index'] },
      filter: { terms },
      options,
    });
    for await (const frame of call.responses) frames.push(frame);
  } catch (error) {
    throw toChainError(error);
  }
  return frames;
}

function modules(packageId: SuiId): string[] {
  return EVENT_MODULES.map((module) => `${normalizeSuiAddress(packageId)}::${module}`);
}
