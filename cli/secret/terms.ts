import { fromHex, isSuiId, toHex, type Bytes, type SuiId } from '@k3s-daas/core';
import type { AllowedNode, ClusterRecord, PolicyRecord, PolicyTerms } from '@k3s-daas/sui-client';

import { CliError } from '../errors.ts';
import { durationMs, mistText, time } from '../render.ts';

/** Terms of a policy as a person gives them; what is left out stays as it was, or is the default. */
export interface TermOptions {
  readonly configVersion?: readonly string[];
  readonly stakeMin?: string;
  readonly node?: readonly string[];
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly uses?: string;
  readonly renewals?: string;
  readonly grantSeconds?: string;
  readonly image?: readonly string[];
}

const U64_MAX = (1n << 64n) - 1n;
const DAY_MS = 86_400_000n;
/** A policy that its owner forgets closes after a year. */
const WINDOW_MS = 365n * DAY_MS;
const GRANT_SECONDS_MAX = 86_400n;
/**
 * Counts that no workload comes to in the year that a policy is open unless its owner says otherwise: a job each minute makes
 * half as many pods. A count that its owner did not choose and that runs out would stop a Deployment months later; who can
 * make pods of the service account opens the secrets with the first one.
 */
const COUNT_MAX = 1_000_000n;
const DEFAULTS = { stakeMin: 0n, usesMax: COUNT_MAX, renewalsMax: COUNT_MAX, grantMs: 600_000n } as const;
/** From here on a person is warned: four fifths of the uses, or a month before the window ends. */
const USES_WARNED_PERCENT = 80n;
const WINDOW_WARNED_MS = 30n * DAY_MS;

/** The terms of a new policy: by default the newest image that the cluster accepts, for a year. */
export function newTerms(options: TermOptions, cluster: ClusterRecord, nowMs: number): PolicyTerms {
  const newest = cluster.configs.at(-1)?.key;
  if (newest === undefined && options.configVersion === undefined)
    throw new CliError('NOT_FOUND', 'the cluster accepts no enclave image', 'see daas image list');
  const now = BigInt(nowMs);
  return changedTerms(
    options,
    {
      ...DEFAULTS,
      configVersions: newest === undefined ? [] : [newest],
      nodes: [],
      // The chain's clock may be behind this one.
      notBeforeMs: 0n,
      notAfterMs: now + WINDOW_MS,
      imageDigests: [],
    },
    nowMs,
  );
}

/** Terms with what the options say in place of what they were. */
export function changedTerms(options: TermOptions, terms: PolicyTerms, nowMs: number): PolicyTerms {
  const { configVersion, stakeMin, node, notBefore, notAfter, uses, renewals, grantSeconds, image } = options;
  const changed: PolicyTerms = {
    configVersions: configVersion?.map((text) => number('--config-version', text)) ?? terms.configVersions,
    stakeMin: stakeMin === undefined ? terms.stakeMin : number('--stake-min', stakeMin),
    nodes: node?.filter((text) => text !== 'any').map(allowedNode) ?? terms.nodes,
    notBeforeMs: notBefore === undefined ? terms.notBeforeMs : moment('--not-before', notBefore, nowMs),
    notAfterMs: notAfter === undefined ? terms.notAfterMs : moment('--not-after', notAfter, nowMs),
    usesMax: uses === undefined ? terms.usesMax : number('--uses', uses),
    renewalsMax: renewals === undefined ? terms.renewalsMax : number('--renewals', renewals),
    grantMs: grantSeconds === undefined ? terms.grantMs : grantMs(grantSeconds),
    imageDigests: image?.filter((text) => text !== 'any').map(imageDigest) ?? terms.imageDigests,
  };
  if (changed.notBeforeMs >= changed.notAfterMs)
    throw new CliError('USAGE', 'the window is empty', 'let --not-after be later than --not-before');
  return changed;
}

function number(option: string, text: string): bigint {
  if (/^(0|[1-9]\d{0,19})$/.test(text) && BigInt(text) <= U64_MAX) return BigInt(text);
  throw new CliError('USAGE', `${option} ${text} is no whole number`, 'give digits only');
}

/** seal_policy.move takes a second to a day. */
function grantMs(seconds: string): bigint {
  const whole = number('--grant-seconds', seconds);
  if (whole >= 1n && whole <= GRANT_SECONDS_MAX) return whole * 1_000n;
  throw new CliError('USAGE', `a grant of ${seconds} s is not possible`, `give 1 to ${GRANT_SECONDS_MAX}`);
}

/** STAKE:KEY, as `daas node list` prints both. */
function allowedNode(text: string): AllowedNode {
  const [stake = '', key = '', ...more] = text.split(':');
  if (isSuiId(stake) && /^[0-9a-f]{64}$/.test(key) && more.length === 0)
    return { stake, nodeKey: fromHex(key) };
  throw new CliError(
    'USAGE',
    `${text} is no node`,
    'give the id of its stake and its Ed25519 key in hex, as 0x…:…; or any',
  );
}

/**
 * The images of terms, and the one that opens: the chain asks for every image of a pod, seal-fetch's included, so that a list
 * without it lets nobody in (seal_policy.move, `assert_images`). An empty list allows any, and stays empty.
 * @param fetchImage `seal.image` of the configuration: NAME@sha256:HEX
 */
