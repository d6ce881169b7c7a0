/**
 * Where a COSE_Sign1 differs from the one that it was made of: by RFC 9052's elements, and for byte strings whether it
 * is what they hold or only how they are written. Reads any well-formed CBOR; shares nothing with the verifier.
 */
import type { Source } from './mutators.ts';

const ELEMENTS = ['protected', 'unprotected', 'payload', 'signature'] as const;
const BYTE_STRING = 2;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;

interface Head {
  readonly major: number;
  readonly count: number;
  readonly open: boolean;
  /** Just behind the head. */
  readonly end: number;
}

/** In the order of the document; `unreadable` for what is not well-formed. */
export function placesOf(document: Uint8Array, { parts }: Source): readonly string[] {
  try {
    const places: string[] = [];
    const { tags, at: start } = tagsOf(document, 0);
    if (tags.length > 0 && (tags.length > 1 || document[0] !== 0xd2))
      places.push(`tag ${tags.toReversed().join(' in ')}`);
    const array = headOf(document, start);
    if (array.major !== ARRAY) throw new RangeError('no array');
    const items = itemsOf(document, array);
    if (items.length < ELEMENTS.length) throw new RangeError('too short');
    if (items.length > ELEMENTS.length) places.push('more elements');
    else if (document[start] !== 0x84) places.push('array');
    const before = [parts.protectedHeader, parts.unprotectedHeader, parts.payload, parts.signature];
    for (const [index, name] of ELEMENTS.entries()) {
      const [from = 0, to = 0] = items[index] ?? [];
      const place = differs(document.subarray(from, to), before[index] ?? new Uint8Array(), name);
      if (place !== null) places.push(place);
    }
    if ((items.at(-1)?.[1] ?? array.end) + (array.open ? 1 : 0) !== document.length) places.push('behind it');
    return places;
  } catch (error) {
    if (error instanceof RangeError) return ['unreadable'];
    throw error;
  }
}

function differs(sent: Uint8Array, before: Uint8Array, name: (typeof ELEMENTS)[number]): string | null {
  if (name === 'unprotected') return Buffer.compare(sent, before) === 0 ? null : name;
  const { tags, at } = tagsOf(sent, 0);
  const head = headOf(sent, at);
  if (head.major !== BYTE_STRING) return name;
  const content = head.open
    ? Buffer.concat(itemsOf(sent, head).map(([from, to]) => sent.subarray(headOf(sent, from).end, to)))
    : sent.subarray(head.end);
  // Of the right length it is the other form of the same, or was made anew over what else is different.
  const same =
    name === 'signature' ? content.length === before.length : Buffer.compare(content, before) === 0;
  if (!same) return name;
  if (tags.length > 0) return `tag of ${name}`;
  const shortest = content.length < 24 ? 1 : content.length < 256 ? 2 : content.length < 65_536 ? 3 : 5;
  return head.open || head.end !== shortest ? `form of ${name}` : null;
}

function tagsOf(bytes: Uint8Array, start: number): { tags: number[]; at: number } {
  const tags: number[] = [];
  let at = start;
  for (let head = headOf(bytes, at); head.major === TAG; head = headOf(bytes, at)) {
    tags.push(head.count);
    at = head.end;
  }
  return { tags, at };
}

function headOf(bytes: Uint8Array, at: number): Head {
  const initial = bytes[at];
  if (initial === undefined) throw new RangeError('truncated');
  const info = initial & 31;
  const size = info < 24 || info === 31 ? 0 : 1 << (info - 24);
  const end = at + 1 + size;
  if (size > 8 || end > bytes.length) throw new RangeError('no head');
  const digits = Buffer.from(bytes.subarray(at + 1, end)).toString('hex');
  return { major: initial >> 5, count: size === 0 ? info : Number(`0x${digits}`), open: info === 31, end };
}

/** First byte and end of each item in an array, a map, or a string of chunks. */
function itemsOf(bytes: Uint8Array, { major, count, open, end }: Head): [from: number, to: number][] {
  const items: [number, number][] = [];
  const wanted = major === MAP ? 2 * count : count;
  let at = end;
  while (open ? bytes[at] !== 0xff : items.length < wanted) {
    const to = endOf(bytes, at);
    items.push([at, to]);
    at = to;
  }
  return items;
}

function endOf(bytes: Uint8Array, at: number): number {
  const head = headOf(bytes, at);
  const { major, count, open, end } = head;
  if (major === TAG) return endOf(bytes, end);
  if (open || major === ARRAY || major === MAP)
    return (itemsOf(bytes, head).at(-1)?.[1] ?? end) + (open ? 1 : 0);
  const to = major === BYTE_STRING || major === 3 ? end + count : end;
  if (to > bytes.length) throw new RangeError('truncated');
  return to;
}
