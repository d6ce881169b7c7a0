import {
  EncryptedObject,
  ExpiredSessionKeyError,
  InternalError,
  InvalidParameterError,
  NoAccessError,
} from '@mysten/seal';
import fc from 'fast-check';
import t, { type Test } from 'tap';

import { encodeSealAad, encodeSealIdentity, sha256, toBase64, toHex, utf8, type Bytes } from '@k3s-daas/core';
import { accountFromSeed, addressOf } from '@k3s-daas/sui-client';

import { toOpenError } from './open-error.ts';
import { idOf, offlineSealConfig } from '../testdata/offline.ts';
import {
  checkSealedValue,
  identityOfSecret,
  parseSealConfig,
  parseSealedValue,
  rulesOf,
  SEALED_BYTES_MAX,
  sealValues,
  signSealedVersion,
  verifySealedVersion,
  type SealedErrorCode,
} from './index.ts';

const config = offlineSealConfig();
const identity = {
  policy: idOf('policy'),
  cluster: config.cluster,
  namespace: 'app',
  serviceAccount: 'api',
  version: 3n,
};
const place = { namespace: 'app', secret: 'database', key: 'password' };
const values = new Map([
  ['password', utf8('hunter2')],
  ['empty', new Uint8Array()],
]);

/** Sealing is offline: whatever would go out fails the test. */
const network: unknown[] = [];
globalThis.fetch = (input) => {
  network.push(input);
  return Promise.reject(new Error('the network is cut'));
};

const sealed = await sealValues(config, { identity, secret: 'database', values });
const value = sealed.get('password');
if (value === undefined) throw new Error('sealed');
type Encrypted = ReturnType<typeof EncryptedObject.parse>;

/** The password's ciphertext with something changed. */
function changed(change: (object: Encrypted) => Partial<Encrypted>): Bytes {
  const object = EncryptedObject.parse(value?.bytes ?? new Uint8Array());
  return EncryptedObject.serialize({ ...object, ...change(object) }).toBytes();
}

function refuses(t: Test, code: SealedErrorCode, act: () => unknown, name: string): void {
  t.throws(act, { name: 'SealedError', code }, name);
}

await t.test('values are sealed without a network and read back without opening them', async (t) => {
  t.strictSame(network, [], 'no request was made');
  t.strictSame([...sealed.keys()], ['password', 'empty']);
  const { bytes, digest, ...rest } = value;
  t.strictSame(rest, {
    packageId: idOf('package'),
    identity,
    aad: { secret: 'database', key: 'password' },
    threshold: 2,
    services: config.keyServers.map(({ objectId }) => ({ objectId, weight: 1 })),
  });
  t.strictSame(digest, sha256(bytes));
  t.equal(
    EncryptedObject.parse(bytes).id,
    toHex(encodeSealIdentity(identity)),
    'as Seal’s own parser has it',
  );
  t.notOk(Buffer.from(bytes).includes('hunter2'));
  t.strictSame(identityOfSecret(sealed), identity);
  checkSealedValue(value, rulesOf(config), place);

  const weighted = offlineSealConfig({ weights: [2, 1], threshold: 3 });
  const heavy = await sealValues(weighted, { identity, secret: 'database', values });
  t.match(heavy.get('password')?.services, [{ weight: 2 }, { weight: 1 }]);
  t.equal(heavy.get('password')?.threshold, 3);
});

