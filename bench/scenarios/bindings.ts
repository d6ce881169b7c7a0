import { z } from 'zod';

import { BenchError } from '../errors.ts';
import type { Api } from '../kube-api.ts';

const event = z.object({
  type: z.string(),
  object: z.object({ metadata: z.object({ name: z.string().default('') }).default({ name: '' }) }),
});

/** Hears of every pod that gets a node. */
export interface BindingWatch {
  /** When (performance.now) each pod was first heard to be bound. */
  readonly boundAt: ReadonlyMap<string, number>;
  /** Resolves when `count` are bound. @throws BenchError PODS_NOT_BOUND, API_UNREACHABLE */
  reach(count: number, msMax: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Selects on the API server, so that one event arrives per pod: its appearance among those that have a node. */
export async function watchBindings(api: Api, namespace: string, selector: string): Promise<BindingWatch> {
  const boundAt = new Map<string, number>();
  let failure: BenchError | null = null;
  let wake = (): void => undefined;
  const query = new URLSearchParams({
    watch: 'true',
    labelSelector: selector,
    fieldSelector: 'spec.nodeName!=',
  });
  const close = await api.lines(
    `/api/v1/namespaces/${namespace}/pods?${query.toString()}`,
    (line) => {
      const now = performance.now();
      const { type, object } = event.parse(JSON.parse(line));
      if (type !== 'ADDED' || boundAt.has(object.metadata.name)) return;
      boundAt.set(object.metadata.name, now);
      wake();
    },
    (error) => {
      failure = error;
      wake();
    },
  );
  return {
    boundAt,
    close,
    async reach(count, msMax, signal) {
      const late = AbortSignal.any([signal, AbortSignal.timeout(msMax)]);
      const onAbort = (): void => {
        wake();
      };
      late.addEventListener('abort', onAbort);
      try {
        while (boundAt.size < count) {
          if (failure !== null) throw failure;
          signal.throwIfAborted();
          if (late.aborted) throw notBound(boundAt.size, count, msMax);
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        late.removeEventListener('abort', onAbort);
      }
    },
  };
}

function notBound(bound: number, count: number, msMax: number): BenchError {
  return new BenchError(
    'PODS_NOT_BOUND',
    `${bound} of ${count} pods were bound within ${msMax / 1000} s`,
    'the log of the scheduler and of its extender say why',
  );
}
