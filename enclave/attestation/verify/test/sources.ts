/** Valid documents to mutate: the test authority's, and AWS's where the reference folder is present. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { awsNitroRootG1, type AttestationPolicy } from '../../index.ts';
import { parseTree } from './cbor-tree.ts';
import { coseOf, map, nothing, payloadOf, raw, signedParts, type CoseParts } from './encoder.ts';
import { Fixture, NONCE, NOW, PUBLIC_KEY, USER_DATA } from './fixture.ts';
import { judge } from './judge.ts';
import type { Source } from './mutators.ts';
import { standardSpecs } from './authority.ts';

const VECTORS = join(import.meta.dirname, '../../../../../shared/attestation-vectors');
const REAL = [
  '01-prod-2025-11-10-pcr16-indefinite.bin',
  '02-prod-2026-01-03-indefinite.bin',
  '03-prod-2022-11-09-nonce-userdata.bin',
];

/** Why there are no real documents, or false. */
export const realAbsent = existsSync(VECTORS) ? false : `no real documents at ${VECTORS}`;

/** Documents of AWS, each with its own time and its own PCRs as policy. Empty where they are absent. */
export function realSources(): Source[] {
  if (realAbsent !== false) return [];
  return REAL.map((name) => {
    const bytes = new Uint8Array(readFileSync(join(VECTORS, name)));
    const { document } = judge(bytes);
    const pcrs = document['pcrs'] as ReadonlyMap<number, Buffer>;
    const expected = Object.fromEntries([...pcrs].map(([index, pcr]) => [index, new Uint8Array(pcr)]));
    return {
      name,
      bytes,
      parts: partsOf(bytes),
      trustAnchor: awsNitroRootG1,
      nowMs: Number(document['timestamp']) + 1_000,
      policy: { pcrs: expected as AttestationPolicy['pcrs'] },
    };
  });
}

/** Two worlds (a chain of four certificates, and one of five as AWS has it) and the forms that a document may have. */
export async function generatedSources(): Promise<Source[]> {
  const short = await Fixture.make();
  const long = await awsShapedFixture();
  const policy = { ...short.options().policy, nonce: NONCE, userData: USER_DATA, publicKey: PUBLIC_KEY };
  const bare = (fixture: Fixture): Uint8Array => {
    const fields = fixture.fields();
    for (const field of ['nonce', 'user_data', 'public_key']) fields.set(field, nothing);
    return payloadOf(fields);
  };
  const make = (name: string, fixture: Fixture, payload: Uint8Array, expected: AttestationPolicy): Source => {
    const parts = signedParts(payload, fixture.chain.leafKey);
    const { root, leafKey } = fixture.chain;
    return { name, bytes: coseOf(parts), parts, trustAnchor: root, nowMs: NOW, policy: expected, leafKey };
  };
  return [
    make('generated', short, payloadOf(short.fields()), policy),
    make('generated, definite map', short, payloadOf(short.fields(), map), policy),
    make('generated, nothing optional', short, bare(short), short.options().policy),
    make('generated, three intermediates', long, payloadOf(long.fields()), policy),
  ];
}

/** root → region (pathLen 2) → zone (1) → instance (0) → leaf, the shape of AWS's chains. */
export async function awsShapedFixture(): Promise<Fixture> {
  return Fixture.make(([root, zone, instance, leaf]) => {
    const [region] = standardSpecs().slice(1);
    if (region === undefined) throw new RangeError('no intermediate');
    const wider = { ...region, subject: 'CN=region.test', extensions: root.extensions };
    return [root, wider, zone, instance, leaf];
  });
}

function partsOf(document: Uint8Array): CoseParts {
  const tree = parseTree(document);
  const items = tree.kind === 'array' ? tree.items : [];
  const [protectedHeader, payload, signature] = [items[0], items[2], items[3]].map((item) => {
    if (item?.kind !== 'string') throw new RangeError('not a COSE_Sign1');
    return item.content;
  }) as [Uint8Array, Uint8Array, Uint8Array];
  return { protectedHeader, unprotectedHeader: raw('a0'), payload, signature };
}
