import { setTimeout as sleep } from 'node:timers/promises';

import { describeError, type SuiId } from '@k3s-daas/core';
import {
  ChainError,
  eventsOf,
  requestGrants,
  type AccessRequest,
  type Actor,
  type Executed,
} from '@k3s-daas/sui-client';
import type { Logger } from 'pino';

import type { Books } from './books.ts';
import { RelayError } from './errors.ts';
import { refusalOf } from './refusal.ts';

/** What a transaction brought to one request. */
export interface Made {
  readonly transaction: string;
  readonly grants: ReadonlyMap<SuiId, { readonly grant: SuiId; readonly expiresMs: bigint }>;
}

/** A request, and whom its grants will name. */
export interface Wanted {
  readonly access: AccessRequest;
  readonly recipient: SuiId;
  readonly podUid: string;
  /** Told its part of what a transaction cost, or all of one that failed because of it; MIST, at least 0. */
  readonly charge: (gasMist: bigint) => void;
}

interface Job extends Wanted {
  readonly bytes: number;
  readonly done: PromiseWithResolvers<Made>;
}

export interface BatchOptions {
  readonly actor: Actor;
  readonly books: Books;
  /** How long a request waits for others, and how many share a transaction. */
  readonly batchMs: number;
  readonly batchMax: number;
  /** How long to look for a transaction whose answer was lost. */
  readonly lookMs: number;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Told of each transaction, with the number of requests in it. */
  readonly onSent: (outcome: 'granted' | 'failed', requests: number) => void;
}

const QUEUE_MAX = 512;
/** A transaction of Sui has 128 KiB and 1,024 commands at most. */
const BYTES_MAX = 80 << 10;
const COMMANDS_MAX = 256;
/** Objects and numbers of one command. */
const COMMAND_BYTES = 64;

/** Sends requests in transactions that follow each other, since they are paid with one coin. */
export class Batches {
  readonly #options: BatchOptions;
  readonly #queue: Job[] = [];
  #running = false;

  constructor(options: BatchOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** @throws RelayError; all releases of the request bring a grant or none does. */
  submit(wanted: Wanted): Promise<Made> {
    if (this.#queue.length >= QUEUE_MAX)
      throw new RelayError('RELAY_BUSY', 'too many requests wait for the chain', { retryAfterMs: 2_000 });
    const done = Promise.withResolvers<Made>();
    this.#queue.push({ ...wanted, bytes: bytesOf(wanted.access), done });
    if (!this.#running) void this.#run();
    return done.promise;
  }

  async #run(): Promise<void> {
    const { batchMs, batchMax } = this.#options;
    this.#running = true;
    while (this.#queue.length > 0) {
      if (this.#queue.length < batchMax && batchMs > 0) await sleep(batchMs);
      const jobs = this.#take();
      try {
        await this.#send(jobs);
      } catch (error) {
        this.#options.log.warn({ err: describeError(error) }, 'transaction not sent');
        for (const job of jobs) job.done.reject(refusalOf(error));
      }
    }
    this.#running = false;
  }

  #take(): Job[] {
    const jobs: Job[] = [];
    let [bytes, commands] = [0, 0];
    for (const job of this.#queue) {
      bytes += job.bytes;
      commands += job.access.releases.length;
      const full = bytes > BYTES_MAX || commands > COMMANDS_MAX || jobs.length === this.#options.batchMax;
      if (full && jobs.length > 0) break;
      jobs.push(job);
    }
    this.#queue.splice(0, jobs.length);
    return jobs;
  }

  /** Sends them together; those that Move refuses are taken out, and the others go again. */
  async #send(jobs: readonly Job[]): Promise<void> {
    const { actor, books, onSent, lookMs } = this.#options;
    let rest = [...jobs];
    while (rest.length > 0) {
      let executed: Executed;
      try {
        const requests = rest.map(({ access }) => access);
        executed = await books.spend(actor, (paying) => requestGrants(paying, requests, { waitMs: lookMs }));
      } catch (error) {
        if (!(error instanceof ChainError)) throw error;
        if (error.digest !== null) onSent('failed', rest.length);
        const culprit = culpritOf(rest, error);
        if (culprit !== null) {
          culprit.charge(atLeastZero(error.gasMist ?? 0n));
          culprit.done.reject(refusalOf(error));
          rest = rest.filter((job) => job !== culprit);
          continue;
        }
        if (!concernsContents(error) || rest.length === 1) throw error;
        const half = Math.ceil(rest.length / 2);
        await this.#sendApart([rest.slice(0, half), rest.slice(half)]);
        return;
      }
      onSent('granted', rest.length);
      this.#deliver(rest, executed);
      return;
    }
  }

  /** What is wrong with one of them must not hold the others up. */
  async #sendApart(parts: readonly Job[][]): Promise<void> {
    for (const part of parts) {
      try {
        await this.#send(part);
      } catch (error) {
        for (const job of part) job.done.reject(refusalOf(error));
      }
    }
  }

  #deliver(jobs: readonly Job[], { digest, events, gasMist }: Executed): void {
    const granted = eventsOf(events, 'seal_policy::AccessGranted');
    const commands = jobs.reduce((sum, { access }) => sum + access.releases.length, 0);
    this.#options.log.info({ digest, requests: jobs.length, grants: granted.length }, 'access granted');
    for (const { access, recipient, podUid, charge, done } of jobs) {
      const grants = new Map<SuiId, { grant: SuiId; expiresMs: bigint }>();
      for (const { policy } of access.releases) {
        const event = granted.find(
          (one) => one.policy === policy && one.recipient === recipient && one.podUid === podUid,
        );
        if (event !== undefined) grants.set(policy, { grant: event.grant, expiresMs: event.expiresMs });
      }
      charge(atLeastZero((gasMist * BigInt(access.releases.length)) / BigInt(commands)));
      if (grants.size === access.releases.length) done.resolve({ transaction: digest, grants });
      else
        done.reject(
          new RelayError('CHAIN_UNAVAILABLE', `the Sui node does not show the grants of ${digest}`),
        );
    }
  }
}

/** The request whose command Move refused; null if it was something else. */
function culpritOf(jobs: readonly Job[], { abort, command }: ChainError): Job | null {
  if (abort === null || command === null) return null;
  let end = 0;
  for (const job of jobs) {
    end += job.access.releases.length;
    if (command < end) return job;
  }
  return null;
}

/** Whether the transaction was at fault, and not the way to the chain. */
function concernsContents({ code }: ChainError): boolean {
  return ['TRANSACTION_FAILED', 'CHAIN_REFUSED', 'OBJECT_MISSING', 'OBJECT_MALFORMED'].includes(code);
}

const atLeastZero = (mist: bigint): bigint => (mist < 0n ? 0n : mist);

function bytesOf({ receipt, releases }: AccessRequest): number {
  const signed = [receipt, ...releases];
  return signed.reduce((sum, one) => sum + one.message.length + one.signature.length + COMMAND_BYTES, 0);
}
