import { CodedError, describeError } from '@k3s-daas/core';
import type { Logger } from 'pino';

import type { HostTime } from '../time.ts';

/** The boot order. Each step needs the ones before it; the process is ready when all are done. */
export const BOOT_STEPS = [
  'entropy',
  'clock',
  'keys',
  'attestation',
  'registration',
  'snapshot',
  'kubernetes-identity',
  'kubernetes-cache',
  'decision-log',
  'serving',
  'broker',
] as const;

export type BootStep = (typeof BOOT_STEPS)[number];

export interface BootFailure {
  readonly step: BootStep;
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

export interface BootProgress {
  readonly done: readonly { readonly step: BootStep; readonly atMs: number; readonly detail?: string }[];
  /** The step that is waited for, or null when the boot is complete. */
  readonly waitingFor: BootStep | null;
}

/** What a step waits for. */
export interface Waiting {
  /** One word for each reason, empty for none: the log tells when it changes, not when a number in the message does. */
  readonly reason: string;
  readonly message: string;
}

/** How a step tells people about itself: what it found, and what it waits for. */
export interface StepWords<T> {
  readonly detail?: (result: T) => string;
  readonly waiting?: () => Waiting;
}

const NOTHING: Waiting = { reason: '', message: '' };
const LOOK_MS = 1_000;

/** Runs the boot in its order and keeps what `/readyz` and the log say of it. After a failed step none runs. */
export class BootRecord {
  readonly #time: Pick<HostTime, 'clock' | 'after'>;
  readonly #log: Pick<Logger, 'info' | 'error'>;
  readonly #done: { step: BootStep; atMs: number; detail?: string }[] = [];
  #waiting: () => Waiting = () => NOTHING;
  #failure: BootFailure | null = null;

  constructor(time: Pick<HostTime, 'clock' | 'after'>, log: Pick<Logger, 'info' | 'error'>) {
    this.#time = time;
    this.#log = log;
  }

  get progress(): BootProgress {
    return { done: [...this.#done], waitingFor: BOOT_STEPS[this.#done.length] ?? null };
  }

  /** The step that failed, for good: this process never becomes ready. */
  get failure(): BootFailure | null {
    return this.#failure;
  }

  /** What the present step waits for, for people. */
  get waiting(): string {
    return this.#waiting().message;
  }

  /** Runs the next step. @throws what it throws, after which the boot is over */
  async run<T>(step: BootStep, work: () => T | Promise<T>, words: StepWords<T> = {}): Promise<T> {
    const expected = BOOT_STEPS[this.#done.length];
    if (step !== expected || this.#failure !== null) {
      throw new RangeError(`boot step ${step} out of order: expected ${String(expected)}`);
    }
    this.#waiting = words.waiting ?? (() => NOTHING);
    this.#log.info({ step }, 'boot step begun');
    const silence = this.#tellWaiting(step);
    try {
      const result = await work();
      const detail = words.detail?.(result);
      this.#done.push({ step, atMs: this.#time.clock.now(), ...(detail === undefined ? {} : { detail }) });
      this.#log.info({ step, detail }, 'boot step done');
      return result;
    } catch (error) {
      this.fail(error);
      throw error;
    } finally {
      silence();
    }
  }

  /** One line for each new reason, from a second after the step began. @returns what ends it */
  #tellWaiting(step: BootStep): () => void {
    let told = '';
    let cancel = (): void => undefined;
    const look = (): void => {
      const { reason, message } = this.#waiting();
      if (reason !== told && reason !== '') this.#log.info({ step, waiting: message }, 'boot step waits');
      told = reason;
      cancel = this.#time.after(LOOK_MS, look);
    };
    cancel = this.#time.after(LOOK_MS, look);
    return () => {
      cancel();
    };
  }

  /** Ends the boot at the present step; also for what goes wrong between two steps. The first failure counts. */
  fail(error: unknown): void {
    const step = BOOT_STEPS[this.#done.length];
    if (this.#failure !== null || step === undefined) return;
    this.#failure = failureOf(step, error);
    const level = this.#failure.code === 'BOOT_CANCELLED' ? 'info' : 'error';
    this.#log[level]({ ...this.#failure, err: error }, 'boot failed');
  }
}

function failureOf(step: BootStep, error: unknown): BootFailure {
  if (error instanceof CodedError) {
    const { code, message, remedy } = error as CodedError;
    return { step, code, message, remedy };
  }
  const remedy = 'mend what the message names and start the enclave again';
  return { step, code: 'BOOT_FAILED', message: describeError(error), remedy };
}
