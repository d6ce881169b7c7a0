import { canonicalJson } from '@k3s-daas/core';
import { z } from 'zod';

import type { PolicyRegistration, WebhookRegistration } from '../admission-objects.ts';

/** How the registrations of a cluster differ from what this version's manifests say. Pure. */
export interface Registered {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  /** Everything else of the object, as the API server has it. */
  readonly content: LiveObject;
}

const loose = z.looseObject({});
const entrySchema = z.looseObject({
  name: z.string(),
  clientConfig: z.looseObject({ caBundle: z.string().default('') }),
  rules: z.array(loose).default([]),
});
const liveSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string().default(''),
    generation: z.number().default(0),
  }),
  webhooks: z.array(entrySchema).default([]),
  spec: loose.default({}),
});
type LiveObject = z.infer<typeof liveSchema>;

/** @throws ZodError if it is no object of the API. */
export function registered(kind: string, object: unknown): Registered {
  const content = liveSchema.parse(object);
  const { name, uid, generation } = content.metadata;
  return { kind, name, uid, generation, content };
}

type Json = Record<string, unknown>;

// Defaults of admissionregistration.k8s.io/v1 (k8s.io/kubernetes/pkg/apis/admissionregistration/v1/defaults.go).
const WEBHOOK_DEFAULTS = {
  failurePolicy: 'Fail',
  matchPolicy: 'Equivalent',
  namespaceSelector: {},
  objectSelector: {},
  timeoutSeconds: 10,
  matchConditions: [],
};
const MATCH_DEFAULTS = { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} };

const withScope = (rule: unknown): Json => ({ scope: '*', ...loose.parse(rule) });

/** Fields of an entry by name, with what the API server fills in; the authority is compared apart. */
function entryFields(kind: string, entry: z.infer<typeof entrySchema>): Json {
  const clientConfig = Object.fromEntries(
    Object.entries(entry.clientConfig).filter(([field]) => field !== 'caBundle'),
  );
  const more = kind === 'MutatingWebhookConfiguration' ? { reinvocationPolicy: 'Never' } : {};
  return { ...WEBHOOK_DEFAULTS, ...more, ...entry, clientConfig, rules: entry.rules.map(withScope) };
}

function policyFields(kind: string, spec: Json): Json {
  if (kind === 'ValidatingAdmissionPolicyBinding') return spec;
  const constraints: Json = { ...MATCH_DEFAULTS, ...loose.parse(spec['matchConstraints'] ?? {}) };
  const rules = z.array(loose).parse(constraints['resourceRules'] ?? []);
  return {
    failurePolicy: 'Fail',
    ...spec,
    matchConstraints: { ...constraints, resourceRules: rules.map(withScope) },
  };
}

function differing(expected: Json, live: Json): readonly string[] {
  const fields = new Set([...Object.keys(expected), ...Object.keys(live)]);
  const same = (field: string): boolean =>
    field in expected && field in live && canonicalJson(expected[field]) === canonicalJson(live[field]);
  return [...fields].filter((field) => !same(field)).sort();
}

/** What differs, in words; empty if the registration says what the manifests say. */
export function differences(
  expected: WebhookRegistration | PolicyRegistration,
  live: Registered,
  authorities: string,
): readonly string[] {
  const { kind } = expected;
  if (!('webhooks' in expected)) {
    return differing(policyFields(kind, expected.spec), policyFields(kind, live.content.spec)).map(
      (field) => `spec.${field}`,
    );
  }
  const wanted = new Map(expected.webhooks.map((entry) => [entry.name, entrySchema.parse(entry)]));
  const found = new Map(live.content.webhooks.map((entry) => [entry.name, entry]));
  const missing = [...wanted.keys()].filter((name) => !found.has(name)).map((name) => `${name} is gone`);
  const added = [...found.keys()].filter((name) => !wanted.has(name)).map((name) => `${name} is added`);
  const altered = [...wanted].flatMap(([name, entry]) => {
    const other = found.get(name);
    if (other === undefined) return [];
    const fields = differing(entryFields(kind, entry), entryFields(kind, other));
    const trusted = onlyAuthorities(other.clientConfig.caBundle, authorities);
    return [...fields, ...(trusted ? [] : ['clientConfig.caBundle'])].map((field) => `${name}: ${field}`);
  });
  return [...missing, ...added, ...altered];
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const certificates = (pem: string): string[] => (pem.match(PEM) ?? []).map((one) => one.replace(/\s/g, ''));

/** During a rotation a registration may hold fewer or more of the authorities than it will; never a stranger's. */
function onlyAuthorities(caBundle: string, authorities: string): boolean {
  const ours = new Set(certificates(authorities));
  const live = certificates(Buffer.from(caBundle, 'base64').toString('utf8'));
  return live.length > 0 && live.every((certificate) => ours.has(certificate));
}

const ruleSchema = z.looseObject({
  apiGroups: z.array(z.string()).default([]),
  resources: z.array(z.string()).default([]),
});
const constraintsSchema = z.looseObject({
  resourceRules: z.array(ruleSchema).default([]),
  namespaceSelector: z.unknown(),
});
const selectorSchema = z.looseObject({
  matchLabels: z.record(z.string(), z.string()).default({}),
  matchExpressions: z
    .array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).default([]) }))
    .default([]),
});

/** What else may change pods of guarded namespaces before our webhook validates them: names of entries or of the policy. */
export function podMutators(live: Registered, exemptNamespaces: readonly string[]): readonly string[] {
  const matches = (rules: unknown, namespaceSelector: unknown): boolean =>
    z.array(ruleSchema).parse(rules).some(concernsPods) && !onlyExempt(namespaceSelector, exemptNamespaces);
  if (live.kind === 'MutatingWebhookConfiguration') {
    return live.content.webhooks
      .filter(({ rules, namespaceSelector }) => matches(rules, namespaceSelector))
      .map(({ name }) => name);
  }
  const constraints = constraintsSchema.parse(live.content.spec['matchConstraints'] ?? {});
  return matches(constraints.resourceRules, constraints.namespaceSelector) ? [live.name] : [];
}

const concernsPods = ({ apiGroups, resources }: z.infer<typeof ruleSchema>): boolean =>
  apiGroups.some((group) => group === '' || group === '*') &&
  resources.some((resource) => ['*', '*/*', 'pods', 'pods/*'].includes(resource));

/** Whether a selector admits namespaces only that our webhook leaves alone as well. */
function onlyExempt(selector: unknown, exemptNamespaces: readonly string[]): boolean {
  const { matchLabels, matchExpressions } = selectorSchema.parse(selector ?? {});
  const key = 'kubernetes.io/metadata.name';
  const named = matchLabels[key];
  const exempt = (values: readonly string[]): boolean =>
    values.length > 0 && values.every((name) => exemptNamespaces.includes(name));
  return (
    (named !== undefined && exempt([named])) ||
    matchExpressions.some((term) => term.key === key && term.operator === 'In' && exempt(term.values))
  );
}
