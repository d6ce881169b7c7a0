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
  /** How often the API server ended the watch: pods bound around then are heard of late. */
  readonly restarts: number;
  /** Resolves when `count` are bound. @throws BenchError PODS_NOT_BOUND, API_UNREACHABLE */
  reach(count: number, msMax: number, signal: AbortSignal): Promise<void>;
  close(): void;
}

/** Selects on the API server, so that one event arrives per pod: its appearance among those that have a node. */
export async function watchBindings(api: Api, namespace: string, selector: string): Promise<BindingWatch> {
  const query = new URLSearchParams({
    watch: 'true',
    labelSelector: selector,
    fieldSelector: 'spec.nodeName!=',
  });
  const watch = new Watch(api, `/api/v1/namespaces/${namespace}/pods?${query.toString()}`);
  await watch.open();
  return watch;
}

class Watch implements BindingWatch {
  readonly boundAt = new Map<string, number>();
  readonly #api: Api;
  readonly #path: string;
  #restarts = 0;
  #closed = false;
  #failure: BenchError | null = null;
  #stop = (): void => undefined;
  #wake = (): void => undefined;

  constructor(api: Api, path: string) {
    this.#api = api;
    this.#path = path;
  }

  get restarts(): number {
    return this.#restarts;
  }

  async open(): Promise<void> {
    this.#stop = await this.#api.lines(
      this.#path,
      (line) => {
        this.#heard(line, performance.now());
      },
      () => {
        this.#reopen();
      },
    );
    if (this.#closed) this.#stop();
  }

  close(): void {
    this.#closed = true;
    this.#stop();
  }

  async reach(count: number, msMax: number, signal: AbortSignal): Promise<void> {
    const late = AbortSignal.any([signal, AbortSignal.timeout(msMax)]);
    const onAbort = (): void => {
      this.#wake();
    };
    late.addEventListener('abort', onAbort);
    try {
      while (this.boundAt.size < count) {
        if (this.#failure !== null) throw this.#failure;
        signal.throwIfAborted();
        if (late.aborted) throw notBound(this.boundAt.size, count, msMax);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      late.removeEventListener('abort', onAbort);
    }
  }

  #heard(line: string, now: number): void {
    const { type, object } = event.parse(JSON.parse(line));
    if (type === 'ERROR') this.#failure = watchFailed(line);
    else if (type !== 'ADDED' || this.boundAt.has(object.metadata.name)) return;
    else this.boundAt.set(object.metadata.name, now);
    this.#wake();
  }

  /** The API server ends watches that fall behind; a new one begins with the pods that are bound by now. */
  #reopen(): void {
    if (this.#closed) return;
    this.#restarts++;
    this.open().catch((error: unknown) => {
      this.#failure = error instanceof BenchError ? error : watchFailed(String(error));
      this.#wake();
    });
  }
}

function watchFailed(line: string): BenchError {
  return new BenchError(
    'API_REFUSED',
    `the watch of pods was ended: ${line.slice(0, 500)}`,
    'the machine may be overloaded: the API server ends watches that fall behind',
  );
}

function notBound(bound: number, count: number, msMax: number): BenchError {
  return new BenchError(
    'PODS_NOT_BOUND',
    `${bound} of ${count} pods were bound within ${msMax / 1000} s`,
    'the log of the scheduler and of its extender say why',
  );
}
