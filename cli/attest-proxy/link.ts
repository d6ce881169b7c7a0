import { setTimeout as sleep } from 'node:timers/promises';

import { CodedError, describeError, toHex, type Clock } from '@k3s-daas/core';

import type { Attested } from './attest.ts';
import { activeSession, type ChainPort } from './chain.ts';
import { ProxyError } from './errors.ts';
import { probe } from './probe.ts';
import type { Upstream } from './upstream.ts';

export interface LinkOptions {
  readonly chain: ChainPort;
  readonly clock: Clock;
  /** `signal` ends it with the link. @throws ProxyError */
  readonly attest: (signal: AbortSignal) => Promise<Attested>;
  /** Opens connections to what was attested; `lost` tells of one that ended by itself. */
  readonly open: (attested: Attested, lost: () => void) => Upstream;
  readonly chainAgeMsMax: number;
  /** A verified document may serve for as long as one that is fetched. */
  readonly documentAgeMsMax: number;
  readonly log: LinkLog;
  readonly random: () => number;
  readonly pauses?: Partial<Pauses>;
}

export interface LinkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** All in ms. */
export interface Pauses {
  /** After the first failure; doubled with each further one. */
  readonly retryMin: number;
  readonly retryMax: number;
  /** How often an unused link is looked at. */
  readonly look: number;
  /** How often an unused enclave is asked whether it is there. */
  readonly probe: number;
}

const PAUSES: Pauses = { retryMin: 100, retryMax: 5_000, look: 1_000, probe: 15_000 };
/** Connections that end one after the other are no reason to ask without a pause. */
const PROBE_PAUSE_MS = 200;
/** The enclave is the attested one, and does not want the proxy. */
const REFUSED: readonly string[] = ['ENCLAVE_REFUSES', 'CERTIFICATE_UNUSABLE'];
/** No reason to attest the enclave anew. */
const STILL_ATTESTED: readonly string[] = [...REFUSED, 'ENCLAVE_UNREACHABLE'];
/** After these no other call has better hopes. */
const DROPPING: readonly string[] = [...STILL_ATTESTED, 'PIN_MISMATCH'];

export interface LinkStatus {
  /** Null while nothing is forwarded. */
  readonly attested: Attested | null;
  /** Null while all is well. */
  readonly reason: ProxyError | null;
  readonly attestations: number;
  readonly failures: number;
}

