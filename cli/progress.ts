import type { Clock } from '@k3s-daas/core';

/** Shows what is being done and how long each step took, one line per step, on standard error. */
export interface Progress {
  /** Runs a step; nested detail lines go through `detail`. */
  step<T>(title: string, work: (detail: (message: string) => void) => Promise<T>): Promise<T>;
  note(message: string): void;
}

export function consoleProgress(clock: Clock, write: (text: string) => void): Progress {
  const seconds = (since: number): string => `${((clock.now() - since) / 1000).toFixed(1)} s`;
  return {
    async step(title, work) {
      const since = clock.now();
      write(`· ${title} …\n`);
      let last = '';
      try {
        const result = await work((message) => {
          if (message === last) return;
          last = message;
          write(`    ${message}\n`);
        });
        write(`✓ ${title} (${seconds(since)})\n`);
        return result;
      } catch (error) {
        write(`✗ ${title} (${seconds(since)})\n`);
        throw error;
      }
    },
    note(message) {
      write(`${message}\n`);
    },
  };
}
