import { Denied } from '../denied.ts';
import { allContainers, type Container, type PodSpec, type Volume } from './pod.ts';

/** One way in which a pod's spec reaches a Secret of its namespace. */
export interface SecretReference {
  /** E.g. `spec.containers[0].env[2].valueFrom.secretKeyRef`. */
  readonly path: string;
  readonly secret: string;
  /** Environment and volumes can be rewritten; imagePullSecrets, storage drivers and ephemeral containers cannot. */
  readonly rewritable: boolean;
}

/**
 * Member that names a Secret, by type of volume; null for types that name none. From k8s.io/api v0.36 core/v1
 * VolumeSource and VisitPodSecretNames (k8s.io/kubernetes/pkg/api/v1/pod). `secret` and `projected` are not here.
 */
const VOLUME_TYPES: ReadonlyMap<string, string | null> = new Map([
  ['azureFile', 'secretName'],
  ['cephfs', 'secretRef'],
  ['cinder', 'secretRef'],
  ['csi', 'nodePublishSecretRef'],
  ['flexVolume', 'secretRef'],
  ['iscsi', 'secretRef'],
  ['rbd', 'secretRef'],
  ['scaleIO', 'secretRef'],
  ['storageos', 'secretRef'],
  ...[
    'awsElasticBlockStore',
    'azureDisk',
    'configMap',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'fc',
    'flocker',
    'gcePersistentDisk',
    'gitRepo',
    'glusterfs',
    'hostPath',
    'image',
    'nfs',
    'persistentVolumeClaim',
    'photonPersistentDisk',
    'portworxVolume',
    'quobyte',
    'vsphereVolume',
  ].map((type): [string, null] => [type, null]),
]);
const PROJECTIONS = new Set([
  'secret',
  'configMap',
  'downwardAPI',
  'serviceAccountToken',
  'clusterTrustBundle',
  'podCertificate',
]);
const ENV_SOURCES = new Set([
  'fieldRef',
  'resourceFieldRef',
  'configMapKeyRef',
  'secretKeyRef',
  'fileKeyRef',
]);
const ENV_FROM_MEMBERS = new Set(['prefix', 'configMapRef', 'secretRef']);

/**
 * Every reference to a Secret in a pod's spec.
 *
 * @throws Denied REFERENCE_UNKNOWN for a source that this version does not know and so cannot see through.
 */
export function secretReferences(spec: PodSpec): SecretReference[] {
  const found: SecretReference[] = [];
  (spec.imagePullSecrets ?? []).forEach(({ name = '' }, i) => {
    // The API server accepts an empty entry, and the kubelet passes it by.
    if (name !== '') found.push({ path: `spec.imagePullSecrets[${i}]`, secret: name, rewritable: false });
  });
  for (const { container, list, path } of allContainers(spec)) {
    containerReferences(container, path, list !== 'ephemeralContainers', found);
  }
  (spec.volumes ?? []).forEach((volume, i) => {
    volumeReferences(volume, `spec.volumes[${i}]`, found);
  });
  return found;
}

function containerReferences(
  { env, envFrom }: Container,
  path: string,
  rewritable: boolean,
  found: SecretReference[],
): void {
  (envFrom ?? []).forEach((source, i) => {
    const at = `${path}.envFrom[${i}]`;
    for (const member of Object.keys(source)) requireKnown(ENV_FROM_MEMBERS, member, at);
    if (source.secretRef === undefined) return;
    found.push({ path: `${at}.secretRef`, secret: source.secretRef.name ?? '', rewritable });
  });
  (env ?? []).forEach(({ valueFrom }, i) => {
    if (valueFrom === undefined) return;
    const at = `${path}.env[${i}].valueFrom`;
    for (const source of Object.keys(valueFrom)) requireKnown(ENV_SOURCES, source, at);
    if (valueFrom.secretKeyRef === undefined) return;
    found.push({ path: `${at}.secretKeyRef`, secret: valueFrom.secretKeyRef.name ?? '', rewritable });
  });
}

function volumeReferences(volume: Volume, path: string, found: SecretReference[]): void {
  for (const [type, source] of Object.entries(volume)) {
    if (type === 'name') continue;
    if (type === 'secret') {
      found.push({ path: `${path}.secret`, secret: volume.secret?.secretName ?? '', rewritable: true });
    } else if (type === 'projected') {
      projectedReferences(volume, path, found);
    } else {
      requireKnown(VOLUME_TYPES, type, path);
      const member = VOLUME_TYPES.get(type) ?? null;
      if (member === null) continue;
      if (!isObject(source) || !Object.hasOwn(source, member)) continue;
      found.push({ path: `${path}.${type}.${member}`, secret: nameOf(source[member]), rewritable: false });
    }
  }
}

function projectedReferences({ projected }: Volume, path: string, found: SecretReference[]): void {
  (projected?.sources ?? []).forEach((source, i) => {
    const at = `${path}.projected.sources[${i}]`;
    for (const type of Object.keys(source)) requireKnown(PROJECTIONS, type, at);
    if (source.secret === undefined) return;
    found.push({ path: `${at}.secret`, secret: source.secret.name ?? '', rewritable: true });
  });
}

/** What a newer API server knows might read a Secret, so it is closed until this list has been looked at again. */
function requireKnown(known: { has(member: string): boolean }, member: string, path: string): void {
  if (known.has(member)) return;
  throw new Denied(
    'REFERENCE_UNKNOWN',
    `${path}.${member}: this version of the webhook does not know whether that reads a Secret`,
    'leave it out, or upgrade the webhook to a version that knows this API server',
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function nameOf(reference: unknown): string {
  const name = isObject(reference) ? reference['name'] : reference;
  return typeof name === 'string' ? name : '';
}

/** @throws Denied for the first reference that cannot be rewritten into a sealed one. */
export function requireRewritable(references: readonly SecretReference[]): void {
  const foreign = references.find((each) => !each.rewritable);
  if (foreign === undefined) return;
  const { path, secret } = foreign;
  if (path.startsWith('spec.imagePullSecrets')) {
    throw new Denied(
      'IMAGE_PULL_SECRETS_REFUSED',
      `${path} ("${secret}"): a kubelet reads pull secrets in the clear, and only sealed Secrets are here`,
      "leave imagePullSecrets out of the pod and of its service account; use a public registry, or the nodes' own credential provider",
    );
  }
  throw new Denied(
    'SECRET_REFERENCE_REFUSED',
    `${path} ("${secret}") hands a Secret to something that cannot open a sealed one`,
    'reference Secrets by env, envFrom or volumes of containers and initContainers only; let an administrator set up storage that needs credentials',
  );
}
