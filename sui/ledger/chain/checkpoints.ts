import { bcs } from '@mysten/sui/bcs';

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

const U64 = bcs.u64();
const Digest = bcs.ObjectDigest;
const GasCosts = bcs.struct('GasCostSummary', {
  computationCost: U64,
  storageCost: U64,
  storageRebate: U64,
  nonRefundableStorageFee: U64,
});

/** sui-types/messages_checkpoint.rs; commitments, end of epoch and version-specific data are always empty here. */
const CheckpointSummary = bcs.struct('CheckpointSummary', {
  epoch: U64,
  sequenceNumber: U64,
  networkTotalTransactions: U64,
  contentDigest: Digest,
  previousDigest: bcs.option(Digest),
  epochRollingGasCostSummary: GasCosts,
  timestampMs: U64,
  checkpointCommitments: bcs.vector(bcs.u8()),
  endOfEpochData: bcs.option(bcs.bool()),
  versionSpecificData: bcs.vector(bcs.u8()),
});

/** CheckpointContents::V1, with user signatures left out. */
const CheckpointContents = bcs.struct('CheckpointContents', {
  version: bcs.u8(),
  transactions: bcs.vector(bcs.struct('ExecutionDigests', { transaction: Digest, effects: Digest })),
  userSignatures: bcs.vector(bcs.vector(bcs.u8())),
});

const NO_GAS = { computationCost: 0, storageCost: 0, storageRebate: 0, nonRefundableStorageFee: 0 };

function contentsDigest(transactions: Checkpoint['transactions']): string {
  const userSignatures = transactions.map(() => []);
  const contents = CheckpointContents.serialize({ version: 0, transactions, userSignatures });
  return typedDigest('CheckpointContents', contents.toBytes());
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
    salt?: Uint8Array,
  ): Checkpoint {
    const previous = this.#latest;
    const sequence = previous === null ? 0n : previous.sequence + 1n;
    const contentDigest = transactions.length === 0 ? EMPTY_CONTENTS : contentsDigest(transactions);
    const totalTransactions = (previous?.totalTransactions ?? 0n) + BigInt(transactions.length);
    const summary = CheckpointSummary.serialize({
      epoch: at.epoch,
      sequenceNumber: sequence,
      networkTotalTransactions: totalTransactions,
      contentDigest,
      previousDigest: previous?.digest ?? null,
      epochRollingGasCostSummary: NO_GAS,
      timestampMs: at.timestampMs,
      checkpointCommitments: [],
      endOfEpochData: null,
      // Sets the genesis of one ledger apart from that of another, and with it the chain id.
      versionSpecificData: salt ?? [],
    }).toBytes();
    const checkpoint: Checkpoint = {
      ...at,
      sequence,
      digest: typedDigest('CheckpointSummary', summary),
      contentDigest,
      previousDigest: previous?.digest ?? null,
      totalTransactions,
      transactions,
      bcs: summary,
    };
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
