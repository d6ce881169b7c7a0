import { z } from 'zod';

import { malformed } from './client.ts';

const metadataSchema = z.object({
  name: z.string().max(253),
  namespace: z.string().max(253).default(''),
  uid: z.string().min(1).max(128),
  resourceVersion: z.string().min(1).max(64),
});

/** The part of an object's metadata that a watch itself needs. */
export type ObjectMeta = z.infer<typeof metadataSchema>;

const changeSchema = z.object({
  type: z.enum(['ADDED', 'MODIFIED', 'DELETED']),
  object: z.looseObject({ metadata: metadataSchema }),
});

const bookmarkSchema = z.object({
  type: z.literal('BOOKMARK'),
  object: z.object({
    metadata: z.object({
      resourceVersion: z.string().min(1).max(64),
      annotations: z.record(z.string(), z.string()).nullish(),
    }),
  }),
});

const errorSchema = z.object({
  type: z.literal('ERROR'),
  object: z.object({ code: z.number().default(0), message: z.string().default('') }),
});

const eventSchema = z.discriminatedUnion('type', [changeSchema, bookmarkSchema, errorSchema]);

/** End of the synthetic ADDED events of a streaming list (KEP-3157). */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

export type WatchEvent =
  | {
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
      readonly object: unknown;
      readonly metadata: ObjectMeta;
    }
  | {
      readonly type: 'BOOKMARK';
      readonly metadata: { readonly resourceVersion: string };
      readonly endsList: boolean;
    }
  | { readonly type: 'ERROR'; readonly code: number; readonly message: string };

/** One line of a watch. @throws KubeError KUBE_RESPONSE_MALFORMED */
export function parseEvent(line: string): WatchEvent {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw malformed('a watch event is not JSON', cause);
  }
  const parsed = eventSchema.safeParse(json);
  if (!parsed.success) throw malformed('a watch event has an unknown form', parsed.error);
  const event = parsed.data;
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      // The object as it was sent: what zod made of it has other key orders and defaults.
      return {
        type: event.type,
        object: (json as { object: unknown }).object,
        metadata: event.object.metadata,
      };
    case 'BOOKMARK': {
      const { annotations, resourceVersion } = event.object.metadata;
      return {
        type: 'BOOKMARK',
        metadata: { resourceVersion },
        endsList: annotations?.[INITIAL_EVENTS_END] === 'true',
      };
    }
    case 'ERROR':
      return { type: 'ERROR', code: event.object.code, message: event.object.message };
  }
}
