import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

import t from 'tap';

import { Denied } from '../denied.ts';
import { podSpecSchema } from './pod.ts';
import { requireRewritable, secretReferences } from './references.ts';

/**
 * Every path of PodSpec that leads to a Secret of the namespace: VisitPodSecretNames of Kubernetes 1.36
 * (k8s.io/kubernetes/pkg/api/v1/pod/util.go), with `[]` for an element, and whether it is rewritten.
 */
const PATHS: readonly (readonly [path: string, rewritable: boolean])[] = [
  ['imagePullSecrets[].name', false],
  ['initContainers[].env[].valueFrom.secretKeyRef.name', true],
  ['initContainers[].envFrom[].secretRef.name', true],
  ['containers[].env[].valueFrom.secretKeyRef.name', true],
  ['containers[].envFrom[].secretRef.name', true],
  ['ephemeralContainers[].env[].valueFrom.secretKeyRef.name', false],
  ['ephemeralContainers[].envFrom[].secretRef.name', false],
  ['volumes[].azureFile.secretName', false],
  ['volumes[].cephfs.secretRef.name', false],
  ['volumes[].cinder.secretRef.name', false],
  ['volumes[].csi.nodePublishSecretRef.name', false],
  ['volumes[].flexVolume.secretRef.name', false],
  ['volumes[].iscsi.secretRef.name', false],
  ['volumes[].projected.sources[].secret.name', true],
  ['volumes[].rbd.secretRef.name', false],
  ['volumes[].scaleIO.secretRef.name', false],
  ['volumes[].secret.secretName', true],
  ['volumes[].storageos.secretRef.name', false],
];

/** A spec with nothing but this path, which names the Secret `s`. */
function specWith(path: string): unknown {
  const spec: Record<string, unknown> = {};
  let at: Record<string, unknown> = spec;
  const parts = path.split('.');
  parts.forEach((part, i) => {
    const list = part.endsWith('[]');
    const name = list ? part.slice(0, -2) : part;
    const next: Record<string, unknown> = list ? { name: 'x' } : {};
    if (i === parts.length - 1) at[name] = list ? [next] : 's';
    else at[name] = list ? [next] : next;
    at = next;
  });
  // Elements of these lists have no name.
  return JSON.parse(
    JSON.stringify(spec)
      .replace('"envFrom":[{"name":"x",', '"envFrom":[{')
      .replace('"sources":[{"name":"x",', '"sources":[{'),
  );
}

const parse = (spec: unknown): ReturnType<typeof podSpecSchema.parse> => podSpecSchema.parse(spec);

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'allowed';
  } catch (error) {
    if (error instanceof Denied) return error.code;
    throw error;
  }
}

void t.test('each way to a Secret is seen', (t) => {
  for (const [path, rewritable] of PATHS) {
    const found = secretReferences(parse(specWith(path)));
    t.strictSame(
      found.map((each) => ({ secret: each.secret, rewritable: each.rewritable })),
      [{ secret: 's', rewritable }],
      path,
    );
    const code = rewritable
      ? 'allowed'
      : path.startsWith('imagePull')
        ? 'IMAGE_PULL_SECRETS_REFUSED'
        : 'SECRET_REFERENCE_REFUSED';
    t.equal(
      codeOf(() => {
        requireRewritable(found);
      }),
      code,
      `${path}: ${code}`,
    );
  }
  for (const type of [
    'csi',
    'cephfs',
    'cinder',
    'iscsi',
    'rbd',
    'flexVolume',
    'storageos',
    'configMap',
    'nfs',
  ])
    t.strictSame(secretReferences(parse({ volumes: [{ name: 'v', [type]: { driver: 'd' } }] })), [], type);
  t.strictSame(secretReferences(parse({ imagePullSecrets: [{}] })), [], 'an empty entry reads nothing');
  t.end();
});

