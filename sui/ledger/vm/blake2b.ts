/**
 * BLAKE2b with 32 bytes of output (RFC 7693), the hash behind every digest and id of Sui. node:crypto has the 64-byte
 * variant only, which is another function, and 64-bit arithmetic in JavaScript takes twenty times as long as in
 * WebAssembly; so the compression function is assembled here as a WebAssembly module, once per process.
 */

const BLOCK_BYTES = 128;
const STATE_BYTES = 64;
const OUTPUT_BYTES = 32;
const PAGE_BYTES = 65_536;
const ROUNDS = 12;

/** RFC 7693, section 2.6. */
const IV = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
] as const;

/** RFC 7693, section 2.7; rounds 10 and 11 repeat 0 and 1. */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
] as const;

/** Words of the work vector that the eight mixings of a round take: columns, then diagonals (section 3.2). */
const MIXES = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** Opcodes of the WebAssembly core specification, section 5.4. */
const Wasm = {
  end: 0x0b,
  localGet: 0x20,
  localSet: 0x21,
  i64Load: 0x29,
  i64Store: 0x37,
  i32Const: 0x41,
  i64Const: 0x42,
  i64Add: 0x7c,
  i64Xor: 0x85,
  i64Rotr: 0x8a,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
} as const;
const I32 = 0x7f;
const I64 = 0x7e;

function unsigned(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) out.push((rest & 0x7f) | 0x80);
  return [...out, rest];
}

function signed(value: bigint): number[] {
  const out: number[] = [];
  let rest = BigInt.asIntN(64, value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0);
    out.push(done ? low : low | 0x80);
    if (done) return out;
  }
}

const vector = (items: readonly (readonly number[])[]): number[] => [
  ...unsigned(items.length),
  ...items.flat(),
];
const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes];
const text = (name: string): number[] => sized([...Buffer.from(name)]);

// Locals: the three parameters, the work vector v0 … v15, the message words m0 … m15.
const [BLOCK, COUNT, LAST, V, M] = [0, 1, 2, 3, 19];
const get = (local: number): number[] => [Wasm.localGet, local];
const set = (local: number): number[] => [Wasm.localSet, local];
const load = (offset: number): number[] => [Wasm.i64Load, 3, ...unsigned(offset)];
const constant = (value: bigint): number[] => [Wasm.i64Const, ...signed(value)];
const ZERO = [Wasm.i32Const, 0];

/** a ← a + b + m; d ← (d ⊕ a) ⋙ r; c ← c + d; b ← (b ⊕ c) ⋙ s: half of G (section 3.1). */
function halfMix([a, b, c, d]: readonly number[], m: number, r: bigint, s: bigint): number[] {
  const [va, vb, vc, vd] = [a, b, c, d].map((word) => V + (word ?? 0)) as [number, number, number, number];
  return [
    ...[...get(va), ...get(vb), Wasm.i64Add, ...get(M + m), Wasm.i64Add, ...set(va)],
    ...[...get(vd), ...get(va), Wasm.i64Xor, ...constant(r), Wasm.i64Rotr, ...set(vd)],
    ...[...get(vc), ...get(vd), Wasm.i64Add, ...set(vc)],
    ...[...get(vb), ...get(vc), Wasm.i64Xor, ...constant(s), Wasm.i64Rotr, ...set(vb)],
  ];
}

/** `compress(block, count, last)`: F of section 3.2 on the state at address 0, all rounds unrolled. */
function compressBody(): number[] {
  const code: number[] = [];
  for (let i = 0; i < 8; i += 1) code.push(...ZERO, ...load(8 * i), ...set(V + i));
  for (const [i, word] of IV.entries()) {
    code.push(...constant(word));
    if (i === 4) code.push(...get(COUNT), Wasm.i64ExtendI32U, Wasm.i64Xor);
    if (i === 6) code.push(...get(LAST), Wasm.i64ExtendI32S, Wasm.i64Xor);
    code.push(...set(V + 8 + i));
  }
  for (let i = 0; i < 16; i += 1) code.push(...get(BLOCK), ...load(8 * i), ...set(M + i));
  for (let round = 0; round < ROUNDS; round += 1) {
    const order = SIGMA[round % SIGMA.length] ?? SIGMA[0];
    for (const [i, words] of MIXES.entries()) {
      code.push(...halfMix(words, order[2 * i] ?? 0, 32n, 24n));
      code.push(...halfMix(words, order[2 * i + 1] ?? 0, 16n, 63n));
    }
  }
  for (let i = 0; i < 8; i += 1) {
    code.push(...ZERO, ...ZERO, ...load(8 * i), ...get(V + i), Wasm.i64Xor, ...get(V + 8 + i), Wasm.i64Xor);
    code.push(Wasm.i64Store, 3, ...unsigned(8 * i));
  }
  const locals = vector([[...unsigned(32), I64]]);
  return [...locals, ...code, Wasm.end];
}

/** One memory and one function, exported (WebAssembly core specification, section 5.5). */
function assemble(): Uint8Array {
  const section = (id: number, content: readonly number[]): number[] => [id, ...sized(content)];
  const exported = [
    [...text('memory'), 2, 0],
    [...text('compress'), 0, 0],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector([[0x60, ...vector([[I32], [I32], [I32]]), 0]])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, 1]])),
    ...section(7, vector(exported)),
    ...section(10, vector([sized(compressBody())])),
  ]);
}

/** The part of WebAssembly's JavaScript interface that is used here; its declarations come with browsers' only. */
interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer; readonly grow: (pages: number) => number };
      readonly compress: (block: number, count: number, last: number) => void;
    };
  };
}

// The compiler is given no DOM types, which alone declare WebAssembly.
const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface };
const { memory, compress } = new WebAssembly.Instance(new WebAssembly.Module(assemble())).exports;
let bytes = new Uint8Array(memory.buffer);

/** State before the first block: the parameter block says 32 bytes of output, no key, no tree. */
const INITIAL = new Uint8Array(
  BigUint64Array.from(IV, (word, i) => (i === 0 ? word ^ 0x01010000n ^ BigInt(OUTPUT_BYTES) : word)).buffer,
);

function reserve(size: number): void {
  if (size <= bytes.length) return;
  memory.grow(Math.ceil((size - bytes.length) / PAGE_BYTES));
  bytes = new Uint8Array(memory.buffer);
}

/** Hash of the parts, one after the other: 32 bytes. At most 4 GiB, the counter here having 32 bits. */
export function blake2b256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const part of parts) length += part.length;
  const blocks = Math.max(1, Math.ceil(length / BLOCK_BYTES));
  reserve(STATE_BYTES + blocks * BLOCK_BYTES);
  bytes.set(INITIAL);
  let end = STATE_BYTES;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.length;
  }
  bytes.fill(0, end, STATE_BYTES + blocks * BLOCK_BYTES);
  for (let i = 0; i < blocks - 1; i += 1) compress(STATE_BYTES + i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES, 0);
  compress(STATE_BYTES + (blocks - 1) * BLOCK_BYTES, length, -1);
  return bytes.slice(0, OUTPUT_BYTES);
}
