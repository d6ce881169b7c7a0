import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { Counter, Gauge, Registry } from 'prom-client';

import {
  policyRegistrations,
  webhookRegistrations,
  type AdmissionSite,
  type PolicyRegistration,
  type WebhookRegistration,
} from '../admission-objects.ts';
import { EXEMPT_NAMESPACES } from '../config.ts';
import { rawApi, type RawApi } from './raw-api.ts';
import { differences, podMutators, registered, type Registered } from './registrations.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const KINDS = {
  ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
  MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
  MutatingAdmissionPolicy: 'mutatingadmissionpolicies',
} as const;
const MUTATORS: readonly string[] = ['MutatingWebhookConfiguration', 'MutatingAdmissionPolicy'];
const EVENTS = '/api/v1/namespaces/kube-system/events';

export interface AdmissionGuardOptions {
  /** Of the user k3s-daas:controller. */
  readonly kubeConfig: KubeConfig;
  /** What this installation registers: as given to `renderOverlay`. */
  readonly site: AdmissionSite;
  /** The authorities as they are now, asked for in each round, so that a rotation is no alarm; `site`'s unless given. */
  readonly authorities?: () => Promise<string>;
  readonly log: Logger;
  readonly registry?: Registry;
  /** Pause between rounds; 5,000 unless given. */
  readonly intervalMs?: number;
}

export type GuardResult = 'intact' | 'alarm' | 'failed';

export interface AdmissionGuard {
  /** A round now. Never throws. */
  check(): Promise<GuardResult>;
  close(): Promise<void>;
}

/**
 * Looks at the registrations that guard the API (webhooks, admission policies) and compares them by content with what
 * this version's manifests say. Deleted, altered or added to: a log line, a metric, an Event. What was altered and put
 * back between two rounds shows in uid or generation and is told as well.
 *
 * It only detects. A webhook cannot guard its own registration through the API (the API server asks no webhook about
 * registrations), so whoever may write them opens the gate until somebody acts on the alarm; `renderStaticManifests`
 * takes them out of the API's reach.
 */
