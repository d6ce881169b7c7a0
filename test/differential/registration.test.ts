import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

import { AttestationError, verifyAttestation, verifyDocument } from '@k3s-daas/attestation';
import { checkRegistration, fromHex, REGISTRATION_ABORTS, RegistrationError } from '@k3s-daas/core';
import { addressOf, readSlot, type SessionRecord, type SlotRecord } from '@k3s-daas/sui-client';
import fc from 'fast-check';
import t from 'tap';

import { AGE_MS_MAX, IMAGES, isMalformed, startChain } from './chain.ts';
import { AGES, DIMENSIONS, HONEST, registering, type Choices, type Registering } from './choices.ts';
import { makeCertificates, NOW } from './documents.ts';

/*
 * The chain and TypeScript judge the same registrations: `load_nitro_attestation` and `enclaves::register` of the real
 * package in one transaction on the embedded ledger, against `verifyDocument` at the chain's time and then
 * `checkRegistration`. Verdict, first refusal and what the session holds must be the same. The ledger's native for
 * AWS's signature is `verifyDocument` itself; how Sui's own differs is in docs/chain/enclaves.md.
 *
 * FC_RUNS=n compares n random combinations. MOVE_PACKAGE names the folder of another package, such as a mutant.
 */

const SEED = 20_261_121;
const RUNS = Number(process.env['FC_RUNS'] ?? 150);
const PACKAGE = process.env['MOVE_PACKAGE'] ?? fileURLToPath(new URL('../../sui/move/daas', import.meta.url));

const TIMEOUT = { timeout: 120_000 + RUNS * 300 };
t.setTimeout(2 * TIMEOUT.timeout);

const certificates = await makeCertificates();
const chain = await startChain(PACKAGE);
t.teardown(() => chain.close());
const sponsor = addressOf(chain.actor.signer);

interface Verdict {
  readonly verdict: string;
  /** What both sides say of the session; null unless it is accepted. */
  readonly session: object | null;
}

const nowMs = (): number => Number(chain.ledger.clock.now());

/** Runs the checks, and names the abort that stands for what they throw. */
function inTypeScript(attempt: Registering, slot: SlotRecord): Verdict {
  const { document: bytes, trustAnchor, logKey, tlsKeyHash, bond } = attempt;
  try {
    const document = verifyDocument(bytes, { trustAnchor, nowMs: nowMs() });
    const { cluster } = chain;
    const now = BigInt(nowMs());
    const held = checkRegistration({ cluster, slot, document, logKey, tlsKeyHash, bond, nowMs: now });
    return { verdict: 'accepted', session: { ...held, sponsor } };
  } catch (error) {
    if (error instanceof AttestationError)
      return { verdict: `nitro_attestation::${isMalformed(error) ? 1 : 2}`, session: null };
    if (error instanceof RegistrationError)
      return { verdict: `enclaves::${REGISTRATION_ABORTS[error.code]}`, session: null };
    throw error;
  }
}

async function onChain(attempt: Registering): Promise<Verdict> {
  chain.trust(attempt.trustAnchor);
  const { verdict, session } = await chain.register(attempt);
  return { verdict, session: session && held(session) };
}

function held(session: SessionRecord): object {
  const { cluster, configVersion, decisionKey, logKey, tlsKeyHash, documentMs, registeredMs } = session;
  const { bond, bondHeldMs } = session;
  const keys = { decisionKey, logKey, tlsKeyHash };
  return {
    cluster,
    configVersion,
    ...keys,
    documentMs,
    registeredMs,
    bond,
    bondHeldMs,
    sponsor: session.sponsor,
  };
}

/** What a client says that asks for what the chain asks for: the full verifier against its own clock. */
function byClient(attempt: Registering, slot: SlotRecord): string {
  const image = IMAGES[String(slot.configVersion)];
  if (image === undefined) throw new RangeError('a slot has an image');
  const { document, trustAnchor, userData, decisionKey } = attempt;
  const policy = {
    pcrs: { 0: image.pcr0, 1: image.pcr1, 2: image.pcr2 },
    nonce: fromHex(slot.id.slice(2)),
    userData,
    ...(decisionKey && { publicKey: decisionKey }),
  };
  const time = { mode: 'live', nowMs: nowMs(), ageMsMax: AGE_MS_MAX } as const;
  try {
    verifyAttestation(document, { trustAnchor, time, policy });
    return 'accepted';
  } catch (error) {
    if (error instanceof AttestationError) return error.code;
    throw error;
  }
}

/** Where the client's verifier is stricter than the chain, and what only the chain asks for: docs/chain/enclaves.md. */
const CLIENT_ONLY = ['TIME_IN_FUTURE', 'TIME_OUTSIDE_LEAF'];
const CHAIN_ONLY = [
  'EWrongCluster',
  'ESlotExpired',
  'EConfigNotAccepted',
  'EDecisionKeyMissing',
  'EKeyLength',
  'EKeysNotDistinct',
  'EBondTooSmall',
].map((name) => `enclaves::${name}`);