void t.test('what is not known is closed', (t) => {
  const unknown: readonly (readonly [string, unknown])[] = [
    ['volume', { volumes: [{ name: 'v', secretStore: { name: 's' } }] }],
    ['projection', { volumes: [{ name: 'v', projected: { sources: [{ secretStore: { name: 's' } }] } }] }],
    ['env', { containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { vaultRef: { name: 's' } } }] }] }],
    ['envFrom', { initContainers: [{ name: 'c', envFrom: [{ vaultRef: { name: 's' } }] }] }],
    ['ephemeral', { ephemeralContainers: [{ name: 'c', envFrom: [{ vaultRef: { name: 's' } }] }] }],
  ];
  for (const [what, spec] of unknown)
    t.equal(
      codeOf(() => secretReferences(parse(spec))),
      'REFERENCE_UNKNOWN',
      what,
    );
  t.end();
});

// The API types themselves, where the module cache of Go has them (bench/control-plane builds from it).
const GOPATH = process.env['GOPATH'] ?? join(homedir(), 'go');
const TYPES = join(GOPATH, 'pkg/mod/k8s.io/api@v0.36.3/core/v1/types.go');

interface Field {
  readonly json: string;
  readonly type: string;
  readonly list: boolean;
}

/** Fields of each struct of a Go file by their JSON names; inlined structs under the name ''. */
function structsOf(source: string): Map<string, Field[]> {
  const structs = new Map<string, Field[]>();
  for (const [, name = '', body = ''] of source.matchAll(/^type (\w+) struct \{\n(.*?)^\}/gms)) {
    const fields = [...body.matchAll(/^\t(?:\w+ )?(\[\])?\*?(\w+) `json:"([^",]*)[^`]*`/gm)];
    structs.set(
      name,
      fields.map(([, list, type = '', json = '']) => ({ json, type, list: list !== undefined })),
    );
  }
  return structs;
}

/** Paths below a struct that hold the name of a Secret: by the type's name, or by the field's. */
function secretPaths(structs: ReadonlyMap<string, Field[]>, type: string, path: string, depth = 0): string[] {
  if (depth > 12) return [];
  return (structs.get(type) ?? []).flatMap((field): string[] => {
    const inlined = field.json === '';
    const here = inlined ? path : `${path}${path === '' ? '' : '.'}${field.json}${field.list ? '[]' : ''}`;
    if (/^secretName$/.test(field.json)) return [here];
    if (field.type === 'LocalObjectReference') {
      // A ConfigMap is referred to by the same struct, inlined; everything else is a Secret.
      return type.startsWith('ConfigMap') ? [] : [`${here}.name`];
    }
    return secretPaths(structs, field.type, here, depth + 1);
  });
}

const skip = existsSync(TYPES) ? false : `${TYPES} is not there (go mod download k8s.io/api@v0.36.3)`;
void t.test('the table is the one of the API types of Kubernetes 1.36', { skip }, (t) => {
  const structs = structsOf(readFileSync(TYPES, 'utf8'));
  t.ok((structs.get('PodSpec')?.length ?? 0) > 30, 'PodSpec is found');
  t.strictSame(secretPaths(structs, 'PodSpec', '').sort(), PATHS.map(([path]) => path).sort());
  const known = (spec: unknown): string => codeOf(() => secretReferences(parse(spec)));
  for (const { json } of structs.get('VolumeSource') ?? [])
    t.equal(known({ volumes: [{ name: 'v', [json]: {} }] }), 'allowed', `volume ${json} is known`);
  for (const { json } of structs.get('VolumeProjection') ?? [])
    t.equal(known({ volumes: [{ name: 'v', projected: { sources: [{ [json]: {} }] } }] }), 'allowed', json);
  const source = (json: string): object =>
    json === 'fileKeyRef' ? { volumeName: 'v', path: 'p', key: 'k' } : {};
  for (const { json } of structs.get('EnvVarSource') ?? [])
    t.equal(
      known({ containers: [{ name: 'c', env: [{ name: 'A', valueFrom: { [json]: source(json) } }] }] }),
      'allowed',
      json,
    );
  for (const { json } of structs.get('EnvFromSource') ?? [])
    t.equal(
      known({ containers: [{ name: 'c', envFrom: [{ [json]: json === 'prefix' ? 'P' : {} }] }] }),
      'allowed',
      json,
    );
  t.end();
});
