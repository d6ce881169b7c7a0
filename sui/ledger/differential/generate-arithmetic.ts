import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { bls12_381 } from '@noble/curves/bls12-381.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

import type { Loader } from '../vm/loader.ts';
import { fullAddress } from '../vm/types.ts';
import { Ref, type Value } from '../vm/values.ts';
import type { Case, Row } from './compare.ts';
import { address, bytes, hex, u64, type Argument } from './literals.ts';
import type { Random } from './random.ts';
import { Run, stopOf } from './vm.ts';

const WIDTHS = [8, 16, 32, 64, 128, 256] as const;
const OPERATORS = { add: '+', sub: '-', mul: '*', div: '/', mod: '%', and: '&', or: '|', xor: '^' } as const;
const CALLS_PER_FUNCTION = 6;
const ROWS_PER_CASE = 80;
/** What `shapes::verdict` must say: right, wrong message, high s, malformed (see the template). */
export const VERDICTS = [true, true, false, false, true, false, true, true, false, false];
/** The runner's WASM build replaces the BLS library by a stub, so those verdicts are compared with VERDICTS only. */
const COMPARED_VERDICTS = [0, 1, 2, 3, 4, 5];
const TX_HASH = 'ab'.repeat(32);
const SENDER = fullAddress('0xb0b');

export function arithmeticModule(): string {
  const lines: string[] = ['module k3s_daas::ops;'];
  for (const w of WIDTHS) {
    for (const [name, operator] of Object.entries(OPERATORS)) {
      lines.push(`public fun ${name}${w}(a: u${w}, b: u${w}): u${w} { a ${operator} b }`);
    }
    lines.push(
      `public fun shl${w}(a: u${w}, b: u8): u${w} { a << b }`,
      `public fun shr${w}(a: u${w}, b: u8): u${w} { a >> b }`,
      `public fun order${w}(a: u${w}, b: u${w}): vector<bool> { vector[a < b, a <= b, a > b, a >= b, a == b, a != b] }`,
    );
    for (const v of WIDTHS) lines.push(`public fun cast${w}_${v}(a: u${w}, _b: u8): u${v} { (a as u${v}) }`);
  }
  return lines.join('\n');
}

/** Data structures, natives and objects, with signatures made here. */
export async function shapesModule(): Promise<string> {
  const path = join(import.meta.dirname, '..', 'testdata', 'differential', 'shapes.move.template');
  const vectors = signatureVectors();
  const template = await readFile(path, 'utf8');
  return template.replaceAll(/%%(\w+)%%/g, (_match, name: string) => vectors[name] ?? '');
}

/** Signatures made here, judged by both VMs. */
function signatureVectors(): Record<string, string> {
  const key = Uint8Array.from(Buffer.from('11'.repeat(32), 'hex'));
  const message = Buffer.from('message');
  const recoverable = (signature: Uint8Array): Uint8Array =>
    // noble puts the recovery id first, Sui last.
    Uint8Array.from([...signature.subarray(1), signature[0] ?? 0]);
  const highS = (curve: typeof secp256k1, signature: Uint8Array): Uint8Array => {
    const { r, s } = curve.Signature.fromBytes(signature, 'compact');
    const half = curve.Point.Fn.ORDER / 2n;
    return new curve.Signature(r, s > half ? s : curve.Point.Fn.ORDER - s).toBytes('compact');
  };
  const k1 = secp256k1.sign(keccak_256(message), key, { prehash: false });
  const r1 = p256.sign(sha256(message), key, { prehash: false, lowS: true });
  const { shortSignatures: minSig, longSignatures: minPk } = bls12_381;
  const k1Recovered = secp256k1.sign(keccak_256(message), key, { prehash: false, format: 'recovered' });
  const r1Recovered = p256.sign(sha256(message), key, { prehash: false, lowS: true, format: 'recovered' });
  return {
    K1_SIGNATURE: hex(k1),
    K1_HIGH_S: hex(highS(secp256k1, k1)),
    K1_KEY: hex(secp256k1.getPublicKey(key)),
    K1_RECOVERABLE: hex(recoverable(k1Recovered)),
    R1_SIGNATURE: hex(r1),
    R1_HIGH_S: hex(highS(p256, r1)),
    R1_KEY: hex(p256.getPublicKey(key)),
    R1_RECOVERABLE: hex(recoverable(r1Recovered)),
    MIN_SIG_SIGNATURE: hex(minSig.sign(minSig.hash(message), key).toBytes()),
    MIN_SIG_KEY: hex(minSig.getPublicKey(key).toBytes()),
    MIN_PK_SIGNATURE: hex(minPk.sign(minPk.hash(message), key).toBytes()),
    MIN_PK_KEY: hex(minPk.getPublicKey(key).toBytes()),
  };
}

