import { GrpcTypes } from '@mysten/sui/grpc';

import type { Checkpoint } from '../chain/checkpoints.ts';
import type { Journal } from '../chain/history.ts';
import type { Ledger } from '../chain/ledger.ts';
import { GrpcError, Status } from './method.ts';
import type { Partial } from './proto-objects.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 1_000;
const INDEX_MAX = 0xffff_ffff;

/** A place in the ledger: checkpoint, and event within its transaction. A cursor is 8 and 4 bytes, big-endian. */
export interface Position {
  readonly checkpoint: bigint;
  readonly index: number;
}

export function positionIn(checkpoint: bigint, index = 0): Position {
  return { checkpoint, index };
}

/** The place behind everything in a checkpoint. */
export function endOf(checkpoint: bigint): Position {
  return { checkpoint, index: INDEX_MAX };
}

export function cursorOf({ checkpoint, index }: Position): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeBigUInt64BE(checkpoint);
  bytes.writeUInt32BE(index, 8);
  return new Uint8Array(bytes);
}

function positionOf(cursor: Uint8Array | undefined): Position | null {
  if (cursor === undefined) return null;
  if (cursor.length !== 12) throw new GrpcError(Status.invalidArgument, 'invalid cursor');
  const bytes = Buffer.from(cursor);
  return { checkpoint: bytes.readBigUInt64BE(), index: bytes.readUInt32BE(8) };
}

function isBefore(a: Position, b: Position): boolean {
  return a.checkpoint === b.checkpoint ? a.index < b.index : a.checkpoint < b.checkpoint;
}

function next({ checkpoint, index }: Position): Position {
  return index === INDEX_MAX ? positionIn(checkpoint + 1n) : { checkpoint, index: index + 1 };
}

export interface Query {
  readonly startCheckpoint?: bigint;
  /** Exclusive. */
  readonly endCheckpoint?: bigint;
  readonly options?: GrpcTypes.QueryOptions;
}

export interface QueryFrame<T> {
  readonly item?: T;
  readonly watermark: Partial<typeof GrpcTypes.Watermark>;
  readonly end?: Partial<typeof GrpcTypes.QueryEnd>;
}

/** Items in ledger order: a window of them by position (`from` inclusive, `to` exclusive), in either direction. */
export interface Source<T> {
  readonly window: (from: Position, to: Position, descending: boolean) => Iterable<T>;
  readonly positionOf: (item: T) => Position;
}

/** The window of a query, and why it ends where it does in either direction. */
interface Window {
  readonly from: Position;
  readonly to: Position;
  readonly reasonLow: GrpcTypes.QueryEndReason;
  readonly reasonHigh: GrpcTypes.QueryEndReason;
}

function windowOf({ startCheckpoint = 0n, endCheckpoint, options }: Query, tip: bigint): Window {
  const { CHECKPOINT_BOUND, CURSOR_BOUND, LEDGER_TIP } = GrpcTypes.QueryEndReason;
  if (endCheckpoint !== undefined && endCheckpoint < startCheckpoint)
    throw new GrpcError(Status.invalidArgument, 'end_checkpoint is before start_checkpoint');
  let from = positionIn(startCheckpoint);
  let reasonLow = CHECKPOINT_BOUND;
  const after = positionOf(options?.after);
  if (after !== null && !isBefore(after, from)) {
    from = next(after);
    reasonLow = CURSOR_BOUND;
  }
  const bounded = endCheckpoint !== undefined && endCheckpoint <= tip + 1n;
  let to = positionIn(bounded ? endCheckpoint : tip + 1n);
  let reasonHigh = bounded ? CHECKPOINT_BOUND : LEDGER_TIP;
  const before = positionOf(options?.before);
  if (before !== null && isBefore(before, to)) {
    to = before;
    reasonHigh = CURSOR_BOUND;
  }
  return { from, to, reasonLow, reasonHigh };
}

/**
 * Runs a query: frames with an item and its cursor, the last of which says if it is the last by the limit; or else a
 * frame without an item that says why there are no more (query_options.proto).
 */
