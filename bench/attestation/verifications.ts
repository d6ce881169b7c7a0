import { verify, X509Certificate } from 'node:crypto';

import { ChainCache, verifyAttestation } from '../../enclave/attestation/index.ts';
import { BenchError } from '../errors.ts';
import type { World } from './world.ts';

const AGE_MS_MAX = 60_000;

/** Verifies document `index` of the world; throws if it does not verify. */
export type Verification = (index: number) => unknown;

/** Those that also run on all cores. */
export const THROUGHPUT = ['node:crypto alone', 'ours', 'ours, chain cached'] as const;
export type ThroughputName = (typeof THROUGHPUT)[number];

export function sampleOf({ samples }: World, index: number): World['samples'][number] {
  const sample = samples[index % samples.length];
  if (sample === undefined) throw new RangeError('a world without documents');
  return sample;
}

/** Throws unless a signature verified: a bench of refusals would be fast. */
export function need(verified: boolean): void {
  if (!verified) throw new BenchError('NOT_READY', 'a signature of the bench does not verify', 'report this');
}

export function verifications(world: World): Record<ThroughputName, Verification> {
  const { certificates, trustAnchor, nowMs } = world;
  const time = { mode: 'live', nowMs, ageMsMax: AGE_MS_MAX } as const;
  const chains = new ChainCache();
  return {
    'node:crypto alone': (index) => {
      const { sigStructure, signature } = sampleOf(world, index);
      const chain = certificates.map((der) => new X509Certificate(der));
      let issuer: X509Certificate | undefined;
      for (const certificate of chain) {
        if (issuer !== undefined) need(certificate.verify(issuer.publicKey));
        issuer = certificate;
      }
      if (issuer === undefined) throw new RangeError('a world without certificates');
      need(verifyOne(issuer.publicKey, sigStructure, signature));
    },
    ours: (index) => {
      const { bytes, policy } = sampleOf(world, index);
      return verifyAttestation(bytes, { trustAnchor, time, policy });
    },
    'ours, chain cached': (index) => {
      const { bytes, policy } = sampleOf(world, index);
      return verifyAttestation(bytes, { trustAnchor, time, policy, chains });
    },
  };
}

export function verifyOne(
  key: X509Certificate['publicKey'],
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verify('sha384', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}
