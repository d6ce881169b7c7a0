import type { Address } from '../vm/types.ts';
import type { BalanceChange } from './changes.ts';
import type { Effects } from './effects.ts';
import type { EmittedEvent } from './object-runtime.ts';
import type { ParsedTransaction } from './transaction.ts';

/** A transaction that was executed and is part of a checkpoint. */
export interface ExecutedTransaction {
  /** Position among all transactions. */
  readonly sequence: bigint;
  readonly transaction: ParsedTransaction;
  /** Serialized signatures, base64. */
  readonly signatures: readonly string[];
  readonly effects: Effects;
  readonly events: readonly EmittedEvent[];
  readonly balanceChanges: readonly BalanceChange[];
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

/** A list whose items have running numbers and whose oldest items are dropped. */
export class Journal<T> {
  #items: T[] = [];
  #first = 0n;
  readonly #lengthMax: number;

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** The number the next item gets. */
  get next(): bigint {
    return this.#first + BigInt(this.#items.length);
  }

  /** Appends and returns the items dropped for it. Drops in blocks, so that appending stays cheap. */
  append(item: T): T[] {
    this.#items.push(item);
    if (this.#items.length < this.#lengthMax * 1.25) return [];
    const excess = this.#items.length - this.#lengthMax;
    const dropped = this.#items.slice(0, excess);
    this.#items = this.#items.slice(excess);
    this.#first += BigInt(excess);
    return dropped;
  }

  /** Takes the newest item back, if any is kept. */
  pop(): T | undefined {
    return this.#items.pop();
  }

  /** Items with a number above `after` and below `before`, in the order asked for. */
  *between(after: bigint | null, before: bigint | null, descending: boolean): Generator<T> {
    const low = after === null || after < this.#first ? 0 : Number(after - this.#first) + 1;
    const high =
      before === null || before > this.next ? this.#items.length : Math.max(0, Number(before - this.#first));
    const step = descending ? -1 : 1;
    for (let i = descending ? high - 1 : low; i >= low && i < high; i += step) {
      const item = this.#items[i];
      if (item !== undefined) yield item;
    }
  }
}

/** Executed transactions and their events, the newest `historyMax` transactions. */
export class History {
  readonly transactions: Journal<ExecutedTransaction>;
  readonly events: Journal<EventRecord>;
  readonly #byDigest = new Map<string, ExecutedTransaction>();

  constructor(historyMax: number) {
    this.transactions = new Journal(historyMax);
    this.events = new Journal(historyMax * 4);
  }

  get(digest: string): ExecutedTransaction | undefined {
    return this.#byDigest.get(digest);
  }

  add(executed: ExecutedTransaction): void {
    const { transaction, checkpoint, events } = executed;
    this.#byDigest.set(transaction.digest, executed);
    for (const dropped of this.transactions.append(executed))
      this.#byDigest.delete(dropped.transaction.digest);
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
    this.#byDigest.delete(executed.transaction.digest);
    for (let left = executed.events.length; left > 0; left -= 1) this.events.pop();
  }
}
