/** What a registration may look like, one named choice per dimension; the first of each is what an honest enclave does. */
import { createHash } from 'node:crypto';

import { sha256, utf8, type Bytes, type SuiId } from '@k3s-daas/core';
import type { RegisterArgs } from '@k3s-daas/sui-client';

import { AGE_MS_MAX, BOND_MIN, IMAGES, slotNames, type TestChain } from './chain.ts';
import { chainNames, formNames, makeDocument, NOW, type AllCertificates } from './documents.ts';

const PCR = [
  'right',
  'missing',
  'zero',
  'other',
  'bitOff',
  'ofAnotherVersion',
  'twice',
  'of32',
  'of32Zero',
  'of64',
  'of47',
  'empty',
] as const;
const LENGTHS = ['empty', 'short', 'long'] as const;

export const DIMENSIONS = {
  chain: chainNames,
  form: formNames,
  slot: slotNames,
  pcr0: PCR,
  pcr1: PCR,
  pcr2: PCR,
  order: ['sorted', 'reversed', 'rotated', 'indicesSwapped', 'indicesMoved'],
  others: ['none', 'zeroAndNot', 'last', 'beyondLast'],
  publicKey: ['right', 'null', ...LENGTHS, 'of1024', 'of1025'],
  userData: [
    'right',
    'null',
    ...LENGTHS,
    'bitOff',
    'otherCluster',
    'otherDigest',
    'otherDomain',
    'swapped',
    'zero',
  ],
  nonce: ['right', 'null', ...LENGTHS, 'otherSlot', 'ofForeign', 'bitOff'],
  logKey: ['right', ...LENGTHS, 'isDecision', 'isTls', 'another'],
  tlsKeyHash: ['right', ...LENGTHS, 'isDecision', 'isLog', 'another'],
  bond: ['min', 'oneShort', 'none', 'oneOver'],
} as const;

export type Choices = {
  readonly [D in keyof typeof DIMENSIONS]: (typeof DIMENSIONS)[D][number];
} & {
  /** Of the document, ms; negative is the future. */
  readonly age: number;
};

export const AGES = [
  0,
  1,
  AGE_MS_MAX,
  AGE_MS_MAX + 1,
  -1,
  -5_000,
  -5_001,
  -10_000,
  -10_001,
  1_000,
  3_599_999,
  1e12,
] as const;

export const HONEST: Choices = {
  ...(Object.fromEntries(Object.entries(DIMENSIONS).map(([name, [first]]) => [name, first])) as Omit<
    Choices,
    'age'
  >),
  age: 0,
};

const DECISION_KEY = sha256(utf8('decision'));
const LOG_KEY = sha256(utf8('log'));
const TLS_KEY_HASH = sha256(utf8('tls'));

export interface Registering extends RegisterArgs {
  readonly bond: bigint;
  readonly trustAnchor: Bytes;
  readonly decisionKey: Bytes | null;
  /** What the honest enclave with these keys would put into the document. */
  readonly userData: Bytes;
}

/** @param slot instead of one of those that every test shares. */
export function registering(
  { cluster, slots }: Pick<TestChain, 'cluster' | 'slots'>,
  certificates: AllCertificates,
  choices: Choices,
  slot = slots[choices.slot],
): Registering {
  const decisionKey = pick(choices.publicKey, sizes(DECISION_KEY));
  const logKey = keyOf(choices.logKey, LOG_KEY);
  const tlsKeyHash = keyOf(choices.tlsKeyHash, TLS_KEY_HASH);
  const keys = [decisionKey ?? new Uint8Array(), logKey, tlsKeyHash] as const;
  const userData = userDataOf(cluster.id, cluster.configDigest, keys);
  const certificate = certificates[choices.chain];
  const document = makeDocument(certificate, choices.form, {
    timestampMs: Math.max(0, NOW - choices.age),
    pcrs: pcrsOf(choices, slot.configVersion),
    ...given('publicKey', decisionKey),
    ...given('userData', userDataGiven(choices.userData, userData, { cluster, slots }, keys)),
    ...given('nonce', nonceOf(choices.nonce, slot.id, slots)),
  });
  const trustAnchor = certificates[choices.chain === 'strangersRoot' ? 'standard' : choices.chain].root;
  const bond = BOND_MIN + { min: 0n, oneShort: -1n, none: -BOND_MIN, oneOver: 1n }[choices.bond];
  return { slot: slot.id, document, logKey, tlsKeyHash, bond, trustAnchor, decisionKey, userData };
}

const bytesOf = (id: SuiId): Uint8Array => Uint8Array.from(Buffer.from(id.slice(2), 'hex'));
const flip = (bytes: Bytes): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
const given = <K extends string>(key: K, value: Bytes | null): Partial<Record<K, Uint8Array>> =>
  (value === null ? {} : { [key]: value }) as Partial<Record<K, Uint8Array>>;

