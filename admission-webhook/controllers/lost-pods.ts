import { z } from 'zod';

import { EXEMPT_NAMESPACES } from '../config.ts';
import { SEAL_FETCH } from '../sealed/container.ts';

const MESSAGE_CHARACTERS_MAX = 800;

const terminated = z.object({ exitCode: z.number(), message: z.string().default('') });
const stateSchema = z
  .object({
    running: z.unknown().optional(),
    waiting: z.object({ reason: z.string().default(''), message: z.string().default('') }).optional(),
    terminated: terminated.optional(),
  })
  .default({});
const statusesSchema = z
  .array(
    z.object({
      name: z.string(),
      state: stateSchema,
      lastState: stateSchema,
      ready: z.boolean().default(false),
    }),
  )
  .default([]);
const ownerSchema = z.object({
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().default(false),
});

/** What a kubelet says of the containers of a pod; and whose pod it is. */
export const podSchema = z.object({
  metadata: z.object({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    deletionTimestamp: z.string().optional(),
    ownerReferences: z.array(ownerSchema).default([]),
  }),
  status: z
    .object({ initContainerStatuses: statusesSchema, containerStatuses: statusesSchema })
    .default({ initContainerStatuses: [], containerStatuses: [] }),
});
export type WaitingPod = z.infer<typeof podSchema>;
export type Owner = z.infer<typeof ownerSchema>;

/** What the pod's `seal-fetch` said last, as one line of printable text; undefined if it has nothing to complain of. */
export function waitingMessage({ status }: WaitingPod): string | undefined {
  const container = status.initContainerStatuses.find(({ name }) => name === SEAL_FETCH);
  if (container === undefined) return undefined;
  const { state, lastState, ready } = container;
  // It has ended well, or, where it stays to refresh, its files are in place: what failed before is over.
  if (state.terminated?.exitCode === 0 || (state.running !== undefined && ready)) return undefined;
  const failed = [state.terminated, lastState.terminated].find(
    (each) => each !== undefined && each.exitCode !== 0 && each.message !== '',
  );
  const text = failed?.message ?? state.waiting?.message ?? '';
  // The pod's own words: what they say goes into an Event's message, and what they begin with decides of this pod.
  const line = text.trim().split('\n').at(-1) ?? '';
  const printable = line.replace(/\p{C}/gu, ' ').trim().slice(0, MESSAGE_CHARACTERS_MAX);
  return printable === '' ? undefined : printable;
}

/**
 * The last words of a pod that was made for what is no longer there (seal-fetch/errors.ts, enclave/broker/errors.ts). One
 * that refreshes says ROTATION_REFUSED: it started on content that is neither what it was admitted with nor signed.
 */
const IN_VAIN =
  /^(?:seal-fetch: )?(?:CIPHERTEXT_CHANGED: |SECRET_VERSION_WRONG: |ROTATION_REFUSED: |BROKER_REFUSED: the broker says POD_CHANGED: )/;

/**
 * Whether the pod can never start (again): as it is it gets no secrets, however often it asks. One whose containers run
 * is left to do so; only its refreshing has ended.
 */
export function isLost(pod: WaitingPod): boolean {
  const { metadata, status } = pod;
  if (metadata.deletionTimestamp !== undefined || EXEMPT_NAMESPACES.includes(metadata.namespace))
    return false;
  if (status.containerStatuses.some(({ state }) => state.running !== undefined)) return false;
  const fetch = status.initContainerStatuses.find(({ name }) => name === SEAL_FETCH);
  // While it runs it may yet succeed: the words are of the time before.
  if (fetch?.state.running !== undefined) return false;
  return IN_VAIN.test(waitingMessage(pod) ?? '');
}

/** Who makes a new pod if this one is gone. A Node owns mirror pods and makes nothing. */
export function controllerOf({ metadata }: WaitingPod): Owner | undefined {
  return metadata.ownerReferences.find(({ controller, kind }) => controller && kind !== 'Node');
}
