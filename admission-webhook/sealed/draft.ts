import {
  encodeFetchPlan,
  FETCH_PLAN_CHARACTERS_MAX,
  FormatError,
  parseFetchPlan,
  REFRESH_ANNOTATION,
  type FetchPlan,
} from '@k3s-daas/core';

import type { Metadata } from '../checks/marks.ts';
import type { SealSettings } from '../config.ts';
import { Denied } from '../denied.ts';
import type { ClusterFacts, SealedSecret } from './facts.ts';

/** The plan's own limits (core/fetch-plan.ts), and of policies what the broker answers in one request. */
const SECRETS_MAX = 32;
const KEYS_PER_SECRET_MAX = 256;
const FILES_MAX = 512;
const VARIABLES_MAX = 512;
const POLICIES_MAX = 16;

const REFRESH_SECONDS_MIN = 5;
const REFRESH_SECONDS_MAX = 86_400;
const SECRET_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const PATH_CHARACTERS_MAX = 1024;

/** What each name stands for: a sealed Secret, or the denial that says that there is none. */
export type KnownSecrets = ReadonlyMap<string, SealedSecret | Denied>;

/** The header of every plan: where a pod finds what opens its secrets. */
export function planHeader({
  cluster,
  package: packageId,
  broker,
  relay,
  chain,
  keyServers,
  threshold,
}: SealSettings): Omit<FetchPlan, 'refreshSeconds' | 'secrets' | 'files' | 'env'> {
  return { cluster, package: packageId, broker, relay, chain, keyServers, threshold };
}

/**
 * Looks every Secret up once.
 *
 * @throws Denied unless each name is a sealed Secret or one that does not exist.
 */
export async function lookUpSecrets(
  names: Iterable<string>,
  namespace: string,
  facts: ClusterFacts,
): Promise<KnownSecrets> {
  const unique = [...new Set(names)];
  requireAtMost(SECRETS_MAX, unique.length, 'Secrets');
  for (const name of unique) {
    if (SECRET_NAME.test(name)) continue;
    throw new Denied(
      'SECRET_NAME_WRONG',
      `"${name.slice(0, 253)}" cannot be the name of a Secret`,
      'name the Secret in the reference',
    );
  }
  const found = unique.map(async (name): Promise<[string, SealedSecret | Denied]> => {
    try {
      return [name, await facts.secret(namespace, name)];
    } catch (error) {
      if (error instanceof Denied && error.code === 'SECRET_NOT_FOUND') return [name, error];
      throw error;
    }
  });
  return new Map(await Promise.all(found));
}

/** Seconds of the pod's annotation; 0 without one. @throws Denied REFRESH_MALFORMED */
export function refreshSecondsOf({ annotations }: Metadata): number {
  const text = annotations?.[REFRESH_ANNOTATION];
  if (text === undefined) return 0;
  const seconds = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  if (seconds >= REFRESH_SECONDS_MIN && seconds <= REFRESH_SECONDS_MAX) return seconds;
  throw new Denied(
    'REFRESH_MALFORMED',
    `the annotation ${REFRESH_ANNOTATION} is "${text.slice(0, 32)}", not a number of seconds from ${REFRESH_SECONDS_MIN} to ${REFRESH_SECONDS_MAX}`,
    'correct it, or leave it out to read the secrets once per start',
  );
}

/** The sealed Secret must be meant for the pod's own service account. @throws Denied */
export function requireServiceAccount(secret: SealedSecret, serviceAccount: string): void {
  if (secret.serviceAccount === serviceAccount) return;
  throw new Denied(
    'SEALED_SERVICE_ACCOUNT_WRONG',
    `Secret ${secret.name} is sealed for service account ${secret.serviceAccount}, the pod runs as ${serviceAccount}`,
    `set serviceAccountName: ${secret.serviceAccount}, or seal the Secret for ${serviceAccount}`,
  );
}

export interface DraftOptions {
  readonly known: KnownSecrets;
  readonly serviceAccount: string;
  /** For templates: a Secret that is not there yet is a warning. */
  readonly lenient: boolean;
}

/** A plan while the references of a pod are collected. */
export class PlanDraft {
  readonly warnings: string[] = [];
  readonly #options: DraftOptions;
  readonly #used = new Map<string, { readonly secret: SealedSecret; readonly keys: Set<string> }>();
  readonly #files: FetchPlan['files'] = [];
  readonly #env: FetchPlan['env'] = [];
  readonly #variables = new Map<string, string>();

  constructor(options: DraftOptions) {
    this.#options = options;
  }

