import { CodedError, describeError, type Clock } from '@k3s-daas/core';
import type { Logger } from 'pino';

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

/** How a step tells people about itself: what it found, and what it waits for. */
export interface StepWords<T> {
  readonly detail?: (result: T) => string;
  readonly waiting?: () => string;
}

/** Runs the boot in its order and keeps what `/readyz` and the log say of it. After a failed step none runs. */
export class BootRecord {
  readonly #clock: Clock;
  readonly #log: Pick<Logger, 'info' | 'error'>;
  readonly #done: { step: BootStep; atMs: number; detail?: string }[] = [];
  #waiting: () => string = () => '';
  #failure: BootFailure | null = null;

  constructor(clock: Clock, log: Pick<Logger, 'info' | 'error'>) {
    this.#clock = clock;
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
    return this.#waiting();
  }

  /** Runs the next step. @throws what it throws, after which the boot is over */
  async run<T>(step: BootStep, work: () => T | Promise<T>, words: StepWords<T> = {}): Promise<T> {
    const expected = BOOT_STEPS[this.#done.length];
    if (step !== expected || this.#failure !== null) {
      throw new RangeError(`boot step ${step} out of order: expected ${String(expected)}`);
    }
    this.#waiting = words.waiting ?? (() => '');
    try {
      const result = await work();
      const detail = words.detail?.(result);
      this.#done.push({ step, atMs: this.#clock.now(), ...(detail === undefined ? {} : { detail }) });
      this.#log.info({ step, detail }, 'boot step done');
      return result;
    } catch (error) {
      this.fail(error);
      throw error;
    }
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