export function withFetchImage(
  terms: PolicyTerms,
  fetchImage: string | undefined,
): { readonly terms: PolicyTerms; readonly notes: readonly string[] } {
  const { imageDigests } = terms;
  if (imageDigests.length === 0) return { terms, notes: [] };
  if (fetchImage === undefined)
    return {
      terms,
      notes: ['daas.yaml has no section seal: unless --image names seal-fetch’s digest, too, nothing opens'],
    };
  if (allowsImage(terms, fetchImage)) return { terms, notes: [] };
  const digest = imageDigest(fetchImage);
  return {
    terms: { ...terms, imageDigests: [...imageDigests, digest] },
    notes: [`added the image of seal-fetch, ${imageText(digest)}: without it nothing opens`],
  };
}

function allowsImage({ imageDigests }: PolicyTerms, image: string): boolean {
  const wanted = toHex(imageDigest(image));
  return imageDigests.length === 0 || imageDigests.some((digest) => toHex(digest) === wanted);
}

/** What will soon let nobody in, or does so already, and what to do about it. One sentence each. */
export function termWarnings(
  { id, terms, uses }: Pick<PolicyRecord, 'id' | 'terms' | 'uses'>,
  fetchImage: string | undefined,
  nowMs: number,
): string[] {
  const { usesMax, notAfterMs } = terms;
  const update = `daas secret policy update ${id}`;
  const leftMs = notAfterMs - BigInt(nowMs);
  const warnings: string[] = [];
  if (uses * 100n >= usesMax * USES_WARNED_PERCENT)
    warnings.push(`${uses} of ${usesMax} uses are used: ${update} --uses N`);
  if (leftMs <= 0n) warnings.push(`it is closed since ${time(Number(notAfterMs))}: ${extension(id)}`);
  else if (leftMs < WINDOW_WARNED_MS)
    warnings.push(`it closes in ${leftMs / DAY_MS} days, at ${time(Number(notAfterMs))}: ${extension(id)}`);
  if (fetchImage !== undefined && !allowsImage(terms, fetchImage))
    warnings.push(
      `its images leave out seal-fetch (${fetchImage}), so that nothing opens: ${update} --image …`,
    );
  return warnings;
}

/** @throws CliError POLICY_CLOSED before the window of a policy and after it. */
export function requireWindow({ id, terms }: Pick<PolicyRecord, 'id' | 'terms'>, nowMs: number): void {
  const { notBeforeMs, notAfterMs } = terms;
  if (BigInt(nowMs) >= notAfterMs)
    throw new CliError('POLICY_CLOSED', `it is closed since ${time(Number(notAfterMs))}`, extension(id));
  if (BigInt(nowMs) < notBeforeMs)
    throw new CliError(
      'POLICY_CLOSED',
      `it opens at ${time(Number(notBeforeMs))}`,
      `wait, or daas secret policy update ${id} --not-before …`,
    );
}

/** @throws CliError POLICY_CLOSED if no more pod may open what a policy guards. */
export function requireUses(policy: Pick<PolicyRecord, 'id' | 'terms' | 'uses'>): void {
  if (usesLeft(policy) > 0n) return;
  throw new CliError(
    'POLICY_CLOSED',
    `${policy.uses} of ${policy.terms.usesMax} uses are used`,
    `daas secret policy update ${policy.id} --uses N`,
  );
}

/** How much later a policy may close. */
export function extension(policy: SuiId): string {
  return `daas secret policy update ${policy} --not-after +${WINDOW_MS / DAY_MS}d`;
}

/** How many more pods may open what it guards; terms may have been set below what was used. */
export function usesLeft({ terms, uses }: Pick<PolicyRecord, 'terms' | 'uses'>): bigint {
  return uses >= terms.usesMax ? 0n : terms.usesMax - uses;
}

/** `sha256:HEX`, or an image by digest. */
function imageDigest(text: string): Bytes {
  const hex = /(?:^|@)sha256:([0-9a-f]{64})$/.exec(text)?.[1];
  if (hex !== undefined) return fromHex(hex);
  throw new CliError(
    'USAGE',
    `${text} names no image by digest`,
    'give sha256:… or NAME@sha256:…, or any; a tag can be moved',
  );
}

/** RFC 3339, or from now: `+36h`, `-5m`. */
function moment(option: string, text: string, nowMs: number): bigint {
  if (/^[+-]/.test(text)) {
    const distance = durationMs(text.slice(1));
    return BigInt(nowMs) + (text.startsWith('-') ? -distance : distance);
  }
  const isRfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/.test(text);
  const ms = isRfc3339 ? Date.parse(text) : Number.NaN;
  if (ms >= 0) return BigInt(ms);
  throw new CliError(
    'USAGE',
    `${option} ${text} is no moment`,
    'give RFC 3339, as 2027-01-31T12:00:00Z, or from now, as +36h',
  );
}

/** Lines for people. */
export function describeTerms(terms: PolicyTerms): [string, string][] {
  const { configVersions, stakeMin, nodes, notBeforeMs, notAfterMs, imageDigests } = terms;
  return [
    ['enclave images', `config ${configVersions.join(', ')}`],
    ['stake at least', `${stakeMin} MIST (${mistText(stakeMin)}), and what its node's capacity asks for`],
    ['nodes', nodes.length === 0 ? 'any' : nodes.map(nodeText).join(' ')],
    ['opens from', notBeforeMs === 0n ? 'always' : time(Number(notBeforeMs))],
    ['opens until', time(Number(notAfterMs))],
    ['pods', `${terms.usesMax} at most`],
    ['renewals of a pod', String(terms.renewalsMax)],
    ['a grant lasts', `${terms.grantMs / 1_000n} s`],
    ['container images', imageDigests.length === 0 ? 'any' : imageDigests.map(imageText).join(' ')],
  ];
}

function nodeText({ stake, nodeKey }: AllowedNode): string {
  return `${stake}:${toHex(nodeKey)}`;
}

function imageText(digest: Bytes): string {
  return `sha256:${toHex(digest)}`;
}
