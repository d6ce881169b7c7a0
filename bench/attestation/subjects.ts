import { verify as verifySignature, X509Certificate } from 'node:crypto';

import { ChainCache, verifyAttestation } from '../../enclave/attestation/index.ts';
import { parseCoseSign1, verifyCoseSignature } from '../../enclave/attestation/verify/cose.ts';
import {
  verifyWithAuth0,
  verifyWithCoseJs,
  verifyWithPeculiar,
  type Verdict,
} from '../../enclave/attestation/verify/test/libraries.ts';
import { realSources } from '../../enclave/attestation/verify/test/sources.ts';
import { BenchError } from '../errors.ts';
import type { World } from './world.ts';

const AGE_MS_MAX = 60_000;

/** Verifies document `index` of the world; throws if it does not verify. */
export type Verification = (index: number) => unknown;

export interface Subject {
  readonly name: string;
  /** `document`: the whole of it. `signature`: the COSE signature with a key that is given. */
  readonly group: 'document' | 'signature';
  /** Share of the calls of a round: slow subjects make fewer. */
  readonly share: number;
  /** Whether verifications a second are measured, too. */
  readonly onAllCores: boolean;
  readonly verify: Verification;
}

/** Those with an aim. */
export const OURS = 'ours, every check';
export const OURS_CACHED = 'ours, every check, chain cached';

/** The first of each group is what the others of it are compared with. */
export function subjectsOf(world: World): Subject[] {
  const leaf = world.certificates.at(-1);
  if (leaf === undefined) throw new RangeError('a world without certificates');
  const { publicKey } = new X509Certificate(leaf);
  const { certificates, trustAnchor, nowMs } = world;
  const time = { mode: 'live', nowMs, ageMsMax: AGE_MS_MAX } as const;
  const chains = new ChainCache();
  const bytesOf = (index: number): Uint8Array => sampleOf(world, index).bytes;
  const accepted = ({ accepted: verified }: Verdict): void => {
    need(verified);
  };
  return [
    {
      name: 'node:crypto alone: 5 certificates, 5 signatures',
      group: 'document',
      share: 1,
      onAllCores: true,
      verify: (index) => {
        const { sigStructure, signature } = sampleOf(world, index);
        need(verifyOne(verifiedLeaf(certificates).publicKey, sigStructure, signature));
      },
    },
    {
      name: OURS,
      group: 'document',
      share: 1,
      onAllCores: true,
      verify: (index) => {
        const { bytes, policy } = sampleOf(world, index);
        return verifyAttestation(bytes, { trustAnchor, time, policy });
      },
    },
    ...realDocument(),
    {
      name: '@peculiar/x509 and WebCrypto: 5 certificates, 5 signatures',
      group: 'document',
      share: 0.5,
      onAllCores: false,
      verify: async (index) => {
        const { sigStructure, signature } = sampleOf(world, index);
        need(await verifyWithPeculiar(certificates, sigStructure, signature));
      },
    },
    {
      name: OURS_CACHED,
      group: 'document',
      share: 1,
      onAllCores: true,
      verify: (index) => {
        const { bytes, policy } = sampleOf(world, index);
        return verifyAttestation(bytes, { trustAnchor, time, policy, chains });
      },
    },
    {
      name: 'node:crypto alone: 1 signature',
      group: 'signature',
      share: 1,
      onAllCores: true,
      verify: (index) => {
        const { sigStructure, signature } = sampleOf(world, index);
        need(verifyOne(publicKey, sigStructure, signature));
      },
    },
    {
      name: 'ours: CBOR, COSE, signature',
      group: 'signature',
      share: 1,
      onAllCores: true,
      verify: (index) => {
        verifyCoseSignature(parseCoseSign1(bytesOf(index)), publicKey);
      },
    },
    {
      name: '@auth0/cose 1.0.2',
      group: 'signature',
      share: 1,
      onAllCores: true,
      verify: async (index) => {
        accepted(await verifyWithAuth0(bytesOf(index), publicKey));
      },
    },
    {
      name: 'cose-js 0.9.0',
      group: 'signature',
      share: 0.2,
      onAllCores: true,
      verify: (index) => {
        accepted(verifyWithCoseJs(bytesOf(index), publicKey));
      },
    },
  ];
}

/** A document of AWS where the reference folder is present, at its own time. */
function realDocument(): Subject[] {
  const [real] = realSources();
  if (real === undefined) return [];
  const { bytes, trustAnchor, policy } = real;
  return [
    {
      name: 'ours, every check, a document of AWS (replay)',
      group: 'document',
      share: 1,
      onAllCores: false,
      verify: () => verifyAttestation(bytes, { trustAnchor, policy, time: { mode: 'replay' } }),
    },
  ];
}

/** Parses the chain and verifies its signatures, and nothing else. */
function verifiedLeaf(certificates: readonly Uint8Array[]): X509Certificate {
  let issuer: X509Certificate | undefined;
  for (const certificate of certificates.map((der) => new X509Certificate(der))) {
    if (issuer !== undefined) need(certificate.verify(issuer.publicKey));
    issuer = certificate;
  }
  if (issuer === undefined) throw new RangeError('a world without certificates');
  return issuer;
}

function sampleOf({ samples }: World, index: number): World['samples'][number] {
  const sample = samples[index % samples.length];
  if (sample === undefined) throw new RangeError('a world without documents');
  return sample;
}

/** Throws unless a signature verified: a bench of refusals would be fast. */
function need(verified: boolean): void {
  if (!verified) throw new BenchError('NOT_READY', 'a signature of the bench does not verify', 'report this');
}

function verifyOne(key: X509Certificate['publicKey'], message: Uint8Array, signature: Uint8Array): boolean {
  return verifySignature('sha384', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