/** One call that needs no world: what it returns, or how it ends. */
export function caseOfCall(
  loader: Loader,
  name: string,
  module: string,
  fn: string,
  args: readonly Argument[],
): Case {
  const call = `${module}::${fn}(${args.map(({ source }) => source).join(', ')})`;
  try {
    const { encoded } = new Run(loader).call(
      module,
      fn,
      args.map(({ value }) => value),
    );
    const expected = encoded[0] ?? new Uint8Array();
    return { name, lines: [{ kind: 'value', expression: `bcs::to_bytes(&${call})`, expected }], stop: null };
  } catch (error) {
    return { name, lines: [`${call};`], stop: stopOf(error) };
  }
}

/** Cases of one row each put together: the runner takes its time for every test. */
export function together(name: string, cases: readonly Case[]): Case[] {
  const rows = cases.flatMap(({ lines, stop }) => (stop === null ? lines : []));
  const joined: Case[] = [];
  for (let i = 0; i < rows.length; i += ROWS_PER_CASE)
    joined.push({ name: `${name}_${i}`, lines: rows.slice(i, i + ROWS_PER_CASE), stop: null });
  return [...joined, ...cases.filter(({ stop }) => stop !== null)];
}

export function arithmeticCases(loader: Loader, random: Random): Case[] {
  const integer = (width: number, n: bigint): Argument => ({
    source: `${n}`,
    value: width <= 32 ? Number(n) : n,
  });
  const cases: Case[] = [];
  const add = (name: string, width: number, second: number): void => {
    for (let i = 0; i < CALLS_PER_FUNCTION; i += 1) {
      const a = integer(width, random.integer(width));
      const shift = second === 8 && width !== 8;
      const b = integer(
        second,
        shift ? random.integer(8) % BigInt(Math.min(width + 4, 256)) : random.integer(second),
      );
      cases.push(caseOfCall(loader, `${name}_${i}`, 'ops', name, [a, b]));
    }
  };
  for (const w of WIDTHS) {
    for (const name of [...Object.keys(OPERATORS), 'order']) add(`${name}${w}`, w, w);
    for (const name of ['shl', 'shr']) add(`${name}${w}`, w, 8);
    for (const v of WIDTHS) add(`cast${w}_${v}`, w, 8);
  }
  return together('arithmetic', cases);
}

export function shapeCases(loader: Loader): Case[] {
  const text = bytes(Buffer.from('héllo→'));
  const calls: [string, Argument[]][] = [
    ...[0, 1, 5, 17].map((n): [string, Argument[]] => ['tree', [u64(n)]]),
    ...[31n, 91n, 0xffffffffffffffffn].map((n): [string, Argument[]] => ['strings', [text, u64(n)]]),
    ...['', '00', 'ff'.repeat(300)].map((data): [string, Argument[]] => [
      'hashes',
      [bytes(Buffer.from(data, 'hex'))],
    ]),
    ['vectors', [u64(40)]],
    ['numbers', [address(fullAddress('0xdeadbeef1234'))]],
    ['names', []],
    ...COMPARED_VERDICTS.map((i): [string, Argument[]] => ['verdict', [u64(i)]]),
    ['recovered', []],
  ];
  const cases = calls.map(([name, args], i) => caseOfCall(loader, `shape_${i}`, 'shapes', name, args));
  return [...together('shapes', cases), objectsCase(loader)];
}

/** Objects, their children and ids, in a transaction with a known hash. */
function objectsCase(loader: Loader): Case {
  const run = new Run(loader);
  const context: Value[] = run.call('shapes', 'context', [
    SENDER,
    Array.from(Buffer.from(TX_HASH, 'hex')),
  ]).values;
  const [expected = new Uint8Array()] = run.call('shapes', 'objects', [new Ref(context, 0)]).encoded;
  const row: Row = { kind: 'object', expression: 'bcs::to_bytes(&shapes::objects(&mut ctx))', expected };
  return {
    name: 'objects',
    lines: [`let mut ctx = shapes::context(@0xb0b, x"${TX_HASH}");`, row],
    stop: null,
  };
}

/** `shapes::verdict` in the ledger's VM. */
export function verdicts(loader: Loader): boolean[] {
  return VERDICTS.map((_, i) => new Run(loader).call('shapes', 'verdict', [BigInt(i)]).values[0] === true);
}
