/** What a cached chain spares, and what it must not. */
import t from 'tap';
import { ChainCache, verifyAttestation, verifyDocument } from '../index.ts';
import { T0 } from './test/authority.ts';
import { array, bytes, nothing, uint } from './test/encoder.ts';
import { Fixture, INSTANCE, LEAF, NOW, outcome, pcr, type Options } from './test/fixture.ts';

const HOUR = 3_600_000;
const fixture = await Fixture.make();
const standard = fixture.document();

/** A cache that holds the fixture's chain. */
function warm(): ChainCache {
  const chains = new ChainCache();
  verifyDocument(standard, { trustAnchor: fixture.chain.root, nowMs: NOW, chains });
  return chains;
}

const verdict = (document: Uint8Array, chains: ChainCache, change: Partial<Options> = {}): string =>
  outcome(() => verifyAttestation(document, { ...fixture.options(change), chains }));

void t.test('every rule but the signatures of certificates is checked again', (t) => {
  const chains = warm();
  t.equal(chains.size, 1);
  const live = (nowMs: number): Partial<Options> => ({ time: { mode: 'live', nowMs, ageMsMax: 9 * HOUR } });
  t.equal(verdict(standard, chains), 'accepted');
  t.equal(verdict(standard, chains, live(T0 + 24 * HOUR)), 'CERTIFICATE_EXPIRED', 'a day later');
  t.equal(verdict(standard, chains, live(T0 - HOUR)), 'CERTIFICATE_NOT_YET_VALID', 'an hour before');
  const stranger = { trustAnchor: new Uint8Array(fixture.chain.leaf) };
  t.equal(verdict(standard, chains, stranger), 'ROOT_MISMATCH', 'another root');
  const policy = { pcrs: { 0: pcr(9), 1: pcr(2), 2: pcr(3) } };
  t.equal(verdict(standard, chains, { policy }), 'POLICY_PCR', 'another image');
  const old = fixture.with('timestamp', uint(T0 - 2_000));
  t.equal(
    verdict(old, chains, { time: { mode: 'live', nowMs: NOW, ageMsMax: 500 } }),
    'TIME_TOO_OLD',
    'an old document of the same chain',
  );
  const forged = fixture.parts(({ signature }) => ({
    signature: signature.with(50, (signature[50] ?? 0) ^ 1),
  }));
  t.equal(verdict(forged, chains), 'COSE_SIGNATURE', 'another signature on the document');
  t.equal(chains.size, 1);
  t.end();
});

void t.test('a chain is known by all of its bytes', async (t) => {
  const chains = warm();
  const { cabundle } = fixture.chain;
  const [root, zone, instance] = cabundle.map((entry) => bytes(entry));
  // The same certificates, but for one bit of the instance certificate's signature.
  const last = cabundle[INSTANCE] ?? new Uint8Array();
  const flipped = bytes(last.with(-1, (last.at(-1) ?? 0) ^ 1));
  const bundle = (...items: readonly (Uint8Array | undefined)[]): Uint8Array =>
    fixture.with('cabundle', array(...items.map((item) => item ?? nothing)));
  t.equal(verdict(bundle(root, zone, flipped), chains), 'CERTIFICATE_SIGNATURE');
  t.equal(verdict(bundle(root, instance), chains), 'CERTIFICATE_ISSUER');
  t.equal(verdict(bundle(root, zone, instance), chains), 'accepted');
  // A leaf of the same names under the cached authorities, signed by a stranger.
  const stranger = await Fixture.make();
  const theirs = new Fixture({
    ...fixture.chain,
    leaf: stranger.chain.leaf,
    leafKey: stranger.chain.leafKey,
  });
  t.equal(verdict(theirs.document(), chains), 'CERTIFICATE_SIGNATURE');
  t.equal(chains.size, 1, 'what was refused is not kept');
});

void t.test('nothing is kept of a chain whose signatures were not verified', async (t) => {
  for (const [name, level] of [
    ['a forged leaf', LEAF],
    ['a forged instance', INSTANCE],
  ] as const) {
    const forged = await Fixture.make((specs) => {
      specs[level].forged = true;
      return undefined;
    });
    const chains = new ChainCache();
    for (const attempt of ['first', 'second']) {
      t.equal(
        outcome(() => verifyAttestation(forged.document(), { ...forged.options(), chains })),
        'CERTIFICATE_SIGNATURE',
        `${name}, ${attempt} time`,
      );
    }
    t.equal(chains.size, 0, name);
  }
});

void t.test('it does not share bytes with the caller', (t) => {
  const chains = new ChainCache();
  const input = standard.slice();
  const trust = { trustAnchor: fixture.chain.root, nowMs: NOW, chains };
  const read = verifyDocument(input, trust);
  for (const certificate of [read.certificate, ...read.cabundle]) certificate.fill(0);
  input.fill(0);
  t.equal(
    outcome(() => verifyDocument(standard, trust)),
    'accepted',
  );
  t.equal(chains.size, 1);
  t.end();
});

void t.test('it is bounded, and the chain that was longest not asked for leaves', async (t) => {
  const chains = new ChainCache({ chainsMax: 2 });
  const [first, second, third] = await Promise.all([Fixture.make(), Fixture.make(), Fixture.make()]);
  const ask = (world: Fixture): string =>
    outcome(() => verifyDocument(world.document(), { trustAnchor: world.chain.root, nowMs: NOW, chains }));
  const holds = (world: Fixture): boolean =>
    chains.get(verifyDocument(world.document(), { trustAnchor: world.chain.root, nowMs: NOW })) !== undefined;
  for (const world of [first, second, first, third]) t.equal(ask(world), 'accepted');
  t.equal(chains.size, 2);
  t.strictSame([holds(first), holds(second), holds(third)], [true, false, true]);
  for (const chainsMax of [0, -1, 1.5, NaN, Infinity]) {
    t.throws(() => new ChainCache({ chainsMax }), RangeError, `${chainsMax} chains`);
  }
});

void t.test('many trust anchors, one after the other', async (t) => {
  // More than are remembered: each must still be judged by its own root.
  const worlds = await Promise.all(Array.from({ length: 6 }, () => Fixture.make()));
  for (const world of [...worlds, ...worlds]) {
    const { root } = world.chain;
    t.equal(
      outcome(() => verifyDocument(world.document(), { trustAnchor: root, nowMs: NOW })),
      'accepted',
    );
    t.equal(
      outcome(() => verifyDocument(standard, { trustAnchor: root, nowMs: NOW })),
      'ROOT_MISMATCH',
    );
  }
});
