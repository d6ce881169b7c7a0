import { z } from 'zod';

import { canonicalJson } from './canonical-json.ts';
import { isSuiId } from './codec.ts';
import { FormatError } from './format-error.ts';

/** Characters of a plan; it is one environment variable of a pod. */
export const FETCH_PLAN_CHARACTERS_MAX = 65_536;
/** The first init container of a sealed pod, and its variable that holds the plan. */
export const SEAL_FETCH = 'seal-fetch';
export const PLAN_VARIABLE = 'DAAS_PLAN';

const id = z.string().refine(isSuiId, 'expected 0x and 64 lower-case hex digits');
const name = z.string().regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'expected a DNS subdomain');
const volume = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'expected a DNS label');
const key = z.string().regex(/^[-._a-zA-Z0-9]{1,253}$/, 'expected a key of a Secret');
const u64Text = z.string().regex(/^(0|[1-9][0-9]{0,19})$/, 'expected a decimal number');
/** Relative, without `.` and `..` parts: what Kubernetes allows in `items[].path`. */
const path = z
  .string()
  .min(1)
  .max(1024)
  .refine(
    (text) => text.split('/').every((part) => !['', '.', '..'].includes(part)),
    'expected a relative path',
  )
  .refine(
    (text) => !text.startsWith('..') && !text.includes('\0'),
    'expected a path that does not begin with ..',
  );

const value = { secret: name, key };

const planSchema = z.strictObject({
  cluster: id,
  /** First version of the Move package: the one that Seal's identities are under. */
  package: id,
  /** Where the pod finds what opens its secrets. */
  broker: z.url(),
  relay: z.url(),
  chain: z.strictObject({ chainId: z.string().min(1).max(64), urls: z.array(z.url()).min(1).max(3) }),
  keyServers: z
    .array(z.strictObject({ objectId: id, weight: z.number().int().min(1).max(255) }))
    .min(1)
    .max(16),
  threshold: z.number().int().min(1).max(255),
  /** 0: fetch once, before the pod's other containers start. */
  refreshSeconds: z.number().int().min(0).max(86_400),
  secrets: z
    .array(
      z.strictObject({
        name,
        policy: id,
        version: u64Text,
        /** SHA-256 of each value's ciphertext, hex: what was admitted, and nothing else, is opened. */
        keys: z
          .array(z.strictObject({ key, sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
          .min(1)
          .max(256),
      }),
    )
    .min(1)
    .max(32),
  files: z
    .array(z.strictObject({ ...value, volume, path, mode: z.number().int().min(0).max(0o777) }))
    .max(512),
  /** Variables of the one file that `fileKeyRef`s read. */
  env: z.array(z.strictObject({ ...value, name: z.string().regex(/^V[0-9]{1,4}$/) })).max(512),
});

/** What seal-fetch does in one pod: made by the mutating webhook, checked by the validating one, signed for by the receipt. */
export type FetchPlan = z.infer<typeof planSchema>;

/** RFC 8785: one plan, one text. */
export function encodeFetchPlan(plan: FetchPlan): string {
  return canonicalJson(plan);
}

/** @throws FormatError PLAN_MALFORMED unless the text is the canonical form of a plan that names only what it has. */
export function parseFetchPlan(text: string): FetchPlan {
  if (text.length > FETCH_PLAN_CHARACTERS_MAX)
    throw malformed(`longer than ${FETCH_PLAN_CHARACTERS_MAX} characters`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw malformed('not JSON', cause);
  }
  const result = planSchema.safeParse(json);
  if (!result.success) throw malformed(z.prettifyError(result.error), result.error);
  const plan = result.data;
  if (encodeFetchPlan(plan) !== text) throw malformed('not the canonical form (RFC 8785)');
  requireConsistent(plan);
  return plan;
}

/**
 * A plan as it stands in a pod's spec. A kubelet replaces `$(NAME)` in variables and makes `$` of `$$`
 * (k8s.io/kubernetes/third_party/forked/golang/expansion), and an author's path may hold either: doubled, the plan comes
 * to seal-fetch as it was checked.
 */
export function encodePlanVariable(plan: FetchPlan): string {
  return encodeFetchPlan(plan).replaceAll('$', '$$$$');
}

/** The plan that seal-fetch gets of what stands in a pod's spec. @throws FormatError PLAN_MALFORMED */
export function parsePlanVariable(text: string): FetchPlan {
  const plan = parseFetchPlan(text.replaceAll('$$', () => '$'));
  if (encodePlanVariable(plan) !== text) throw malformed('a $ is not doubled');
  return plan;
}

function requireConsistent(plan: FetchPlan): void {
  const known = new Map(
    plan.secrets.map((secret) => [secret.name, new Set(secret.keys.map((each) => each.key))]),
  );
  if (known.size !== plan.secrets.length) throw malformed('a Secret is named twice');
  for (const { secret, key: wanted } of [...plan.files, ...plan.env]) {
    if (known.get(secret)?.has(wanted) !== true)
      throw malformed(`${secret}/${wanted} is not among its Secrets`);
  }
  requireUnique(
    plan.env.map((each) => each.name),
    'variable',
  );
  requireUnique(
    plan.files.map((each) => `${each.volume}/${each.path}`),
    'file',
  );
}

function requireUnique(names: readonly string[], what: string): void {
  if (new Set(names).size !== names.length) throw malformed(`a ${what} twice`);
}

function malformed(why: string, cause?: unknown): FormatError {
  return new FormatError('PLAN_MALFORMED', `not a plan of seal-fetch: ${why}`, { cause });
}
