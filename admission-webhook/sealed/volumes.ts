import type { FetchPlan } from '@k3s-daas/core';

import { Denied } from '../denied.ts';
import type { PlanDraft } from './draft.ts';
import type { SecretItems, Volume } from './pod.ts';

/** What a kubelet takes where nothing is said (SecretVolumeSourceDefaultMode). */
const MODE_DEFAULT = 0o644;
/** What the group of a pod's files always may (k8s.io/kubernetes/pkg/volume/volume_linux.go, roMask). */
const FS_GROUP_MODE = 0o440;

export interface VolumeContext {
  readonly path: string;
  /** Whether the pod has an fsGroup. */
  readonly fsGroup: boolean;
  readonly previous: FetchPlan | null;
  readonly draft: PlanDraft;
}

type File = FetchPlan['files'][number];

/**
 * Takes the files of a volume into the plan. True if the volume is one of Secrets, and so becomes one in memory.
 *
 * @throws Denied
 */
export function rewriteVolume(volume: Volume, context: VolumeContext): boolean {
  const { secret, projected } = volume;
  if (secret !== undefined) {
    requireOnly(volume, 'secret', context.path);
    const { secretName = '', items, optional = false, defaultMode = MODE_DEFAULT } = secret;
    const source = { name: secretName, items, optional, path: `${context.path}.secret` };
    addFiles(volume.name, secretFiles(volume.name, [source], defaultMode, context), context);
    return true;
  }
  if (projected?.sources?.some((source) => source.secret !== undefined) === true) {
    requireOnly(volume, 'projected', context.path);
    const sources = projected.sources.map((source, i) => {
      const path = `${context.path}.projected.sources[${i}]`;
      if (source.secret === undefined || Object.keys(source).length !== 1) throw mixed(path);
      const { name = '', items, optional = false } = source.secret;
      return { name, items, optional, path: `${path}.secret` };
    });
    const mode = projected.defaultMode ?? MODE_DEFAULT;
    addFiles(volume.name, secretFiles(volume.name, sources, mode, context), context);
    return true;
  }
  const before = context.previous?.files.filter((file) => file.volume === volume.name) ?? [];
  for (const file of before)
    addKnown({ ...file, mode: file.mode | (context.fsGroup ? FS_GROUP_MODE : 0) }, context);
  return before.length > 0;
}

interface Source {
  readonly name: string;
  readonly items: SecretItems;
  readonly optional: boolean;
  readonly path: string;
}

/** By path: a later source overrides an earlier one, as in MakePayload of k8s.io/kubernetes/pkg/volume/projected. */
function secretFiles(
  volume: string,
  sources: readonly Source[],
  defaultMode: number,
  { draft, fsGroup }: VolumeContext,
): Map<string, File> {
  const files = new Map<string, File>();
  for (const { name, items, optional, path } of sources) {
    const secret = draft.secret(name, path, optional);
    if (secret === null) continue;
    const wanted =
      items === undefined || items === null || items.length === 0
        ? [...secret.keys.keys()].sort().map((key) => ({ key, path: key, mode: undefined }))
        : items.filter(({ key }) => draft.hasKey(secret, key, path, optional));
    for (const item of wanted) {
      const mode = (item.mode ?? defaultMode) | (fsGroup ? FS_GROUP_MODE : 0);
      files.set(item.path, { volume, path: item.path, mode, secret: name, key: item.key });
    }
  }
  return files;
}

function addFiles(volume: string, files: ReadonlyMap<string, File>, context: VolumeContext): void {
  for (const path of files.keys()) {
    const parts = path.split('/');
    const blocked = parts.some((_, i) => i > 0 && files.has(parts.slice(0, i).join('/')));
    if (!blocked) continue;
    throw new Denied(
      'SECRET_PATH_WRONG',
      `volume ${volume} puts a file at "${path.slice(0, 256)}" and another where a directory of it must be`,
      'give the files paths that do not contain one another',
    );
  }
  for (const file of files.values()) addKnown(file, context);
}

function addKnown(file: File, { draft, path }: VolumeContext): void {
  const secret = draft.secret(file.secret, path, false);
  if (secret !== null && draft.hasKey(secret, file.key, path, false)) draft.addFile(file, secret);
}

function mixed(path: string): Denied {
  return new Denied(
    'PROJECTED_VOLUME_MIXED',
    `${path} is no Secret, but another source of the same volume is: seal-fetch cannot write beside a kubelet`,
    'split the projected volume: Secrets in one, everything else in another',
  );
}

/** Two sources in one volume are refused by the API server, which must still see both. */
function requireOnly(volume: Volume, type: string, path: string): void {
  const types = Object.keys(volume).filter((member) => member !== 'name');
  if (types.length === 1) return;
  throw new Denied(
    'OBJECT_MALFORMED',
    `${path} has sources ${types.join(' and ')}`,
    `leave only ${type}`,
    400,
  );
}
