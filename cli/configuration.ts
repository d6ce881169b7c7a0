import { dirname, resolve } from 'node:path';

import { parse } from 'yaml';

import { ConfigError, parseConfiguration, type Configuration } from '@k3s-daas/core';

import { CliError } from './errors.ts';
import { readText } from './files.ts';

const CONFIGURATION_BYTES_MAX = 1 << 20;

export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** Resolves a path of the file against the file's own folder. */
  readonly path: (relative: string) => string;
}

/** Reads and validates `daas.yaml`; `DAAS_CONFIG` names it where no path is given. */
export async function loadConfiguration(file: string | undefined): Promise<LoadedConfiguration> {
  const name = file ?? process.env['DAAS_CONFIG'];
  if (name === undefined) {
    throw new CliError('USAGE', 'no configuration is named', 'give --config FILE or set DAAS_CONFIG');
  }
  const text = await readText(name);
  if (text.length > CONFIGURATION_BYTES_MAX) {
    throw new ConfigError('CONFIG_MALFORMED', `${name} is larger than 1 MiB`, 'is it the right file?');
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw new ConfigError('CONFIG_MALFORMED', `${name} is not YAML`, 'mend its syntax', { cause });
  }
  const folder = dirname(resolve(name));
  return { configuration: parseConfiguration(value), path: (relative) => resolve(folder, relative) };
}
