import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { compileFramework, compilePackage, runMoveUnitTests } from '@k3s-daas/move';
import { bls12_381 } from '@noble/curves/bls12-381.js';
import { p256 } from '@noble/curves/nist.js';
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import t from 'tap';

import { loadFramework } from './chain/genesis.ts';
import { ObjectStore } from './chain/objects.ts';
import { ObjectRuntime } from './chain/object-runtime.ts';
import { deserializeModule } from './chain/publish.ts';
import { encodeValue } from './vm/bcs.ts';
import { ExecutionFailure } from './vm/failure.ts';
import { Machine, StepMeter } from './vm/interpreter.ts';
import type { Loader } from './vm/loader.ts';
import { fullAddress, parseType } from './vm/types.ts';
import { Ref, type Value } from './vm/values.ts';

/*
 * The ledger's VM runs generated calls; what it answers becomes a Move unit test, which then runs in the real Move VM.
 * A value that differs fails its assertion there, an error that differs fails as an expected failure.
 */

const SEED = 20_261_121n;
const WIDTHS = [8, 16, 32, 64, 128, 256] as const;
const OPERATORS = { add: '+', sub: '-', mul: '*', div: '/', mod: '%', and: '&', or: '|', xor: '^' } as const;
const CALLS_PER_FUNCTION = 6;
const ASSERTIONS_PER_TEST = 80;
/** What `shapes::verdict` must say: right, wrong message, high s, malformed (see the template). */
const VERDICTS = [true, true, false, false, true, false, true, true, false, false];
/** The runner's WASM build replaces the BLS library by a stub, so those verdicts are compared with VERDICTS only. */
const COMPARED_VERDICTS = [0, 1, 2, 3, 4, 5];
const PACKAGE = fullAddress('0x0');
const TX_HASH = 'ab'.repeat(32);
const SENDER = fullAddress('0xb0b');

/** Deterministic numbers (Knuth's MMIX generator), with the edges of each width more often than chance has them. */
function numbers(seed: bigint): (width: number) => bigint {
  let state = seed;
  const next = (): bigint => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return state >> 32n;
  };
  return (width) => {
    let value = 0n;
    for (let bits = 0; bits < width; bits += 32) value = (value << 32n) | next();
    const max = (1n << BigInt(width)) - 1n;
    value &= max;
    const edges = [
      max,
      max - 1n,
      0n,
      1n,
      value & 7n,
      1n << (value % BigInt(width)),
      max >> BigInt(width / 2),
    ];
    return edges[Number(next() % 12n)] ?? value;
  };
}

