/**
 * Move values as JavaScript values: bool → boolean; u8, u16, u32 → number; u64 and wider → bigint; address → text of
 * `0x` and 64 hex digits; vector and struct → array (of elements, of fields in order); enum → Variant.
 */
export type Value = boolean | number | bigint | string | Value[] | Variant | Ref;

export class Variant {
  readonly tag: number;
  readonly fields: Value[];
  constructor(tag: number, fields: Value[]) {
    this.tag = tag;
    this.fields = fields;
  }
}

/** A reference: one slot of a container (locals, fields or elements). */
export class Ref {
  readonly container: Value[];
  readonly index: number;
  constructor(container: Value[], index: number) {
    this.container = container;
    this.index = index;
  }

  get(): Value {
    return this.container[this.index] as Value;
  }

  set(value: Value): void {
    this.container[this.index] = value;
  }
}

/** Counts work against the limit of one transaction. */
export interface Meter {
  charge(units: number): void;
}

/** Deep copy; charges one unit per element, so that copying cannot outgrow the step limit. */
export function copyValue(value: Value, meter: Meter): Value {
  if (Array.isArray(value)) {
    const length = value.length;
    meter.charge(length);
    const copy = new Array<Value>(length);
    for (let i = 0; i < length; i += 1) {
      const item = value[i] as Value;
      copy[i] = typeof item === 'object' ? copyValue(item, meter) : item;
    }
    return copy;
  }
  return value instanceof Variant ? new Variant(value.tag, copyValue(value.fields, meter) as Value[]) : value;
}

/** Move's structural equality; references compare by what they point at. */
export function equalValues(left: Value, right: Value, meter: Meter): boolean {
  const a = left instanceof Ref ? left.get() : left;
  const b = right instanceof Ref ? right.get() : right;
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (a instanceof Variant)
    return b instanceof Variant && a.tag === b.tag && equalValues(a.fields, b.fields, meter);
  if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
  meter.charge(a.length);
  for (let i = 0; i < a.length; i += 1) if (!equalValues(a[i] as Value, b[i] as Value, meter)) return false;
  return true;
}

/** `vector<u8>`, by value or by reference, as bytes. */
export function bytesOf(value: Value): Uint8Array {
  return Uint8Array.from((value instanceof Ref ? value.get() : value) as number[]);
}
