import { mkdir, open, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { z } from 'zod';

import {
  CodedError,
  parseConfiguration,
  type Configuration,
  type EnclaveConfiguration,
} from '@k3s-daas/core';

type InstallationErrorCode = 'INSTALLATION_UNREADABLE' | 'INSTALLATION_MALFORMED';

/** The host handed over something that is no installation. */
class InstallationError extends CodedError<InstallationErrorCode> {}

const BYTES_MAX = 1 << 20;
const FILES_MAX = 16;
const FILE_CHARACTERS_MAX = 128 * 1024;

const installationSchema = z.strictObject({
  /** What daas.yaml holds; validated on its own. */
  configuration: z.unknown(),
  /** The files that it names: certificates. Plain names, so that nothing is written elsewhere. */
  files: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/), z.string().max(FILE_CHARACTERS_MAX))
    .refine((files) => Object.keys(files).length <= FILES_MAX, `more than ${FILES_MAX} files`),
});

export interface Installation {
  readonly configuration: Configuration;
  /** Its section of that name. */
  readonly enclave: EnclaveConfiguration;
  /** Resolves a path of the configuration. */
  readonly path: (relative: string) => string;
}

/**
 * Takes in what the host gives an enclave: its configuration and the certificates named there, one JSON file of at
 * most 1 MiB. They are written below `folder`, which must not exist. Nothing here is trusted for having come: what
 * counts is bound by the config digest (docs/enclave-image.md). Throws `InstallationError` and `ConfigError`.
 */
export async function takeInstallation(file: string, folder: string): Promise<Installation> {
  const { configuration, files } = parseInstallation(await readLimited(file));
  const parsed = parseConfiguration(configuration);
  if (parsed.enclave === undefined) throw malformed('its configuration has no section "enclave"');
  await mkdir(folder, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), text, { mode: 0o600, flag: 'wx' });
  }
  return { configuration: parsed, enclave: parsed.enclave, path: (relative) => resolve(folder, relative) };
}

/** Reads no more than it may, whatever the file's size says. */
async function readLimited(file: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const buffer = Buffer.alloc(BYTES_MAX + 1);
      let length = 0;
      for (let read = 1; read > 0; length += read) {
        ({ bytesRead: read } = await handle.read(buffer, length, buffer.length - length));
      }
      if (length > BYTES_MAX) throw malformed(`it is larger than ${BYTES_MAX} bytes`);
      return buffer.toString('utf8', 0, length);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof InstallationError) throw cause;
    throw new InstallationError('INSTALLATION_UNREADABLE', `${file} cannot be read`, 'see why in the cause', {
      cause,
    });
  }
}

function parseInstallation(text: string): z.infer<typeof installationSchema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
  const result = installationSchema.safeParse(value);
  if (!result.success) throw malformed(z.prettifyError(result.error));
  return result.data;
}

function malformed(problem: string, cause?: unknown): InstallationError {
  return new InstallationError(
    'INSTALLATION_MALFORMED',
    `the installation from the host: ${problem}`,
    'make it with node enclave/image/installation.ts',
    { cause },
  );
}