function arithmeticModule(): string {
  const lines: string[] = ['module differential::ops;'];
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

/** Signatures made here, judged by both VMs. */
function signatureVectors(): Record<string, string> {
  const key = Uint8Array.from(Buffer.from('11'.repeat(32), 'hex'));
  const message = Buffer.from('message');
  const literal = (bytes: Uint8Array): string => `x"${Buffer.from(bytes).toString('hex')}"`;
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
  return {
    K1_SIGNATURE: literal(k1),
    K1_HIGH_S: literal(highS(secp256k1, k1)),
    K1_KEY: literal(secp256k1.getPublicKey(key)),
    K1_RECOVERABLE: literal(
      recoverable(secp256k1.sign(keccak_256(message), key, { prehash: false, format: 'recovered' })),
    ),
    R1_SIGNATURE: literal(r1),
    R1_HIGH_S: literal(highS(p256, r1)),
    R1_KEY: literal(p256.getPublicKey(key)),
    R1_RECOVERABLE: literal(
      recoverable(p256.sign(sha256(message), key, { prehash: false, lowS: true, format: 'recovered' })),
    ),
    MIN_SIG_SIGNATURE: literal(minSig.sign(minSig.hash(message), key).toBytes()),
    MIN_SIG_KEY: literal(minSig.getPublicKey(key).toBytes()),
    MIN_PK_SIGNATURE: literal(minPk.sign(minPk.hash(message), key).toBytes()),
    MIN_PK_KEY: literal(minPk.getPublicKey(key).toBytes()),
  };
}

async function writePackage(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'daas-differential-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const source = join(import.meta.dirname, 'testdata', 'differential');
  const vectors = signatureVectors();
  const template = await readFile(join(source, 'shapes.move.template'), 'utf8');
  await mkdir(join(dir, 'sources'));
  await mkdir(join(dir, 'tests'));
  await writeFile(join(dir, 'Move.toml'), await readFile(join(source, 'Move.toml')));
  await writeFile(join(dir, 'sources/ops.move'), arithmeticModule());
  const shapes = template.replaceAll(/%%(\w+)%%/g, (_match, name: string) => vectors[name] ?? '');
  await writeFile(join(dir, 'sources/shapes.move'), shapes);
  return dir;
}

/** One call: BCS of the result, or `null` for a primitive runtime error. */
function call(loader: Loader, module: string, name: string, args: Value[]): Uint8Array | null {
  const transaction = {
    digest: Uint8Array.from(Buffer.from(TX_HASH, 'hex')),
    sender: SENDER,
    sponsor: null,
    epoch: 0n,
    epochStartMs: 0n,
    referenceGasPrice: 1_000n,
    gasPrice: 1_000n,
    gasBudget: 0n,
  };
  const objects = new ObjectRuntime(new ObjectStore(), loader, transaction, new Map());
  const verifyAttestation = (): never => {
    throw new Error('not in this test');
  };
  const meter = new StepMeter(10_000_000);
  const machine = new Machine({ types: loader, meter, transaction, objects, verifyAttestation }, 128);
  const callee = loader.functionNamed(PACKAGE, module, name);
  const [token] = callee.returns;
  if (token === undefined) throw new Error(`${name} returns nothing`);
  try {
    const [value] = machine.call(callee, [], args);
    return encodeValue(loader, callee.module.type(token, []), value as Value);
  } catch (error) {
    if (error instanceof ExecutionFailure && error.failure.kind === 'MOVE_PRIMITIVE_RUNTIME_ERROR')
      return null;
    throw error;
  }
}

interface Comparison {
  /** The call in Move. */
  readonly expression: string;
  readonly result: Uint8Array | null;
}

function arithmeticComparisons(loader: Loader): Comparison[] {
  const random = numbers(SEED);
  const value = (width: number, n: bigint): Value => (width <= 32 ? Number(n) : n);
  const comparisons: Comparison[] = [];
  const compare = (name: string, width: number, second: number): void => {
    for (let i = 0; i < CALLS_PER_FUNCTION; i += 1) {
      const a = random(width);
      const b = second === 8 && width !== 8 ? random(8) % BigInt(Math.min(width + 4, 256)) : random(second);
      const result = call(loader, 'ops', name, [value(width, a), value(second, b)]);
      comparisons.push({ expression: `ops::${name}(${a}, ${b})`, result });
    }
  };
  for (const w of WIDTHS) {
    for (const name of [...Object.keys(OPERATORS), 'order']) compare(`${name}${w}`, w, w);
    for (const name of ['shl', 'shr']) compare(`${name}${w}`, w, 8);
    for (const v of WIDTHS) compare(`cast${w}_${v}`, w, 8);
  }
  return comparisons;
}

function shapeComparisons(loader: Loader): Comparison[] {
  const text = Buffer.from('héllo→');
  const list: [string, string, Value[]][] = [
    ...[0n, 1n, 5n, 17n].map((n): [string, string, Value[]] => ['tree', `${n}`, [n]]),
    ...[31n, 91n, 0xffffffffffffffffn].map((n): [string, string, Value[]] => [
      'strings',
      `x"${text.toString('hex')}", ${n}`,
      [Array.from(text), n],
    ]),
    ...['', '00', 'ff'.repeat(300)].map((data): [string, string, Value[]] => [
      'hashes',
      `x"${data}"`,
      [Array.from(Buffer.from(data, 'hex'))],
    ]),
    ['vectors', '40', [40n]],
    ['numbers', '@0xdeadbeef1234', [fullAddress('0xdeadbeef1234')]],
    ['names', '', []],
    ...COMPARED_VERDICTS.map((i): [string, string, Value[]] => ['verdict', `${i}`, [BigInt(i)]]),
    ['recovered', '', []],
  ];
  return list.map(([name, source, args]) => ({
    expression: `shapes::${name}(${source})`,
    result: call(loader, 'shapes', name, args),
  }));
}

/** The unit tests that hold the real VM to what the ledger's VM answered. */
function testModule(comparisons: readonly Comparison[], objects: Uint8Array): string {
  const hex = (bytes: Uint8Array): string => `x"${Buffer.from(bytes).toString('hex')}"`;
  const equal = comparisons.flatMap(({ expression, result }, i) =>
    result === null ? [] : [`assert!(std::bcs::to_bytes(&${expression}) == ${hex(result)}, ${i});`],
  );
  const tests: string[] = [];
  for (let i = 0; i < equal.length; i += ASSERTIONS_PER_TEST) {
    tests.push(`#[test] fun values_${i}() {\n${equal.slice(i, i + ASSERTIONS_PER_TEST).join('\n')}\n}`);
  }
  for (const [i, { expression, result }] of comparisons.entries()) {
    if (result !== null) continue;
    tests.push(
      `#[test, expected_failure(arithmetic_error, location = ops)] fun error_${i}() { ${expression}; }`,
    );
  }
  tests.push(
    `#[test] fun objects() {
      let mut ctx = tx_context::new(@0xb0b, x"${TX_HASH}", 0, 0, 0);
      assert!(std::bcs::to_bytes(&shapes::objects(&mut ctx)) == ${hex(objects)}, 0);
    }`,
  );
  return [
    '#[test_only]',
    'module differential::differential_tests;',
    'use differential::ops;',
    'use differential::shapes;',
    ...tests,
  ].join('\n');
}

void t.test('the ledger’s VM and the real Move VM agree', async (t) => {
  t.comment(`seed ${SEED}`);
  const dir = await writePackage();
  const { modules } = await compilePackage({ dir });
  const { loader } = loadFramework(await compileFramework(), '11111111111111111111111111111111');
  loader.load(modules.map(deserializeModule));
  const comparisons = [...arithmeticComparisons(loader), ...shapeComparisons(loader)];
  const context: Value = [SENDER, Array.from(Buffer.from(TX_HASH, 'hex')), 0n, 0n, 0n];
  const objects = call(loader, 'shapes', 'objects', [new Ref([context], 0)]);
  const verdicts = VERDICTS.map((_, i) => call(loader, 'shapes', 'verdict', [BigInt(i)])?.[0] === 1);
  t.strictSame(verdicts, VERDICTS);
  const errors = comparisons.filter(({ result }) => result === null).length;
  t.comment(`${comparisons.length - errors} values and ${errors} arithmetic errors to compare`);
  t.ok(errors > 50 && comparisons.length - errors > 300, 'enough of both');
  await writeFile(
    join(dir, 'tests/differential_tests.move'),
    testModule(comparisons, objects ?? new Uint8Array()),
  );
  const { tests, output } = await runMoveUnitTests({ dir });
  const failed = tests.filter(({ passed }) => !passed).map(({ name }) => name);
  t.strictSame(failed, []);
  if (failed.length > 0) t.comment(output.slice(output.indexOf('Test failures:'), 20_000));

  // The comparison itself must notice a difference: one flipped bit of one value.
  const index = comparisons.findIndex(({ result }) => result !== null);
  const wrong = comparisons.map((one, i): Comparison =>
    i === index && one.result !== null
      ? { ...one, result: one.result.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) }
      : one,
  );
  await writeFile(
    join(dir, 'tests/differential_tests.move'),
    testModule(wrong.slice(0, 100), objects ?? new Uint8Array()),
  );
  const mutated = await runMoveUnitTests({ dir });
  t.equal(mutated.tests.filter(({ passed }) => !passed).length, 1, 'a flipped bit is noticed');
});

void t.test('types print and parse', (t) => {
  const key = parseType('vector<0x2::table::Table<u64, 0x1::option::Option<address>>>').key;
  t.equal(parseType(key).key, key);
  for (const bad of [
    '',
    'u65',
    'vector<>',
    'vector<u8',
    '0x2::a',
    '0x2::a::B<u8>>',
    '0xg::a::B',
    '0x2::a b::C!',
  ]) {
    t.throws(() => parseType(bad), SyntaxError, bad);
  }
  t.end();
});
