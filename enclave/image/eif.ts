/**
 * Enclave image files, written as AWS's EifBuilder does, so that an EIF can be made and checked without its tools:
 *
 *   node enclave/image/eif.ts --kernel bzImage --cmdline '…' --ramdisk boot.cpio --ramdisk application.cpio \
 *     --build-time 2026-01-01T00:00:00+00:00 --out enclave.eif
 *
 * prints the PCRs. Without --out it computes only these. It does not sign.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';

import { concatBytes, describeError, toHex, utf8, type Bytes } from '@k3s-daas/core';

import { ImageError } from './errors.ts';
import { imagePcrs, type BootParts, type ImagePcrs } from './pcr.ts';

/** aws-nitro-enclaves-image-format, src/defs/mod.rs: all numbers big-endian. */
const MAGIC = utf8('.eif');
const VERSION = 4;
const SECTIONS_MAX = 32;
const SECTION_HEADER_BYTES = 12;
const HEADER_BYTES = 548;
const SECTION = { kernel: 1, cmdline: 2, ramdisk: 3, metadata: 5 } as const;
/** What EifBuilder writes always; nitro-cli decides by its own arguments. */
const DEFAULT_MEMORY_BYTES = 1n << 30n;
const DEFAULT_CPUS = 2n;

export type EifArchitecture = 'x86_64' | 'arm64';

export interface EifParts extends BootParts {
  readonly architecture: EifArchitecture;
  /** JSON text of the metadata section; not measured. */
  readonly metadata: string;
}

/** Metadata as EifBuilder writes it. It is not part of any PCR, but of the file's bytes. */
export function eifMetadata(info: {
  readonly name: string;
  readonly version: string;
  /** RFC 3339, as chrono prints it. */
  readonly buildTime: string;
}): string {
  return JSON.stringify({
    ImageName: info.name,
    ImageVersion: info.version,
    BuildMetadata: {
      BuildTime: info.buildTime,
      BuildTool: 'k3s-daas',
      BuildToolVersion: info.version,
      OperatingSystem: 'Linux',
      KernelVersion: 'Unknown',
    },
    DockerInfo: null,
    CustomMetadata: null,
  });
}

/** The bytes of an unsigned EIF: header, then kernel, command line, metadata and ramdisks, each with its own header. */
export function eifFile({ kernel, cmdline, ramdisks, metadata, architecture }: EifParts): Bytes {
  const sections: [number, Bytes][] = [
    [SECTION.kernel, kernel],
    [SECTION.cmdline, utf8(cmdline)],
    [SECTION.metadata, utf8(metadata)],
    ...ramdisks.map((ramdisk): [number, Bytes] => [SECTION.ramdisk, ramdisk]),
  ];
  if (ramdisks.length === 0 || sections.length > SECTIONS_MAX) {
    throw new ImageError('EIF_LIMIT', `an EIF has 1 to ${SECTIONS_MAX - 3} ramdisks`, 'join some of them');
  }
  const body = concatBytes(
    ...sections.flatMap(([type, content]) => [sectionHeader(type, content.length), content]),
  );
  const header = fileHeader(sections, architecture);
  // Over everything but the field itself, which ends the header.
  const checksum = crc32(body, crc32(header.subarray(0, HEADER_BYTES - 4)));
  new DataView(header.buffer).setUint32(HEADER_BYTES - 4, checksum);
  return concatBytes(header, body);
}

function fileHeader(
  sections: readonly [number, Bytes][],
  architecture: EifArchitecture,
): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setUint16(4, VERSION);
  view.setUint16(6, architecture === 'arm64' ? 1 : 0);
  view.setBigUint64(8, DEFAULT_MEMORY_BYTES);
  view.setBigUint64(16, DEFAULT_CPUS);
  view.setUint16(26, sections.length);
  let offset = HEADER_BYTES;
  for (const [index, [, content]] of sections.entries()) {
    view.setBigUint64(28 + 8 * index, BigInt(offset));
    view.setBigUint64(28 + 8 * (SECTIONS_MAX + index), BigInt(content.length));
    offset += SECTION_HEADER_BYTES + content.length;
  }
  return header;
}

function sectionHeader(type: number, length: number): Bytes {
  const header = new DataView(new ArrayBuffer(SECTION_HEADER_BYTES));
  header.setUint16(0, type);
  header.setBigUint64(4, BigInt(length));
  return new Uint8Array(header.buffer);
}

/** As nitro-cli prints them, so that the two can be compared as text. */
function renderPcrs({ pcr0, pcr1, pcr2, pcr8 }: ImagePcrs): string {
  const measurements = {
    HashAlgorithm: 'Sha384 { ... }',
    PCR0: toHex(pcr0),
    PCR1: toHex(pcr1),
    PCR2: toHex(pcr2),
    ...(pcr8 === null ? {} : { PCR8: toHex(pcr8) }),
  };
  return `${JSON.stringify({ Measurements: measurements }, null, 2)}\n`;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      kernel: { type: 'string' },
      cmdline: { type: 'string' },
      ramdisk: { type: 'string', multiple: true, default: [] },
      arch: { type: 'string', default: 'x86_64' },
      'build-time': { type: 'string', default: '1970-01-01T00:00:00+00:00' },
      'signing-certificate': { type: 'string' },
      out: { type: 'string' },
    },
  });
  const { kernel, cmdline, arch } = values;
  if (kernel === undefined || cmdline === undefined || (arch !== 'x86_64' && arch !== 'arm64')) {
    throw new ImageError('USAGE', 'eif needs --kernel, --cmdline and --ramdisk', 'see docs/enclave-image.md');
  }
  const certificate = values['signing-certificate'];
  const parts: EifParts = {
    kernel: await readFile(kernel),
    cmdline,
    ramdisks: await Promise.all(values.ramdisk.map((file) => readFile(file))),
    architecture: arch,
    metadata: eifMetadata({
      name: 'k3s-daas-enclave',
      version: '0.1.0',
      buildTime: values['build-time'],
    }),
    ...(certificate === undefined ? {} : { signingCertificate: await readFile(certificate) }),
  };
  if (values.out !== undefined) await writeFile(values.out, eifFile(parts));
  process.stdout.write(renderPcrs(imagePcrs(parts)));
}

if (process.argv[1] === import.meta.filename) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${describeError(error)}\n`);
    process.exitCode = 1;
  }
}
