import { X509Certificate } from 'node:crypto';

import { verifyAttestation } from '../../enclave/attestation/index.ts';
import { parseCoseSign1, verifyCoseSignature } from '../../enclave/attestation/verify/cose.ts';
import {
  verifyWithAuth0,
  verifyWithCoseJs,
  verifyWithPeculiar,
  type Verdict,
} from '../../enclave/attestation/verify/test/libraries.ts';
import { realSources } from '../../enclave/attestation/verify/test/sources.ts';
import { need, sampleOf, verifications, verifyOne, type Verification } from './verifications.ts';
import type { World } from './world.ts';

export interface Subject {
  readonly name: string;
  /** `document`: the whole of it. `signature`: the COSE signature with a key that is given. */
  readonly group: 'document' | 'signature';
  /** Share of the calls of a round: slow subjects make fewer. */
  readonly share: number;
  readonly verify: Verification;
}

/** The first of each group is what the others of it are compared with. */
export function subjectsOf(world: World): Subject[] {
  const leaf = world.certificates.at(-1);
  if (leaf === undefined) throw new RangeError('a world without certificates');
  const { publicKey } = new X509Certificate(leaf);
  const { 'node:crypto alone': floor, ours, 'ours, chain cached': cached } = verifications(world);
  const bytesOf = (index: number): Uint8Array => sampleOf(world, index).bytes;
  const accepted = ({ accepted: verified }: Verdict): void => {
    need(verified);
  };
  return [
    { name: 'node:crypto alone: 5 certificates, 5 signatures', group: 'document', share: 1, verify: floor },
    { name: 'ours, every check', group: 'document', share: 1, verify: ours },
    ...realDocument(),
    {
      name: '@peculiar/x509 and WebCrypto: 5 certificates, 5 signatures',
      group: 'document',
      share: 0.5,
      verify: async (index) => {
        const { sigStructure, signature } = sampleOf(world, index);
        need(await verifyWithPeculiar(world.certificates, sigStructure, signature));
      },
    },
    { name: 'ours, every check, chain cached', group: 'document', share: 1, verify: cached },
    {
      name: 'node:crypto alone: 1 signature',
      group: 'signature',
      share: 1,
      verify: (index) => {
        const { sigStructure, signature } = sampleOf(world, index);
        need(verifyOne(publicKey, sigStructure, signature));
      },
    },
    {
      name: 'ours: CBOR, COSE, signature',
      group: 'signature',
      share: 1,
      verify: (index) => {
        verifyCoseSignature(parseCoseSign1(bytesOf(index)), publicKey);
      },
    },
    {
      name: '@auth0/cose 1.0.2',
      group: 'signature',
      share: 1,
      verify: async (index) => {
        accepted(await verifyWithAuth0(bytesOf(index), publicKey));
      },
    },
    {
      name: 'cose-js 0.9.0',
      group: 'signature',
      share: 0.2,
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
      verify: () => verifyAttestation(bytes, { trustAnchor, policy, time: { mode: 'replay' } }),
    },
  ];
}