await t.test('what is not exactly a sealed value is refused', (t) => {
  const parse = (bytes: Bytes) => () => parseSealedValue(bytes);
  refuses(t, 'SEALED_TOO_LARGE', parse(new Uint8Array(SEALED_BYTES_MAX + 1)), 'too large');
  refuses(t, 'SEALED_MALFORMED', parse(utf8('hunter2')), 'plaintext');
  refuses(t, 'SEALED_MALFORMED', parse(new Uint8Array()), 'nothing');
  refuses(t, 'SEALED_MALFORMED', parse(new Uint8Array([...value.bytes, 0])), 'a byte after it');
  refuses(t, 'SEALED_MALFORMED', parse(value.bytes.subarray(0, -1)), 'a byte short');
  const at = Buffer.from(value.bytes).lastIndexOf(Buffer.from(encodeSealIdentity(identity)));
  const longForm = new Uint8Array([
    ...value.bytes.subarray(0, at - 2),
    // The same length in ULEB128 with an empty last byte.
    value.bytes[at - 2] ?? 0,
    (value.bytes[at - 1] ?? 0) | 0x80,
    0,
    ...value.bytes.subarray(at),
  ]);
  refuses(t, 'SEALED_MALFORMED', parse(longForm), 'a length in another form');
  refuses(t, 'SEALED_VERSION_UNKNOWN', parse(changed(() => ({ version: 1 }))), 'version 1');
  const plain = { $kind: 'Plain', Plain: {} } as const;
  refuses(t, 'SEALED_SCHEME_UNKNOWN', parse(changed(() => ({ ciphertext: plain }))), 'a key and no cipher');
  const aad = (bytes: Bytes | null) =>
    changed(({ ciphertext }) => ({
      ciphertext: {
        $kind: 'Aes256Gcm',
        Aes256Gcm: { blob: ciphertext.Aes256Gcm?.blob ?? new Uint8Array(), aad: bytes },
      } as never,
    }));
  refuses(t, 'SEALED_AAD_MALFORMED', parse(aad(null)), 'no aad');
  refuses(t, 'SEALED_AAD_MALFORMED', parse(aad(utf8('database/password'))), 'another aad');
  const place = encodeSealAad({ secret: 'database', key: 'password' });
  refuses(t, 'SEALED_AAD_MALFORMED', parse(aad(new Uint8Array([...place, 0]))), 'an aad with a rest');
  t.doesNotThrow(parse(aad(place)));
  const id = toHex(encodeSealIdentity(identity));
  for (const wrong of ['', '00', `${id}00`, id.slice(2)])
    refuses(
      t,
      'SEALED_IDENTITY_MALFORMED',
      parse(changed(() => ({ id: wrong }))),
      `identity ${wrong.length}`,
    );
  for (const threshold of [0, 4])
    refuses(t, 'SEALED_THRESHOLD_WRONG', parse(changed(() => ({ threshold }))), `threshold ${threshold}`);
  const server = config.keyServers[0]?.objectId ?? '';
  const services = (indices: number[]) =>
    changed(() => ({ services: indices.map((index) => [server, index] as [string, number]) }));
  refuses(t, 'SEALED_SHARES_WRONG', parse(services([1, 2])), 'a share without a server');
  refuses(t, 'SEALED_SHARES_WRONG', parse(services([1, 2, 3, 4])), 'a server without a share');
  refuses(t, 'SEALED_SHARES_WRONG', parse(services([1, 2, 2])), 'two shares of one index');
  refuses(t, 'SEALED_SHARES_WRONG', parse(services([0, 1, 2])), 'the secret itself as a share');
  t.end();
});

await t.test('a value is worth something only where and for what it was sealed', (t) => {
  const rules = rulesOf(config);
  const check =
    (change: object, where: object = {}) =>
    () => {
      checkSealedValue(value, { ...rules, ...change }, { ...place, ...where });
    };
  refuses(t, 'SEALED_PACKAGE_WRONG', check({ packageId: idOf('another') }), 'package');
  refuses(t, 'SEALED_CLUSTER_WRONG', check({ cluster: idOf('another') }), 'cluster');
  refuses(t, 'SEALED_NAMESPACE_WRONG', check({}, { namespace: 'other' }), 'namespace');
  refuses(t, 'SEALED_PLACE_WRONG', check({}, { secret: 'other' }), 'secret');
  refuses(t, 'SEALED_PLACE_WRONG', check({}, { key: 'other' }), 'key');
  refuses(t, 'SEALED_THRESHOLD_LOW', check({ threshold: 3 }), 'threshold');
  const [first, second] = [...rules.keyServers.keys()] as [string, string];
  const without = new Map([...rules.keyServers].filter(([id]) => id !== first));
  refuses(t, 'SEALED_KEY_SERVER_UNKNOWN', check({ keyServers: without }), 'key server');
  const heavier = new Map([...rules.keyServers, [second, 2]] as [string, number][]);
  refuses(t, 'SEALED_WEIGHT_WRONG', check({ keyServers: heavier }), 'weight');
  // Twice the same server reaches the threshold alone.
  const twice = parseSealedValue(
    changed(() => ({
      services: [
        [first, 1],
        [first, 2],
        [second, 3],
      ] as [string, number][],
    })),
  );
  refuses(
    t,
    'SEALED_WEIGHT_WRONG',
    () => {
      checkSealedValue(twice, rules, place);
    },
    'a server twice',
  );
  const more = new Map([...rules.keyServers, [idOf('fourth'), 1]] as [string, number][]);
  t.doesNotThrow(check({ keyServers: more, threshold: 1 }), 'a part of the servers is enough');

  const other = parseSealedValue(
    changed(() => ({ id: toHex(encodeSealIdentity({ ...identity, version: 4n })) })),
  );
  refuses(
    t,
    'SEALED_IDENTITIES_DIFFER',
    () =>
      identityOfSecret(
        new Map([
          ['a', value],
          ['b', other],
        ]),
      ),
    'two versions',
  );
  refuses(t, 'SEALED_IDENTITIES_DIFFER', () => identityOfSecret(new Map()), 'no value');
  t.end();
});

await t.test('no byte can be changed unseen, and nothing but a SealedError comes of any bytes', (t) => {
  const seed = 20_261_121;
  fc.assert(
    fc.property(fc.nat(value.bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const bytes = Uint8Array.from(value.bytes);
      bytes[at] = (bytes[at] ?? 0) ^ mask;
      try {
        return !Buffer.from(parseSealedValue(bytes).digest).equals(Buffer.from(value.digest));
      } catch (error) {
        return error instanceof Error && error.name === 'SealedError';
      }
    }),
    { seed, numRuns: 400 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      try {
        parseSealedValue(new Uint8Array(bytes));
        return false;
      } catch (error) {
        return error instanceof Error && error.name === 'SealedError';
      }
    }),
    { seed, numRuns: 300 },
  );
  t.pass(`seed ${seed}`);
  t.end();
});