export function runQuery<T>(
  ledger: Ledger,
  source: Source<T>,
  query: Query,
  test: (item: T) => boolean,
): QueryFrame<T>[] {
  const { options } = query;
  const limit = Math.min(
    options?.limit === undefined || options.limit === 0 ? LIMIT_DEFAULT : options.limit,
    LIMIT_MAX,
  );
  const descending = options?.ordering === GrpcTypes.Ordering.DESCENDING;
  const tip = ledger.checkpoints.latest.sequence;
  const window = windowOf(query, tip);
  const frames: QueryFrame<T>[] = [];
  for (const item of source.window(window.from, window.to, descending)) {
    if (!test(item)) continue;
    const at = source.positionOf(item);
    const watermark = { cursor: cursorOf(at), ...covered(at.checkpoint, window, descending) };
    if (frames.length === limit - 1) {
      frames.push({ item, watermark, end: { reason: GrpcTypes.QueryEndReason.ITEM_LIMIT } });
      return frames;
    }
    frames.push({ item, watermark });
  }
  frames.push(terminal(window, descending));
  return frames;
}

/** At an item of checkpoint `at`, only the checkpoints on the way to it are known to be done with. */
function covered(at: bigint, { from, to }: Window, descending: boolean): { checkpoint?: bigint } {
  const highest = to.index === 0 ? to.checkpoint - 1n : to.checkpoint;
  const done = descending ? at + 1n : at - 1n;
  return done >= from.checkpoint && done <= highest ? { checkpoint: done } : {};
}

/** The frame that ends a query which found all there is. */
function terminal(window: Window, descending: boolean): QueryFrame<never> {
  const { from, to } = window;
  const reason = descending ? window.reasonLow : window.reasonHigh;
  const edge = descending ? from : to;
  if (reason === GrpcTypes.QueryEndReason.CURSOR_BOUND || edge.checkpoint === 0n)
    return { watermark: { cursor: cursorOf(edge) }, end: { reason } };
  const last = descending ? from.checkpoint : to.checkpoint - 1n;
  const cursor = cursorOf(descending ? from : endOf(last));
  return { watermark: { cursor, checkpoint: last }, end: { reason } };
}

/** A journal of the history as a source of queries. */
export function journalSource<T extends { readonly sequence: bigint; readonly checkpoint: bigint }>(
  journal: Journal<T>,
  indexOf: (item: T) => number,
): Source<T> {
  const place = (item: T): Position => positionIn(item.checkpoint, indexOf(item));
  const at = (sequence: bigint): T | undefined => first(journal.between(sequence - 1n, sequence + 1n, false));
  /** Sequence of the first item that is not before `position`. */
  const seek = (position: Position): bigint => {
    let low = first(journal.between(null, null, false))?.sequence ?? journal.next;
    let high = journal.next;
    while (low < high) {
      const middle = (low + high) / 2n;
      const item = at(middle);
      if (item !== undefined && isBefore(place(item), position)) low = middle + 1n;
      else high = middle;
    }
    return low;
  };
  return {
    positionOf: place,
    window: (from, to, descending) => journal.between(seek(from) - 1n, seek(to), descending),
  };
}

function first<T>(items: Iterable<T>): T | undefined {
  for (const item of items) return item;
  return undefined;
}

/** The checkpoints of a ledger, as far back as it keeps them, as a source of queries. */
export function checkpointSource({ checkpoints }: Ledger): Source<Checkpoint> {
  return {
    positionOf: ({ sequence }) => positionIn(sequence),
    *window(from, to, descending) {
      const { lowest } = checkpoints;
      const after = from.index === 0 ? from.checkpoint : from.checkpoint + 1n;
      const low = after < lowest ? lowest : after;
      const high = to.index === 0 ? to.checkpoint : to.checkpoint + 1n;
      for (let n = low; n < high; n += 1n) {
        const found = checkpoints.get(descending ? low + high - 1n - n : n);
        if (found !== undefined) yield found;
      }
    },
  };
}