  /** The sealed Secret, or null if it is missing and may be. @throws Denied */
  secret(name: string, path: string, optional: boolean): SealedSecret | null {
    const found = this.#options.known.get(name);
    if (found === undefined) throw new Error(`Secret ${name} was not looked up`);
    if (!(found instanceof Denied)) {
      requireServiceAccount(found, this.#options.serviceAccount);
      return found;
    }
    if (optional) {
      this.warnings.push(`${path}: Secret ${name} is not there and optional: the reference is left out`);
      return null;
    }
    if (!this.#options.lenient) throw found;
    this.warnings.push(`${path}: Secret ${name} is not there yet; pods are refused until it is`);
    return null;
  }

  /** Whether the Secret has the key; false only if it may be missing. @throws Denied SECRET_KEY_NOT_FOUND */
  hasKey(secret: SealedSecret, key: string, path: string, optional: boolean): boolean {
    if (secret.keys.has(key)) return true;
    if (!optional) {
      throw new Denied(
        'SECRET_KEY_NOT_FOUND',
        `${path}: Secret ${secret.name} has no sealed key "${key.slice(0, 253)}"`,
        'correct the key, or seal a value for it',
      );
    }
    this.warnings.push(
      `${path}: Secret ${secret.name} has no key ${key.slice(0, 253)}, which is optional: the reference is left out`,
    );
    return false;
  }

  /** A file of a volume, relative to its root. */
  addFile(file: FetchPlan['files'][number], secret: SealedSecret): void {
    requirePath(file);
    this.#use(secret, file.key);
    this.#files.push(file);
  }

  /** The variable of the environment file that holds a value; the same for all who refer to it. */
  variable(secret: SealedSecret, key: string): string {
    const id = `${secret.name}/${key}`;
    const known = this.#variables.get(id);
    if (known !== undefined) return known;
    const name = `V${this.#env.length}`;
    this.#use(secret, key);
    this.#variables.set(id, name);
    this.#env.push({ name, secret: secret.name, key });
    return name;
  }

  /** The plan, or null if nothing is fetched. @throws Denied SEALED_PLAN_TOO_LARGE */
  plan(settings: SealSettings, refreshSeconds: number): FetchPlan | null {
    if (this.#used.size === 0) return null;
    const used = [...this.#used.values()].sort((a, b) => compare(a.secret.name, b.secret.name));
    requireAtMost(SECRETS_MAX, used.length, 'Secrets');
    requireAtMost(POLICIES_MAX, new Set(used.map(({ secret }) => secret.policy)).size, 'policies');
    requireAtMost(FILES_MAX, this.#files.length, 'files');
    requireAtMost(VARIABLES_MAX, this.#env.length, 'variables');
    const plan: FetchPlan = {
      ...planHeader(settings),
      refreshSeconds,
      secrets: used.map(({ secret, keys }) => {
        requireAtMost(KEYS_PER_SECRET_MAX, keys.size, `keys of Secret ${secret.name}`);
        return {
          name: secret.name,
          policy: secret.policy,
          version: secret.version.toString(),
          keys: [...keys].sort(compare).map((key) => ({ key, sha256: secret.keys.get(key) ?? '' })),
        };
      }),
      files: this.#files,
      env: this.#env,
    };
    return requireValid(plan);
  }

  #use(secret: SealedSecret, key: string): void {
    const used = this.#used.get(secret.name) ?? { secret, keys: new Set<string>() };
    used.keys.add(key);
    this.#used.set(secret.name, used);
  }
}

/** What seal-fetch would not take is not written into a pod. */
function requireValid(plan: FetchPlan): FetchPlan {
  const text = encodeFetchPlan(plan);
  requireAtMost(FETCH_PLAN_CHARACTERS_MAX, text.length, 'characters of the plan');
  try {
    return parseFetchPlan(text);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new Denied('SEALED_PLAN_WRONG', error.message, 'correct the references to Secrets', 400);
  }
}

/** A kubelet refuses paths like these as well, but only when validation runs, which is after the mutation. */
function requirePath({ volume, path }: FetchPlan['files'][number]): void {
  const parts = path.split('/');
  const wrong = parts.some((part) => part === '' || part === '.' || part === '..');
  if (!wrong && !path.startsWith('..') && !path.includes('\0') && path.length <= PATH_CHARACTERS_MAX) return;
  throw new Denied(
    'SECRET_PATH_WRONG',
    `volume ${volume} puts a file at "${path.slice(0, 256)}", which is not inside of it`,
    'give a relative path without . and .. parts',
  );
}

function requireAtMost(max: number, count: number, what: string): void {
  if (count <= max) return;
  throw new Denied(
    'SEALED_PLAN_TOO_LARGE',
    `the pod needs ${count} ${what}, at most ${max} are fetched for one pod`,
    'name the keys that are needed (items, secretKeyRef) instead of whole Secrets, or split the pod',
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
