import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';

import { parse, parseDocument, stringify } from 'yaml';
import { z } from 'zod';

import { EXEMPT_NAMESPACES } from './config.ts';
import { ManifestError } from './manifest-error.ts';

/** The one copy of the manifests, in the repository. Images pass their own path. */
const BASE = resolve(import.meta.dirname, '../manifests/base');

export interface OverlayOptions {
  /** Folder to write; made if it is missing. */
  readonly dir: string;
  /** `https://host:port/validate`, as the API server reaches it. */
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

/**
 * Writes a kustomize overlay over manifests/base with the webhook's address and authority; `kubectl apply -k` takes it.
 *
 * @returns the folder.
 * @throws ManifestError if the URL is not https (the API server takes no other) or a name is not one of Kubernetes.
 */
export async function renderOverlay(options: OverlayOptions): Promise<string> {
  requireHttps(options.webhookUrl);
  requireNames([...(options.exemptNamespaces ?? []), ...(options.controlPlaneNodes ?? [])]);
  const base = await realpath(options.base ?? BASE);
  const configuration = webhooksSchema.parse(parse(await readFile(join(base, 'webhooks.yaml'), 'utf8')));
  const patch = {
    ...configuration,
    webhooks: configuration.webhooks.map((entry) => patchOf(entry, options)),
  };
  await mkdir(options.dir, { recursive: true });
  const dir = await realpath(options.dir);
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(dir, base)],
    patches: [{ path: 'webhooks.patch.yaml' }],
  };
  await writeFile(join(dir, 'webhooks.patch.yaml'), stringify(patch, { aliasDuplicateObjects: false }));
  await writeFile(join(dir, 'kustomization.yaml'), stringify(kustomization));
  return dir;
}

const webhooksSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({ name: z.string() }),
  webhooks: z.array(
    z.object({
      name: z.string(),
      namespaceSelector: z.unknown().optional(),
      matchConditions: z.array(z.object({ name: z.string(), expression: z.string() })).default([]),
    }),
  ),
});

type BaseEntry = z.infer<typeof webhooksSchema>['webhooks'][number];

/** One entry of the strategic merge, by name. Entries without a selector are those of nodes. */
function patchOf({ name, namespaceSelector, matchConditions }: BaseEntry, options: OverlayOptions): object {
  const { webhookUrl, webhookCaPem, exemptNamespaces = EXEMPT_NAMESPACES, controlPlaneNodes = [] } = options;
  const clientConfig = { url: webhookUrl, caBundle: Buffer.from(webhookCaPem).toString('base64') };
  if (namespaceSelector !== undefined) {
    const exempt = { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [...exemptNamespaces] };
    return { name, clientConfig, namespaceSelector: { matchExpressions: [exempt] } };
  }
  if (controlPlaneNodes.length === 0) return { name, clientConfig };
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

export interface SchedulerConfigOptions {
  /** kubeconfig file of the user k3s-daas:scheduler. */
  readonly kubeconfig: string;
  /** `https://host:port[/path]`; the verbs are appended. */
  readonly extenderUrl: string;
  /** What the extender's certificate must chain to; the enclave's own self-signed certificate pins it. */
  readonly extenderCaPem: string;
  /** Files with kube-scheduler's client certificate and key for the extender. */
  readonly clientCertFile: string;
  readonly clientKeyFile: string;
  /** Name to verify in the extender's certificate, if it is not the URL's host. */
  readonly serverName?: string;
  /** Weight of the extender's score; the file's own unless given. */
  readonly weight?: number;
  /** Several replicas need it. */
  readonly leaderElect?: boolean;
  /** Folder of manifests/base. */
  readonly base?: string;
}

/**
 * Fills manifests/base/scheduler-config.yaml; comments stay.
 *
 * @returns the text of a file for `kube-scheduler --config`.
 * @throws ManifestError without https or an authority: kube-scheduler would then skip verification silently.
 */
export async function renderSchedulerConfig(options: SchedulerConfigOptions): Promise<string> {
  requireHttps(options.extenderUrl);
  if (!options.extenderCaPem.includes('-----BEGIN CERTIFICATE-----')) {
    throw new ManifestError(
      'CA_MISSING',
      'extenderCaPem is no PEM certificate',
      "pass the extender's authority",
    );
  }
  const document = parseDocument(await readFile(join(options.base ?? BASE, 'scheduler-config.yaml'), 'utf8'));
  const extender = ['extenders', 0];
  document.setIn(['clientConnection', 'kubeconfig'], options.kubeconfig);
  document.setIn(['leaderElection', 'leaderElect'], options.leaderElect ?? false);
  document.setIn([...extender, 'urlPrefix'], options.extenderUrl.replace(/\/$/, ''));
  document.setIn([...extender, 'tlsConfig', 'caData'], Buffer.from(options.extenderCaPem).toString('base64'));
  document.setIn([...extender, 'tlsConfig', 'certFile'], options.clientCertFile);
  document.setIn([...extender, 'tlsConfig', 'keyFile'], options.clientKeyFile);
  if (options.serverName !== undefined)
    document.setIn([...extender, 'tlsConfig', 'serverName'], options.serverName);
  if (options.weight !== undefined) document.setIn([...extender, 'weight'], options.weight);
  return document.toString({ lineWidth: 0 });
}

export interface AdmissionConfigurationOptions {
  /** Folder to write; made if it is missing. kube-apiserver must be able to read it. */
  readonly dir: string;
  readonly webhookUrl: string;
  /** PEM of the client certificate and key that kube-apiserver shows to the webhook, and to no other. */
  readonly cert: string;
  readonly key: string;
}

/**
 * Writes what makes kube-apiserver show a client certificate to the webhook: an AdmissionConfiguration, a
 * WebhookAdmissionConfiguration's kubeconfig, and certificate with key. Written again, it changes the certificate in place.
 *
 * @returns path of the file for `--admission-control-config-file`.
 */
export async function renderAdmissionConfiguration(options: AdmissionConfigurationOptions): Promise<string> {
  const { hostname, port } = requireHttps(options.webhookUrl);
  await mkdir(options.dir, { recursive: true });
  const dir = await realpath(options.dir);
  const paths = {
    configuration: join(dir, 'admission-configuration.yaml'),
    kubeconfig: join(dir, 'webhook-client.kubeconfig'),
    pair: join(dir, 'webhook-client.pem'),
  };
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    // kube-apiserver picks the user by host and port of the webhook's URL, and shows this certificate to nobody else.
    users: [
      {
        name: `${hostname}:${port === '' ? '443' : port}`,
        user: { 'client-certificate': paths.pair, 'client-key': paths.pair },
      },
    ],
  };
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AdmissionConfiguration',
    plugins: ['ValidatingAdmissionWebhook', 'MutatingAdmissionWebhook'].map((name) => ({
      name,
      configuration: {
        apiVersion: 'apiserver.config.k8s.io/v1',
        kind: 'WebhookAdmissionConfiguration',
        kubeConfigFile: paths.kubeconfig,
      },
    })),
  };
  // Certificate and key in one file, swapped whole: kube-apiserver reads them anew and must not meet half of a change.
  await writeWhole(paths.pair, `${options.cert.trim()}\n${options.key.trim()}\n`);
  await writeWhole(paths.kubeconfig, stringify(kubeconfig));
  await writeWhole(paths.configuration, stringify(configuration));
  return paths.configuration;
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function requireHttps(text: string): URL {
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
