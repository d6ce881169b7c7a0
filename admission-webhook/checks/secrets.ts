import { checkMarks, SealedError } from '@k3s-daas/seal/sealed';

import { Denied } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import type { ReviewRules } from '../rules.ts';
import {
  asDenied,
  parseSecret,
  readSealedValues,
  requireAll,
  sealRulesOf,
  type RawSecret,
} from '../sealed/read-secret.ts';
import { changedMarks, marksOf } from './marks.ts';

const SERVICE_ACCOUNT_TOKEN = 'kubernetes.io/service-account-token';
/** Fills in tokens of that type, always as this user: its token controller takes no identity of its own. */
const TOKEN_CONTROLLER = 'system:kube-controller-manager';
const TOKEN_KEYS: readonly string[] = ['token', 'ca.crt', 'namespace'];

const HELM_RELEASE = 'helm.sh/release.v1';
/** Magic number and the one method that there is: RFC 1952 section 2.3.1. */
const GZIP = Buffer.from([0x1f, 0x8b, 0x08]);
const HELM_NAME = /^sh\.helm\.release\.v1\..+\.v[0-9]+$/;

/**
 * CREATE and UPDATE of a Secret in a guarded namespace: sealed for exactly this place, or one of the two kinds that
 * machines keep and no pod may reference.
 *
 * @throws Denied
 */
export function checkSecret(request: AdmissionRequest, rules: ReviewRules): void {
  const secret = parseSecret(request.object);
  if (request.operation === 'UPDATE' && isSame(parseSecret(request.oldObject), secret)) return;
  switch (secret.type) {
    case SERVICE_ACCOUNT_TOKEN:
      requireTokenController(request, secret);
      requireNoMarks(secret);
      break;
    case HELM_RELEASE:
      requireHelmRelease(secret);
      requireNoMarks(secret);
      break;
    default:
      requireSealed(secret, request.namespace, rules);
  }
  rules.facts.expectChange(request.namespace, secret.metadata.name);
}

function requireSealed(secret: RawSecret, namespace: string, { seal }: ReviewRules): void {
  const { values } = readSealedValues(secret, namespace, sealRulesOf(seal));
  requireAll([checkMarks(secret.metadata, values)]);
}

/** What was there before the webhook came may stay as it is: a finalizer must remain removable. */
function isSame(old: RawSecret, secret: RawSecret): boolean {
  return (
    old.type === secret.type &&
    old.data.size === secret.data.size &&
    [...secret.data].every(([key, value]) => old.data.get(key) === value) &&
    changedMarks(old.metadata, secret.metadata).length === 0
  );
}

function requireTokenController({ user }: AdmissionRequest, { data, metadata }: RawSecret): void {
  if (data.size === 0) return;
  const foreign = [...data.keys()].filter((key) => !TOKEN_KEYS.includes(key));
  if (user.name === TOKEN_CONTROLLER && foreign.length === 0) return;
  throw new Denied(
    'SECRET_TYPE_WRONG',
    `Secret ${metadata.name} of type ${SERVICE_ACCOUNT_TOKEN} brings values, which only ${TOKEN_CONTROLLER} may fill in`,
    'create it without data, or seal the values with `daas secret seal` into a Secret of type Opaque',
  );
}

/**
 * Helm writes JSON, compressed by gzip, as text in base64 (helm.sh/helm/v4/pkg/storage/driver/util.go, encodeRelease); what
 * is in it is not looked at, so that nothing is decompressed here.
 */
function requireHelmRelease({ data, metadata }: RawSecret): void {
  const record = data.get('release');
  if (HELM_NAME.test(metadata.name) && data.size === 1 && record !== undefined && isGzipText(record)) return;
  throw new Denied(
    'SECRET_TYPE_WRONG',
    `Secret ${metadata.name} of type ${HELM_RELEASE} is no record of Helm: sh.helm.release.v1.NAME.vN with the one key "release", base64 of gzip`,
    'seal the values with `daas secret seal` into a Secret of type Opaque',
  );
}

function isGzipText(value: string): boolean {
  const text = Buffer.from(value, 'base64').toString('latin1');
  const record = Buffer.from(text, 'base64');
  return record.toString('base64') === text && record.subarray(0, GZIP.length).equals(GZIP);
}

function requireNoMarks({ metadata }: RawSecret): void {
  const marks = marksOf(metadata);
  if (marks.length === 0) return;
  const why = `Secret ${metadata.name}: ${marks.join(', ')}: the Secret is not sealed`;
  throw asDenied(new SealedError('SECRET_MARKS_WRONG', why));
}
