import { setTimeout as sleep } from 'node:timers/promises';

import type { Logger } from 'pino';

import { CodedError, describeError, toHex, type SuiId } from '@k3s-daas/core';
import {
  addressOf,
  endSessions,
  readCluster,
  reclaimBonds,
  type ClusterRecord,
  type SessionRecord,
} from '@k3s-daas/sui-client';

import { fetchAttestation, putKubernetesCertificate, type EnclaveAttestation } from '../enclave-client.ts';
import { checkRequest } from './csr.ts';
import { RegistrarError } from './errors.ts';
import type { CertificateIssuer } from './kubernetes.ts';
import { register, type RegisterOptions } from './register.ts';
import { ownSessions, sameKeys, sessionOf, sortSessions, type BootKeys } from './sessions.ts';

const POLL_MS = 500;
/** A boot that was live is asked of the chain again after this. */
const RECHECK_MS = 15_000;
const TIDY_MS = 60_000;
const BACKOFF_MS_MIN = 1_000;
const BACKOFF_MS_MAX = 30_000;

export interface RegistrarOptions extends Omit<RegisterOptions, 'signal'> {
  readonly issuer: CertificateIssuer;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

/** A boot that is registered, active and has its Kubernetes certificate. */
export interface Live {
  readonly session: SuiId;
  readonly term: bigint;
}

/**
 * Watches one enclave. Whether a boot is registered is asked of the chain by its keys; what was spent is on the books;
 * so it may be killed at any moment and goes on where it was.
 */
export class Registrar {
  readonly #options: RegistrarOptions;
  /** Keys of the boot that was found live, and when. */
  #live: { readonly keys: BootKeys; readonly atMs: number; readonly found: Live } | null = null;
  #running: BootKeys | null = null;
  #tidiedMs = 0;
  #listedAll = false;
  #failures = 0;
  /** Whether the enclave answered in this round. */
  #answered = false;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  /**
   * One round: what boot is there → has it a live session → if not, register it → has it its Kubernetes certificate → if
   * not, or if that ends, issue one.
   * @throws CodedError why it is not live, and nothing is left that the next round would not go on with.
   */
  async round(signal: AbortSignal): Promise<Live> {
    const { registrar, actor, cluster, books, clock, log } = this.#options;
    this.#answered = false;
    const standing = await fetchAttestation(registrar.bootstrapUrl, null, signal);
    this.#answered = true;
    this.#running = standing;
    const known = this.#live;
    const fresh = known !== null && clock.now() - known.atMs < RECHECK_MS && sameKeys(known.keys, standing);
    if (fresh && !this.#certificateDue(standing)) return known.found;
    await books.settleOpen(actor);
    const record = await readCluster(actor.client, cluster.package, cluster.id);
    let session = await sessionOf(this.#options, record, standing);
    let active = record.active;
    if (session === null) {
      const registered = await register({ ...this.#options, signal }, record, standing);
      log.info({ ...registered, boot: toHex(standing.decisionKey) }, 'enclave registered');
      // What counts is what the chain shows after the transaction, not what its answer said.
      const after = await readCluster(actor.client, cluster.package, cluster.id);
      session = await sessionOf(this.#options, after, standing);
      active = after.active;
    }
    const found = requireActive(session, active);
    await this.#ensureCertificate(standing, signal);
    this.#live = { keys: standing, atMs: clock.now(), found };
    return found;
  }

  /** Rounds until the signal; between them it waits, the longer the more often it failed. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = (): boolean => signal.aborted;
    while (!stopped()) {
      let waitMs = POLL_MS;
      try {
        await this.round(signal);
        this.#failures = 0;
        await this.#say(null);
      } catch (error) {
        if (stopped()) return;
        this.#live = null;
        waitMs = this.#backOff();
        await this.#say(error);
      }
      await this.tidy().catch((error: unknown) => {
        this.#options.log.warn({ err: describeError(error) }, 'bonds not taken back');
      });
      await this.#pause(waitMs, signal);
    }
  }

  /** Waits, but not past the moment when another boot answers: that one has not failed yet. */
  async #pause(waitMs: number, signal: AbortSignal): Promise<void> {
    const { registrar } = this.#options;
    const endMs = performance.now() + waitMs;
    const seen = this.#running;
    const stopped = (): boolean => signal.aborted;
    while (!stopped() && performance.now() < endMs) {
      const leftMs = endMs - performance.now();
      await sleep(Math.min(POLL_MS, leftMs), undefined, { signal }).catch(() => undefined);
      if (seen === null || stopped() || performance.now() >= endMs) continue;
      const now = await fetchAttestation(registrar.bootstrapUrl, null, signal).catch(() => null);
      if (now !== null && !sameKeys(now, seen)) return;
    }
  }

  /** Ends sessions of ours that were superseded and takes bonds back, now and then. */
  async tidy(): Promise<void> {
    const { actor, cluster, books, clock, log } = this.#options;
    if (clock.now() - this.#tidiedMs < TIDY_MS) return;
    this.#tidiedMs = clock.now();
    const record: ClusterRecord = await readCluster(actor.client, cluster.package, cluster.id);
    const sessions = await ownSessions(this.#options, !this.#listedAll);
    this.#listedAll = true;
    const address = addressOf(actor.signer);
    const options = { cluster: record, address, running: this.#running, nowMs: clock.now() };
    const { toEnd, toReclaim, bonds: shown } = sortSessions(sessions, options);
    const noted = books.state.bonds;
    // A bond that the node does not show at all, because it lags or lies, is still out.
    const hidden = noted.filter(({ session }) => !sessions.some(({ id }) => id === session));
    const bonds = [...hidden, ...shown];
    if (JSON.stringify(noted) !== JSON.stringify(bonds)) {
      await books.change((state) => ({ ...state, bonds }));
    }
    if (toReclaim.length > 0) {
      await books.spend('reclaim', null, actor, (paying) => reclaimBonds(paying, cluster.id, toReclaim));
      const taken = new Set<SuiId>(toReclaim);
      await books.change((state) => ({
        ...state,
        bonds: state.bonds.filter(({ session }) => !taken.has(session)),
      }));
      log.info({ sessions: toReclaim }, 'bonds taken back');
    }
    if (toEnd.length > 0) {
      await books.spend('end', null, actor, (paying) => endSessions(paying, cluster.id, toEnd));
      log.info({ sessions: toEnd }, 'superseded sessions ended');
    }
  }

  #certificateDue({ tlsKeyHash }: EnclaveAttestation): boolean {
    const { books, clock } = this.#options;
    const hash = toHex(tlsKeyHash);
    const held = books.state.certificates.find((certificate) => certificate.tlsKeyHash === hash);
    return held === undefined || clock.now() >= held.renewAtMs;
  }

  /** The key of the request is that of the session on chain: what the listener says otherwise is nothing. */
  async #ensureCertificate(standing: EnclaveAttestation, signal: AbortSignal): Promise<void> {
    if (!this.#certificateDue(standing)) return;
    const { registrar, issuer, books, clock, log } = this.#options;
    const request = checkRequest(standing.csrPem, standing.tlsKeyHash);
    const { pem, notBeforeMs, notAfterMs } = await issuer(request, signal);
    await putKubernetesCertificate(registrar.bootstrapUrl, pem, signal);
    const tlsKeyHash = toHex(standing.tlsKeyHash);
    const renewAtMs = notBeforeMs + Math.floor(((notAfterMs - notBeforeMs) * 2) / 3);
    await books.change((state) => ({
      ...state,
      certificates: [
        ...state.certificates.filter(
          (other) => other.tlsKeyHash !== tlsKeyHash && other.notAfterMs > clock.now(),
        ),
        { tlsKeyHash, renewAtMs, notAfterMs },
      ],
    }));
    log.info({ tlsKeyHash, notAfterMs }, 'Kubernetes certificate handed over');
  }

  #backOff(): number {
    // Asking again costs nobody anything; a boot that is seen late is a cluster that stands still.
    if (!this.#answered) return POLL_MS;
    this.#failures += 1;
    return Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(this.#failures - 1, 10));
  }

  /** Logs and notes a reason once, not in each round. */
  async #say(error: unknown): Promise<void> {
    const { books, clock, log } = this.#options;
    const before = books.state.waiting;
    if (error === null) {
      if (before !== null) await books.change((state) => ({ ...state, waiting: null }));
      return;
    }
    const coded: CodedError | null = error instanceof CodedError ? error : null;
    const code = coded?.code ?? 'INTERNAL';
    const retryAtMs = error instanceof RegistrarError ? error.retryAtMs : null;
    if (before !== null && before.code === code && before.retryAtMs === retryAtMs) return;
    log.warn({ code, err: describeError(error), retryAtMs }, 'enclave not registered');
    const message = describeError(error).slice(0, 2_000);
    await books
      .change((state) => ({ ...state, waiting: { sinceMs: clock.now(), code, message, retryAtMs } }))
      .catch((failure: unknown) => {
        log.warn({ err: describeError(failure) }, 'status not written');
      });
  }
}

/** The session is live, and the one whose decisions bind. */
function requireActive(session: SessionRecord | null, active: ClusterRecord['active']): Live {
  if (session === null) {
    throw new RegistrarError(
      'SESSION_HIDDEN',
      'the registration was confirmed, and the Sui node does not show its session',
      'use another node; it lags far behind or lies',
    );
  }
  if (session.revoked) {
    throw new RegistrarError(
      'SESSION_ENDED',
      `session ${session.id} of this boot has ended, for good`,
      'restart the enclave: a new boot has new keys and a new session',
    );
  }
  if (active?.session === session.id) return { session: session.id, term: active.term };
  throw new RegistrarError(
    'SESSION_SUPERSEDED',
    `session ${session.id} of this boot is not the active one, that is ${active?.session ?? 'none'}`,
    'another enclave took over; stop this one, or restart it to have it take over again',
  );
}
