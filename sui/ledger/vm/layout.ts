import type { Address, DatatypeType, Type } from './types.ts';

/** Ability bits as in the bytecode. */
export const Ability = { copy: 1, drop: 2, store: 4, key: 8 } as const;

/** Fields of a struct, or of each variant of an enum, with type arguments filled in. */
export type Layout =
  | { readonly kind: 'struct'; readonly fields: readonly Type[] }
  | { readonly kind: 'enum'; readonly variants: readonly (readonly Type[])[] };

/** What codecs and natives ask about types. */
export interface TypeInfo {
  layout(type: DatatypeType): Layout;
  /** Whether values of the type have all the abilities in the mask (`Ability`). */
  has(type: Type, mask: number): boolean;
  /** Id of the first version of the package that has the given id in a later one. */
  originalId(id: Address): Address;
}
