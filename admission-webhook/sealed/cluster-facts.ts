import { SEALED_LABEL, SECRETS_MODE_LABEL, type Clock } from '@k3s-daas/core';
import type { SealRules } from '@k3s-daas/seal/sealed';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Counter, Gauge, Registry } from 'prom-client';
import { z } from 'zod';

import type { SealSettings } from '../config.ts';
import { Denied, lookupFailed } from '../denied.ts';
import { apiReader, type ApiReader } from './api-reader.ts';
import { isSealedSpec } from './container.ts';
import type { BoundPod, ClusterFacts, SealedSecret, SecretsMode } from './facts.ts';
import { podSpecSchema } from './pod.ts';
import { parseSecret, sealedSecretOf, sealRulesOf } from './read-secret.ts';
import { Watched } from './watched.ts';

export interface ClusterFactsOptions {
  /** Of the user k3s-daas:webhook. */
  readonly kubeConfig: KubeConfig;
  readonly seal: SealSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly registry?: Registry;
  /** Deadline of one question to the API server; 700 unless given. */
  readonly readMsMax?: number;
}

export interface WatchedFacts extends ClusterFacts {
  /** Of the metrics; other parts of the process register theirs here. */
  readonly registry: Registry;
  /** Why answers are read one by one instead of from what is watched; null if all is well. */
  stale(): string | null;
  close(): Promise<void>;
}

/**
 * Knows the cluster by two watches, of namespaces and of Secrets with the label of sealed ones. What they have not (yet)
 * brought, and everything while they are silent, is read from the API server within a deadline: a watch only makes
 * answers fast. Of Secrets digests are kept and no values.
 */
export function startClusterFacts(options: ClusterFactsOptions): WatchedFacts {
  return new Facts(options, apiReader(options.kubeConfig));
}

/**
 * How long a Secret that is being written is read anew. Not until the watch tells of it: what it tells next may be an
 * earlier write.
 */
const EXPECTED_MS = 10_000;
const EXPECTED_MAX = 10_000;

/** A sealed Secret, or why it is none. */
type Verdict = SealedSecret | Denied;

class Facts implements WatchedFacts {
  readonly registry: Registry;
  readonly #api: ApiReader;
  readonly #clock: Clock;
  readonly #readMsMax: number;
  readonly #rules: SealRules;
  readonly #namespaces: Watched<SecretsMode>;
  readonly #secrets: Watched<Verdict>;
  readonly #lookups: Counter<'kind' | 'source'>;
  /** Until when each Secret that is being written is read anew, by `namespace/name`. */
  readonly #expected = new Map<string, number>();

