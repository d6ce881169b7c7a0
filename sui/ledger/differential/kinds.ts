/** Kinds of objects in the driver's world, in the order of its fields and of `driver::object`. */
export const KINDS = [
  'cluster',
  'cap',
  'position',
  'slot',
  'session',
  'proposal',
  'pass',
  'policy',
  'grant',
  'recovery',
  'timelock',
  'ticket',
  'key_server',
] as const;
export type Kind = (typeof KINDS)[number];