/**
 * Keeps one attested enclave at hand: attests, connects, and does both anew whenever the chain names another session,
 * the connection is lost, or somebody else answers. One attempt at a time.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #pauses: Pauses;
  readonly #stop = new AbortController();
  readonly #waiters = new Set<(upstream: Upstream | null) => void>();
  #upstream: Upstream | null = null;
  /** Kept while only the connection fails, so that an enclave that is not listening yet is not asked to attest. */
  #attested: Attested | null = null;
  #reason = new ProxyError('NOT_ATTESTED', 'the enclave has not been attested yet', 'wait a moment');
  #wake: () => void = () => undefined;
  /** Times of the last and the next probe, by the monotonic clock. */
  #probedAt = -Infinity;
  #probeAt = Infinity;
  /** The active session as last heard of, and whether it has changed since the last attempt. */
  #heard: string | null = null;
  #changed = false;
  /** Why the client certificate on disk cannot be used; '' if it can. */
  #unusable = '';
  #counts = { attestations: 0, failures: 0 };
  #loop: Promise<void> | null = null;
  #unfollow: () => void = () => undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#pauses = { ...PAUSES, ...options.pauses };
  }

  start(): void {
    this.#unfollow = this.#options.chain.onChange(() => {
      // At once, not at the next look: what the chain has withdrawn must not answer one more request.
      this.present();
      this.#hear();
    });
    this.#loop ??= this.#run();
  }

  /** The enclave that may be asked now, or null. */
  present(): Upstream | null {
    if (this.#upstream === null) return null;
    const objection = this.#objection(this.#upstream.attested);
    if (objection === null) return this.#upstream;
    this.#drop(objection);
    return null;
  }

  /** The same, waiting for it until `deadlineMs` of the monotonic clock. @throws ProxyError the reason why there is none */
  async acquire(deadlineMs: number): Promise<Upstream> {
    const present = this.present();
    if (present !== null) return present;
    const msLeft = deadlineMs - performance.now();
    if (this.#stopped() || msLeft <= 0) throw this.reason;
    const { promise, resolve } = Promise.withResolvers<Upstream | null>();
    this.#waiters.add(resolve);
    const timer = setTimeout(() => {
      resolve(null);
    }, msLeft);
    const upstream = await promise;
    clearTimeout(timer);
    this.#waiters.delete(resolve);
    if (upstream === null) throw this.reason;
    return upstream;
  }

  /** A call to it failed before or within the reply. */
  failed(upstream: Upstream, error: ProxyError): void {
    if (upstream !== this.#upstream) return;
    if (DROPPING.includes(error.code)) this.#drop(error);
    else this.#doubt();
  }

  get reason(): ProxyError {
    return this.#reason;
  }

  status(): LinkStatus {
    const attested = this.present()?.attested ?? null;
    return { attested, reason: attested === null ? this.#reason : null, ...this.#counts };
  }

  async close(): Promise<void> {
    this.#unfollow();
    this.#stop.abort();
    this.#drop(new ProxyError('SHUTTING_DOWN', 'the proxy is stopping', 'none needed: ask again'));
    for (const resolve of this.#waiters) resolve(null);
    this.#wake();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { look, retryMax } = this.#pauses;
    let failures = 0;
    let stoodSince = -Infinity;
    while (!this.#stopped()) {
      const upstream = this.present();
      if (upstream !== null) {
        this.#changed = false;
        if (performance.now() >= this.#probeAt) await this.#probe(upstream);
        if (this.present() !== null) await this.#pause(Math.min(look, this.#probeAt - performance.now()));
        // Only what has stood for a while makes good for the failures before it: else a link that is made and lost in
        // turn would attest without a pause.
        if (performance.now() - stoodSince > retryMax) failures = 0;
        continue;
      }
      try {
        if (failures > 0) await this.#pause(this.#retryMs(failures));
        // Another state of the chain is worth another attempt at once, and the next ones soon.
        failures = this.#changed ? 1 : failures + 1;
        this.#changed = false;
        await this.#establish();
        stoodSince = performance.now();
      } catch (error) {
        this.#failedWith(error);
      }
    }
  }

  /** Stakes change far more often than sessions, and are no reason to attest. */
  #hear(): void {
    const active = this.#options.chain.current()?.active;
    const heard =
      active === null || active === undefined
        ? ''
        : `${active.session.id} ${active.term} ${active.session.revoked}`;
    if (heard === this.#heard) return;
    this.#heard = heard;
    this.#changed = true;
    this.#wake();
  }

  async #establish(): Promise<void> {
    const { attest, clock, documentAgeMsMax, open } = this.#options;
    let attested = this.#attested;
    const usable =
      attested !== null &&
      clock.now() - attested.documentMs <= documentAgeMsMax &&
      this.#objection(attested) === null;
    if (attested === null || !usable) {
      this.#attested = null;
      attested = await attest(this.#stop.signal);
      this.#counts.attestations += 1;
      this.#attested = attested;
    }
    const upstream = open(attested, () => {
      this.#doubt();
    });
    try {
      await probe(upstream);
      const objection = this.#objection(attested);
      if (objection !== null) throw objection;
    } catch (error) {
      upstream.close();
      if (!(error instanceof ProxyError) || !STILL_ATTESTED.includes(error.code)) this.#attested = null;
      throw error;
    }
    if (this.#stopped()) {
      upstream.close();
      return;
    }
    this.#upstream = upstream;
    this.#probed();
    this.#tellAttested(attested);
    for (const resolve of this.#waiters) resolve(upstream);
  }

  async #probe(upstream: Upstream): Promise<void> {
    this.#probed();
    await this.#renew(upstream);
    try {
      await probe(upstream);
    } catch (error) {
      if (upstream === this.#upstream && error instanceof ProxyError) this.#drop(error);
    }
  }

  /** A certificate that was renewed on disk is shown before the old one ends. */
  async #renew(upstream: Upstream): Promise<void> {
    const { log } = this.#options;
    try {
      const endMs = await upstream.renew();
      this.#unusable = '';
      if (endMs !== null) log.info({ until: new Date(endMs).toISOString() }, 'client certificate renewed');
    } catch (error) {
      const reason = describeError(error);
      if (reason !== this.#unusable) log.warn({ reason }, 'client certificate on disk cannot be used');
      this.#unusable = reason;
    }
  }

  /** Why an enclave that was attested may not be asked now. */
  #objection(attested: Attested): ProxyError | null {
    const { chain, clock, chainAgeMsMax } = this.#options;
    try {
      const { session, term } = activeSession(chain, clock, chainAgeMsMax);
      if (session.id === attested.session.id && term === attested.term) return null;
      return new ProxyError(
        'SESSION_SUPERSEDED',
        `session ${attested.session.id} is not the active one any more: that is ${session.id}`,
        'none needed: the proxy attests the enclave of that session',
      );
    } catch (error) {
      if (error instanceof ProxyError) return error;
      throw error;
    }
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #drop(reason: ProxyError): void {
    this.#reason = reason;
    const upstream = this.#upstream;
    if (upstream === null) return;
    this.#upstream = null;
    if (!REFUSED.includes(reason.code)) this.#attested = null;
    upstream.close();
    const { code, message } = reason;
    this.#options.log.warn(
      { code, reason: message, session: upstream.attested.session.id },
      'enclave dropped',
    );
    this.#wake();
  }

  /** Has the enclave asked whether it is there, soon. */
  #doubt(): void {
    this.#probeAt = Math.min(this.#probeAt, Math.max(performance.now(), this.#probedAt + PROBE_PAUSE_MS));
    this.#wake();
  }

  #probed(): void {
    this.#probedAt = performance.now();
    this.#probeAt = this.#probedAt + this.#pauses.probe;
  }

  #failedWith(error: unknown): void {
    const before = this.#reason;
    this.#counts.failures += 1;
    this.#reason =
      error instanceof ProxyError
        ? error
        : new ProxyError('INTERNAL', `the proxy failed: ${describeError(error)}`, 'report this', {
            cause: error,
          });
    if (this.#stopped()) return;
    // An outage is one line, not one for each attempt.
    const { code, causeCode, message } = this.#reason;
    if (code === before.code && causeCode === before.causeCode) return;
    const fields = { code, ...(causeCode !== null && { cause: causeCode }), reason: message };
    this.#options.log.warn(error instanceof CodedError ? fields : { ...fields, err: error }, 'not attested');
  }

  #tellAttested({ session, term, pcr0, tlsKeyHash }: Attested): void {
    const fields = {
      session: session.id,
      term: term.toString(),
      configVersion: session.configVersion.toString(),
      pcr0: toHex(pcr0),
      tlsKeyHash: toHex(tlsKeyHash),
    };
    this.#options.log.info(fields, 'enclave attested');
  }

  #retryMs(failures: number): number {
    const { retryMin, look } = this.#pauses;
    // To look at what is known of the chain asks nobody anything.
    const retryMax = this.#reason.code === 'CHAIN_UNREADABLE' ? look : this.#pauses.retryMax;
    const ms = Math.min(retryMin * 2 ** Math.min(failures - 1, 20), retryMax);
    return ms * (0.5 + this.#options.random() / 2);
  }

  /** Ends early when there is something to do. */
  async #pause(ms: number): Promise<void> {
    if (this.#changed || this.#stopped() || ms <= 0) return;
    const woken = new AbortController();
    this.#wake = () => {
      woken.abort();
    };
    await sleep(ms, undefined, { signal: woken.signal }).catch(() => undefined);
    this.#wake = () => undefined;
  }
}
