import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import {
  awsNitroRootG1,
  describeChecked,
  verifyAttestation,
  type VerificationTime,
} from '@k3s-daas/attestation';
import { fromHex, type Bytes } from '@k3s-daas/core';

import { readText } from '../files.ts';
import { CliError } from '../errors.ts';
import { print, type Output } from '../output.ts';

export interface AttestationOptions {
  readonly pcr0: string;
  readonly pcr1: string;
  readonly pcr2: string;
  readonly root?: string;
  readonly at: string;
  readonly ageMax: string;
}

/** Verifies a document against given PCRs and says each thing that was checked. */
export async function verifyAttestationFile(
  output: Output,
  file: string,
  options: AttestationOptions,
): Promise<void> {
  const document = await readDocument(file);
  const root = options.root === undefined ? awsNitroRootG1 : rootOf(await readText(options.root));
  const verified = verifyAttestation(document, {
    trustAnchor: root,
    time: timeOf(options),
    policy: {
      pcrs: {
        0: pcr('--pcr0', options.pcr0),
        1: pcr('--pcr1', options.pcr1),
        2: pcr('--pcr2', options.pcr2),
      },
    },
  });
  const { checked, moduleId, timestampMs } = verified;
  print(output, { verified: true, moduleId, timestampMs, checked }, () =>
    ['verified', ...checked.map(describeChecked)].join('\n✓ '),
  );
}

async function readDocument(file: string): Promise<Bytes> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    throw new CliError('FILE_UNREADABLE', `${file} cannot be read`, 'check the path and its permissions', {
      cause,
    });
  }
}

function rootOf(pem: string): Bytes {
  try {
    return new Uint8Array(new X509Certificate(pem).raw);
  } catch (cause) {
    throw new CliError('USAGE', '--root is not a PEM certificate', 'give the root certificate as PEM', {
      cause,
    });
  }
}

function pcr(name: string, hex: string): Bytes {
  if (/^[0-9a-fA-F]{96}$/.test(hex)) return fromHex(hex);
  throw new CliError('USAGE', `${name} is not 96 hex digits`, 'give the SHA-384 value in hex');
}

function timeOf({ at, ageMax }: AttestationOptions): VerificationTime {
  if (at === 'document') return { mode: 'replay' };
  const seconds = Number(ageMax);
  if (at !== 'now' || !Number.isInteger(seconds) || seconds < 0) {
    throw new CliError('USAGE', '--at is `now` or `document`, --age-max whole seconds', 'see --help');
  }
  return { mode: 'live', nowMs: Date.now(), ageMsMax: seconds * 1000 };
}
