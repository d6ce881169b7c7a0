import { setTimeout as sleep } from 'node:timers/promises';

import {
  TokenBuckets,
  type ChainView,
  type Clock,
  type RelayConfiguration,
  type SuiId,
} from '@k3s-daas/core';
import {
  ChainError,
  simulateGrants,
  snapshotAgeMs,
  type AccessRequest,
  type Actor,
} from '@k3s-daas/sui-client';
import type { Logger } from 'pino';

import { Batches } from './batches.ts';
import type { Books } from './books.ts';
import { checkRequest, type CheckedRequest } from './check.ts';
import { RelayError } from './errors.ts';
import { heldGrants } from './held.ts';
import type { RelayMetrics } from './metrics.ts';
import { abortOf, refusalOf } from './refusal.ts';
import type { AccessBody } from './request.ts';

/** What a request brought. */
export interface AccessAnswer {
  readonly grants: readonly { readonly policy: SuiId; readonly grant: SuiId; readonly expiresMs: string }[];
  /** The transaction that made the newest of them, base58. */
  readonly transaction: string;
}

export interface RelayOptions {
  readonly relay: Pick<RelayConfiguration, 'batchMs' | 'batchMax' | 'budget'>;
  readonly actor: Actor;
  readonly view: Pick<ChainView, 'current'>;
  /** What is known of the chain may be this old. */
  readonly chainAgeMsMax: number;
  readonly books: Books;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly metrics: RelayMetrics;
  /** How long to look for a transaction whose answer was lost. Default 10,000. */
  readonly lookMs?: number;
}

interface Granted {
  readonly grant: SuiId;
  readonly expiresMs: bigint;
  readonly transaction: string;
}

/** By policy. */
type Grants = ReadonlyMap<SuiId, Granted>;

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const KNOWN_MAX = 20_000;
const ATTEMPTS = 3;
const LOOK_MS = 10_000;
const INDEX_MS = 200;

