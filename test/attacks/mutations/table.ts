/**
 * Which check each family of the sealed attacks meets, and that an attack passes without it (main.ts runs them all;
 * table.test.ts keeps the table true to the sources).
 */
import { checks } from './checks.ts';
import { layers } from './layers.ts';
import { placement } from './placement.ts';
import { registered } from './registered.ts';
import type { Mutation, Table } from './edits.ts';

const tables: readonly Table[] = [checks, layers, placement, registered];

export const mutations: ReadonlyMap<string, readonly Mutation[]> = new Map(
  [...new Set(tables.flatMap((table) => Object.keys(table)))].map((family) => [
    family,
    tables.flatMap((table) => table[family] ?? []),
  ]),
);

/** What the API server refuses without any check of ours: attacks that meet these need no mutation. */
export const BY_THE_API_SERVER: readonly (readonly [refusal: RegExp, why: string])[] = [
  [/^RBAC: /, 'its authorizer, since nobody gave the tenant such a right'],
  [
    /^NodeRestriction$/,
    'its admission plugin: a kubelet writes itself and its own pods, and asks for their tokens',
  ],
  [/^403 Forbidden$/, 'a token for a pod of another UID'],
  [/^404 NotFound$/, 'a pod for a namespace that is not there'],
  [/^422 Invalid$/, 'fields that it lets nobody change'],
  [/^kept$/, 'it keeps the label by which namespaces are selected equal to the name'],
];

export const isByTheApiServer = (refusal: string): boolean =>
  BY_THE_API_SERVER.some(([pattern]) => pattern.test(refusal));
