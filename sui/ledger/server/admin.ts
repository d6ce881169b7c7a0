import { LedgerError } from '../chain/errors.ts';
import type { Ledger } from '../chain/ledger.ts';
import { wholeNumber, type JsonRoute } from './json-route.ts';

/** What a snapshot is reported as. */
export interface SnapshotReport {
  /** File or folder that holds it, on the machine of the ledger. */
  readonly path: string;
  readonly bytes: number;
  /** How long it took. */
  readonly ms: number;
}

export interface AdminOptions {
  /** Makes a snapshot, as `openLedger` offers it; a ledger in memory has none. */
  readonly snapshot?: (() => Promise<SnapshotReport>) | undefined;
}

/** A year 9999 in ms since 1970: later times cannot be written as dates, and are nobody's intention. */
const CLOCK_MS_MAX = 253_402_300_799_999n;

/**
 * What steers the chain rather than uses it. `POST` with JSON:
 * `/admin/status` `{}` · `/admin/clock` `{}`, `{ "setMs" }` or `{ "advanceMs" }` · `/admin/epoch` `{}` ·
 * `/admin/snapshot` `{}`. No web page may call them.
 */
export function adminRoutes(ledger: Ledger, options: AdminOptions): ReadonlyMap<string, JsonRoute> {
  const route = (handle: (body: Record<string, unknown>) => unknown): JsonRoute => ({
    pages: 'none',
    async handle(body) {
      const answer = await handle(objectOf(body));
      await ledger.settled();
      return answer;
    },
  });
  return new Map([
    ['/admin/status', route(() => statusOf(ledger, options))],
    [
      '/admin/clock',
      route((body) => {
        moveClock(ledger, body);
        return clockOf(ledger);
      }),
    ],
    [
      '/admin/epoch',
      route(() => {
        ledger.advanceEpoch();
        return { epoch: ledger.epoch, epochStartMs: ledger.epochStartMs, ...clockOf(ledger) };
      }),
    ],
    ['/admin/snapshot', route(() => takeSnapshot(options))],
  ]);
}

function objectOf(body: unknown): Record<string, unknown> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body };
  throw new LedgerError('REQUEST_MALFORMED', 'The body is not a JSON object.');
}

function moveClock({ clock }: Ledger, { setMs, advanceMs, ...others }: Record<string, unknown>): void {
  const unknown = Object.keys(others);
  if (unknown.length > 0 || (setMs !== undefined && advanceMs !== undefined))
    throw new LedgerError('REQUEST_MALFORMED', 'The body is {}, {"setMs": …} or {"advanceMs": …}.');
  if (setMs === undefined && advanceMs === undefined) return;
  const ms = wholeNumber(setMs ?? advanceMs);
  if (ms === null)
    throw new LedgerError('REQUEST_MALFORMED', 'The time is not a whole number of milliseconds.');
  const next = advanceMs === undefined ? ms : clock.now() + ms;
  if (next > CLOCK_MS_MAX) throw new LedgerError('REQUEST_MALFORMED', `${next} ms is beyond the year 9999.`);
  clock.set(next);
}

function clockOf({ clock, checkpoints: { latest } }: Ledger) {
  return { manual: clock.isManual, nowMs: clock.now(), checkpoint: latest.sequence };
}

function statusOf(ledger: Ledger, options: AdminOptions) {
  const { chainId, epoch, epochStartMs, objects, history } = ledger;
  return {
    chainId,
    epoch,
    epochStartMs,
    ...clockOf(ledger),
    objects: objects.size,
    transactions: history.transactions.next,
    snapshots: options.snapshot !== undefined,
  };
}

async function takeSnapshot({ snapshot }: AdminOptions): Promise<SnapshotReport> {
  if (snapshot !== undefined) return await snapshot();
  throw new LedgerError(
    'SNAPSHOT_UNAVAILABLE',
    'The ledger lives in memory, so there is nothing to shorten.',
  );
}
