import type { Address } from '../vm/types.ts';
import type { BalanceChange } from './changes.ts';
import type { Effects } from './effects.ts';
import type { EmittedEvent } from './object-runtime.ts';
import { textOfType, typeOfText } from './packed-types.ts';
import { Retained, type Codec } from './retained.ts';
import { restoreTransaction, type ParsedTransaction } from './transaction.ts';

export type { Retained as Journal } from './retained.ts';

/** A transaction that was executed and is part of a checkpoint. */
export interface ExecutedTransaction {
  /** Position among all transactions. */
  readonly sequence: bigint;
  /** Parsed when asked for, if the transaction is not among the newest, as is all that follows up to `sender`. */
  readonly transaction: ParsedTransaction;
  /** Serialized signatures, base64. */
  readonly signatures: readonly string[];
  readonly effects: Effects;
  readonly events: readonly EmittedEvent[];
  readonly balanceChanges: readonly BalanceChange[];
  /** For a search through all transactions, without parsing them: */
  readonly sender: Address;
  /** `package::module::function` of every call, addresses in full length. */
  readonly calls: readonly string[];
  readonly checkpoint: bigint;
  readonly timestampMs: bigint;
}

export interface EventRecord {
  /** Position among all events: the cursor of queries. */
  readonly sequence: bigint;
  readonly event: EmittedEvent;
  readonly sender: Address;
  readonly transactionDigest: string;
  readonly eventIndex: number;
  readonly checkpoint: bigint;
}

/** Executed transactions and their events, the newest `historyMax` transactions. */
export class History {
  readonly transactions: Retained<ExecutedTransaction>;
  readonly events: Retained<EventRecord>;

  constructor(historyMax: number) {
    this.transactions = new Retained(historyMax, transactionCodec);
    this.events = new Retained(historyMax * 4, eventCodec);
  }

  get(digest: string): ExecutedTransaction | undefined {
    return this.transactions.find(digest);
  }

  add(executed: ExecutedTransaction): void {
    const { transaction, checkpoint, events } = executed;
    this.transactions.append(executed);
    for (const [eventIndex, event] of events.entries()) {
      this.events.append({
        sequence: this.events.next,
        event,
        sender: transaction.data.sender,
        transactionDigest: transaction.digest,
        eventIndex,
        checkpoint,
      });
    }
  }

  /** Takes the newest transaction back. */
  removeLast(): void {
    const executed = this.transactions.pop();
    if (executed === undefined) return;
    for (let left = executed.events.length; left > 0; left -= 1) this.events.pop();
  }
}

/** Effects as history keeps them: of objects only what effects tell, not the contents they had. */
export function withoutContents(effects: Effects): Effects {
  return {
    ...effects,
    changed: effects.changed.map(({ input, output, ...change }) => ({
      ...change,
      input: input === null ? null : { version: input.version, digest: input.digest, owner: input.owner },
      output:
        output === null
          ? null
          : { kind: output.kind, version: output.version, digest: output.digest, owner: output.owner },
    })),
    readOnlyShared: effects.readOnlyShared.map(({ id, version, digest }) => ({ id, version, digest })),
  };
}

/** `package::module::function` of every Move call. */
export function callsOf({ program }: ParsedTransaction): string[] {
  return program.commands.flatMap(({ MoveCall: call }) =>
    call === undefined ? [] : [`${call.package}::${call.module}::${call.function}`],
  );
}

type Summary = Pick<ExecutedTransaction, 'sender' | 'calls' | 'checkpoint' | 'timestampMs'>;

type PackedEvent = Omit<EmittedEvent, 'type'> & { readonly type: string };

export const transactionCodec: Codec<ExecutedTransaction> = {
  parts: 7,
  key: ({ transaction }) => transaction.digest,
  pack: ({ transaction, signatures, effects, events, balanceChanges, ...rest }) => [
    transaction.digest,
    {
      sender: rest.sender,
      calls: rest.calls,
      checkpoint: rest.checkpoint,
      timestampMs: rest.timestampMs,
    } satisfies Summary,
    transaction.bytes,
    signatures,
    effects,
    events.map(packEvent),
    balanceChanges,
  ],
  unpack(part, sequence) {
    const transaction = once(() => restoreTransaction(part(2) as Uint8Array, part(0) as string));
    const signatures = once(() => part(3) as string[]);
    const effects = once(() => part(4) as Effects);
    const events = once(() => (part(5) as PackedEvent[]).map(unpackEvent));
    const balanceChanges = once(() => part(6) as BalanceChange[]);
    return {
      sequence,
      get transaction() {
        return transaction();
      },
      get signatures() {
        return signatures();
      },
      get effects() {
        return effects();
      },
      get events() {
        return events();
      },
      get balanceChanges() {
        return balanceChanges();
      },
      ...(part(1) as Summary),
    };
  },
};

export const eventCodec: Codec<EventRecord> = {
  parts: 1,
  pack: ({ event, sender, transactionDigest, eventIndex, checkpoint }) => [
    { event: packEvent(event), sender, transactionDigest, eventIndex, checkpoint },
  ],
  unpack(part, sequence) {
    const { event, ...rest } = part(0) as Omit<EventRecord, 'sequence' | 'event'> & { event: PackedEvent };
    return { sequence, event: unpackEvent(event), ...rest };
  },
};

function packEvent(event: EmittedEvent): PackedEvent {
  return { ...event, type: textOfType(event.type) };
}

function unpackEvent(event: PackedEvent): EmittedEvent {
  return { ...event, type: typeOfText(event.type) };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