export async function startAdmissionGuard(options: AdmissionGuardOptions): Promise<AdmissionGuard> {
  const { site, intervalMs = 5_000 } = options;
  const expected = [...(await webhookRegistrations(site)), ...(await policyRegistrations(site))];
  const watch = new Watch(options, expected, rawApi(options.kubeConfig));
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let running: Promise<GuardResult> = Promise.resolve('intact');
  const check = (): Promise<GuardResult> => {
    running = running.then(() => watch.round());
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

type Expected = WebhookRegistration | PolicyRegistration;

interface Seen {
  readonly findings: string;
  readonly revision: string;
}

class Watch {
  readonly #options: AdmissionGuardOptions;
  readonly #expected: readonly Expected[];
  readonly #api: RawApi;
  readonly #intact: Gauge<'kind' | 'name'>;
  readonly #foreign: Gauge;
  readonly #rounds: Counter<'result'>;
  readonly #seen = new Map<string, Seen>();
  #mutators: ReadonlySet<string> = new Set();

  constructor(options: AdmissionGuardOptions, expected: readonly Expected[], api: RawApi) {
    this.#options = options;
    this.#expected = expected;
    this.#api = api;
    const registers = [options.registry ?? new Registry()];
    this.#intact = new Gauge({
      name: 'daas_admission_configuration_intact',
      help: 'Whether a registration that guards the API is there and says what the manifests say (1) or not (0).',
      labelNames: ['kind', 'name'],
      registers,
    });
    this.#foreign = new Gauge({
      name: 'daas_admission_foreign_mutators',
      help: 'Mutating webhooks and policies of others that match pods of guarded namespaces.',
      registers,
    });
    this.#rounds = new Counter({
      name: 'daas_admission_guard_rounds_total',
      help: 'Rounds over the registrations by result (intact, alarm, failed).',
      labelNames: ['result'],
      registers,
    });
  }

  async round(): Promise<GuardResult> {
    let result: GuardResult;
    try {
      result = await this.#round();
    } catch (err) {
      this.#options.log.error({ err }, 'the registrations that guard the API could not be looked at');
      result = 'failed';
    }
    this.#rounds.inc({ result });
    return result;
  }

  async #round(): Promise<GuardResult> {
    const live = await this.#live();
    const { site, authorities } = this.#options;
    const trusted = authorities === undefined ? site.webhookCaPem : await authorities();
    let alarm = false;
    for (const expected of this.#expected) {
      const found = live.get(keyOf(expected.kind, expected.metadata.name));
      const findings = found === undefined ? ['it is gone'] : differences(expected, found, trusted);
      alarm ||= findings.length > 0;
      await this.#tell(expected, found, findings);
    }
    await this.#tellMutators(live);
    return alarm ? 'alarm' : 'intact';
  }

  async #live(): Promise<ReadonlyMap<string, Registered>> {
    const all = new Map<string, Registered>();
    for (const [kind, resource] of Object.entries(KINDS)) {
      for await (const page of this.#api.list(`${GROUP}/${resource}`)) {
        for (const object of page) {
          const one = registered(kind, object);
          all.set(keyOf(kind, one.name), one);
        }
      }
    }
    return all;
  }

  /** Speaks when something has changed since the last round; the metric speaks all the time. */
  async #tell(
    { kind, metadata: { name } }: Expected,
    live: Registered | undefined,
    findings: readonly string[],
  ): Promise<void> {
    this.#intact.set({ kind, name }, findings.length === 0 ? 1 : 0);
    const key = keyOf(kind, name);
    const before = this.#seen.get(key);
    const now = { findings: findings.join('; '), revision: `${live?.uid ?? ''} ${live?.generation ?? 0}` };
    this.#seen.set(key, now);
    const { log } = this.#options;
    if (now.findings !== '') {
      if (before?.findings === now.findings) return;
      log.error({ kind, name, findings }, 'a registration that guards the API is not as the manifests say');
      const reason = live === undefined ? 'AdmissionConfigurationMissing' : 'AdmissionConfigurationAltered';
      await this.#event('Warning', reason, kind, name, now.findings);
    } else if (before !== undefined && before.findings !== '') {
      log.warn({ kind, name }, 'a registration that guards the API is as the manifests say again');
      await this.#event('Normal', 'AdmissionConfigurationRestored', kind, name, 'as the manifests say again');
    } else if (before !== undefined && before.revision !== now.revision) {
      log.error({ kind, name, before, now }, 'a registration that guards the API was written');
      const text = 'it was written since the last look, and now is as the manifests say';
      await this.#event('Warning', 'AdmissionConfigurationWritten', kind, name, text);
    }
  }

  async #tellMutators(live: ReadonlyMap<string, Registered>): Promise<void> {
    const { site, log } = this.#options;
    const ours = new Set(this.#expected.map(({ kind, metadata }) => keyOf(kind, metadata.name)));
    const now = new Set<string>();
    for (const [key, one] of live) {
      if (!MUTATORS.includes(one.kind) || ours.has(key)) continue;
      for (const entry of podMutators(one, site.exemptNamespaces ?? EXEMPT_NAMESPACES)) {
        const id = `${key} ${entry}`;
        now.add(id);
        if (this.#mutators.has(id)) continue;
        log.warn(
          { kind: one.kind, name: one.name, entry },
          'somebody else changes pods of guarded namespaces',
        );
        const text = `${entry} may change pods of guarded namespaces; what it makes of them is validated all the same`;
        await this.#event('Warning', 'ForeignMutatingAdmission', one.kind, one.name, text);
      }
    }
    this.#mutators = now;
    this.#foreign.set(now.size);
  }

  /** An Event that cannot be written is no reason to stop looking. */
  async #event(type: string, reason: string, kind: string, name: string, message: string): Promise<void> {
    const time = new Date().toISOString();
    const apiVersion = 'admissionregistration.k8s.io/v1';
    const status = await this.#api
      .create(EVENTS, {
        metadata: { generateName: `${name.slice(0, 200)}.`, namespace: 'kube-system' },
        involvedObject: { apiVersion, kind, name, namespace: 'kube-system' },
        source: { component: 'k3s-daas-admission-guard' },
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
        type,
        reason,
        message: message.slice(0, 1_000),
      })
      .catch((err: unknown) => {
        this.#options.log.warn({ err }, 'event could not be written');
        return 201;
      });
    if (status >= 300) this.#options.log.warn({ status, reason, name }, 'event could not be written');
  }
}

const keyOf = (kind: string, name: string): string => `${kind}/${name}`;