await t.test('a published configuration is believed only as far as it proves itself', async (t) => {
  const text = (bytes: Bytes): string => toBase64(bytes);
  const published = {
    ...config,
    keyServers: config.keyServers.map((each) => ({
      ...each,
      publicKey: text(each.publicKey),
      proof: text(each.proof),
    })),
  };
  t.strictSame(parseSealConfig(published), config);
  const [one, two, three] = published.keyServers;
  const refused: [string, object][] = [
    ['a key server twice', { keyServers: [one, one, three] }],
    ['a threshold out of reach', { threshold: 4 }],
    ['a threshold of none', { threshold: 0 }],
    ['an unknown field', { aggregator: 'x' }],
    ['a key that is no point', { keyServers: [{ ...one, publicKey: text(new Uint8Array(96).fill(1)) }] }],
    [
      'infinity as a key',
      { keyServers: [{ ...one, publicKey: text(Uint8Array.from([0xc0, ...new Uint8Array(95)])) }] },
    ],
    ['more weight than shares', { keyServers: [{ ...one, weight: 255 }] }],
  ];
  for (const [name, change] of refused)
    t.throws(() => parseSealConfig({ ...published, ...change }), { code: 'SEAL_CONFIG_MALFORMED' }, name);
  // A key whose holder is not shown: as one that somebody computed from the others.
  const rogue = parseSealConfig({ ...published, keyServers: [one, { ...two, proof: three?.proof }, three] });
  await t.rejects(sealValues(rogue, { identity, secret: 'database', values }), {
    code: 'SEAL_CONFIG_KEY_SERVER_UNTRUSTED',
  });
  await t.rejects(sealValues(config, { identity, secret: 'database', values, threshold: 1 }), {
    code: 'SEALED_THRESHOLD_LOW',
  });
  const foreign = { ...identity, cluster: idOf('another') };
  await t.rejects(sealValues(config, { identity: foreign, secret: 'database', values }), {
    code: 'SEALED_CLUSTER_WRONG',
  });
});

await t.test('a version is the owner’s or nobody’s', async (t) => {
  const owner = accountFromSeed(new Uint8Array(32).fill(1));
  const version = {
    cluster: identity.cluster,
    policy: identity.policy,
    namespace: 'app',
    secret: 'database',
    version: 3n,
    digests: new Map([...sealed].map(([key, { digest }]) => [key, digest])),
  };
  const signature = await signSealedVersion(owner, version);
  t.equal(signature.length, 97);
  const verify = (change: object, by = addressOf(owner), bytes = signature) =>
    verifySealedVersion(by, { ...version, ...change }, bytes);
  t.ok(await verify({}));
  const reversed = new Map([...version.digests].reverse());
  t.ok(await verify({ digests: reversed }), 'whatever the order of the keys');
  const fewer = new Map([...version.digests].slice(1));
  for (const [name, change] of Object.entries({
    cluster: { cluster: idOf('x') },
    policy: { policy: idOf('x') },
    namespace: { namespace: 'x' },
    secret: { secret: 'x' },
    version: { version: 4n },
    'a key less': { digests: fewer },
    'another value': { digests: new Map([...version.digests, ['password', sha256()]]) },
  }))
    t.notOk(await verify(change), name);
  const mallory = accountFromSeed(new Uint8Array(32).fill(2));
  t.notOk(await verify({}, addressOf(mallory)), 'another owner');
  t.notOk(await verify({}, addressOf(owner), await signSealedVersion(mallory, version)), 'another signer');
  t.notOk(await verify({}, addressOf(owner), new Uint8Array()), 'no signature');
  t.notOk(await verify({}, addressOf(owner), new Uint8Array(5_000)), 'a long one');
  const message = await owner.signTransaction(new Uint8Array(10));
  t.notOk(await verify({}, addressOf(owner), utf8(message.signature)), 'no signature of Sui');
});

await t.test('what key servers answer is final or worth trying again', (t) => {
  for (const [error, code, retryable] of [
    [new NoAccessError('r'), 'OPEN_REFUSED', false],
    [new InvalidParameterError('r'), 'OPEN_NOT_YET', true],
    [new ExpiredSessionKeyError('r'), 'OPEN_SESSION_REFUSED', true],
    [new InternalError('r'), 'OPEN_KEY_SERVERS_UNAVAILABLE', true],
    [new TypeError('fetch failed'), 'OPEN_KEY_SERVERS_UNAVAILABLE', true],
    // What SealClient throws if every answer held a wrong key.
    [undefined, 'OPEN_KEY_SERVERS_UNAVAILABLE', true],
  ] as const)
    t.match(toOpenError(error), { name: 'OpenError', code, retryable }, code);
  t.end();
});
