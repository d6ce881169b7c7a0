import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

import { EXEMPT_NAMESPACES } from './config.ts';
import { ManifestError } from './manifest-error.ts';

/** The one copy of the manifests, in the repository. Images pass their own path. */
export const BASE = resolve(import.meta.dirname, '../manifests/base');

/** Files of the base that register what guards the API: webhooks, and policies that the API server evaluates itself. */
const WEBHOOKS = 'webhooks.yaml';
const POLICIES = ['namespace-modes.yaml', 'registrar.yaml'];

/** What of the registrations depends on the installation. */
export interface AdmissionSite {
  /** `https://host:port/validate`, as the API server reaches it; every other path of the webhook lies beside it. */
  readonly webhookUrl: string;
  /** Authority of the webhook's certificate; during a rotation the old and the new one together. */
  readonly webhookCaPem: string;
  /** Must be the webhook's own `exemptNamespaces`. */
  readonly exemptNamespaces?: readonly string[];
  /** Must be the webhook's own `controlPlaneNodes`: such a node registers itself while the webhook is down. */
  readonly controlPlaneNodes?: readonly string[];
  /** Folder of manifests/base. */
  readonly base?: string;
}

const entrySchema = z.looseObject({
  name: z.string(),
  clientConfig: z.looseObject({ url: z.string() }),
  namespaceSelector: z.unknown().optional(),
  rules: z.array(z.looseObject({ resources: z.array(z.string()) })),
  matchConditions: z.array(z.object({ name: z.string(), expression: z.string() })).default([]),
});

const metadata = z.looseObject({ name: z.string() });
const webhooksSchema = z.object({
  apiVersion: z.string(),
  kind: z.enum(['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration']),
  metadata,
  webhooks: z.array(entrySchema),
});
const policySchema = z.object({
  apiVersion: z.string(),
  kind: z.enum(['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding']),
  metadata,
  spec: z.looseObject({ policyName: z.string().optional() }),
});

type WebhookEntry = z.infer<typeof entrySchema>;
export type WebhookRegistration = z.infer<typeof webhooksSchema>;
export type PolicyRegistration = z.infer<typeof policySchema>;

/** What an entry is for this installation; the rest of it is the base's. */
export interface SiteEntry {
  readonly name: string;
  readonly clientConfig: { readonly url: string; readonly caBundle: string };
  readonly namespaceSelector?: object;
  readonly matchConditions?: readonly { readonly name: string; readonly expression: string }[];
}

/** The webhook registrations of the base, each with what this installation changes, entry by entry. */
export async function siteWebhooks(
  site: AdmissionSite,
): Promise<readonly { readonly base: WebhookRegistration; readonly entries: readonly SiteEntry[] }[]> {
  const url = requireHttps(site.webhookUrl);
  requireNames([...(site.exemptNamespaces ?? []), ...(site.controlPlaneNodes ?? [])]);
  const bases = (await documents(site, WEBHOOKS)).map((document) => webhooksSchema.parse(document));
  return bases.map((base) => ({
    base,
    entries: base.webhooks.map((entry) => siteEntry(entry, url, site)),
  }));
}

/** The webhook registrations as this installation has them in full. */
export async function webhookRegistrations(site: AdmissionSite): Promise<readonly WebhookRegistration[]> {
  return (await siteWebhooks(site)).map(({ base, entries }) => ({
    ...base,
    webhooks: base.webhooks.map((entry, index) => entrySchema.parse({ ...entry, ...entries[index] })),
  }));
}

/** Our ValidatingAdmissionPolicies and their bindings. They are the same in every installation. */
export async function policyRegistrations(
  site: Pick<AdmissionSite, 'base'>,
): Promise<readonly PolicyRegistration[]> {
  const all = await Promise.all(POLICIES.map((file) => documents(site, file)));
  return all.flat().flatMap((document) => {
    const parsed = policySchema.safeParse(document);
    return parsed.success ? [parsed.data] : [];
  });
}

async function documents({ base = BASE }: Pick<AdmissionSite, 'base'>, file: string): Promise<unknown[]> {
  const text = await readFile(join(base, file), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as unknown);
}

function siteEntry(entry: WebhookEntry, webhookUrl: URL, site: AdmissionSite): SiteEntry {
  const { name, namespaceSelector, matchConditions, rules } = entry;
  const { webhookCaPem, exemptNamespaces = EXEMPT_NAMESPACES, controlPlaneNodes = [] } = site;
  const path = new URL(entry.clientConfig.url).pathname.slice(1);
  const clientConfig = {
    url: new URL(path, webhookUrl).href,
    caBundle: Buffer.from(webhookCaPem).toString('base64'),
  };
  if (namespaceSelector !== undefined) {
    const exempt = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [...exemptNamespaces] };
    return { name, clientConfig, namespaceSelector: { matchExpressions: [exempt] } };
  }
  const ofNodes = rules.every(({ resources }) =>
    resources.every((resource) => /^nodes(\/|$)/.test(resource)),
  );
  if (!ofNodes || controlPlaneNodes.length === 0) return { name, clientConfig };
  // kustomize replaces matchConditions instead of merging them: those of the base are repeated.
  return { name, clientConfig, matchConditions: [...matchConditions, notOwnControlPlane(controlPlaneNodes)] };
}

/**
 * A control-plane node's own kubelet is not held up by a webhook that may run on that very node: otherwise nothing
 * could start again after an outage. Everyone else's writes to it are reviewed.
 */
function notOwnControlPlane(nodes: readonly string[]): { name: string; expression: string } {
  const list = nodes.map((name) => `'${name}'`).join(', ');
  return {
    name: 'not-own-control-plane-node',
    expression:
      `!(object.metadata.name in [${list}] && 'system:nodes' in request.userInfo.groups && ` +
      `request.userInfo.username == 'system:node:' + object.metadata.name)`,
  };
}

/** @throws ManifestError: the API server calls webhooks by https only, and without a query. */
export function requireHttps(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.search !== '' || url.hash !== '') {
    throw new ManifestError(
      'URL_WRONG',
      `"${text}" is no https URL without query`,
      'write it as https://host:port/path',
    );
  }
  return url;
}

/** Names go into a CEL expression and a label selector: only DNS-1123 subdomains, which need no quoting. */
function requireNames(names: readonly string[]): void {
  const wrong = names.find((name) => name.length > 253 || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name));
  if (wrong === undefined) return;
  throw new ManifestError(
    'NAME_WRONG',
    `"${wrong}" is no DNS-1123 name`,
    'use the exact name of the namespace or node',
  );
}
