import { bodies, outage } from './bodies.ts';
import type { Family } from './cases.ts';
import { ciphertext } from './ciphertext.ts';
import { connections } from './connections.ts';
import { markers } from './markers.ts';
import { namespaces } from './namespaces.ts';
import { lookups, placement } from './placement.ts';
import { references } from './references.ts';
import { registrations } from './registrations.ts';
import { shape } from './shape.ts';
import { templates } from './templates.ts';
import { tokens } from './tokens.ts';
import { unreadModes } from './unread-modes.ts';
import { updates } from './updates.ts';

/** In this order: what changes things for everyone comes last. */
export const families: readonly Family[] = [
  markers,
  namespaces,
  references,
  connections,
  updates,
  placement,
  templates,
  ciphertext,
  tokens,
  bodies,
  registrations,
  lookups,
  unreadModes,
  shape,
  outage,
];
