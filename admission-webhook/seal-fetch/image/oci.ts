import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

import { tar, type TarEntry } from './tar.ts';

// The OCI image layout as one archive (https://github.com/opencontainers/image-spec, image-layout.md): what
// `ctr images import`, `skopeo copy oci-archive:` and `docker load` take.

export interface ImageDescription {
  /** `NAME`, without tag and digest. */
  readonly name: string;
  readonly tag: string;
  readonly architecture: string;
  /** The lowest first. */
  readonly layers: readonly (readonly TarEntry[])[];
  readonly config: Readonly<Record<string, unknown>>;
}

export interface OciArchive {
  readonly archive: Buffer;
  /** Of the manifest: `sha256:…`. */
  readonly digest: string;
  /** `NAME@sha256:…`, as pods name it. */
  readonly reference: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

const EPOCH = '1970-01-01T00:00:00Z';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** The same description, the same bytes (for one version of zlib). */
export function ociArchive({ name, tag, architecture, layers, config }: ImageDescription): OciArchive {
  const blobs = new Map<string, Uint8Array>();
  const keep = (mediaType: string, content: Uint8Array): Descriptor => {
    const digest = hexDigest(content);
    blobs.set(digest, content);
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const built = layers.map((entries) => {
    const plain = tar(entries);
    const blob = keep('application/vnd.oci.image.layer.v1.tar+gzip', gzipSync(plain));
    return { blob, diffId: `sha256:${hexDigest(plain)}` };
  });
  const manifest = keep(
    MANIFEST,
    json({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: keep(
        'application/vnd.oci.image.config.v1+json',
        json({
          created: EPOCH,
          architecture,
          os: 'linux',
          config,
          rootfs: { type: 'layers', diff_ids: built.map(({ diffId }) => diffId) },
          history: built.map(() => ({ created: EPOCH, created_by: 'seal-fetch:image' })),
        }),
      ),
      layers: built.map(({ blob }) => blob),
    }),
  );
  const reference = `${name}@${manifest.digest}`;
  // containerd names what it imports by the first annotation: pods name the image by its digest.
  const annotations = { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': tag };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  const archive = tar([
    file('oci-layout', json({ imageLayoutVersion: '1.0.0' })),
    file('index.json', json(index)),
    ...[...blobs].map(([digest, content]) => file(`blobs/sha256/${digest}`, content)),
  ]);
  return { archive, digest: manifest.digest, reference };
}

function file(path: string, content: Uint8Array): TarEntry {
  return { path, content, mode: 0o644 };
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function hexDigest(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