  constructor(options: ClusterFactsOptions, api: ApiReader) {
    const { seal, clock, log, registry = new Registry(), readMsMax = 700 } = options;
    this.registry = registry;
    this.#api = api;
    this.#clock = clock;
    this.#readMsMax = readMsMax;
    this.#rules = sealRulesOf(seal);
    const common = { api, clock, log };
    this.#namespaces = new Watched({ ...common, path: '/api/v1/namespaces', project: modeOf });
    this.#secrets = new Watched({
      ...common,
      path: '/api/v1/secrets',
      labelSelector: `${SEALED_LABEL}=true`,
      project: (object) => this.#verdict(object),
    });
    this.#lookups = this.#metrics([registry]);
  }

  async mode(namespace: string): Promise<SecretsMode> {
    const known = this.#namespaces.isFresh() ? this.#namespaces.get(namespace) : undefined;
    if (known !== undefined) return this.#counted('namespace', known);
    const object = await this.#read('namespace', namespacePath(namespace));
    return object === null ? 'required' : modeOf(object);
  }

  async secret(namespace: string, name: string): Promise<SealedSecret> {
    const known = this.#knownSecret(`${namespace}/${name}`);
    const verdict =
      known === undefined ? await this.#readSecret(namespace, name) : this.#counted('secret', known);
    if (verdict instanceof Denied) throw verdict;
    return verdict;
  }

  async pod(namespace: string, name: string): Promise<BoundPod | null> {
    if (!isName(name)) return null;
    const object = await this.#read('pod', `${namespacePath(namespace)}/pods/${name}`);
    return object === null ? null : boundPodOf(object);
  }

  expectChange(namespace: string, secret: string): void {
    const now = this.#clock.now();
    for (const [key, until] of this.#expected) if (until <= now) this.#expected.delete(key);
    // Without room to remember, nothing is believed until some have run out.
    if (this.#expected.size < EXPECTED_MAX) this.#expected.set(`${namespace}/${secret}`, now + EXPECTED_MS);
  }

  stale(): string | null {
    const watches = { namespaces: this.#namespaces, secrets: this.#secrets };
    for (const [kind, watched] of Object.entries(watches)) {
      if (watched.isFresh()) continue;
      const age = watched.ageMs();
      return age === null ? `the ${kind} are not listed yet` : `nothing was heard of ${kind} for ${age} ms`;
    }
    return null;
  }

  async close(): Promise<void> {
    await Promise.all([this.#namespaces.close(), this.#secrets.close()]);
    this.#api.close();
  }

  #knownSecret(key: string): Verdict | undefined {
    if (!this.#secrets.isFresh() || this.#expected.size >= EXPECTED_MAX) return undefined;
    const until = this.#expected.get(key);
    return until !== undefined && until > this.#clock.now() ? undefined : this.#secrets.get(key);
  }

  async #readSecret(namespace: string, name: string): Promise<Verdict> {
    const object = isName(name)
      ? await this.#read('secret', `${namespacePath(namespace)}/secrets/${name}`)
      : null;
    if (object !== null) return this.#verdict(object);
    return new Denied(
      'SECRET_NOT_FOUND',
      `there is no Secret ${namespace}/${name}`,
      'create it first: `daas secret seal` writes it',
    );
  }

  #verdict(object: unknown): Verdict {
    try {
      const secret = parseSecret(object);
      return sealedSecretOf(secret, secret.metadata.namespace, this.#rules);
    } catch (error) {
      if (error instanceof Denied) return error;
      return lookupFailed('a Secret cannot be read');
    }
  }

  /** @throws Denied LOOKUP_FAILED */
  async #read(kind: string, path: string): Promise<unknown> {
    try {
      const object = await this.#api.get(path, this.#readMsMax);
      this.#lookups.inc({ kind, source: 'read' });
      return object;
    } catch (error) {
      this.#lookups.inc({ kind, source: 'failed' });
      throw lookupFailed(error instanceof Error ? error.message : String(error));
    }
  }

  #counted<T>(kind: string, known: T): T {
    this.#lookups.inc({ kind, source: 'watch' });
    return known;
  }

  #metrics(registers: Registry[]): Counter<'kind' | 'source'> {
    const watches = { namespaces: this.#namespaces, secrets: this.#secrets };
    const gauge = (name: string, help: string, value: (watched: Watched<unknown>) => number): Gauge<'kind'> =>
      new Gauge({
        name,
        help,
        labelNames: ['kind'],
        registers,
        collect() {
          for (const [kind, watched] of Object.entries(watches)) this.set({ kind }, value(watched));
        },
      });
    gauge(
      'daas_admission_watch_age_seconds',
      'Time since the API server was last heard on a watch; -1 before the first list.',
      (watched) => {
        const age = watched.ageMs();
        return age === null ? -1 : age / 1000;
      },
    );
    gauge('daas_admission_watch_objects', 'Objects that a watch knows.', (watched) => watched.size);
    return new Counter({
      name: 'daas_admission_lookups_total',
      help: 'What was asked of the cluster: answered by the watch, read from the API server, or failed.',
      labelNames: ['kind', 'source'],
      registers,
    });
  }
}

/** Names go into paths: only DNS-1123 subdomains, which need no escaping and are no `..`. */
function isName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}

function namespacePath(namespace: string): string {
  if (!isName(namespace)) throw lookupFailed(`"${namespace}" is no name of a namespace`);
  return `/api/v1/namespaces/${namespace}`;
}

const namespaceSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()).nullish() }),
});

/** Anything but the one word is as strict as it gets. */
function modeOf(object: unknown): SecretsMode {
  const parsed = namespaceSchema.safeParse(object);
  const label = parsed.success ? parsed.data.metadata.labels?.[SECRETS_MODE_LABEL] : undefined;
  return label === 'references' ? 'references' : 'required';
}

const podSchema = z.object({
  metadata: z.object({ uid: z.string().min(1) }),
  spec: podSpecSchema,
});

function boundPodOf(object: unknown): BoundPod {
  const parsed = podSchema.safeParse(object);
  if (!parsed.success) throw lookupFailed('the API server showed a pod without UID or containers');
  const { metadata, spec } = parsed.data;
  return { uid: metadata.uid, nodeName: spec.nodeName ?? '', sealed: isSealedSpec(spec) };
}
