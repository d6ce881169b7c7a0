/** Every rule for Secrets from both sides, on ciphertext made by SealClient. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';

import { encodeSealAad, fromBase64, SEALED_ANNOTATIONS, SEALED_LABEL, toBase64, utf8 } from '@k3s-daas/core';
import t, { type Test } from 'tap';

import { webhookConfigSchema } from '../config.ts';
import { Denied, type DenialCode } from '../denied.ts';
import type { AdmissionRequest } from '../http/decode.ts';
import { review } from '../review.ts';
import { sealedSecret, POLICY, type SecretObject } from '../test/sealing.ts';
import { id, MemoryChain, MemoryFacts, sealSettings } from '../test/world.ts';

const config = webhookConfigSchema.parse({
  allowedClients: ['kube-apiserver-webhook'],
  receiptLifetimeMs: 10_000,
  stakeSnapshotAgeMsMax: 30_000,
  seal: sealSettings,
});

const facts = new MemoryFacts();
const tenant = { name: 'tenant', groups: ['system:authenticated'] };
const controllerManager = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] };

interface Change {
  readonly user?: AdmissionRequest['user'];
  readonly namespace?: string;
  readonly old?: unknown;
}

/** A person's guide, which shows each command that a remedy may name. */
const guide = await readFile(resolve(import.meta.dirname, '../../docs/secrets.md'), 'utf8');

