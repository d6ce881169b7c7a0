import { createHash } from 'node:crypto';

/** A file of an image's root file system. */
export interface ImageFile {
  /** Absolute. Its folders are made as needed, for root, mode 0755. */
  readonly path: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

export interface ImageOptions {
  readonly files: readonly ImageFile[];
  readonly entrypoint: readonly string[];
  /** `UID[:GID]`; root unless given. */
  readonly user?: string;
}

export interface ImageArchive {
  /** An uncompressed tar of an OCI image layout. */
  readonly archive: Buffer;
  /** `sha256:…` of the manifest: what a reference by digest names. */
  readonly digest: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const BLOCK = 512;

/** An image of one layer, made of nothing but what is given: no registry, no base, the same bytes each time. */
export function buildImage(options: ImageOptions): ImageArchive {
  const layer = tar([...folders(options.files), ...options.files.map(asEntry)]);
  const blobs = new Map<string, Uint8Array>();
  const keep = (
    mediaType: string,
    content: Uint8Array,
  ): { mediaType: string; digest: string; size: number } => {
    const digest = createHash('sha256').update(content).digest('hex');
    blobs.set(digest, content);
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  const keepJson = (mediaType: string, value: unknown): ReturnType<typeof keep> =>
    keep(mediaType, Buffer.from(JSON.stringify(value)));
  const layerDescriptor = keep('application/vnd.oci.image.layer.v1.tar', layer);
  const config = keepJson('application/vnd.oci.image.config.v1+json', {
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    config: { Entrypoint: options.entrypoint, ...(options.user === undefined ? {} : { User: options.user }) },
    rootfs: { type: 'layers', diff_ids: [layerDescriptor.digest] },
  });
  const manifest = keepJson('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: [layerDescriptor],
  });
  const index = { schemaVersion: 2, manifests: [manifest] };
  const archive = tar([
    { name: 'oci-layout', content: Buffer.from('{"imageLayoutVersion":"1.0.0"}'), mode: 0o644 },
    { name: 'index.json', content: Buffer.from(JSON.stringify(index)), mode: 0o644 },
    ...[...blobs].map(([digest, content]) => ({ name: `blobs/sha256/${digest}`, content, mode: 0o644 })),
  ]);
  return { archive, digest: manifest.digest };
}

interface TarEntry {
  /** Relative; of a folder, with a slash at its end. */
  readonly name: string;
  readonly content: Uint8Array;
  readonly mode: number;
}

function asEntry({ path, content, mode }: ImageFile): TarEntry {
  return { name: path.replace(/^\/+/, ''), content, mode };
}

function folders(files: readonly ImageFile[]): TarEntry[] {
  const names = new Set<string>();
  for (const { name } of files.map(asEntry)) {
    const parts = name.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) names.add(`${parts.slice(0, depth).join('/')}/`);
  }
  return [...names].sort().map((name) => ({ name, content: new Uint8Array(), mode: 0o755 }));
}

/** POSIX ustar (IEEE Std 1003.1, pax): everything is root's and of 1970. */
function tar(entries: readonly TarEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const { name, content, mode } of entries) {
    const header = Buffer.alloc(BLOCK);
    if (name.length > 100) throw new RangeError(`${name} is too long for a tar of this kind`);
    const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
    header.write(name, 0);
    header.write(octal(mode, 7), 100);
    header.write(octal(0, 7), 108);
    header.write(octal(0, 7), 116);
    header.write(octal(content.length, 11), 124);
    header.write(octal(0, 11), 136);
    // The checksum is taken with its own field as spaces.
    header.write(' '.repeat(8), 148);
    header.write(name.endsWith('/') ? '5' : '0', 156);
    header.write('ustar\0' + '00', 257);
    header.write(octal(0, 7), 329);
    header.write(octal(0, 7), 337);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${octal(sum, 6)}\0 `, 148);
    parts.push(header, content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  return Buffer.concat(parts);
}