function sizes(right: Bytes): Record<string, Bytes | null> {
  return {
    right,
    null: null,
    empty: new Uint8Array(),
    short: right.slice(0, 31),
    long: Uint8Array.of(...right, 0),
    of1024: new Uint8Array(1_024).fill(1),
    of1025: new Uint8Array(1_025).fill(1),
  };
}

function pick(choice: string, values: Readonly<Record<string, Bytes | null>>): Bytes | null {
  const value = values[choice];
  if (value === undefined) throw new RangeError(`no value for ${choice}`);
  return value;
}

function keyOf(choice: Choices['logKey'] | Choices['tlsKeyHash'], own: Bytes): Bytes {
  const others = { isDecision: DECISION_KEY, isLog: LOG_KEY, isTls: TLS_KEY_HASH, another: flip(own) };
  return pick(choice, { ...sizes(own), ...others }) ?? own;
}

/** docs/formats.md, by hand: keys of any length, since the chain must refuse those too. */
function userDataOf(
  cluster: SuiId,
  digest: Bytes,
  keys: readonly Bytes[],
  domain = 'k3s-daas/enclave/v1',
): Bytes {
  const hash = createHash('sha256').update(domain).update(bytesOf(cluster)).update(digest);
  for (const key of keys) hash.update(key);
  return Uint8Array.from(hash.digest());
}

function userDataGiven(
  choice: Choices['userData'],
  right: Bytes,
  { cluster, slots }: Pick<TestChain, 'cluster' | 'slots'>,
  keys: readonly [Bytes, Bytes, Bytes],
): Bytes | null {
  const { id, configDigest } = cluster;
  const [decision, log, tls] = keys;
  return pick(choice, {
    ...sizes(right),
    bitOff: flip(right),
    otherCluster: userDataOf(slots.foreign.cluster, configDigest, keys),
    otherDigest: userDataOf(id, flip(configDigest), keys),
    otherDomain: userDataOf(id, configDigest, keys, 'k3s-daas/enclave/v2'),
    swapped: userDataOf(id, configDigest, [decision, tls, log]),
    zero: new Uint8Array(32),
  });
}

function nonceOf(choice: Choices['nonce'], slot: SuiId, slots: TestChain['slots']): Bytes | null {
  const right = bytesOf(slot);
  return pick(choice, {
    ...sizes(right),
    otherSlot: bytesOf(slot === slots.old.id ? slots.newest.id : slots.old.id),
    ofForeign: bytesOf(slots.foreign.id),
    bitOff: flip(right),
  });
}

type Pcr = readonly [number, Uint8Array];

function pcrsOf({ pcr0, pcr1, pcr2, order, others }: Choices, version: bigint): Pcr[] {
  const image = IMAGES[String(version)];
  const another = IMAGES[String((version % 3n) + 1n)];
  if (image === undefined || another === undefined) throw new RangeError(`no image ${version}`);
  const three = [
    ...onePcr(0, pcr0, image.pcr0, another.pcr0),
    ...onePcr(1, pcr1, image.pcr1, another.pcr1),
    ...onePcr(2, pcr2, image.pcr2, another.pcr2),
  ];
  const zero = new Uint8Array(48);
  const more: Readonly<Record<Choices['others'], readonly Pcr[]>> = {
    none: [],
    zeroAndNot: [
      [3, zero],
      [4, zero.map(() => 4)],
      [5, zero],
      [16, zero.map(() => 5)],
    ],
    last: [[31, zero.map(() => 31)]],
    beyondLast: [[32, zero.map(() => 32)]],
  };
  return [...ordered(three, order), ...more[others]];
}

function onePcr(index: number, choice: Choices['pcr0'], right: Bytes, another: Bytes): Pcr[] {
  const filled = (length: number, byte: number): Pcr => [index, new Uint8Array(length).fill(byte)];
  switch (choice) {
    case 'right':
      return [[index, right]];
    case 'missing':
      return [];
    case 'zero':
      return [filled(48, 0)];
    case 'other':
      return [filled(48, 99)];
    case 'bitOff':
      return [[index, flip(right)]];
    case 'ofAnotherVersion':
      return [[index, another]];
    case 'twice':
      return [
        [index, right],
        [index, right],
      ];
    case 'of32':
      return [[index, right.slice(0, 32)]];
    case 'of32Zero':
      return [filled(32, 0)];
    case 'of64':
      return [[index, Uint8Array.of(...right, ...right.slice(0, 16))]];
    case 'of47':
      return [[index, right.slice(0, 47)]];
    case 'empty':
      return [filled(0, 0)];
  }
}

function ordered(pcrs: readonly Pcr[], order: Choices['order']): Pcr[] {
  switch (order) {
    case 'sorted':
      return [...pcrs];
    case 'reversed':
      return pcrs.toReversed();
    case 'rotated':
      return [...pcrs.slice(1), ...pcrs.slice(0, 1)];
    case 'indicesSwapped':
      return pcrs.map(([index, value]) => [[1, 0, 2][index] ?? index, value]);
    case 'indicesMoved':
      return pcrs.map(([index, value]) => [index + 1, value]);
  }
}
