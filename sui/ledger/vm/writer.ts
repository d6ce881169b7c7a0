import { digestBytes } from './base58.ts';

const FIRST_BYTES = 4_096;
/** Beyond this the buffer is given back after use. */
const KEPT_BYTES = 1 << 20;

/** Value of a hexadecimal digit by its character code. */
const NIBBLES = new Uint8Array(128);
for (let i = 0; i < 16; i += 1) {
  NIBBLES[i.toString(16).charCodeAt(0)] = i;
  NIBBLES[i.toString(16).toUpperCase().charCodeAt(0)] = i;
}

/** Writes BCS into a buffer that is used again and again: one writer serves one value at a time. */
export class ByteWriter {
  #bytes = new Uint8Array(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** What was written since the last call, as bytes of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    const written = this.#bytes.slice(0, this.#length);
    this.clear();
    return written;
  }

  /** Forgets what was written. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#use(new Uint8Array(FIRST_BYTES));
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  /** Makes room for `count` bytes and returns where they go. */
  #take(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, at));
      this.#use(larger);
    }
    return at;
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#bytes[at] = value;
  }

  bool(value: boolean): void {
    this.u8(value ? 1 : 0);
  }

  u16(value: number): void {
    const at = this.#take(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: bigint): void {
    const at = this.#take(8);
    this.#view.setBigUint64(at, value, true);
  }

  /** u128 and u256: `words` of 64 bits. */
  wide(value: bigint, words: number): void {
    let rest = value;
    for (let i = 0; i < words; i += 1) {
      this.u64(BigInt.asUintN(64, rest));
      rest >>= 64n;
    }
  }

  /** ULEB128, up to 32 bits. */
  uleb(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  /** Bytes as they are, without their number. */
  raw(bytes: ArrayLike<number>): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** `vector<u8>` */
  blob(bytes: ArrayLike<number>): void {
    this.uleb(bytes.length);
    this.raw(bytes);
  }

  /** Text of ASCII characters: names of modules and the like. */
  ascii(text: string): void {
    this.uleb(text.length);
    const at = this.#take(text.length);
    for (let i = 0; i < text.length; i += 1) this.#bytes[at + i] = text.charCodeAt(i);
  }

  /** `0x` and 64 hex digits as 32 bytes. */
  address(text: string): void {
    const at = this.#take(32);
    for (let i = 0; i < 32; i += 1) {
      const high = NIBBLES[text.charCodeAt(2 + 2 * i)] as number;
      this.#bytes[at + i] = (high << 4) | (NIBBLES[text.charCodeAt(3 + 2 * i)] as number);
    }
  }

  /** Base58 of a digest as a vector of 32 bytes. */
  digest(text: string): void {
    this.blob(digestBytes(text));
  }
}
