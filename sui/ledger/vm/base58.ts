/** Base58 of digests (Bitcoin's alphabet), 32 bytes at a time and so without the general case of any length. */

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const BYTES = 32;
const WORDS = BYTES / 4;
/** Digits taken at a time: a remainder below 58^3 and a word of 32 bits fit in the 53 bits of a number. */
const DIGITS = 3;
const STEP = 58 ** DIGITS;
const ONE = 0x31;
/** 45 digits hold 32 bytes. */
const STEPS = 15;
const TEXT_LENGTH = STEPS * DIGITS;
/** No 32 bytes take more. */
const TEXT_MAX = 44;

const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i += 1) VALUES[ALPHABET.charCodeAt(i)] = i;

const text = Buffer.alloc(TEXT_LENGTH);

/** @throws RangeError unless there are 32 bytes */
export function digestText(bytes: Uint8Array): string {
  if (bytes.length !== BYTES) throw new RangeError(`a digest has ${BYTES} bytes`);
  const words = new Array<number>(WORDS);
  let zeros = 0;
  while (zeros < BYTES && bytes[zeros] === 0) zeros += 1;
  for (let i = 0; i < WORDS; i += 1) {
    const at = i * 4;
    words[i] =
      (bytes[at] as number) * 0x1000000 +
      (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }
  let first = 0;
  for (let at = TEXT_LENGTH - 1; at >= 0;) {
    let rest = 0;
    while (first < WORDS && words[first] === 0) first += 1;
    for (let i = first; i < WORDS; i += 1) {
      const value = rest * 0x100000000 + (words[i] as number);
      const quotient = Math.floor(value / STEP);
      words[i] = quotient;
      rest = value - quotient * STEP;
    }
    for (let i = 0; i < DIGITS; i += 1, at -= 1) {
      const next = Math.floor(rest / 58);
      text[at] = ALPHABET.charCodeAt(rest - next * 58);
      rest = next;
    }
  }
  let start = 0;
  while (text[start] === ONE) start += 1;
  // Each zero byte in front is a `1`, and there are at least as many of them here.
  return text.toString('latin1', start - zeros);
}

function leadingOnes(text: string): number {
  let count = 0;
  while (text.charCodeAt(count) === ONE) count += 1;
  return count;
}

/** @throws SyntaxError unless the text is the base58 of 32 bytes */
export function digestBytes(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > TEXT_MAX) throw new SyntaxError('not a digest');
  const words = new Array<number>(WORDS).fill(0);
  for (let at = 0; at < text.length;) {
    let factor = 1;
    let value = 0;
    for (let i = 0; i < DIGITS && at < text.length; i += 1, at += 1) {
      const digit = VALUES[text.charCodeAt(at)] ?? -1;
      if (digit < 0) throw new SyntaxError('not a digest');
      factor *= 58;
      value = value * 58 + digit;
    }
    for (let i = WORDS - 1; i >= 0; i -= 1) {
      const sum = (words[i] as number) * factor + value;
      value = Math.floor(sum / 0x100000000);
      words[i] = sum - value * 0x100000000;
    }
    if (value !== 0) throw new SyntaxError('not a digest');
  }
  const bytes = new Uint8Array(BYTES);
  for (let i = 0; i < WORDS; i += 1) {
    const word = words[i] as number;
    bytes[4 * i] = word >>> 24;
    bytes[4 * i + 1] = word >>> 16;
    bytes[4 * i + 2] = word >>> 8;
    bytes[4 * i + 3] = word;
  }
  let zeros = 0;
  while (zeros < BYTES && bytes[zeros] === 0) zeros += 1;
  // Each zero byte in front is a `1` of its own, and no other `1` stands there.
  if (leadingOnes(text) !== zeros) throw new SyntaxError('not a digest');
  return bytes;
}
