import { sha256, toHex, utf8 } from '@k3s-daas/core';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Counter, Registry } from 'prom-client';
import { z } from 'zod';

import { rawApi, type RawApi } from './raw-api.ts';

/** Pods whose containers wait for their secrets are pending; the others need no look. */
const PENDING = '/api/v1/pods?fieldSelector=status.phase%3DPending';
const CONTAINER = 'seal-fetch';
const MESSAGE_CHARACTERS_MAX = 1_000;
/** Of pod and message; beyond it the oldest is forgotten, and its Event's name still keeps it from being made twice. */
const TOLD_MAX = 10_000;

export interface SealEventsOptions {
  /** Of the user k3s-daas:controller. */
  readonly kubeConfig: KubeConfig;
  readonly log: Logger;
  readonly registry?: Registry;
  /** Pause between rounds; 5,000 unless given. */
  readonly intervalMs?: number;
}

export interface SealEvents {
  /** A round now. @returns how many Events it has written; -1 if it failed. Never throws. */
  check(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Tells on each waiting pod why it waits: the last words of its `seal-fetch` (one coded line) become an Event
 * `SealFetchWaiting`, once for each pod and message, also over restarts and replicas of this controller.
 */
export function startSealEvents(options: SealEventsOptions): SealEvents {
  const { intervalMs = 5_000 } = options;
  const teller = new Teller(options, rawApi(options.kubeConfig));
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let running: Promise<number> = Promise.resolve(0);
  const check = (): Promise<number> => {
    running = running.then(() => teller.round());
    return running;
  };
  const loop = async (): Promise<void> => {
    await check();
    if (!closed) timer = setTimeout(() => void loop(), intervalMs);
  };
  void loop();
  return {
    check,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
      clearTimeout(timer);
    },
  };
}

const terminated = z.object({ exitCode: z.number(), message: z.string().default('') });
const stateSchema = z
  .object({
    waiting: z.object({ reason: z.string().default(''), message: z.string().default('') }).optional(),
    terminated: terminated.optional(),
  })
  .default({});
const podSchema = z.object({
  metadata: z.object({ name: z.string(), namespace: z.string(), uid: z.string() }),
  status: z
    .object({
      initContainerStatuses: z
        .array(z.object({ name: z.string(), state: stateSchema, lastState: stateSchema }))
        .default([]),
    })
    .default({ initContainerStatuses: [] }),
});
type Pod = z.infer<typeof podSchema>;

/** What the pod's `seal-fetch` said last, as one line of printable text; undefined if it has nothing to complain of. */
export function waitingMessage({ status }: Pod): string | undefined {
  const container = status.initContainerStatuses.find(({ name }) => name === CONTAINER);
  if (container === undefined) return undefined;
  const { state, lastState } = container;
  const failed = [state.terminated, lastState.terminated].find(
    (each) => each !== undefined && each.exitCode !== 0 && each.message !== '',
  );
  const text = failed?.message ?? state.waiting?.message ?? '';
  // The pod's own words: they go into an Event's message and nowhere else.
  const line = text.trim().split('\n').at(-1) ?? '';
  const printable = line.replace(/\p{C}/gu, ' ').trim().slice(0, MESSAGE_CHARACTERS_MAX);
  return printable === '' ? undefined : printable;
}

class Teller {
  readonly #api: RawApi;
  readonly #log: Logger;
  readonly #events: Counter;
  readonly #told = new Set<string>();

  constructor({ log, registry = new Registry() }: SealEventsOptions, api: RawApi) {
    this.#api = api;
    this.#log = log;
    this.#events = new Counter({
      name: 'daas_seal_fetch_waiting_events_total',
      help: 'Events on pods that wait for their secrets, one for each pod and message.',
      registers: [registry],
    });
  }

  async round(): Promise<number> {
    let written = 0;
    try {
      for await (const page of this.#api.list(PENDING)) {
        for (const item of page) {
          const pod = podSchema.safeParse(item);
          if (pod.success && (await this.#tell(pod.data))) written++;
        }
      }
      return written;
    } catch (err) {
      this.#log.warn({ err }, 'the round over the waiting pods broke off');
      return -1;
    }
  }

  /** @returns whether an Event was written. */
  async #tell(pod: Pod): Promise<boolean> {
    const message = waitingMessage(pod);
    if (message === undefined) return false;
    const { name, namespace, uid } = pod.metadata;
    const key = toHex(sha256(utf8(`${uid}\n${message}`))).slice(0, 24);
    if (this.#told.has(key)) return false;
    const time = new Date().toISOString();
    const status = await this.#api.create(`/api/v1/namespaces/${namespace}/events`, {
      // The name says pod and message: whoever writes it second meets a conflict.
      metadata: { name: `${name.slice(0, 200)}.${key}`, namespace },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        name,
        namespace,
        uid,
        fieldPath: `spec.initContainers{${CONTAINER}}`,
      },
      source: { component: 'k3s-daas-seal-events' },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type: 'Warning',
      reason: 'SealFetchWaiting',
      message,
    });
    if (status >= 300 && status !== 409) {
      this.#log.warn({ status, namespace, pod: name }, 'event could not be written');
      return false;
    }
    this.#remember(key);
    if (status === 409) return false;
    this.#events.inc();
    return true;
  }

  #remember(key: string): void {
    this.#told.add(key);
    const [oldest] = this.#told;
    if (this.#told.size > TOLD_MAX && oldest !== undefined) this.#told.delete(oldest);
  }
}
