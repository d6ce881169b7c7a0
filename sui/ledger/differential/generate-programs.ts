import type { Case } from './compare.ts';
import { caseOfCall } from './generate-arithmetic.ts';
import { bool, u64, u8, type Argument } from './literals.ts';
import type { Random } from './random.ts';
import type { Loader } from '../vm/loader.ts';

/** Integer types by width. */
const WIDTHS = [8, 16, 32, 64, 128, 256] as const;
const INTEGERS = WIDTHS.map((width) => `u${width}`);
const DEPTH = 3;
const CALLS = 4;
const MODULE = 'programs';

/** What every program may use: types, generics, references in and out. */
const PRELUDE = `module k3s_daas::programs;

use std::bcs;

public struct Point has copy, drop { x: u64, y: u8, list: vector<u64> }

public struct Pair<A: copy + drop, B: copy + drop> has copy, drop { left: A, right: B }

public enum Shape has copy, drop { Dot, Line(u64), Box { width: u64, deep: bool } }

fun choose<T: copy + drop>(list: &vector<T>, i: u64, other: T): T {
    if (i < list.length()) list[i] else other
}

fun bump(number: &mut u64, by: u64) { *number = *number ^ (by % 4096) }

fun field(point: &mut Point, first: bool): &mut u64 {
    if (first || point.list.is_empty()) &mut point.x else &mut point.list[0]
}

fun swapped<A: copy + drop, B: copy + drop>(pair: Pair<A, B>): Pair<B, A> {
    let Pair { left, right } = pair;
    Pair { left: right, right: left }
}

fun size(shape: &Shape): u64 {
    match (shape) {
        Shape::Dot => 1,
        Shape::Line(n) if (*n > 1000) => 2,
        Shape::Line(n) => *n,
        Shape::Box { width, deep: true } => *width / 2,
        Shape::Box { width, .. } => *width,
    }
}

fun mix<T>(hash: &mut u64, value: &T) {
    bcs::to_bytes(value).do!(|byte| *hash = (*hash * 31 + (byte as u64)) % 1_000_003);
}

fun down(n: u64): u64 { if (n == 0) 1 else 2 + down(n - 1) }
`;

interface Local {
  readonly name: string;
  readonly type: string;
}

/** Writes one function of Move that its compiler takes, of a grammar whose words keep to their types. */
class Writer {
  readonly #random: Random;
  readonly #locals: Local[] = [];
  #names = 0;
  #loops = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  program(name: string): string {
    this.#locals.push({ name: 'a', type: 'u64' }, { name: 'b', type: 'u8' }, { name: 'c', type: 'bool' });
    const lines: string[] = ['let mut hash = 7u64;'];
    for (const type of [...INTEGERS, 'vector<u64>', 'Point', 'Shape']) {
      if (type === 'u8' || this.#random.chance(35)) lines.push(this.#declare(type));
    }
    for (let i = 3 + this.#random.below(6); i > 0; i -= 1) lines.push(this.#statement(DEPTH));
    const result = [
      'let mut out = vector[];',
      ...this.#locals.map((local) => `out.append(bcs::to_bytes(&${local.name}));`),
      'mix(&mut hash, &out);',
      'out.append(bcs::to_bytes(&hash));',
      'out',
    ];
    const body = [...lines, ...result].map((line) => `    ${line}`).join('\n');
    return `public fun ${name}(mut a: u64, mut b: u8, mut c: bool): vector<u8> {\n${body}\n}`;
  }

  #declare(type: string): string {
    const value = this.#expression(type, DEPTH);
    this.#names += 1;
    const name = `v${this.#names}`;
    this.#locals.push({ name, type });
    return `let mut ${name}: ${type} = ${value};`;
  }