const verdicts = new Map<string, number>();
const apart = new Map<string, number>();
const count = (map: Map<string, number>, key: string): unknown => map.set(key, (map.get(key) ?? 0) + 1);

/** The verdict of both sides. @throws Error if they differ */
async function compare(choices: Choices): Promise<string> {
  const slot = chain.slots[choices.slot];
  const attempt = registering(chain, certificates, choices, slot);
  const ours = inTypeScript(attempt, slot);
  const theirs = await onChain(attempt);
  if (ours.verdict !== theirs.verdict)
    throw new Error(`TypeScript says ${ours.verdict}, Move ${theirs.verdict}`);
  if (!isDeepStrictEqual(ours.session, theirs.session)) throw new Error('the sessions differ');
  const { verdict } = ours;
  if (verdict === 'accepted') await chain.renew(choices.slot);
  count(verdicts, verdict);
  const client = byClient(attempt, slot);
  if ((verdict === 'accepted') !== (client === 'accepted')) {
    const known = verdict === 'accepted' ? CLIENT_ONLY.includes(client) : CHAIN_ONLY.includes(verdict);
    if (!known) throw new Error(`Move says ${verdict}, the client's verifier ${client}`);
    count(apart, `${verdict} / ${client}`);
  }
  return verdict;
}

/** The honest registration with these choices; a failure names them. */
async function verdictOf(changes: Partial<Choices>): Promise<string> {
  try {
    return await compare({ ...HONEST, ...changes });
  } catch (cause) {
    throw new Error(`${JSON.stringify(changes)}: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
}

await t.test('what the issue names ends as it must', TIMEOUT, async (t) => {
  const ends = async (expected: string, ...all: Partial<Choices>[]): Promise<void> => {
    for (const changes of all) t.equal(await verdictOf(changes), expected, JSON.stringify(changes));
  };
  await ends(
    'accepted',
    {},
    { age: AGE_MS_MAX },
    { age: -10_000 },
    { order: 'reversed' },
    { others: 'zeroAndNot' },
  );
  await ends('accepted', { slot: 'last' }, { bond: 'oneOver' }, { form: 'definite' }, { form: 'tagged' });
  await ends('accepted', { slot: 'old' }, { chain: 'leafEndsNow' }, { chain: 'leafStartsNow', age: 1 });
  await ends('enclaves::EDocumentTooOld', { age: AGE_MS_MAX + 1 });
  await ends('enclaves::EDocumentFromFuture', { age: -10_001 });
  await ends(
    'enclaves::EPcrZero',
    { pcr0: 'zero' },
    { pcr1: 'zero' },
    { pcr2: 'zero' },
    { pcr2: 'of32Zero' },
  );
  await ends(
    'enclaves::EPcrMismatch',
    { order: 'indicesSwapped' },
    { pcr1: 'bitOff' },
    { slot: 'old', pcr0: 'ofAnotherVersion' },
  );
  await ends('enclaves::EPcrMissing', { order: 'indicesMoved' }, { pcr1: 'missing' });
  await ends(
    'enclaves::EDecisionKeyMissing',
    { publicKey: 'null' },
    { form: 'publicKeyMissing' },
    { publicKey: 'short' },
  );
  await ends('enclaves::EConfigNotAccepted', { slot: 'retired' });
  await ends('enclaves::EWrongCluster', { slot: 'foreign' }, { slot: 'foreign', userData: 'otherCluster' });
  await ends('enclaves::ESlotExpired', { slot: 'expiring' }, { slot: 'expired' });
  await ends('enclaves::EWrongNonce', { nonce: 'otherSlot' }, { nonce: 'null' }, { form: 'nonceMissing' });
  await ends(
    'enclaves::EWrongUserData',
    { userData: 'otherCluster' },
    { userData: 'otherDigest' },
    { userData: 'swapped' },
  );
  await ends(
    'nitro_attestation::2',
    { chain: 'strangersRoot' },
    { chain: 'leafExpired' },
    { chain: 'leafNotYetValid' },
  );
  await ends(
    'nitro_attestation::2',
    { chain: 'leafIsAuthority' },
    { chain: 'instanceNoAuthority' },
    { form: 'payloadAltered' },
  );
  await ends('nitro_attestation::1', { pcr0: 'twice' }, { form: 'trailingByte' }, { form: 'truncated' });
});

await t.test('each choice of each dimension alone', TIMEOUT, async (t) => {
  for (const [dimension, choices] of Object.entries(DIMENSIONS))
    for (const choice of choices) await verdictOf({ [dimension]: choice });
  for (const age of AGES) await verdictOf({ age });
  const all = Object.values(REGISTRATION_ABORTS).map((name) => `enclaves::${name}`);
  const expected = ['accepted', ...all, 'nitro_attestation::1', 'nitro_attestation::2'].sort();
  t.strictSame([...verdicts.keys()].sort(), expected, 'every way to end was seen, and no other');
});

await t.test('of two faults both sides tell the first', TIMEOUT, async (t) => {
  const faults: readonly (readonly [string, Partial<Choices>])[] = [
    ['nitro_attestation::2', { chain: 'leafExpired' }],
    ['enclaves::EWrongCluster', { slot: 'foreignExpired' }],
    ['enclaves::ESlotExpired', { slot: 'retiredExpired' }],
    ['enclaves::EConfigNotAccepted', { slot: 'retired' }],
    ['enclaves::EDocumentTooOld', { age: AGE_MS_MAX + 1 }],
    ['enclaves::EPcrMismatch', { pcr0: 'other' }],
    ['enclaves::EPcrMissing', { pcr1: 'missing' }],
    ['enclaves::EPcrZero', { pcr2: 'zero' }],
    ['enclaves::EWrongNonce', { nonce: 'null' }],
    ['enclaves::EDecisionKeyMissing', { publicKey: 'null' }],
    ['enclaves::EKeyLength', { tlsKeyHash: 'short' }],
    ['enclaves::EKeysNotDistinct', { logKey: 'isDecision' }],
    ['enclaves::EWrongUserData', { userData: 'null' }],
    ['enclaves::EBondTooSmall', { bond: 'none' }],
  ];
  for (const [i, [expected, fault]] of faults.entries()) {
    for (const [, later] of faults.slice(i + 1)) {
      const both = { ...later, ...fault };
      t.equal(await verdictOf(both), expected, JSON.stringify(both));
    }
  }
});

const one = ([honest, ...others]: readonly string[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 9, arbitrary: fc.constant(honest) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
const ages = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: -10_000, max: AGE_MS_MAX }) },
  { weight: 2, arbitrary: fc.constantFrom(...AGES) },
  { weight: 1, arbitrary: fc.integer({ min: -20_000, max: 2 * AGE_MS_MAX }) },
);
const combinations = fc.record({
  ...Object.fromEntries(Object.entries(DIMENSIONS).map(([name, choices]) => [name, one(choices)])),
  age: ages,
}) as unknown as fc.Arbitrary<Choices>;

await t.test('random combinations', TIMEOUT, async (t) => {
  t.comment(`seed ${SEED}, ${RUNS} runs`);
  const before = verdicts.get('accepted') ?? 0;
  const agree = fc.asyncProperty(combinations, async (choices) => {
    await compare(choices);
  });
  await fc.assert(agree, { seed: SEED, numRuns: RUNS });
  t.comment(`verdicts: ${JSON.stringify(Object.fromEntries([...verdicts].sort()))}`);
  t.comment(`chain / client apart, as documented: ${JSON.stringify(Object.fromEntries([...apart].sort()))}`);
  t.ok((verdicts.get('accepted') ?? 0) - before >= RUNS / 20, 'combinations reach the end');
  for (const code of CLIENT_ONLY) t.ok(apart.has(`accepted / ${code}`), `${code} is of the client only`);
});

await t.test('a document is used once', TIMEOUT, async (t) => {
  const { actor } = chain;
  const slot = await chain.grant('newest');
  const attempt = registering(chain, certificates, HONEST, slot);
  t.equal((await onChain(attempt)).verdict, 'accepted');
  t.equal((await onChain(attempt)).verdict, 'OBJECT_MISSING', 'no transaction can name the slot again');
  const again = readSlot(actor.client, actor.packageId, slot.id);
  await t.rejects(again, { code: 'OBJECT_MISSING' }, 'nor is there a slot to check');

  const second = await chain.grant('newest');
  const replayed = { ...attempt, slot: second.id };
  t.equal(inTypeScript(replayed, second).verdict, 'enclaves::EWrongNonce', 'with another slot');
  t.equal((await onChain(replayed)).verdict, 'enclaves::EWrongNonce');
  const own = registering(chain, certificates, HONEST, second);
  t.equal((await onChain(own)).verdict, 'accepted', 'that slot takes a document of its own');
});

await t.test('time passes', TIMEOUT, async (t) => {
  const make = async (choices: Partial<Choices> = {}): Promise<readonly [Registering, SlotRecord]> => {
    const slot = await chain.grant('newest');
    return [registering(chain, certificates, { ...HONEST, ...choices }, slot), slot];
  };
  const [quick, slow] = [await make({ chain: 'leafEndsNow' }), await make({ chain: 'leafEndsNow' })];
  const [first, second] = [await make(), await make()];
  const at = async (
    ms: number,
    made: readonly [Registering, SlotRecord],
    expected: string,
  ): Promise<void> => {
    chain.ledger.clock.set(NOW + ms);
    const ours = inTypeScript(...made);
    t.strictSame(ours, await onChain(made[0]), `${ms} ms later both say the same`);
    t.equal(ours.verdict, expected, `${ms} ms later: ${expected}`);
  };
  // Certificates end with a second; then the document is too old; then the slot ends; then the other leaf.
  await at(999, quick, 'accepted');
  await at(1_000, slow, 'nitro_attestation::2');
  await at(AGE_MS_MAX, first, 'accepted');
  await at(AGE_MS_MAX + 1, second, 'enclaves::EDocumentTooOld');
  await at(3_600_000 - 1, second, 'enclaves::EDocumentTooOld');
  await at(3_600_000, second, 'enclaves::ESlotExpired');
  await at(7_200_000 + 1_000, second, 'nitro_attestation::2');
});
