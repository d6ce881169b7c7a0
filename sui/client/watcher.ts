import { setTimeout as delay } from 'node:timers/promises';

import {
  equalBytes,
  snapshotDigest,
  type ChainSnapshot,
  type ChainView,
  type Clock,
  type SuiId,
} from '@k3s-daas/core';

import type { Chain, ChainInfo, Checkpoint } from './client.ts';
import { applyEvents, copyView, loadView, type ClusterView, type Subject } from './cluster-view.ts';
import { ChainError, toChainError } from './errors.ts';
import { listPackageEvents, newestCursor, type Cursor } from './event-log.ts';

export interface WatcherLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface WatchOptions {
  readonly chain: Chain;
  readonly packageId: SuiId;
  readonly clusterId: SuiId;
  readonly clock: Clock;
  readonly log: WatcherLog;
  /** Default 500. A public node allows about 100 requests in 30 s: take 2,000 there. */
  readonly pollMs?: number;
  /** How often everything is read anew and compared. Default 300,000. */
  readonly resyncMs?: number;
  /** Longest pause after failures. Default 10,000. */
  readonly backoffMsMax?: number;
  /** A checkpoint may be this far ahead of the clock. Default 60,000. */
  readonly futureMsMax?: number;
  readonly random?: () => number;
}

export interface WatcherStatus {
  readonly running: boolean;
  readonly polls: number;
  readonly resyncs: number;
  /** Resyncs that found the incremental state wrong. */
  readonly divergences: number;
  /** Snapshots that may be newer than the checkpoint they name, since events did not pause. */
  readonly inexact: number;
  /** Failures since the last success. */
  readonly failures: number;
  /** The last failure; kept after a success, which `failures` tells. */
  readonly lastError: ChainError | null;
}

export interface ChainWatcher extends ChainView {
  start(): void;
  /** Ends the loop; resolves when it has ended. The last snapshot stays readable. */
  stop(): Promise<void>;
  /** Resolves with the first snapshot; rejects only if stopped before it. */
  readonly synced: Promise<void>;
  status(): WatcherStatus;
}

/** A view, and up to where the events have been applied to it. */
interface Position {
  readonly view: ClusterView;
  readonly cursor: Cursor;
  /** Checkpoint up to which the node said that all events were given; null if it never says. */
  readonly covered: bigint | null;
}

/** A position, the newest checkpoint it stands for, and what happened on the way. */
interface Settled extends Position {
  readonly checkpoint: bigint;
  readonly changed: boolean;
  readonly unknown: number;
  /** False if events still came in the last round: then the view may be newer than the checkpoint. */
  readonly exact: boolean;
  /** More events are waiting than one settling reads: reading everything anew is cheaper. */
  readonly behind: boolean;
}

const ROUNDS_MAX = 4;

/**
 * Keeps the snapshot of one cluster. The snapshot is at least as new as the checkpoint that it names, and exactly of
 * that checkpoint whenever the chain was quiet for one round: after reading objects, the events are listed once more,
 * and only if there are none do the objects read stand for the checkpoint asked for in between.
 */
