import { setTimeout as delay } from 'node:timers/promises';

import type { Clock } from '@k3s-daas/core';
import type { Logger } from 'pino';

import { kubeError, type KubeClient } from './client.ts';
import { KubeError } from './errors.ts';
import { parseEvent, type ObjectMeta, type WatchEvent } from './events.ts';
import { lines } from './lines.ts';

export interface WatchLimits {
  readonly lineBytesMax: number;
  /** Silence after which a watch counts as dead. The API server sends a bookmark each minute. */
  readonly idleMsMax: number;
  /** First and longest pause between attempts; each is drawn from the upper half of its span. */
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  /** A session that lasted this long resets the back-off. */
  readonly healthyMs: number;
  /** The API server is asked to end a watch after this long to twice this long, as client-go does. */
  readonly sessionSeconds: number;
}

const LIMITS: WatchLimits = {
  lineBytesMax: 4 << 20,
  idleMsMax: 150_000,
  backoffMsMin: 250,
  backoffMsMax: 30_000,
  healthyMs: 5_000,
  sessionSeconds: 300,
};

/** Failures in a row after which resuming is given up for a new list: etcd may have been restored to an older state. */
const RESUME_FAILURES_MAX = 3;

export interface WatchListOptions<T extends { readonly uid: string }> {
  readonly client: KubeClient;
  /** Path of the collection, e.g. `/api/v1/pods`. */
  readonly path: string;
  readonly key: (metadata: ObjectMeta) => string;
  /** What is kept of an object; the object itself is dropped. May throw: then nothing of it is kept. */
  readonly project: (object: unknown, metadata: ObjectMeta) => T;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  readonly log: Logger;
  readonly limits?: Partial<WatchLimits>;
}

export interface WatchStatus {
  readonly path: string;
  readonly synced: boolean;
  readonly connected: boolean;
  /** Since the last sign of life, ms; null before the first one. */
  readonly lastEventAgeMs: number | null;
  /** How long the view may have missed events, ms: 0 while connected, null if it was never connected. */
  readonly lagMs: number | null;
  readonly objects: number;
  /** Objects that could not be projected since the start. */
  readonly refused: number;
  /** Full lists since the start. */
  readonly lists: number;
  readonly lastError: string | null;
}

/** A collection of the API server, followed for ever. */
export interface WatchedList<T> {
  readonly items: ReadonlyMap<string, T>;
  /** Grows whenever an object comes, goes, or comes back with another UID; not when one merely changes. */
  readonly version: number;
  status(): WatchStatus;
  /** Resolves when nothing runs any more. */
  close(): Promise<void>;
}

/** Starts to follow a collection: streaming list, then watch (KEP-3157). Never throws and never gives up. */
export function watchList<T extends { readonly uid: string }>(options: WatchListOptions<T>): WatchedList<T> {
  const watch = new Watch(options);
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  return {
    items: watch.items,
    get version() {
      return watch.version;
    },
    status: () => watch.status(),
    async close() {
      stop.abort();
      await running;
    },
  };
}

class Watch<T extends { readonly uid: string }> {
  readonly items = new Map<string, T>();
  version = 0;
  readonly #options: WatchListOptions<T>;
  readonly #limits: WatchLimits;
  /** Where to resume; null: list first. */
  #resourceVersion: string | null = null;
  /** Keys of the list that is under way; null after its end. */
  #listed: Set<string> | null = null;
  #synced = false;
  #connected = false;
  #lastEventMs: number | null = null;
  #disconnectedMs: number | null = null;
  #refused = 0;
  #lists = 0;
  #lastError: string | null = null;

