import type { Clock } from '@k3s-daas/core';

/** The boot order. Each step needs the ones before it; the process is ready when all are done. */
export const BOOT_STEPS = [
  'keys',
  'clock',
  'attestation',
  'registration',
  'kubernetes-identity',
  'kubernetes-cache',
  'decision-log',
  'serving',
] as const;

export type BootStep = (typeof BOOT_STEPS)[number];

export interface BootProgress {
  readonly done: readonly { readonly step: BootStep; readonly atMs: number }[];
  /** The step that is waited for, or null when the boot is complete. */
  readonly waitingFor: BootStep | null;
}

/** Records the boot, so that `/readyz` and the log can say which step is waited for. */
export class BootRecord {
  readonly #done: { step: BootStep; atMs: number }[] = [];
  readonly #clock: Clock;
  readonly #onDone: (step: BootStep) => void;

  constructor(clock: Clock, onDone: (step: BootStep) => void) {
    this.#clock = clock;
    this.#onDone = onDone;
  }

  done(step: BootStep): void {
    const expected = BOOT_STEPS[this.#done.length];
    if (step !== expected)
      throw new RangeError(`boot step ${step} out of order: expected ${String(expected)}`);
    this.#done.push({ step, atMs: this.#clock.now() });
    this.#onDone(step);
  }

  get progress(): BootProgress {
    return { done: [...this.#done], waitingFor: BOOT_STEPS[this.#done.length] ?? null };
  }
}
