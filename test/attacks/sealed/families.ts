import type { Family } from './cases.ts';
import { connections } from './connections.ts';
import { markers } from './markers.ts';
import { namespaces } from './namespaces.ts';
import { references } from './references.ts';
import { shape } from './shape.ts';
import { updates } from './updates.ts';

/** In this order: what changes things for everyone comes last. */
export const families: readonly Family[] = [markers, namespaces, references, connections, updates, shape];
