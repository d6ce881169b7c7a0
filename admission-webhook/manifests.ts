import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

import { parseDocument, stringify } from 'yaml';

import {
  BASE,
  policyRegistrations,
  requireHttps,
  siteWebhooks,
  webhookRegistrations,
  type AdmissionSite,
  type PolicyRegistration,
  type WebhookRegistration,
} from './admission-objects.ts';
import { ManifestError } from './manifest-error.ts';

export interface OverlayOptions extends AdmissionSite {
  /** Folder to write; made if it is missing. */
  readonly dir: string;
}

/**
 * Writes a kustomize overlay over manifests/base with the webhook's address and authority; `kubectl apply -k` takes it.
 *
 * @returns the folder.
 * @throws ManifestError if the URL is not https (the API server takes no other) or a name is not one of Kubernetes.
 */
export async function renderOverlay(options: OverlayOptions): Promise<string> {
  const registrations = await siteWebhooks(options);
  const base = await realpath(options.base ?? BASE);
  await mkdir(options.dir, { recursive: true });
  const dir = await realpath(options.dir);
  const patches = registrations.map(({ base: { apiVersion, kind, metadata }, entries }) => ({
    apiVersion,
    kind,
    metadata: { name: metadata.name },
    webhooks: entries,
  }));
  const kustomization = {
    apiVersion: 'kustomize.config.k8s.io/v1beta1',
    kind: 'Kustomization',
    resources: [relative(dir, base)],
    patches: [{ path: 'webhooks.patch.yaml' }],
  };
  await writeFile(join(dir, 'webhooks.patch.yaml'), yamlDocuments(patches));
  await writeFile(join(dir, 'kustomization.yaml'), stringify(kustomization));
  return dir;
}

function yamlDocuments(objects: readonly object[]): string {
  return objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n');
}

/** Folders for `staticManifestsDir` of the API server's admission plugins; each plugin takes its own kinds only. */
export interface StaticManifests {
  readonly validating: string;
  readonly mutating: string;
  readonly policies: string;
}

/** Reserved by Kubernetes for what comes from files: the API refuses objects of such names. */
const STATIC_SUFFIX = '.static.k8s.io';

/**
 * Writes our webhook registrations and admission policies as files that kube-apiserver reads itself (feature
 * `ManifestBasedAdmissionControlConfig`, alpha in Kubernetes 1.36): no request to the API changes or removes them.
 * Written again, they are in force within the minute in which the API server looks for changes.
 *
 * @returns folders for `renderAdmissionConfiguration`.
 * @throws ManifestError as `renderOverlay` does.
 */
export async function renderStaticManifests(options: OverlayOptions): Promise<StaticManifests> {
  const webhooks = await webhookRegistrations(options);
  const policies = await policyRegistrations(options);
  await mkdir(options.dir, { recursive: true });
  const dir = await realpath(options.dir);
  const folder = async (
    name: string,
    objects: readonly { metadata: { name: string } }[],
  ): Promise<string> => {
    const path = join(dir, name);
    await mkdir(path, { recursive: true });
    const renamed = objects.map((object) => ({
      ...object,
      metadata: { name: `${object.metadata.name}${STATIC_SUFFIX}` },
    }));
    await writeWhole(join(path, 'k3s-daas.yaml'), yamlDocuments(renamed));
    return path;
  };
  const ofKind = (kind: WebhookRegistration['kind']): WebhookRegistration[] =>
    webhooks.filter((registration) => registration.kind === kind);
  return {
    validating: await folder('validating-webhooks', ofKind('ValidatingWebhookConfiguration')),
    mutating: await folder('mutating-webhooks', ofKind('MutatingWebhookConfiguration')),
    policies: await folder('validating-policies', policies.map(withStaticPolicy)),
  };
}

function withStaticPolicy(registration: PolicyRegistration): PolicyRegistration {
  const { policyName } = registration.spec;
  if (policyName === undefined) return registration;
  return { ...registration, spec: { ...registration.spec, policyName: `${policyName}${STATIC_SUFFIX}` } };
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
  /** Of `renderStaticManifests`; kube-apiserver then needs `--feature-gates=ManifestBasedAdmissionControlConfig=true`. */
  readonly staticManifests?: StaticManifests;
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
    plugins: plugins(paths.kubeconfig, options.staticManifests),
  };
  // Certificate and key in one file, swapped whole: kube-apiserver reads them anew and must not meet half of a change.
  await writeWhole(paths.pair, `${options.cert.trim()}\n${options.key.trim()}\n`);
  await writeWhole(paths.kubeconfig, stringify(kubeconfig));
  await writeWhole(paths.configuration, stringify(configuration));
  return paths.configuration;
}

function plugins(kubeConfigFile: string, manifests?: StaticManifests): object[] {
  const plugin = (name: string, kind: string, content: object): object => ({
    name,
    configuration: { apiVersion: 'apiserver.config.k8s.io/v1', kind, ...content },
  });
  const from = (staticManifestsDir: string | undefined): object =>
    staticManifestsDir === undefined ? {} : { staticManifestsDir };
  const webhook = (name: string, folder: string | undefined): object =>
    plugin(name, 'WebhookAdmissionConfiguration', { kubeConfigFile, ...from(folder) });
  return [
    webhook('ValidatingAdmissionWebhook', manifests?.validating),
    webhook('MutatingAdmissionWebhook', manifests?.mutating),
    ...(manifests === undefined
      ? []
      : [
          plugin(
            'ValidatingAdmissionPolicy',
            'ValidatingAdmissionPolicyConfiguration',
            from(manifests.policies),
          ),
        ]),
  ];
}

async function writeWhole(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
