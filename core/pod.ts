import { z } from 'zod';

import { sha256, utf8, type Bytes } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import { FormatError } from './format-error.ts';
import { RECEIPT_ANNOTATION } from './names.ts';
import { cpuMilli, memoryBytes, QUANTITY_MAX } from './quantity.ts';

export interface Requests {
  readonly cpuMilli: bigint;
  readonly memoryBytes: bigint;
}

/** What the enclave keeps of a pod: a projection of what the API server sent, never the whole object. */
export interface PodFacts {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly schedulerName: string;
  readonly serviceAccount: string;
  /** SHA-256 of the canonical JSON (RFC 8785) of the spec without `nodeName` (docs/formats.md). */
  readonly specDigest: Bytes;
  /** What kube-scheduler reserves on a node for the pod. */
  readonly requests: Requests;
  /** Empty while the pod is not bound. */
  readonly nodeName: string;
  readonly nominatedNode: string;
  /** Annotation `k3s-daas.io/receipt`, empty if there is none. */
  readonly receipt: string;
  /** Pending, Running, … or Succeeded and Failed, which hold no capacity. */
  readonly phase: string;
  readonly deleting: boolean;
}

// Names are at most 253 characters in Kubernetes; containers are bounded by etcd's 1.5 MiB long before this.
const name = z.string().max(253);
const quantity = z.union([z.string().max(64), z.number().transform(String)]);
const amounts = z.looseObject({ cpu: quantity.optional(), memory: quantity.optional() });
const resources = z.looseObject({ requests: amounts.nullish() });
const container = z.looseObject({
  resources: resources.nullish(),
  restartPolicy: z.string().max(64).nullish(),
});

const podSchema = z.looseObject({
  metadata: z.looseObject({
    uid: z.string().min(1).max(128),
    namespace: name.min(1),
    name: name.min(1),
    resourceVersion: z.string().max(64).default(''),
    deletionTimestamp: z.string().max(64).nullish(),
    annotations: z.record(z.string(), z.string()).nullish(),
  }),
  spec: z.looseObject({
    schedulerName: name.default('default-scheduler'),
    serviceAccountName: name.default('default'),
    nodeName: name.default(''),
    containers: z.array(container).max(4096),
    initContainers: z.array(container).max(4096).nullish(),
    overhead: amounts.nullish(),
    resources: resources.nullish(),
  }),
  status: z
    .looseObject({ nominatedNodeName: name.default(''), phase: z.string().max(64).default('Pending') })
    .default({ nominatedNodeName: '', phase: 'Pending' }),
});

type PodSpec = z.infer<typeof podSchema>['spec'];
type Amounts = z.infer<typeof amounts>;

/**
 * The facts of a Pod as the API server or kube-scheduler wrote it in JSON; unknown fields are ignored, but count in
 * the digest of the spec.
 * @throws FormatError POD_MALFORMED, QUANTITY_MALFORMED or JSON_NOT_CANONICALISABLE
 */
export function podFacts(json: unknown): PodFacts {
  const parsed = podSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue === undefined ? '' : ` at ${issue.path.join('.')}: ${issue.message}`;
    throw new FormatError('POD_MALFORMED', `not a Pod${where}`, { cause: parsed.error });
  }
  const { metadata, spec, status } = parsed.data;
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
    schedulerName: spec.schedulerName,
    serviceAccount: spec.serviceAccountName === '' ? 'default' : spec.serviceAccountName,
    // Of what was sent, not of what zod made of it: defaults are no part of the spec.
    specDigest: podSpecDigest((json as { readonly spec: object }).spec),
    requests: effectiveRequests(spec),
    nodeName: spec.nodeName,
    nominatedNode: status.nominatedNodeName,
    receipt: metadata.annotations?.[RECEIPT_ANNOTATION] ?? '',
    phase: status.phase,
    deleting: typeof metadata.deletionTimestamp === 'string',
  };
}

/** SHA-256("k3s-daas/pod-spec/v1" ‖ RFC 8785 of the spec without `nodeName`): binding changes nothing else. */
export function podSpecDigest(spec: object): Bytes {
  const bare: Record<string, unknown> = { ...spec };
  delete bare['nodeName'];
  return sha256(utf8('k3s-daas/pod-spec/v1'), utf8(canonicalJson(bare)));
}

const NOTHING: Requests = { cpuMilli: 0n, memoryBytes: 0n };

/**
 * What kube-scheduler reserves: k8s.io/component-helpers/resource PodRequests. Init containers run one after the
 * other, each beside the sidecars started before it; pod-level requests replace the sum, overhead comes on top.
 */
function effectiveRequests(spec: PodSpec): Requests {
  let running = NOTHING;
  for (const each of spec.containers) running = sum(running, requestsOf(each.resources?.requests));
  let sidecars = NOTHING;
  let starting = NOTHING;
  for (const each of spec.initContainers ?? []) {
    const own = requestsOf(each.resources?.requests);
    if (each.restartPolicy === 'Always') {
      running = sum(running, own);
      sidecars = sum(sidecars, own);
      starting = larger(starting, sidecars);
    } else {
      starting = larger(starting, sum(own, sidecars));
    }
  }
  const wanted = larger(running, starting);
  const level = spec.resources?.requests;
  const replaced: Requests = {
    cpuMilli: level?.cpu === undefined ? wanted.cpuMilli : cpuMilli(level.cpu),
    memoryBytes: level?.memory === undefined ? wanted.memoryBytes : memoryBytes(level.memory),
  };
  return sum(replaced, requestsOf(spec.overhead));
}

function requestsOf(given: Amounts | null | undefined): Requests {
  return {
    cpuMilli: given?.cpu === undefined ? 0n : cpuMilli(given.cpu),
    memoryBytes: given?.memory === undefined ? 0n : memoryBytes(given.memory),
  };
}

const capped = (value: bigint): bigint => (value > QUANTITY_MAX ? QUANTITY_MAX : value);
const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function sum(a: Requests, b: Requests): Requests {
  return { cpuMilli: capped(a.cpuMilli + b.cpuMilli), memoryBytes: capped(a.memoryBytes + b.memoryBytes) };
}

function larger(a: Requests, b: Requests): Requests {
  return { cpuMilli: max(a.cpuMilli, b.cpuMilli), memoryBytes: max(a.memoryBytes, b.memoryBytes) };
}
