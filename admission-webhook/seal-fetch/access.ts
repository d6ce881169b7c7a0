import type { Clock, FetchPlan, SuiId } from '@k3s-daas/core';
import { addressOf, generateAccount, type Account } from '@k3s-daas/sui-client';

import { askBroker, type Consent } from './broker.ts';
import type { ActiveEnclave } from './chain.ts';
import { FetchError } from './errors.ts';
import { askRelay, type Grant } from './relay.ts';

/** A key of this process, and what it was granted under one session of the enclave. */
export interface Held {
  readonly account: Account;
  readonly session: SuiId;
  /** The stake behind the pod's node; null before the first consent. */
  position: SuiId | null;
  /** By policy. */
  readonly grants: Map<SuiId, Grant>;
  /** The last consents, so that a lost answer of the relay is asked for again and costs no renewal. */
  consents: readonly Consent[];
}

export interface AccessRequest {
  readonly enclave: ActiveEnclave;
  readonly token: string;
  readonly policies: readonly SuiId[];
  readonly signal: AbortSignal;
  /** Runs a step and tells how long it took. */
  readonly timed: <T>(step: string, run: () => Promise<T>) => Promise<T>;
}

const POLICIES_PER_REQUEST = 16;
/** What ends sooner than this is not begun with. */
const GRANT_MARGIN_MS = 5_000;
const RELEASE_MARGIN_MS = 5_000;

/**
 * Gains access to policies, and keeps it over failed attempts and refreshes: each new grant is one of the renewals that
 * the policy allows the pod.
 */
export class Access {
  readonly #plan: FetchPlan;
  readonly #clock: Clock;
  #held: Held | null = null;

  constructor(plan: FetchPlan, clock: Clock) {
    this.#plan = plan;
    this.#clock = clock;
  }

  /** Forgets the key: what it was granted does not open. */
  drop(): void {
    this.#held = null;
  }

  /** A key with a grant for each of the policies. @throws FetchError BROKER_…, RELAY_…, RELEASE_STALE, POLICY_REFUSED */
  async obtain(request: AccessRequest): Promise<Held & { readonly position: SuiId }> {
    const held = this.#usable(request.enclave.session);
    this.#held = held;
    const missing = request.policies.filter((policy) => !held.grants.has(policy));
    try {
      for (let at = 0; at < missing.length; at += POLICIES_PER_REQUEST)
        await this.#gain(held, { ...request, policies: missing.slice(at, at + POLICIES_PER_REQUEST) });
    } catch (error) {
      // The chain takes another release only for another key.
      if (error instanceof FetchError && error.code === 'RELEASE_STALE') this.drop();
      throw error;
    }
    const { position } = held;
    if (position === null) throw new FetchError('BROKER_MALFORMED', 'no placement was given');
    return { ...held, position };
  }

  #usable(session: SuiId): Held {
    const held = this.#held;
    const until = this.#clock.now() + GRANT_MARGIN_MS;
    const good =
      held?.session === session && [...held.grants.values()].every(({ expiresMs }) => expiresMs > until);
    if (good) return held;
    return { account: generateAccount(), session, position: null, grants: new Map(), consents: [] };
  }

  async #gain(held: Held, request: AccessRequest): Promise<void> {
    const { policies, signal, timed } = request;
    const pending = this.#pending(held, policies);
    const consent = pending ?? (await timed('broker', () => this.#ask(held, request)));
    if (held.position !== null && held.position !== consent.position)
      throw new FetchError('RELEASE_STALE', 'the pod’s placement rests on another stake than a moment ago');
    held.position = consent.position;
    const grants = await timed('relay', () => askRelay(this.#plan, consent, signal));
    for (const grant of grants) held.grants.set(grant.policy, grant);
    held.consents = held.consents.filter((other) => other !== consent);
  }

  async #ask(held: Held, { enclave, token, policies, signal }: AccessRequest): Promise<Consent> {
    const recipient = addressOf(held.account);
    const consent = await askBroker(this.#plan, enclave, { token, recipient, policies }, signal);
    held.consents = [...held.consents, consent];
    return consent;
  }

  /** A consent for exactly these policies that the relay has not answered and that is still good for a moment. */
  #pending(held: Held, policies: readonly SuiId[]): Consent | null {
    const until = this.#clock.now() + RELEASE_MARGIN_MS;
    const good = held.consents.find(
      ({ releases }) =>
        releases.length === policies.length &&
        releases.every((release) => policies.includes(release.policy) && Number(release.notAfterMs) > until),
    );
    return good ?? null;
  }
}