  #local(type: string): string | null {
    const fitting = this.#locals.filter((local) => local.type === type);
    return fitting.length === 0 ? null : this.#random.pick(fitting).name;
  }

  #integer(type: string): string {
    const random = this.#random;
    const value = random.chance(60) ? BigInt(random.below(20)) : random.integer(Number(type.slice(1)));
    return `${value}${type}`;
  }

  #expression(type: string, depth: number): string {
    const random = this.#random;
    const local = this.#local(type);
    if (depth <= 0 || random.chance(20)) {
      if (local !== null && random.chance(70)) return local;
      return this.#leaf(type);
    }
    if (random.chance(8))
      return `(if (${this.#test(depth - 1)}) ${this.#expression(type, depth - 1)} else ${this.#expression(type, depth - 1)})`;
    if (type === 'bool') return this.#condition(depth);
    if (INTEGERS.includes(type)) return this.#arithmetic(type, depth);
    return this.#leaf(type, depth);
  }

  #leaf(type: string, depth = 0): string {
    const random = this.#random;
    const number = (): string => this.#expression('u64', depth - 1);
    if (INTEGERS.includes(type)) return this.#integer(type);
    if (type === 'bool') return String(random.chance(50));
    if (type === 'vector<u64>') {
      if (random.chance(30)) return `vector::tabulate!(${random.below(6)}, |i| i ^ ${this.#integer('u64')})`;
      return `vector<u64>[${Array.from({ length: random.below(5) }, number).join(', ')}]`;
    }
    if (type === 'Point')
      return `Point { x: ${number()}, y: ${this.#expression('u8', depth - 1)}, list: ${this.#expression('vector<u64>', depth - 1)} }`;
    return random.pick([
      () => 'Shape::Dot',
      () => `Shape::Line(${number()})`,
      () => `Shape::Box { width: ${number()}, deep: ${this.#expression('bool', depth - 1)} }`,
    ])();
  }

  #arithmetic(type: string, depth: number): string {
    const random = this.#random;
    const inner = (): string => this.#expression(type, depth - 1);
    const choices = [
      // Masked, or nearly every program would end in an overflow.
      () => `((${inner()} % 251${type}) ${random.pick(['+', '*'])} 1${type})`,
      () => `(${inner()} ${random.pick(['&', '|', '^'])} ${inner()})`,
      () =>
        `(${inner()} ${random.pick(['/', '%'])} ${random.chance(97) ? `(${inner()} | 1${type})` : inner()})`,
      () =>
        `(${inner()} ${random.pick(['<<', '>>'])} ${random.chance(96) ? random.below(8) : this.#expression('u8', depth - 1)})`,
      () => `((${this.#expression(random.pick(INTEGERS), depth - 1)} % 200) as ${type})`,
    ];
    if (type === 'u64') choices.push(...this.#numbers(depth));
    const free = [
      () => `(${inner()} ${random.pick(['+', '-', '*'])} ${inner()})`,
      () => `(${this.#expression(random.pick(INTEGERS), depth - 1)} as ${type})`,
    ];
    return random.pick(random.chance(95) ? choices : free)();
  }

  /** Of u64, because it is what containers count and hold. */
  #numbers(depth: number): (() => string)[] {
    const vector = (): string => this.#expression('vector<u64>', depth - 1);
    return [
      () => `choose(&${vector()}, ${this.#expression('u64', depth - 1)} % 4, ${this.#integer('u64')})`,
      () => `size(&${this.#expression('Shape', depth - 1)})`,
      () => `${vector()}.length()`,
      () => `${this.#expression('Point', depth - 1)}.x`,
      () => `down(${this.#expression('u64', depth - 1)} % 30)`,
      () =>
        `swapped(Pair { left: ${this.#expression('u8', depth - 1)}, right: ${this.#expression('u64', depth - 1)} }).left`,
    ];
  }

  /** A condition that the compiler cannot know: its optimizer panics on some loops that never run. */
  #test(depth: number): string {
    return `(${this.#expression('bool', depth)} != (b == ${this.#random.below(250)}))`;
  }

  #condition(depth: number): string {
    const random = this.#random;
    const type = random.pick([...INTEGERS, 'vector<u64>', 'Point', 'Shape']);
    const inner = (of: string): string => this.#expression(of, depth - 1);
    const operators = INTEGERS.includes(type) ? ['<', '<=', '>', '>=', '==', '!='] : ['==', '!='];
    return random.pick([
      () => `(${inner(type)} ${random.pick(operators)} ${inner(type)})`,
      () => `(${inner('bool')} ${random.pick(['&&', '||'])} ${inner('bool')})`,
      () => `!${inner('bool')}`,
    ])();
  }

  /** Statements of a block: what they declare is gone after it, its value mixed in. */
  #block(depth: number): string {
    const { length } = this.#locals;
    const lines = Array.from({ length: 1 + this.#random.below(3) }, () => this.#statement(depth));
    const used = this.#locals.splice(length).map(({ name }) => `mix(&mut hash, &${name});`);
    return `{ ${[...lines, ...used].join(' ')} }`;
  }

  #statement(depth: number): string {
    const random = this.#random;
    if (depth > 0 && random.chance(35)) return this.#control(depth - 1);
    const type = random.pick([...INTEGERS, 'u64', 'bool', 'vector<u64>', 'vector<u64>', 'Point', 'Shape']);
    const local = this.#local(type);
    if (local === null) return this.#declare(type);
    if (type === 'vector<u64>' && random.chance(75)) return this.#onVector(local, depth);
    if (type === 'Point' && random.chance(75)) return this.#onPoint(local, depth);
    if (type === 'Shape' && random.chance(60))
      return `{ let value = ${this.#expression('u64', depth)}; match (&mut ${local}) { Shape::Line(n) => *n = value, Shape::Box { width, deep } => { *width = *width ^ 7; *deep = !*deep; }, Shape::Dot => () }; };`;
    if (type === 'u64' && random.chance(25))
      return `{ let by = ${this.#expression('u64', depth)}; bump(&mut ${local}, by); };`;
    const value = this.#expression(type, depth);
    // To itself it would be nothing, and the compiler's optimizer panics on some blocks of nothing.
    return value === local ? `mix(&mut hash, &${local});` : `${local} = ${value};`;
  }

  #onVector(local: string, depth: number): string {
    const number = (): string => this.#expression('u64', depth - 1);
    // Past the end now and then: a vector error. Below 2^32, because the runner's VM is built for 32 bits, where a
    // larger index ends in another error than on Sui's own machines.
    const index = (): string => `(${number()} % ${this.#random.chance(93) ? `${local}.length()` : '9'})`;
    const guarded = (code: string): string =>
      this.#random.chance(93) ? `if (!${local}.is_empty()) { ${code} };` : code;
    return this.#random.pick([
      () => `{ let value = ${number()}; ${local}.push_back(value); };`,
      () => guarded(`let i = ${index()}; let value = ${number()}; *&mut ${local}[i] = value;`),
      () => guarded(`let i = ${index()}; let j = ${index()}; ${local}.swap(i, j);`),
      () => guarded(`${local}.pop_back();`),
      () => guarded(`let i = ${index()}; ${local}.remove(i);`),
      () => `${local}.reverse();`,
      () =>
        `{ let more = ${this.#expression('vector<u64>', depth - 1)}; if (${local}.length() < 40) ${local}.append(more); };`,
      () => `${local}.do_mut!(|n| *n = *n ^ ${this.#integer('u64')});`,
      () => `${local} = ${local}.filter!(|n| *n % 3 != 0);`,
    ])();
  }

  #onPoint(local: string, depth: number): string {
    const number = (): string => this.#expression('u64', depth - 1);
    return this.#random.pick([
      () =>
        `{ let value = ${number()}; let first = ${this.#expression('bool', depth - 1)}; *field(&mut ${local}, first) = value; };`,
      () => `${local}.y = ${this.#expression('u8', depth - 1)};`,
      () => `{ let value = ${number()}; let x = &mut ${local}.x; *x = *x / 2 + value % 1000; };`,
      () => `{ let value = ${number()}; ${local}.list.push_back(value); };`,
      () => `{ let Point { x, y, list } = ${local}; ${local} = Point { x: x ^ (y as u64), y, list }; };`,
    ])();
  }

  #control(depth: number): string {
    const random = this.#random;
    const condition = this.#test(2);
    const choice = random.below(7);
    if (choice <= 1) return `if (${condition}) ${this.#block(depth)} else ${this.#block(depth)};`;
    if (choice === 2)
      return `if (${this.#test(1)} && ${random.below(12)} == a % 13) abort ${random.below(1000)};`;
    if (choice === 3) return `assert!(${condition} || a % 11 != ${random.below(12)}, ${random.below(1000)});`;
    if (choice === 4)
      return `if (b == ${random.below(9)}) return bcs::to_bytes(&${random.pick(this.#locals).name});`;
    this.#loops += 1;
    const i = `i${this.#loops}`;
    const label = `'loop${this.#loops}`;
    const head = `let mut ${i} = 0u64; ${label}: `;
    const leave = random.chance(40) ? `if (${condition}) break ${label};` : '';
    const skip = random.chance(30) ? `if (${i} % 3 == 1) continue ${label};` : '';
    const bound = random.below(7);
    const body = this.#block(depth);
    if (choice === 5) return `${head}while (${i} < ${bound}) { ${i} = ${i} + 1; ${skip} ${body}; ${leave} };`;
    return `${head}loop { if (${i} >= ${bound}) break ${label}; ${i} = ${i} + 1; ${skip} ${body}; ${leave} };`;
  }
}

/** The module with `count` programs. */
export function programModule(random: Random, count: number): string {
  const programs = Array.from({ length: count }, (_, i) => new Writer(random).program(`p${i}`));
  return [PRELUDE, ...programs].join('\n\n');
}

/** Calls of each program, as the ledger's VM answers them. */
export function programCases(loader: Loader, random: Random, count: number): Case[] {
  const cases: Case[] = [];
  for (let i = 0; i < count; i += 1) {
    for (let k = 0; k < CALLS; k += 1) {
      const args: Argument[] = [
        u64(random.chance(50) ? random.below(50) : random.integer(64)),
        u8(Number(random.integer(8))),
        bool(random.chance(50)),
      ];
      cases.push(caseOfCall(loader, `p${i}_${k}`, MODULE, `p${i}`, args));
    }
  }
  return cases;
}
