import { setTimeout as sleep } from 'node:timers/promises';

import type { Clock } from '@k3s-daas/core';
import type { Logger } from 'pino';
import { z } from 'zod';

import type { ApiReader, WatchEnd } from './api-reader.ts';

/**
 * The API server ends a watch after so long, which is a sign of life where nothing changes: bookmarks come when it likes,
 * in a quiet cluster never. Shorter than the 30 s of silence after which client-node gives a connection up.
 */
const ROUND_SECONDS = 20;
/** The first round brings all objects. */
const LIST_SECONDS = 25;
/** Silence after which what is remembered counts as old. */
const SILENT_MS_MAX = 45_000;
/** Everything is listed anew after so long, whatever was heard. */
const RESYNC_MS = 600_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5_000;

export interface WatchedOptions<T> {
  readonly api: ApiReader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly path: string;
  readonly labelSelector?: string;
  /** What is remembered of an object; the object itself is not. Must not throw. */
  readonly project: (object: unknown) => T;
}

const eventSchema = z.object({
  metadata: z.object({
    name: z.string().default(''),
    namespace: z.string().default(''),
    resourceVersion: z.string().default(''),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
});

interface Entry<T> {
  readonly version: string;
  readonly projection: T;
}

/** Projections of all objects of one kind, by `namespace/name`, kept by a watch that starts again whatever ends it. */
export class Watched<T> {
  readonly #options: WatchedOptions<T>;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #entries = new Map<string, Entry<T>>();
  /** While all objects are listed: what came so far. */
  #listing: Map<string, Entry<T>> | null = null;
  #version = '';
  #heardMs: number | null = null;
  #listedMs = Number.NEGATIVE_INFINITY;

  constructor(options: WatchedOptions<T>) {
    this.#options = options;
    this.#done = this.#run();
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.projection;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Milliseconds since the API server was last heard; null before everything was listed once. */
  ageMs(): number | null {
    return this.#heardMs === null ? null : this.#options.clock.now() - this.#heardMs;
  }

  /** Whether what is remembered may be decided on. */
  isFresh(): boolean {
    const age = this.ageMs();
    return age !== null && Math.abs(age) <= SILENT_MS_MAX;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { api, clock, log, path } = this.#options;
    const { signal } = this.#stop;
    let pauseMs = RETRY_MS_MIN;
    while (!signal.aborted) {
      if (clock.now() - this.#listedMs > RESYNC_MS) this.#version = '';
      const versionBefore = this.#version;
      const heardBefore = this.#heardMs;
      const end = await api.watch(path, this.#parameters(), this.#take, signal);
      this.#listing = null;
      if (end === null && this.#version !== '') this.#heardMs = clock.now();
      if (end !== null) {
        log.warn({ err: end, path }, 'a watch ended with an error');
        // From which version it would go on is not known to be good; 410 is one of the reasons.
        if (this.#version === versionBefore) this.#version = '';
      }
      pauseMs = nextPause(pauseMs, end, this.#heardMs !== heardBefore);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #parameters(): Record<string, string> {
    const { labelSelector } = this.#options;
    const selected = labelSelector === undefined ? {} : { labelSelector };
    const common = { ...selected, allowWatchBookmarks: 'true' };
    if (this.#version !== '')
      return { ...common, resourceVersion: this.#version, timeoutSeconds: String(ROUND_SECONDS) };
    this.#listing = new Map();
    return {
      ...common,
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      timeoutSeconds: String(LIST_SECONDS),
    };
  }

  readonly #take = (type: string, object: unknown): void => {
    const parsed = eventSchema.safeParse(object);
    if (type === 'ERROR' || !parsed.success) {
      this.#version = '';
      this.#listing = null;
      this.#options.log.warn({ type, path: this.#options.path }, 'a watch told of an error');
      return;
    }
    const { metadata } = parsed.data;
    const key = metadata.namespace === '' ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    const entries = this.#listing ?? this.#entries;
    switch (type) {
      case 'ADDED':
      case 'MODIFIED':
        entries.set(key, this.#entryOf(key, metadata.resourceVersion, object));
        break;
      case 'DELETED':
        entries.delete(key);
        break;
      case 'BOOKMARK':
        if (metadata.annotations?.['k8s.io/initial-events-end'] === 'true') this.#listed(entries);
        break;
      default:
        return;
    }
    if (this.#listing !== null) return;
    // While objects are listed they come in no order of versions.
    this.#version = metadata.resourceVersion;
    this.#heardMs = this.#options.clock.now();
  };

  #listed(entries: Map<string, Entry<T>>): void {
    this.#entries = entries;
    this.#listing = null;
    this.#listedMs = this.#options.clock.now();
  }

  /** What was checked once is not checked again when everything is listed anew. */
  #entryOf(key: string, version: string, object: unknown): Entry<T> {
    const known = this.#entries.get(key);
    if (known !== undefined && known.version === version) return known;
    return { version, projection: this.#options.project(object) };
  }
}

/** A watch that ran out, or failed after something was heard, is started again at once; others less and less often. */
function nextPause(pauseMs: number, end: WatchEnd, heard: boolean): number {
  if (end === null || heard) return RETRY_MS_MIN;
  return Math.min(pauseMs * 2, RETRY_MS_MAX);
}
