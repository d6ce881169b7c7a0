import { X509Certificate } from 'node:crypto';

import {
  awsNitroRootG1,
  describeChecked,
  verifyAttestation,
  type AttestationPolicy,
  type VerificationTime,
} from '@k3s-daas/attestation';
import { fromHex, type Bytes } from '@k3s-daas/core';

import { readClaims } from '../attestation/claims.ts';
import { describeClaims } from '../attestation/describe-claims.ts';
import { readDocument, type Encoding } from '../attestation/read-document.ts';
import { CliError } from '../errors.ts';
import { readText, userPath } from '../files.ts';
import { print, type Output } from '../output.ts';

export interface DocumentOptions {
  readonly encoding: Encoding;
}

export interface AttestationOptions extends DocumentOptions {
  readonly pcr0: string;
  readonly pcr1: string;
  readonly pcr2: string;
  /** `N=HEX` each. */
  readonly pcr: readonly string[];
  readonly nonce?: string;
  readonly userData?: string;
  readonly publicKey?: string;
  readonly root?: string;
  readonly at: 'now' | 'document';
  readonly ageMax: string;
}

/** Verifies a document against what the caller expects of it and says each thing that was checked. */
export async function verifyAttestationFile(
  output: Output,
  file: string,
  options: AttestationOptions,
): Promise<void> {
  const policy = policyOf(options);
  const time = timeOf(options);
  const trustAnchor = options.root === undefined ? awsNitroRootG1 : await readRoot(options.root);
  const document = await readDocument(file, options.encoding);
  const verified = verifyAttestation(document, { trustAnchor, time, policy });
  const { checked, moduleId, timestampMs, pcrs, publicKey, userData, nonce } = verified;
  print(output, { verified: true, moduleId, timestampMs, pcrs, publicKey, userData, nonce, checked }, () =>
    ['verified', ...checked.map(describeChecked)].join('\n✓ '),
  );
}

/** Shows what a document claims, and that nothing of it is verified. */
export async function showAttestationFile(
  output: Output,
  file: string,
  { encoding }: DocumentOptions,
): Promise<void> {
  const claims = readClaims(await readDocument(file, encoding));
  print(output, { verified: false, ...claims }, () => describeClaims(claims));
}

async function readRoot(file: string): Promise<Bytes> {
  const pem = await readText(userPath(file));
  try {
    return new Uint8Array(new X509Certificate(pem).raw);
  } catch (cause) {
    throw new CliError('USAGE', '--root is not a PEM certificate', 'give the root certificate as PEM', {
      cause,
    });
  }
}

function policyOf(options: AttestationOptions): AttestationPolicy {
  const { nonce, userData, publicKey } = options;
  const pcrs = {
    0: pcr('--pcr0', options.pcr0),
    1: pcr('--pcr1', options.pcr1),
    2: pcr('--pcr2', options.pcr2),
  };
  return {
    pcrs: { ...morePcrs(options.pcr), ...pcrs },
    ...(nonce === undefined ? {} : { nonce: bytes('--nonce', nonce) }),
    ...(userData === undefined ? {} : { userData: bytes('--user-data', userData) }),
    ...(publicKey === undefined ? {} : { publicKey: bytes('--public-key', publicKey) }),
  };
}

/** Two values for one register would let the last one win. */
function morePcrs(options: readonly string[]): Record<number, Bytes> {
  const pcrs: Record<number, Bytes> = {};
  for (const option of options) {
    const { index, hex } = /^(?<index>0|[1-9]\d?)=(?<hex>.*)$/.exec(option)?.groups ?? {};
    const number = Number(index);
    if (hex === undefined || !(number > 2 && number < 32) || number in pcrs) {
      throw new CliError(
        'USAGE',
        `--pcr ${JSON.stringify(option.slice(0, 64))} is not N=HEX with another N from 3 to 31`,
        'give PCR0, 1 and 2 by their own options, and each other register once',
      );
    }
    pcrs[number] = pcr(`--pcr ${number}`, hex);
  }
  return pcrs;
}

function pcr(name: string, hex: string): Bytes {
  if (/^[0-9a-fA-F]{96}$/.test(hex)) return fromHex(hex);
  throw new CliError('USAGE', `${name} is not 96 hex digits`, 'give the SHA-384 value in hex');
}

function bytes(name: string, hex: string): Bytes {
  if (/^(?:[0-9a-fA-F]{2})*$/.test(hex)) return fromHex(hex);
  throw new CliError('USAGE', `${name} is not pairs of hex digits`, 'give the expected bytes in hex');
}

function timeOf({ at, ageMax }: AttestationOptions): VerificationTime {
  if (at === 'document') return { mode: 'replay' };
  if (!/^\d{1,9}$/.test(ageMax)) {
    throw new CliError('USAGE', '--age-max is not whole seconds', 'see --help');
  }
  return { mode: 'live', nowMs: Date.now(), ageMsMax: Number(ageMax) * 1000 };
}
