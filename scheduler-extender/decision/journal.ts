import type { Clock } from '@k3s-daas/core';

import type { Appended, DecisionLog } from '../log/log.ts';
import type { RecordBody } from '../log/record.ts';
import type { LogState, ParsedDecision } from '../log/state.ts';

/** Log and state in step: what is appended is applied, and what could not be written is undone. */
export class Journal {
  readonly #log: DecisionLog;
  readonly #state: LogState;
  readonly #clock: Clock;
  readonly #undone: () => void;

  /** @param undone called after each record that had to be taken back */
  constructor(log: DecisionLog, state: LogState, clock: Clock, undone: () => void) {
    this.#log = log;
    this.#state = state;
    this.#clock = clock;
    this.#undone = undone;
  }

  get head(): Appended['entry']['hash'] {
    return this.#log.head;
  }

  /**
   * Applies the record at once; resolves `durable` after the fsync that holds it.
   * @param parsed what the bytes of a decision hold, where the caller has just encoded them
   */
  append(body: RecordBody, timestampMs: number = this.#clock.now(), parsed?: ParsedDecision): Appended {
    const undo = this.#state.apply(body, parsed);
    try {
      return this.#log.append(body, timestampMs, () => {
        undo();
        this.#undone();
      });
    } catch (error) {
      undo();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