/** Code of the denial, or `allowed`. */
async function verdict(
  object: unknown,
  { user = tenant, namespace = 'shop', old }: Change = {},
): Promise<string> {
  const request: AdmissionRequest = {
    uid: 'r1',
    resource: { group: '', version: 'v1', resource: 'secrets' },
    subResource: '',
    operation: old === undefined ? 'CREATE' : 'UPDATE',
    name: 'db',
    namespace,
    user,
    object,
    oldObject: old ?? null,
  };
  try {
    await review(request, { chain: new MemoryChain(), clock: { now: () => 0 }, config, facts });
    return 'allowed';
  } catch (error) {
    if (!(error instanceof Denied)) throw error;
    if (/hunter2|swordfish/.test(`${error.message} ${error.remedy}`))
      return `${error.code}, and tells the secret`;
    const unknown = [...error.remedy.matchAll(/`(daas [^`]+)`/g)].find(
      ([, each = '']) => !guide.includes(each),
    );
    return unknown === undefined ? error.code : `${error.code}, and names ${unknown[0]}, which is not there`;
  }
}

type Expected = DenialCode | 'allowed';
type Case = readonly [name: string, expected: Expected, object: unknown, change?: Change];

async function all(t: Test, cases: readonly Case[]): Promise<void> {
  for (const [name, expected, object, change] of cases)
    t.equal(await verdict(object, change), expected, name);
}

const base64 = (text: string): string => toBase64(utf8(text));
const good = await sealedSecret();
const value = fromBase64(good.data['password'] ?? '');
const withValue = (bytes: Uint8Array): object => ({ ...good, data: { password: toBase64(bytes) } });
const withData = (data: object, more: object = {}): object => ({ ...good, data, ...more });
const withMarks = (metadata: object): object => ({ ...good, metadata: { ...good.metadata, ...metadata } });
const plain = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'db', namespace: 'shop' },
  type: 'Opaque',
  data: { password: base64('hunter2') },
};

void t.test('only ciphertext for this place', async (t) => {
  const tls = { 'tls.crt': 'a certificate', 'tls.key': 'swordfish' };
  const attackers = [{ objectId: id('66'), weight: 1 }];
  const two = await sealedSecret({ values: { password: 'hunter2', user: 'u' } });
  const mixed = async (change: Parameters<typeof sealedSecret>[0]): Promise<object> => {
    const other = await sealedSecret({ values: { user: 'u' }, ...change });
    return withData({ ...good.data, ...other.data }, { metadata: { ...good.metadata, annotations: {} } });
  };
  const [first = { objectId: '', weight: 1 }, ...others] = sealSettings.keyServers;
  await all(t, [
    ['as sealed', 'allowed', good],
    ['two keys', 'allowed', two],
    ['of type tls', 'allowed', await sealedSecret({ type: 'kubernetes.io/tls', values: tls })],
    ['an empty value', 'allowed', await sealedSecret({ values: { password: '' } })],
    ['immutable', 'allowed', { ...good, immutable: true }],
    ['to two of the three servers', 'allowed', await sealedSecret({ keyServers: others })],
    ['with a higher threshold', 'allowed', await sealedSecret({ threshold: 3 })],
    [
      'for any service account and version',
      'allowed',
      await sealedSecret({ serviceAccount: 'x', version: 9n }),
    ],

    ['plain', 'SECRET_NOT_SEALED', plain],
    ['plain with all the marks', 'SECRET_NOT_SEALED', withData(plain.data)],
    ['plain, called a sealed type', 'SECRET_NOT_SEALED', { ...plain, type: 'kubernetes.io/tls' }],
    ['without a type', 'SECRET_NOT_SEALED', { ...plain, type: undefined }],
    [
      'a plain key beside a sealed one',
      'SECRET_PARTLY_SEALED',
      withData({ ...good.data, user: base64('swordfish') }),
    ],
    [
      // An own property: what a record of zod leaves out.
      'a plain key of a name that parsers pass over',
      'SECRET_PARTLY_SEALED',
      withData(
        JSON.parse(`{"password":"${good.data['password'] ?? ''}","__proto__":"${base64('x')}"}`) as object,
      ),
    ],
    ['no keys', 'SECRET_EMPTY', withData({})],
    ['no data', 'SECRET_EMPTY', { ...good, data: null }],
    ['an empty plain value', 'SECRET_NOT_SEALED', { ...plain, data: { password: '' } }],
    ['a foreign package', 'SEALED_PACKAGE_WRONG', await sealedSecret({ package: id('de') })],
    ['a foreign cluster', 'SEALED_CLUSTER_WRONG', await sealedSecret({ cluster: id('c2') })],
    ['another namespace', 'SEALED_NAMESPACE_WRONG', await sealedSecret({ namespace: 'bank' })],
    ['copied here from another namespace', 'SEALED_NAMESPACE_WRONG', good, { namespace: 'bank' }],
    [
      'copied, its own namespace written over',
      'SEALED_NAMESPACE_WRONG',
      withMarks({ namespace: 'bank' }),
      { namespace: 'bank' },
    ],
    ['another Secret’s values', 'SEALED_PLACE_WRONG', withMarks({ name: 'db2' })],
    ['a generated name', 'SEALED_PLACE_WRONG', withMarks({ name: 'db-x7f9k', generateName: 'db-' })],
    ['no name', 'SEALED_PLACE_WRONG', withMarks({ name: '' })],
    ['another key’s value', 'SEALED_PLACE_WRONG', withData({ user: good.data['password'] })],
    [
      'values of two keys swapped',
      'SEALED_PLACE_WRONG',
      withData({ password: two.data['user'], user: two.data['password'] }),
    ],
    [
      'a value of another service account',
      'SEALED_IDENTITIES_DIFFER',
      await mixed({ serviceAccount: 'admin' }),
    ],
    ['a value of another version', 'SEALED_IDENTITIES_DIFFER', await mixed({ version: 2n })],
    ['a value of another policy', 'SEALED_IDENTITIES_DIFFER', await mixed({ policy: id('91') })],
    ['a value of another cluster', 'SEALED_CLUSTER_WRONG', await mixed({ cluster: id('c2') })],
    ['two values of one identity, sealed apart', 'allowed', await mixed({})],
    [
      '1 of 1 with the attacker’s server',
      'SEALED_KEY_SERVER_UNKNOWN',
      await sealedSecret({ keyServers: attackers, threshold: 1 }),
    ],
    [
      'an unknown server among ours',
      'SEALED_KEY_SERVER_UNKNOWN',
      await sealedSecret({ keyServers: [first, ...attackers] }),
    ],
    ['threshold too low', 'SEALED_THRESHOLD_LOW', await sealedSecret({ threshold: 1 })],
    [
      '1 of 1 with one of ours',
      'SEALED_THRESHOLD_LOW',
      await sealedSecret({ keyServers: [first], threshold: 1 }),
    ],
    [
      'the same server twice, which is then two of three',
      'SEALED_WEIGHT_WRONG',
      await sealedSecret({ keyServers: [{ ...first, weight: 2 }, ...others] }),
    ],
  ]);
});

void t.test('only the one form of ciphertext', async (t) => {
  const aad = encodeSealAad({ secret: 'db', key: 'password' });
  // The last fields (docs/formats.md): variant of the cipher, blob of plaintext and tag, aad.
  const cipherAt = value.length - (1 + 1 + 'hunter2'.length + 16 + 1 + 1 + aad.length);
  t.equal(value[cipherAt], 0, 'AES-256-GCM');
  const variant = (index: number, rest: Uint8Array): Uint8Array =>
    Buffer.concat([value.subarray(0, cipherAt), Uint8Array.of(index), rest]);
  const tail = value.subarray(cipherAt + 1);
  const aadAt = value.length - aad.length - 1;
  const longLength = Buffer.concat([value.subarray(0, aadAt), Uint8Array.of(aad.length | 0x80, 0), aad]);
  await all(t, [
    ['the same bytes again', 'allowed', withValue(value)],
    ['a byte after it', 'SECRET_NOT_SEALED', withValue(Buffer.concat([value, Uint8Array.of(0)]))],
    ['plain text after it', 'SECRET_NOT_SEALED', withValue(Buffer.concat([value, utf8('swordfish')]))],
    ['plain text before it', 'SECRET_NOT_SEALED', withValue(Buffer.concat([utf8('swordfish'), value]))],
    ['a byte short', 'SECRET_NOT_SEALED', withValue(value.subarray(0, -1))],
    ['twice', 'SECRET_NOT_SEALED', withValue(Buffer.concat([value, value]))],
    ['a length in a longer form', 'SECRET_NOT_SEALED', withValue(longLength)],
    ['HMAC-CTR', 'SEALED_SCHEME_UNKNOWN', withValue(variant(1, Buffer.concat([tail, randomBytes(32)])))],
    ['no cipher at all', 'SEALED_SCHEME_UNKNOWN', withValue(variant(2, new Uint8Array()))],
    ['a cipher that there is not', 'SECRET_NOT_SEALED', withValue(variant(3, tail))],
    [
      'another version',
      'SEALED_VERSION_UNKNOWN',
      withValue(Buffer.concat([Uint8Array.of(1), value.subarray(1)])),
    ],
    ['base64 with a rest', 'OBJECT_MALFORMED', withData({ password: `${good.data['password'] ?? ''}!` })],
    ['data that is a list', 'OBJECT_MALFORMED', { ...good, data: ['x'] }],
    ['a value that is no text', 'OBJECT_MALFORMED', withData({ password: 7 })],
  ]);
});

void t.test('the owner’s signature', async (t) => {
  const signature = (flag: number, length: number): string =>
    toBase64(Buffer.concat([Uint8Array.of(flag), randomBytes(length - 1)]));
  const signed = (text: string): object => withData({ ...good.data, 'daas.signature': text });
  await all(t, [
    ['Ed25519', 'allowed', signed(signature(0, 97))],
    ['secp256k1', 'allowed', signed(signature(1, 98))],
    ['secp256r1', 'allowed', signed(signature(2, 98))],
    ...[3, 5, 6].flatMap((flag): Case[] =>
      [97, 98, 300, 4_096].map((length) => [
        `of several keys, zkLogin or a passkey: ${flag}, ${length}`,
        'SECRET_SIGNATURE_MALFORMED',
        signed(signature(flag, length)),
      ]),
    ),
    ['of another key’s length', 'SECRET_SIGNATURE_MALFORMED', signed(signature(0, 98))],
    ['a byte short', 'SECRET_SIGNATURE_MALFORMED', signed(signature(1, 97))],
    ['of no scheme', 'SECRET_SIGNATURE_MALFORMED', signed(signature(4, 97))],
    ['far too long', 'SECRET_SIGNATURE_MALFORMED', signed(signature(0, 4_097))],
    ['a password', 'SECRET_SIGNATURE_MALFORMED', signed(base64('swordfish'))],
    ['empty', 'SECRET_SIGNATURE_MALFORMED', signed('')],
    ['alone', 'SECRET_NOT_SEALED', withData({ 'daas.signature': signature(0, 97) })],
    [
      'under another key',
      'SECRET_PARTLY_SEALED',
      withData({ ...good.data, 'daas.signature2': signature(0, 97) }),
    ],
    [
      'beside plain text',
      'SECRET_NOT_SEALED',
      { ...plain, data: { ...plain.data, 'daas.signature': signature(0, 97) } },
    ],
  ]);
});

void t.test('label and annotations say what the ciphertext says', async (t) => {
  const { annotations, labels } = good.metadata;
  const wrong = (key: string, text: string): object =>
    withMarks({ annotations: { ...annotations, [key]: text } });
  const servers = sealSettings.keyServers.map(({ objectId }) => objectId);
  await all(t, [
    [
      'other labels and annotations',
      'allowed',
      withMarks({ labels: { ...labels, app: 'x' }, annotations: { ...annotations, a: 'b' } }),
    ],
    ['annotations left out', 'allowed', withMarks({ annotations: {} })],
    [
      'key servers in another order',
      'allowed',
      wrong(SEALED_ANNOTATIONS.keyServers, [...servers].reverse().join(',')),
    ],
    ['no label', 'SECRET_MARKS_WRONG', withMarks({ labels: {} })],
    [
      'a label that the watch passes over',
      'SECRET_MARKS_WRONG',
      withMarks({ labels: { [SEALED_LABEL]: 'yes' } }),
    ],
    ['policy', 'SECRET_MARKS_WRONG', wrong(SEALED_ANNOTATIONS.policy, id('91'))],
    ['version', 'SECRET_MARKS_WRONG', wrong(SEALED_ANNOTATIONS.version, '2')],
    ['service account', 'SECRET_MARKS_WRONG', wrong(SEALED_ANNOTATIONS.serviceAccount, 'admin')],
    ['threshold', 'SECRET_MARKS_WRONG', wrong(SEALED_ANNOTATIONS.threshold, '3')],
    ['key servers', 'SECRET_MARKS_WRONG', wrong(SEALED_ANNOTATIONS.keyServers, servers.slice(1).join(','))],
    ['one of ours that there is not', 'SECRET_MARKS_WRONG', wrong('k3s-daas.io/receipt', 'x')],
    ['right, of an earlier version', 'allowed', await sealedSecret({ version: 2n, policy: POLICY })],
  ]);
});

void t.test('what machines keep', async (t) => {
  const token = (data: object | null, metadata: object = {}): object => ({
    ...plain,
    metadata: { ...plain.metadata, ...metadata },
    type: 'kubernetes.io/service-account-token',
    data,
  });
  const filled = { token: base64('jwt'), 'ca.crt': base64('ca'), namespace: base64('shop') };
  const release = (name: string, data: object, more: object = {}): object => ({
    ...plain,
    metadata: { ...plain.metadata, name, ...more },
    type: 'helm.sh/release.v1',
    data,
  });
  // As Helm's encodeRelease: JSON, gzip, base64.
  const zipped = gzipSync(JSON.stringify({ name: 'web', info: { status: 'deployed' } })).toString('base64');
  const record = { release: base64(zipped) };
  const byTheController = { user: controllerManager };
  await all(t, [
    ['a token asked for', 'allowed', token(null)],
    ['a token asked for, empty data', 'allowed', token({})],
    ['a token brought by a tenant', 'SECRET_TYPE_WRONG', token(filled)],
    ['one key brought by a tenant', 'SECRET_TYPE_WRONG', token({ extra: base64('swordfish') })],
    ['a token filled in', 'allowed', token(filled), { ...byTheController, old: token(null) }],
    ['filled in by a tenant', 'SECRET_TYPE_WRONG', token(filled), { old: token(null) }],
    [
      'filled in with more',
      'SECRET_TYPE_WRONG',
      token({ ...filled, x: base64('y') }),
      { ...byTheController, old: token(null) },
    ],
    [
      'by a service account of that name',
      'SECRET_TYPE_WRONG',
      token(filled),
      {
        user: { name: 'system:serviceaccount:kube-system:kube-controller-manager', groups: [] },
        old: token(null),
      },
    ],
    [
      'filled in before, annotated now',
      'allowed',
      token(filled, { annotations: { a: 'b' } }),
      { old: token(filled) },
    ],
    ['marked as sealed', 'SECRET_MARKS_WRONG', token(null, { labels: { [SEALED_LABEL]: 'true' } })],

    ['a release of Helm', 'allowed', release('sh.helm.release.v1.web.v1', record)],
    ['the next', 'allowed', release('sh.helm.release.v1.my.web.v12', record)],
    ...[
      ['plain text', 'hunter2'],
      ['plain text in base64', base64('hunter2')],
      ['gzip that is not text', gzipSync('hunter2').toString('latin1')],
      ['gzip, with plain text before', `hunter2${zipped}`],
      ['gzip, with plain text behind', `${zipped}hunter2`],
      ['gzip, with a line behind', `${zipped}\n`],
      ['gzip by another alphabet', `H4sI-_${zipped.slice(6)}`],
      ['another method of compression', 'H4sJ'],
      ['nothing', ''],
    ].map(([what, text = '']): Case => [
      `a release that is ${what ?? ''}`,
      'SECRET_TYPE_WRONG',
      release('sh.helm.release.v1.web.v1', { release: toBase64(Buffer.from(text, 'latin1')) }),
    ]),
    ['of another name', 'SECRET_TYPE_WRONG', release('db', record)],
    ['of a name that begins so', 'SECRET_TYPE_WRONG', release('sh.helm.release.v1.web', record)],
    ['of a name that contains it', 'SECRET_TYPE_WRONG', release('x.sh.helm.release.v1.web.v1', record)],
    [
      'with another key',
      'SECRET_TYPE_WRONG',
      release('sh.helm.release.v1.web.v1', { password: base64('hunter2') }),
    ],
    [
      'with one more key',
      'SECRET_TYPE_WRONG',
      release('sh.helm.release.v1.web.v1', { ...record, a: base64('b') }),
    ],
    [
      'of the name, but Opaque',
      'SECRET_NOT_SEALED',
      { ...release('sh.helm.release.v1.web.v1', record), type: 'Opaque' },
    ],
    [
      'marked as sealed',
      'SECRET_MARKS_WRONG',
      release('sh.helm.release.v1.web.v1', record, { labels: { [SEALED_LABEL]: 'true' } }),
    ],

    ...[
      'bootstrap.kubernetes.io/token',
      'kubernetes.io/dockerconfigjson',
      'kubernetes.io/basic-auth',
      'kubernetes.io/ssh-auth',
      'example.com/own',
    ].map((type): Case => [`type ${type}`, 'SECRET_TYPE_WRONG', { ...good, type }]),
    [
      'a bootstrap token in kube-system',
      'allowed',
      { ...plain, type: 'bootstrap.kubernetes.io/token' },
      { namespace: 'kube-system' },
    ],
    ['plain in kube-system', 'allowed', plain, { namespace: 'kube-system' }],
    ['plain in a namespace of a similar name', 'SECRET_NOT_SEALED', plain, { namespace: 'kube-system2' }],
  ]);
});

void t.test('updates', async (t) => {
  const next: SecretObject = await sealedSecret({ version: 2n });
  const old = { ...plain, metadata: { ...plain.metadata, finalizers: ['x/y'] } };
  const marked = { ...plain, metadata: { ...plain.metadata, labels: { [SEALED_LABEL]: 'true' } } };
  await all(t, [
    ['to the next version', 'allowed', next, { old: good }],
    ['from plain to sealed', 'allowed', good, { old: plain }],
    ['a finalizer of a plain one removed', 'allowed', plain, { old }],
    ['a plain one made immutable', 'allowed', { ...plain, immutable: true }, { old: plain }],
    [
      'a plain one changed',
      'SECRET_NOT_SEALED',
      { ...plain, data: { password: base64('swordfish') } },
      { old: plain },
    ],
    [
      'a key added to a plain one',
      'SECRET_NOT_SEALED',
      { ...plain, data: { ...plain.data, b: '' } },
      { old: plain },
    ],
    [
      'a key renamed in a plain one',
      'SECRET_NOT_SEALED',
      { ...plain, data: { b: plain.data.password } },
      { old: plain },
    ],
    ['a plain one marked as sealed', 'SECRET_NOT_SEALED', marked, { old: plain }],
    ['from sealed to plain', 'SECRET_NOT_SEALED', plain, { old: good }],
    ['a plain key added', 'SECRET_PARTLY_SEALED', withData({ ...good.data, b: base64('c') }), { old: good }],
    ['its label removed', 'SECRET_MARKS_WRONG', withMarks({ labels: {} }), { old: good }],
    [
      'an annotation falsified',
      'SECRET_MARKS_WRONG',
      withMarks({ annotations: { [SEALED_ANNOTATIONS.version]: '9' } }),
      { old: good },
    ],
    [
      'another type, the same values',
      'SECRET_TYPE_WRONG',
      { ...plain, type: 'example.com/own' },
      { old: plain },
    ],
    [
      'a plain one of a release, now Opaque',
      'SECRET_NOT_SEALED',
      plain,
      { old: { ...plain, type: 'helm.sh/release.v1' } },
    ],
    [
      'other labels of a sealed one',
      'allowed',
      withMarks({ labels: { ...good.metadata.labels, a: 'b' } }),
      { old: good },
    ],
    ['no old object', 'OBJECT_MALFORMED', good, { old: 0 }],
  ]);
});

void t.test('what was remembered of a Secret is forgotten when it is written, and only then', async (t) => {
  facts.expected.length = 0;
  await verdict(good);
  t.same(facts.expected, ['shop/db']);
  await verdict(await sealedSecret({ version: 2n }), { old: good });
  t.equal(facts.expected.length, 2);
  await verdict(plain);
  await verdict(good, { old: good });
  t.equal(facts.expected.length, 2);
});
