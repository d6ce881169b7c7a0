import type { ChainView, Clock } from '@k3s-daas/core';
import type { Logger } from 'pino';

import type { HostTime } from '../time.ts';
import type { Attestor } from './attestor.ts';
import { chainReasons, type OwnRegistration } from './chain-guard.ts';
import { ClockGuard } from './clock-guard.ts';
import type { GuardReason } from './reason.ts';
import { ANSWER_MS_MAX } from './nsm-queue.ts';
import { Renewal } from './renewal.ts';

const TICK_MS = 1_000;
/** A document that ends sooner is of little use to whoever takes it now: unless the next one is on its way. */
const EXPIRING_MS = 60_000;

export interface GuardOptions {
  readonly attestor: Pick<Attestor, 'renew' | 'standing'>;
  readonly clock: Clock;
  readonly time: HostTime;
  readonly log: Logger;
}

/**
 * What must stay true after it was true at boot. While it objects, no decision is signed and the process is not ready;
 * most objections end by themselves.
 */
export class Guard {
  readonly #options: GuardOptions;
  readonly #renewal: Renewal;
  readonly #clock: ClockGuard;
  #registration: { readonly chain: ChainView; readonly own: OwnRegistration } | null = null;
  /** The session that the chain showed as active last. */
  #lastActive = '';
  /** A revoked session stays revoked, whatever a node says of it later. */
  #final: GuardReason | null = null;
  #told = '';
  #cancel: () => void = () => undefined;

  /** Begins to renew and to watch the clock. The attestor has its first document. */
  constructor(options: GuardOptions) {
    const { attestor, clock, time } = options;
    this.#options = options;
    this.#renewal = new Renewal(options);
    this.#clock = new ClockGuard({
      clock,
      time,
      attestedMs: () => attestor.standing?.askedMs ?? -Infinity,
      attest: () => {
        this.#renewal.soon();
      },
    });
    if (attestor.standing !== null) this.#renewal.start(attestor.standing);
    this.#tick();
  }

  /** From now on the chain must go on showing this session. */
  watch(chain: ChainView, own: OwnRegistration): void {
    this.#registration = { chain, own };
    this.#lastActive = own.session;
  }

  /** A document for somebody else failed: whether ours would is asked now, not at the next renewal. */
  nsmFailed(): void {
    if (this.#renewal.failure === null) this.#renewal.soon();
  }

  /** Every objection, now. */
  reasons(): readonly GuardReason[] {
    return [...this.#chainReasons(), ...this.#clock.reasons(), ...this.#attestationReasons()];
  }

  /** The objection that this process can never mend, or null. */
  final(): GuardReason | null {
    this.#chainReasons();
    return this.#final;
  }

  async close(): Promise<void> {
    this.#cancel();
    await this.#renewal.close();
  }

  #chainReasons(): readonly GuardReason[] {
    if (this.#final !== null) return [this.#final];
    if (this.#registration === null) return [];
    const { chain, own } = this.#registration;
    const snapshot = chain.current();
    this.#lastActive = snapshot?.cluster.active?.session ?? this.#lastActive;
    const reasons = chainReasons(snapshot, own, this.#lastActive);
    this.#final = reasons.find(({ code }) => code === 'SESSION_REVOKED') ?? null;
    return reasons;
  }

  #attestationReasons(): readonly GuardReason[] {
    const { attestor, clock } = this.#options;
    const reasons: GuardReason[] = [];
    if (this.#renewal.failure !== null) reasons.push({ code: 'NSM_FAILED', message: this.#renewal.failure });
    const leftMs = (attestor.standing?.leafEndMs ?? 0) - clock.now();
    // An NSM may keep its leaf to the end, so that nothing is wrong there by itself. As it ends a new one is asked for,
    // which may take its time to come.
    if (leftMs < (this.#renewal.failure === null ? -ANSWER_MS_MAX : EXPIRING_MS)) {
      const message = `the leaf certificate of the attestation ${leftMs < 0 ? 'has ended' : `ends in ${leftMs} ms`}`;
      reasons.push({ code: 'ATTESTATION_EXPIRING', message });
    }
    return reasons;
  }

  #tick(): void {
    this.#clock.tick();
    this.#tell();
    this.#cancel = this.#options.time.after(TICK_MS, () => {
      this.#tick();
    });
  }

  /** One line for each change, not one for each second. */
  #tell(): void {
    const { log } = this.#options;
    const reasons = this.reasons();
    const codes = reasons.map(({ code }) => code).join(' ');
    if (codes === this.#told) return;
    this.#told = codes;
    if (reasons.length === 0) log.info('guard satisfied: decisions go on');
    else log.error({ reasons }, 'guard objects: no decision is signed');
  }
}