export function watchChain(options: WatchOptions): ChainWatcher {
  const {
    clock,
    log,
    pollMs = 500,
    resyncMs = 300_000,
    backoffMsMax = 10_000,
    random = Math.random,
  } = options;
  const subject: Subject = options;
  const futureMsMax = options.futureMsMax ?? 60_000;
  const stopping = new AbortController();
  const listeners = new Set<(snapshot: ChainSnapshot) => void>();
  const synced = Promise.withResolvers<undefined>();
  synced.promise.catch(() => undefined);
  const status = {
    running: false,
    polls: 0,
    resyncs: 0,
    divergences: 0,
    inexact: 0,
    failures: 0,
    lastError: null as ChainError | null,
  };
  let position: Position | null = null;
  let snapshot: ChainSnapshot | null = null;
  let resyncAt = 0;
  let loop: Promise<void> | null = null;

  async function poll(): Promise<void> {
    const info = await options.chain.info();
    if (snapshot !== null) await checkHistory(info, snapshot, status.failures > 0);
    // Events between the snapshot and what the node still keeps cannot be read any more.
    const gap = snapshot !== null && info.checkpointMin > snapshot.checkpoint + 1n;
    if (position === null || gap || clock.now() >= resyncAt) {
      await resync(info, gap);
      return;
    }
    if (info.checkpoint === snapshot?.checkpoint) return;
    const settled = await settle(subject, position, info);
    if (settled.unknown > 0 || settled.behind) await resync(info, false);
    else await publish(settled);
  }

  async function resync(info: ChainInfo, gap: boolean): Promise<void> {
    const before = position === null || gap ? null : await settle(subject, position, info);
    const comparable = before !== null && before.exact && !before.behind;
    const cursor = comparable ? before.cursor : await newestCursor(options.chain, options.packageId);
    const view = await loadView(subject, (before ?? position)?.view ?? null);
    const settled = await settle(
      subject,
      { view, cursor, covered: before?.covered ?? null },
      await options.chain.info(),
    );
    if (settled.behind)
      throw new ChainError('SNAPSHOT_TOO_LARGE', 'events come faster than they can be read');
    // Only if nothing happened between the two readings must they be the same.
    if (
      comparable &&
      !settled.changed &&
      !equalBytes(snapshotDigest(before.view), snapshotDigest(settled.view))
    ) {
      status.divergences += 1;
      log.warn(
        { cluster: options.clusterId, divergences: status.divergences },
        'snapshot diverged and was replaced',
      );
    }
    await publish({ ...settled, changed: true });
    status.resyncs += 1;
    resyncAt = clock.now() + resyncMs;
  }

  async function publish(settled: Settled): Promise<void> {
    const sequence = maxBigint(settled.checkpoint, snapshot?.checkpoint ?? 0n);
    const at = await options.chain.checkpoint(sequence);
    checkTime(at, snapshot, clock.now() + futureMsMax);
    const previous = snapshot;
    const next: ChainSnapshot = Object.freeze({
      ...(previous === null || settled.changed ? contentOf(settled.view) : previous),
      checkpoint: at.sequence,
      checkpointDigest: at.digest,
      checkpointTimestampMs: at.timestampMs,
    });
    position = settled;
    if (!settled.exact) status.inexact += 1;
    snapshot = next;
    synced.resolve(undefined);
    if (previous === null || !equalBytes(previous.digest, next.digest)) notify(next);
  }

  function notify(next: ChainSnapshot): void {
    for (const listener of [...listeners]) {
      try {
        listener(next);
      } catch (error) {
        log.warn({ error }, 'snapshot listener failed');
      }
    }
  }

  async function checkHistory(info: ChainInfo, held: ChainSnapshot, reconnected: boolean): Promise<void> {
    if (info.checkpoint < held.checkpoint) {
      const message = `${options.chain.url} is at checkpoint ${info.checkpoint}, the snapshot at ${held.checkpoint}`;
      throw new ChainError('SNAPSHOT_REGRESSED', message);
    }
    const due = reconnected || clock.now() >= resyncAt;
    if (!due || held.checkpoint < info.checkpointMin) return;
    const { digest } = await options.chain.checkpoint(held.checkpoint);
    if (!equalBytes(digest, held.checkpointDigest)) {
      throw new ChainError('SNAPSHOT_FORKED', `checkpoint ${held.checkpoint} has another digest than it had`);
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      status.polls += 1;
      try {
        await poll();
        if (status.failures > 0) log.info({ failures: status.failures }, 'chain followed again');
        status.failures = 0;
      } catch (error) {
        failed(toChainError(error));
      }
      const ms =
        status.failures === 0 ? pollMs : Math.min(pollMs * 2 ** Math.min(status.failures, 20), backoffMsMax);
      const jittered = status.failures === 0 ? ms : ms * (0.5 + random() / 2);
      await delay(jittered, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
    status.running = false;
  }

  function failed(error: ChainError): void {
    // An outage is one line, not one per poll.
    if (error.code !== status.lastError?.code || status.failures === 0) {
      log.warn({ code: error.code, reason: error.message }, 'chain not followed');
    }
    status.failures += 1;
    status.lastError = error;
  }

  return {
    current: () => snapshot,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start: () => {
      if (loop !== null) return;
      status.running = true;
      loop = run();
    },
    stop: async () => {
      stopping.abort();
      await loop;
      status.running = false;
      synced.reject(new ChainError('SNAPSHOT_STOPPED', 'the watcher was stopped before its first snapshot'));
    },
    synced: synced.promise,
    status: () => ({ ...status }),
  };
}

/** Age of what a snapshot says, ms: from the time of its checkpoint until now. */
export function snapshotAgeMs(snapshot: Pick<ChainSnapshot, 'checkpointTimestampMs'>, clock: Clock): number {
  return Math.max(0, clock.now() - snapshot.checkpointTimestampMs);
}

/** Applies events until none is left, or for a few rounds if they keep coming. Works on a copy. */
async function settle(subject: Subject, from: Position, info: ChainInfo): Promise<Settled> {
  const { chain, packageId } = subject;
  const view = copyView(from.view);
  let { cursor, covered } = from;
  let at = info;
  let unknown = 0;
  let changed = false;
  for (let round = 1; ; round += 1) {
    const page = await listPackageEvents(chain, packageId, cursor);
    cursor = page.cursor;
    unknown += page.unknown;
    covered = page.covered ?? covered;
    const read = await applyEvents(subject, view, page.events);
    changed ||= read;
    const exact = page.atTip && page.events.length === 0 && !read;
    if (exact || !page.atTip || round === ROUNDS_MAX) {
      const checkpoint = covered === null ? at.checkpoint : minBigint(at.checkpoint, covered);
      return { view, cursor, covered, checkpoint, changed, unknown, exact, behind: !page.atTip };
    }
    at = await chain.info();
  }
}

function contentOf(view: ClusterView): Omit<ChainSnapshot, `checkpoint${string}`> {
  const { cluster, claims, stakes, sessions } = view;
  return { cluster, claims, stakes, sessions, digest: snapshotDigest(view) };
}

function checkTime(at: Checkpoint, held: ChainSnapshot | null, latestMs: number): void {
  if (held !== null && at.timestampMs < held.checkpointTimestampMs) {
    throw new ChainError(
      'SNAPSHOT_REGRESSED',
      `checkpoint ${at.sequence} is older than ${held.checkpoint} before it`,
    );
  }
  if (held?.checkpoint === at.sequence && !equalBytes(held.checkpointDigest, at.digest)) {
    throw new ChainError('SNAPSHOT_FORKED', `checkpoint ${at.sequence} has another digest than it had`);
  }
  if (at.timestampMs > latestMs) {
    throw new ChainError(
      'SNAPSHOT_FUTURE',
      `checkpoint ${at.sequence} is ${at.timestampMs - latestMs} ms too far ahead`,
    );
  }
}

function minBigint(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function maxBigint(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