  constructor(options: WatchListOptions<T>) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  status(): WatchStatus {
    const now = this.#options.clock.now();
    const since = (ms: number | null): number | null => (ms === null ? null : Math.max(0, now - ms));
    return {
      path: this.#options.path,
      synced: this.#synced,
      connected: this.#connected,
      lastEventAgeMs: since(this.#lastEventMs),
      lagMs: this.#connected ? 0 : since(this.#disconnectedMs),
      objects: this.items.size,
      refused: this.#refused,
      lists: this.#lists,
      lastError: this.#lastError,
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, path } = this.#options;
    const stopped = (): boolean => signal.aborted;
    let failures = 0;
    while (!stopped()) {
      const start = clock.now();
      const error = await this.#session(signal);
      if (stopped()) break;
      failures = clock.now() - start >= this.#limits.healthyMs ? 0 : failures + 1;
      if (error !== null) {
        this.#lastError = `${error.code}: ${error.message}`;
        const mustList = error.code === 'KUBE_WATCH_EXPIRED' || error.code === 'KUBE_RESPONSE_MALFORMED';
        if (mustList || failures >= RESUME_FAILURES_MAX) this.#resourceVersion = null;
        log.warn({ path, code: error.code, reason: error.message, failures }, 'watch interrupted');
      }
      await delay(this.#pauseMs(failures), undefined, { signal }).catch(() => undefined);
    }
  }

  /** One connection from start to end; null if the API server ended it in good order. */
  async #session(outer: AbortSignal): Promise<KubeError | null> {
    const idle = new AbortController();
    const signal = AbortSignal.any([outer, idle.signal]);
    const timer = setTimeout(() => {
      idle.abort();
    }, this.#limits.idleMsMax);
    try {
      await this.#follow(signal, () => timer.refresh());
      return null;
    } catch (cause) {
      return kubeError(cause, `watch of ${this.#options.path}`, idle.signal);
    } finally {
      clearTimeout(timer);
      if (this.#connected) {
        this.#connected = false;
        this.#disconnectedMs = this.#options.clock.now();
      }
    }
  }

  async #follow(signal: AbortSignal, alive: () => void): Promise<void> {
    const { client, clock, path } = this.#options;
    const { status, chunks } = await client.stream(this.#target(), signal);
    if (status !== 200) throw await refusedWatch(path, status, chunks, this.#limits.lineBytesMax);
    this.#listed = this.#resourceVersion === null ? new Set() : null;
    // A watch that resumes misses nothing; one that lists is as old as before until its list is complete.
    this.#connected = this.#listed === null;
    for await (const line of lines(chunks, this.#limits.lineBytesMax)) {
      alive();
      this.#lastEventMs = clock.now();
      this.#apply(parseEvent(line));
    }
  }

  #target(): string {
    const { random, path } = this.#options;
    const timeout = Math.floor(this.#limits.sessionSeconds * (1 + random()));
    const query = new URLSearchParams({
      watch: 'true',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(timeout),
    });
    if (this.#resourceVersion === null) {
      // Without a resourceVersion the list is at least as new as etcd at this moment.
      query.set('sendInitialEvents', 'true');
      query.set('resourceVersionMatch', 'NotOlderThan');
    } else {
      query.set('resourceVersion', this.#resourceVersion);
    }
    return `${path}?${query.toString()}`;
  }

  #apply(event: WatchEvent): void {
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        this.#put(event.object, event.metadata);
        break;
      case 'DELETED':
        this.#remove(event.metadata);
        break;
      case 'BOOKMARK':
        if (event.endsList) this.#endList();
        break;
      case 'ERROR':
        throw expired(`the API server ended the watch: ${event.code} ${event.message}`);
    }
    // While a list is under way its objects come in any order: it can only be begun again.
    if (this.#listed === null) this.#resourceVersion = event.metadata.resourceVersion;
  }

  #put(object: unknown, metadata: ObjectMeta): void {
    const { key, project, log, path } = this.#options;
    const name = key(metadata);
    try {
      const item = project(object, metadata);
      if (this.items.get(name)?.uid !== item.uid) this.version += 1;
      this.items.set(name, item);
      this.#listed?.add(name);
    } catch (cause) {
      this.#drop(name);
      this.#refused += 1;
      const reason = cause instanceof Error ? cause.message : String(cause);
      log.warn({ path, name, uid: metadata.uid, reason }, 'object left out');
    }
  }

  #remove(metadata: ObjectMeta): void {
    const name = this.#options.key(metadata);
    // An old object's end must not remove a newer one of the same name.
    if (this.items.get(name)?.uid === metadata.uid) this.#drop(name);
  }

  #drop(name: string): void {
    if (this.items.delete(name)) this.version += 1;
  }

  #endList(): void {
    const listed = this.#listed;
    if (listed === null) return;
    for (const name of this.items.keys()) if (!listed.has(name)) this.#drop(name);
    this.#listed = null;
    this.#synced = true;
    this.#connected = true;
    this.#lists += 1;
    this.#lastError = null;
    this.#options.log.info({ path: this.#options.path, objects: this.items.size }, 'list complete');
  }

  #pauseMs(failures: number): number {
    const { backoffMsMin, backoffMsMax } = this.#limits;
    const span = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(failures, 20));
    return (span / 2) * (1 + this.#options.random());
  }
}

async function refusedWatch(
  path: string,
  status: number,
  chunks: AsyncIterable<Buffer>,
  bytesMax: number,
): Promise<KubeError> {
  let message = '';
  // A Status object: one line, short; its text helps whoever set up RBAC.
  for await (const line of lines(chunks, bytesMax)) {
    message ||= line.slice(0, 500);
  }
  if (status === 410) return expired(`watch of ${path}: ${message}`);
  return new KubeError(
    'KUBE_STATUS',
    `watch of ${path} is answered with ${status}: ${message}`,
    'give the enclave list and watch on it (manifests/base); streaming lists need Kubernetes 1.34 or later',
  );
}

function expired(message: string): KubeError {
  return new KubeError('KUBE_WATCH_EXPIRED', message, 'none needed: the collection is listed again');
}
