import { sha256, systemClock, toHex, utf8, type Clock } from '@k3s-daas/core';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Counter, Registry } from 'prom-client';

import { controllerOf, isLost, podSchema, waitingMessage, type Owner, type WaitingPod } from './lost-pods.ts';
import { rawApi, type RawApi } from './raw-api.ts';

const PODS = '/api/v1/pods?fieldSelector=';
/** Pods whose containers wait for their secrets are pending; they are looked at in each round. */
const PENDING = `${PODS}status.phase%3DPending`;
/** Of a pod that runs, the sidecar that refreshes may fail, or everything after its node has booted. */
const RUNNING = `${PODS}status.phase%3DRunning`;
const RUNNING_EVERY = 12;
/** Of pod and message; beyond it the oldest is forgotten, and its Event's name still keeps it from being made twice. */
const TOLD_MAX = 10_000;
/** At least between two deletions of one owner's pods. */
const REPLACE_PAUSE_MS = 30_000;

export interface SealEventsOptions {
  /** Of the user k3s-daas:controller. */
  readonly kubeConfig: KubeConfig;
  readonly log: Logger;
  readonly registry?: Registry;
  readonly clock?: Clock;
  /** Pause between rounds; 5,000 unless given. Running pods are looked at in one of twelve. */
  readonly intervalMs?: number;
}

export interface SealEvents {
  /** A round over all pods now. @returns how many Events it has written; -1 if it failed. Never throws. */
  check(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Tells on each pod why it waits for its secrets: the last words of its `seal-fetch` (one coded line) become an Event
 * `SealFetchWaiting`, once for each pod and message, also over restarts and replicas of this controller. A pod that can
 * never have them, since it was made for ciphertext that is gone or is not what was placed, is deleted if a controller
 * will make another one (Event `SealFetchReplaced` before).
 */
export function startSealEvents(options: SealEventsOptions): SealEvents {
  const { intervalMs = 5_000 } = options;
  const teller = new Teller(options, rawApi(options.kubeConfig));
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let running: Promise<number> = Promise.resolve(0);
  const round = (lists: readonly string[]): Promise<number> => {
    running = running.then(() => teller.round(lists));
    return running;
  };
  const loop = async (count: number): Promise<void> => {
    await round(count % RUNNING_EVERY === 0 ? [PENDING, RUNNING] : [PENDING]);
    if (!closed) timer = setTimeout(() => void loop(count + 1), intervalMs);
  };
  void loop(0);
  return {
    check: () => round([PENDING, RUNNING]),
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
      clearTimeout(timer);
    },
  };
}

class Teller {
  readonly #api: RawApi;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #events: Counter;
  readonly #replaced: Counter;
  readonly #told = new Set<string>();
  /** When a pod of the owner with this UID was last deleted; only of the last half minute. */
  readonly #deletedMs = new Map<string, number>();

  constructor({ log, clock = systemClock, registry = new Registry() }: SealEventsOptions, api: RawApi) {
    this.#api = api;
    this.#log = log;
    this.#clock = clock;
    this.#events = new Counter({
      name: 'daas_seal_fetch_waiting_events_total',
      help: 'Events on pods that wait for their secrets, one for each pod and message.',
      registers: [registry],
    });
    this.#replaced = new Counter({
      name: 'daas_seal_fetch_pods_replaced_total',
      help: 'Pods deleted because they could never have got their secrets, so that their controllers make new ones.',
      registers: [registry],
    });
  }

  async round(lists: readonly string[]): Promise<number> {
    let written = 0;
    try {
      for (const list of lists) {
        for await (const page of this.#api.list(list)) {
          for (const item of page) {
            const pod = podSchema.safeParse(item);
            if (pod.success) written += await this.#look(pod.data);
          }
        }
      }
      return written;
    } catch (err) {
      this.#log.warn({ err }, 'the round over the waiting pods broke off');
      return -1;
    }
  }

  /** @returns how many Events were written. */
  async #look(pod: WaitingPod): Promise<number> {
    const message = waitingMessage(pod);
    if (message === undefined) return 0;
    const lost = isLost(pod);
    const owner = controllerOf(pod);
    const alone = lost && owner === undefined;
    const words = alone ? `${message} (no controller makes this pod anew: delete and create it)` : message;
    const told = (await this.#tell(pod, 'SealFetchWaiting', words)) ? 1 : 0;
    if (!lost || owner === undefined) return told;
    return told + (await this.#replace(pod, owner, message));
  }

  /** So that the owner makes a pod for what is there now; each owner's one by one, should that not help. */
  async #replace(pod: WaitingPod, owner: Owner, message: string): Promise<number> {
    const now = this.#clock.now();
    for (const [uid, ms] of this.#deletedMs) {
      if (Math.abs(now - ms) >= REPLACE_PAUSE_MS) this.#deletedMs.delete(uid);
    }
    if (this.#deletedMs.has(owner.uid)) return 0;
    const { namespace, name, uid } = pod.metadata;
    const words = `deleted, so that ${owner.kind} ${owner.name} makes a new one for what is there now: ${message}`;
    const told = await this.#tell(pod, 'SealFetchReplaced', words);
    this.#deletedMs.set(owner.uid, now);
    const status = await this.#api.delete(`/api/v1/namespaces/${namespace}/pods/${name}`, uid);
    if (status < 300) {
      this.#replaced.inc();
      this.#log.info({ namespace, pod: name, owner: owner.name }, 'deleted a pod that waits in vain');
    } else if (status !== 404 && status !== 409) {
      this.#log.warn({ status, namespace, pod: name }, 'a pod that waits in vain could not be deleted');
    }
    return told ? 1 : 0;
  }

  /** @returns whether an Event was written. */
  async #tell({ metadata }: WaitingPod, reason: string, message: string): Promise<boolean> {
    const { name, namespace, uid } = metadata;
    const key = toHex(sha256(utf8(`${uid}\n${reason}\n${message}`))).slice(0, 24);
    if (this.#told.has(key)) return false;
    const time = new Date(this.#clock.now()).toISOString();
    const status = await this.#api.create(`/api/v1/namespaces/${namespace}/events`, {
      // The name says pod and message: whoever writes it second meets a conflict.
      metadata: { name: `${name.slice(0, 200)}.${key}`, namespace },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        name,
        namespace,
        uid,
        fieldPath: 'spec.initContainers{seal-fetch}',
      },
      source: { component: 'k3s-daas-seal-events' },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type: 'Warning',
      reason,
      message: message.slice(0, 1_024),
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
