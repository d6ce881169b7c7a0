import { ByteWriter } from '../vm/writer.ts';
import { typedDigest } from './digests.ts';
import { Retained, type Codec, type Run } from './retained.ts';

export interface Checkpoint {
  readonly sequence: bigint;
  readonly epoch: bigint;
  readonly timestampMs: bigint;
  /** base58; what a reader pins. */
  readonly digest: string;
  readonly contentDigest: string;
  readonly previousDigest: string | null;
  readonly totalTransactions: bigint;
  /** Digests of transaction and effects, none or one. */
  readonly transactions: readonly { readonly transaction: string; readonly effects: string }[];
  /** BCS of the CheckpointSummary. */
  readonly bcs: Uint8Array;
}

const NO_SALT: Uint8Array = new Uint8Array();
const writer = new ByteWriter();

/** BCS of CheckpointSummary (sui-types/messages_checkpoint.rs); gas, commitments and end of epoch are always empty here. */
function summaryBcs(
  summary: Omit<Checkpoint, 'digest' | 'bcs' | 'transactions'>,
  salt: Uint8Array,
): Uint8Array {
  writer.clear();
  writer.u64(summary.epoch);
  writer.u64(summary.sequence);
  writer.u64(summary.totalTransactions);
  writer.digest(summary.contentDigest);
  writer.bool(summary.previousDigest !== null);
  if (summary.previousDigest !== null) writer.digest(summary.previousDigest);
  // GasCostSummary of the epoch so far.
  for (let i = 0; i < 4; i += 1) writer.u64(0n);
  writer.u64(summary.timestampMs);
  // Commitments, data of the end of an epoch.
  writer.u8(0);
  writer.u8(0);
  // Version-specific data: sets the genesis of one ledger apart from that of another, and with it the chain id.
  writer.blob(salt);
  return writer.finish();
}

/** Digest of CheckpointContents::V1, with user signatures left out. */
function contentsDigest(transactions: Checkpoint['transactions']): string {
  writer.clear();
  writer.u8(0);
  writer.uleb(transactions.length);
  for (const { transaction, effects } of transactions) {
    writer.digest(transaction);
    writer.digest(effects);
  }
  writer.uleb(transactions.length);
  for (let i = 0; i < transactions.length; i += 1) writer.uleb(0);
  return typedDigest('CheckpointContents', writer.finish());
}

const EMPTY_CONTENTS = contentsDigest([]);

/** Packed checkpoints are whole: they are small, and most of it is digests. */
export const checkpointCodec: Codec<Checkpoint> = {
  parts: 2,
  key: ({ digest }) => digest,
  pack: ({ digest, sequence: _, ...rest }) => [digest, rest],
  unpack: (part, sequence) => ({
    ...(part(1) as Omit<Checkpoint, 'sequence' | 'digest'>),
    sequence,
    digest: part(0) as string,
  }),
};

/** The chain of checkpoints. Keeps the newest `historyMax`. */
export class CheckpointLog {
  readonly retained: Retained<Checkpoint>;
  #latest: Checkpoint | null = null;

  constructor(historyMax: number) {
    this.retained = new Retained(historyMax, checkpointCodec);
  }

  get latest(): Checkpoint {
    if (this.#latest === null) throw new Error('the ledger has no genesis yet');
    return this.#latest;
  }

  get lowest(): bigint {
    return this.retained.first;
  }

  get(id: bigint | string): Checkpoint | undefined {
    return typeof id === 'bigint' ? this.retained.at(id) : this.retained.find(id);
  }

  append(
    at: { epoch: bigint; timestampMs: bigint },
    transactions: Checkpoint['transactions'],
    salt = NO_SALT,
  ): Checkpoint {
    const previous = this.#latest;
    const sequence = previous === null ? 0n : previous.sequence + 1n;
    const contentDigest = transactions.length === 0 ? EMPTY_CONTENTS : contentsDigest(transactions);
    const totalTransactions = (previous?.totalTransactions ?? 0n) + BigInt(transactions.length);
    const summary = {
      ...at,
      sequence,
      contentDigest,
      previousDigest: previous?.digest ?? null,
      totalTransactions,
    };
    const bytes = summaryBcs(summary, salt);
    const digest = typedDigest('CheckpointSummary', bytes);
    const checkpoint: Checkpoint = { ...summary, digest, transactions, bcs: bytes };
    this.#latest = checkpoint;
    this.retained.append(checkpoint);
    return checkpoint;
  }

  /** Takes back everything after `latest`, a checkpoint of this chain. */
  rewind(latest: Checkpoint): void {
    while (this.latest.sequence > latest.sequence) {
      const { sequence } = this.latest;
      this.retained.pop();
      this.#latest = this.retained.at(sequence - 1n) ?? latest;
    }
  }

  /** In place of what is here: a chain of which `latest` is the newest checkpoint. */
  restore(latest: Checkpoint, first: number, runs: readonly Run[]): void {
    this.#latest = latest;
    this.retained.restore(first, runs);
  }
}
