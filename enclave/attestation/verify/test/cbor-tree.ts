/**
 * CBOR as a tree that remembers how each head is to be written, so that a mutation can change the form, the value
 * or the order alone. Reads what honest encoders write (RFC 8949), writes anything. Shares nothing with the verifier.
 */
import { head, join, raw } from './encoder.ts';

type Width = 0 | 1 | 2 | 4 | 8;

export type Node =
  | { kind: 'integer'; major: 0 | 1; value: bigint; width?: Width }
  | { kind: 'string'; major: 2 | 3; content: Uint8Array; width?: Width; indefinite?: boolean }
  | { kind: 'array'; items: Node[]; width?: Width; indefinite?: boolean }
  | { kind: 'map'; entries: [key: Node, value: Node][]; width?: Width; indefinite?: boolean }
  | { kind: 'tag'; tag: bigint; item: Node; width?: Width }
  /** Floats, simple values, and bytes that are no item at all. */
  | { kind: 'raw'; bytes: Uint8Array };

export const NULL: Node = { kind: 'raw', bytes: raw('f6') };
const BREAK = raw('ff');

export function encodeTree(node: Node): Uint8Array {
  switch (node.kind) {
    case 'integer':
      return head(node.major, node.value, node.width);
    case 'string':
      if (node.indefinite === true) {
        const half = node.content.length >> 1;
        const chunks = [node.content.slice(0, half), node.content.slice(half)];
        return join(
          indefinite(node.major),
          ...chunks.map((chunk) => join(head(node.major, chunk.length), chunk)),
          BREAK,
        );
      }
      return join(head(node.major, node.content.length, node.width), node.content);
    case 'array':
      return container(4, node.items.length, node.items.map(encodeTree), node);
    case 'map':
      return container(5, node.entries.length, node.entries.flat().map(encodeTree), node);
    case 'tag':
      return join(head(6, node.tag, node.width), encodeTree(node.item));
    case 'raw':
      return node.bytes;
  }
}

function indefinite(major: number): Uint8Array {
  return Uint8Array.of((major << 5) | 31);
}

function container(
  major: number,
  count: number,
  content: readonly Uint8Array[],
  form: { width?: Width; indefinite?: boolean },
): Uint8Array {
  if (form.indefinite === true) return join(indefinite(major), ...content, BREAK);
  return join(head(major, count, form.width), ...content);
}

/** @throws RangeError at what is not one well-formed item, or has a length over 2^32. */
export function parseTree(bytes: Uint8Array): Node {
  const reader = { bytes, at: 0 };
  const node = parseItem(reader);
  if (reader.at !== bytes.length) throw new RangeError('bytes after the item');
  return node;
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function take(reader: Reader, length: number): Uint8Array {
  if (reader.at + length > reader.bytes.length) throw new RangeError('truncated');
  reader.at += length;
  return reader.bytes.slice(reader.at - length, reader.at);
}

function parseItem(reader: Reader): Node {
  const start = reader.at;
  const [initial = 0] = take(reader, 1);
  const [major, info] = [initial >> 5, initial & 31];
  const open = info === 31;
  const size = info < 24 || open ? 0 : 1 << (info - 24);
  const value = size === 0 ? BigInt(info) : BigInt(`0x${Buffer.from(take(reader, size)).toString('hex')}`);
  const count = Number(value);
  const more = (seen: number): boolean => {
    if (!open) return seen < count;
    if (reader.bytes[reader.at] !== 0xff) return true;
    reader.at++;
    return false;
  };
  const form = open ? { indefinite: true } : {};
  switch (major) {
    case 0:
    case 1:
      return { kind: 'integer', major, value };
    case 2:
    case 3:
      if (open) throw new RangeError('honest encoders send no chunks here');
      return { kind: 'string', major, content: take(reader, count) };
    case 4: {
      const items: Node[] = [];
      while (more(items.length)) items.push(parseItem(reader));
      return { kind: 'array', items, ...form };
    }
    case 5: {
      const entries: [Node, Node][] = [];
      while (more(entries.length)) entries.push([parseItem(reader), parseItem(reader)]);
      return { kind: 'map', entries, ...form };
    }
    case 6:
      return { kind: 'tag', tag: value, item: parseItem(reader) };
    default:
      return { kind: 'raw', bytes: reader.bytes.slice(start, reader.at) };
  }
}

/** Every node of the tree, the root first. */
export function nodesOf(node: Node): Node[] {
  if (node.kind === 'array') return [node, ...node.items.flatMap(nodesOf)];
  if (node.kind === 'map') return [node, ...node.entries.flat().flatMap(nodesOf)];
  return node.kind === 'tag' ? [node, ...nodesOf(node.item)] : [node];
}