/** Brings the enclave's releases to the chain, and pays. It is trusted with its coin and with nothing else. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #batches: Batches;
  readonly #requests: TokenBuckets;
  readonly #gas: TokenBuckets;
  /** By the release's key, until it ends: shown again, whoever shows it, it costs nothing. */
  readonly #known = new Map<string, Granted & { readonly untilMs: number }>();
  readonly #underWay = new Map<string, Promise<AccessAnswer>>();

  constructor(options: RelayOptions) {
    const { relay, clock, metrics } = options;
    this.#options = options;
    this.#batches = new Batches({
      ...options,
      ...relay,
      lookMs: options.lookMs ?? LOOK_MS,
      onSent: (outcome, requests) => {
        metrics.transaction(outcome, requests);
      },
    });
    const { requestsPerNamespaceAndMinuteMax, gasMistPerNamespaceAndDayMax } = relay.budget;
    this.#requests = new TokenBuckets(
      { amount: requestsPerNamespaceAndMinuteMax, periodMs: MINUTE_MS },
      clock,
    );
    this.#gas = new TokenBuckets({ amount: Number(gasMistPerNamespaceAndDayMax), periodMs: DAY_MS }, clock);
  }

  get waiting(): number {
    return this.#batches.waiting;
  }

  /** Everything that was begun has ended. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.values());
  }

  /** Why nothing can be granted now. @throws RelayError */
  requireReady(): void {
    this.#snapshot();
    this.#options.books.requireRoom();
  }

  /**
   * Grants for all of a request's releases: those that they brought before, or new ones. The same releases while they are
   * under way or until they end get the same answer, and cost nothing.
   * @throws RelayError
   */
  async access(body: AccessBody): Promise<AccessAnswer> {
    const request = checkRequest(body, this.#snapshot(), this.#options.clock.now());
    const known = this.#knownGrants(request);
    if (known.size === request.access.releases.length) return answerOf(request, known);
    const key = request.keys.join();
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return await underWay;
    const begun = this.#grant(request, known).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, begun);
    return await begun;
  }

  #snapshot() {
    const { view, clock, chainAgeMsMax } = this.#options;
    const snapshot = view.current();
    if (snapshot === null) throw new RelayError('CHAIN_UNAVAILABLE', 'the chain has not been read yet', SOON);
    const ageMs = snapshotAgeMs(snapshot, clock);
    if (ageMs <= chainAgeMsMax) return snapshot;
    const message = `what the relay knows of the chain is ${Math.floor(ageMs / 1_000)} s old`;
    throw new RelayError('CHAIN_STALE', message, SOON);
  }

  async #grant(request: CheckedRequest, known: Grants): Promise<AccessAnswer> {
    this.#options.books.requireRoom();
    this.#takeRate(request.namespace, request.access.releases.length - known.size);
    let grants = known;
    for (let attempt = 1; ; attempt += 1) {
      // What was foreseen may not hold any more when the transaction runs; then it is looked at anew.
      try {
        const missing = await this.#foresee(request, grants);
        if (missing !== null) grants = new Map([...grants, ...(await this.#send(request, missing))]);
        this.#remember(request, grants);
        return answerOf(request, grants);
      } catch (error) {
        if (abortOf(error) !== 'EAlreadyGranted' || attempt === ATTEMPTS) throw refusalOf(error);
        // The node's index of what an address owns may be a moment behind its objects.
        if (attempt > 1) await sleep(INDEX_MS);
        grants = await this.#held(request);
      }
    }
  }

  async #send(request: CheckedRequest, access: AccessRequest): Promise<Grants> {
    const charge = (gasMist: bigint): void => {
      this.#gas.charge(request.namespace, Number(gasMist));
    };
    const { transaction, grants } = await this.#batches.submit({ ...request, access, charge });
    this.#options.metrics.granted(grants.size);
    return new Map([...grants].map(([policy, made]) => [policy, { ...made, transaction }]));
  }

  /** What is left to ask for, and would be granted now; null if all is held. @throws ChainError as Move refuses. */
  async #foresee({ access }: CheckedRequest, held: Grants): Promise<AccessRequest | null> {
    const releases = access.releases.filter(({ policy }) => !held.has(policy));
    if (releases.length === 0) return null;
    const missing = { ...access, releases };
    try {
      await simulateGrants(this.#options.actor, missing);
    } catch (error) {
      throw isContents(error) ? new RelayError('POLICY_REFUSED', NO_POLICY, { cause: error }) : error;
    }
    return missing;
  }

  async #held(request: CheckedRequest): Promise<Grants> {
    const { actor, clock } = this.#options;
    const found = await heldGrants(actor, request, clock.now());
    return new Map(
      [...found].map(([policy, { id, expiresMs, transaction }]) => [
        policy,
        { grant: id, expiresMs, transaction: transaction ?? '' },
      ]),
    );
  }

  #takeRate(namespace: string, releases: number): void {
    const waitMs = Math.max(this.#requests.waitMs(namespace, releases), this.#gas.waitMs(namespace));
    if (waitMs > 0) {
      const message = `namespace ${namespace} has asked for as much as it may`;
      throw new RelayError('RATE_EXCEEDED', message, { retryAfterMs: waitMs });
    }
    this.#requests.charge(namespace, releases);
  }

  #knownGrants({ access, keys }: CheckedRequest): Grants {
    const nowMs = BigInt(this.#options.clock.now());
    const found = new Map<SuiId, Granted>();
    access.releases.forEach(({ policy }, index) => {
      const known = this.#known.get(keys[index] ?? '');
      if (known !== undefined && known.expiresMs > nowMs) found.set(policy, known);
    });
    return found;
  }

  #remember({ access, keys, notAfterMs }: CheckedRequest, grants: Grants): void {
    const nowMs = this.#options.clock.now();
    for (const [key, { untilMs }] of this.#known) {
      // In the order in which they came, so those that ended are in front, all but a few.
      if (untilMs >= nowMs && this.#known.size < KNOWN_MAX) break;
      this.#known.delete(key);
    }
    access.releases.forEach(({ policy }, index) => {
      const grant = grants.get(policy);
      const key = keys[index];
      if (grant !== undefined && key !== undefined) this.#known.set(key, { ...grant, untilMs: notAfterMs });
    });
  }
}

const NO_POLICY = 'what a release names is no policy, or the stake behind the node is gone';

/** An object that is not there, or not what the command takes: Move was not even asked. */
function isContents(error: unknown): boolean {
  if (!(error instanceof ChainError)) return false;
  return error.code === 'OBJECT_MISSING' || (error.code === 'TRANSACTION_FAILED' && error.abort === null);
}

const SOON = { retryAfterMs: 1_000 };

function answerOf({ access }: CheckedRequest, grants: Grants): AccessAnswer {
  let transaction = '';
  const answered = access.releases.map(({ policy }) => {
    const grant = grants.get(policy);
    if (grant === undefined) throw new RelayError('INTERNAL', `there is no grant of policy ${policy}`);
    ({ transaction } = grant);
    return { policy, grant: grant.grant, expiresMs: grant.expiresMs.toString() };
  });
  return { grants: answered, transaction };
}
