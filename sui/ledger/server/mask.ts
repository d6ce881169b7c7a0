import { GrpcError, Status } from './method.ts';

/** Paths of a read mask (google.protobuf.FieldMask). */
export type Mask = { readonly paths: readonly string[] } | undefined;

/** The wanted fields of a message by proto name; null wants all of it. */
type Tree = Map<string, Tree> | null;

interface FieldShape {
  /** snake_case, as masks name it. */
  readonly name: string;
  readonly localName: string;
  readonly kind: string;
  readonly oneof?: string | undefined;
  /** Type of a message field. */
  readonly T?: unknown;
}

/** A runtime message type of @mysten/sui/grpc, as far as masks look at it. */
export interface MaskableType {
  readonly fields: readonly FieldShape[];
}

interface CreatableType extends MaskableType {
  create(): object;
}

/** What of a message a caller wants. */
export interface Selection {
  /** Whether the field (proto name) or a part of it is wanted: what is dear to make can be left out. */
  readonly wants: (field: string) => boolean;
  /** A copy with only what is wanted. */
  readonly trim: <T extends object>(message: T) => T;
}

/**
 * Reads a mask for messages of `type`; `fallback` (comma-separated paths, `*` for everything) stands in for an absent
 * one. Throws GrpcError INVALID_ARGUMENT, with a full node's text, for a path that the message does not have.
 */
export function select(type: MaskableType, mask: Mask, fallback: string): Selection {
  const tree: Tree = new Map();
  for (const path of mask?.paths ?? fallback.split(',')) {
    if (path === '*') return { wants: () => true, trim: (message) => message };
    if (!exists(type, path.split('.')))
      throw new GrpcError(Status.invalidArgument, `invalid read_mask path: ${path}`);
    insert(tree, path.split('.'));
  }
  return {
    wants: (field) => tree.has(field),
    trim: <T extends object>(message: T) => trim(type as CreatableType, message, tree) as T,
  };
}

function exists(type: MaskableType, [name, ...rest]: readonly string[]): boolean {
  const field = type.fields.find((one) => one.name === name);
  if (field === undefined) return false;
  return rest.length === 0 || (field.kind === 'message' && exists(typeOf(field), rest));
}

function typeOf(field: FieldShape): CreatableType {
  return (field.T as () => CreatableType)();
}

function insert(tree: Map<string, Tree>, [name = '', ...rest]: readonly string[]): void {
  const below = tree.get(name);
  if (below === null) return;
  if (rest.length === 0) {
    tree.set(name, null);
    return;
  }
  const branch = below ?? new Map<string, Tree>();
  tree.set(name, branch);
  insert(branch, rest);
}

function trim(type: CreatableType, message: object, tree: Map<string, Tree>): object {
  const source = message as Record<string, unknown>;
  const result = type.create() as Record<string, unknown>;
  for (const field of type.fields) {
    const below = tree.get(field.name);
    if (below === undefined) continue;
    const { localName, oneof } = field;
    if (oneof === undefined) {
      if (source[localName] !== undefined) result[localName] = trimValue(field, source[localName], below);
      continue;
    }
    const choice = source[oneof] as Record<string, unknown>;
    if (choice['oneofKind'] === localName)
      result[oneof] = { oneofKind: localName, [localName]: trimValue(field, choice[localName], below) };
  }
  return result;
}

function trimValue(field: FieldShape, value: unknown, tree: Tree): unknown {
  if (tree === null) return value;
  const type = typeOf(field);
  return Array.isArray(value)
    ? value.map((one: object) => trim(type, one, tree))
    : trim(type, value as object, tree);
}
