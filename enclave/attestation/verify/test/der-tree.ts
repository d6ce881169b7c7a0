/** DER as a tree, for mutations of certificates that keep every length around them right. */
import { join } from './encoder.ts';

export interface DerNode {
  tag: number;
  /** Of constructed elements, and of octet strings that hold an element, as extension values do. */
  children: DerNode[] | undefined;
  content: Uint8Array;
  /** Writes the length in one byte more than it needs, which is BER and not DER. */
  longLength?: boolean;
}

const OCTET_STRING = 0x04;
const CONSTRUCTED = 0x20;

export function encodeDer(node: DerNode): Uint8Array {
  const content = node.children === undefined ? node.content : join(...node.children.map(encodeDer));
  const digits = content.length.toString(16);
  const shortest = content.length < 0x80 ? 0 : Math.ceil(digits.length / 2);
  const size = shortest + (node.longLength === true ? 1 : 0);
  const length =
    size === 0
      ? [content.length]
      : [0x80 | size, ...Buffer.from(digits.padStart(2 * size, '0').slice(-2 * size), 'hex')];
  return join(Uint8Array.of(node.tag, ...length), content);
}

/** @throws RangeError at what is not one element. */
export function parseDer(bytes: Uint8Array): DerNode {
  const [node, ...rest] = parseAll(bytes);
  if (node === undefined || rest.length > 0) throw new RangeError('not one element');
  return node;
}

function parseAll(bytes: Uint8Array): DerNode[] {
  const nodes: DerNode[] = [];
  for (let at = 0; at < bytes.length;) {
    const [tag, initial] = [bytes[at], bytes[at + 1]];
    if (tag === undefined || initial === undefined) throw new RangeError('truncated');
    const size = initial < 0x80 ? 0 : initial & 0x7f;
    let length = size === 0 ? initial : 0;
    for (const byte of bytes.subarray(at + 2, at + 2 + size)) length = length * 256 + byte;
    const from = at + 2 + size;
    if (size > 2 || from + length > bytes.length) throw new RangeError('truncated');
    const content = bytes.slice(from, from + length);
    nodes.push({ tag, content, children: childrenOf(tag, content) });
    at = from + length;
  }
  return nodes;
}

function childrenOf(tag: number, content: Uint8Array): DerNode[] | undefined {
  if ((tag & CONSTRUCTED) !== 0) return parseAll(content);
  if (tag !== OCTET_STRING) return undefined;
  try {
    return [parseDer(content)];
  } catch {
    return undefined;
  }
}

/** Every element, the outermost first. */
export function elementsOf(node: DerNode): DerNode[] {
  return [node, ...(node.children ?? []).flatMap(elementsOf)];
}
