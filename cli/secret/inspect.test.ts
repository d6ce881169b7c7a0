/** What `daas secret inspect` says of a Secret, beside what admission says of the same one. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { SEALED_ANNOTATIONS, SEALED_LABEL, toBase64, utf8 } from '@k3s-daas/core';
import { parseSealConfig, type SealConfig } from '@k3s-daas/seal/sealed';
import t, { type Test } from 'tap';
import { parse, stringify } from 'yaml';

import { checkSecret } from '../../admission-webhook/checks/secrets.ts';
import { Denied } from '../../admission-webhook/denied.ts';
import { idOf, offlineSealConfig } from '../../sui/seal/testdata/offline.ts';
import { Runner, type Ran } from '../test/daas.ts';

const dir = t.testdir();
const runner = new Runner();
t.teardown(() => {
  runner.close();
});
const daas = (args: readonly string[], input = ''): Promise<Ran> => runner.run(args, { input });
const POLICY = idOf('policy');

interface Manifest {
  readonly type: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly data: Readonly<Record<string, string>>;
}

/** As `daas secret config` prints it. */
function published(name: string, config: SealConfig): string {
  const keyServers = config.keyServers.map((each) => ({
    ...each,
    publicKey: toBase64(each.publicKey),
    proof: toBase64(each.proof),
  }));
  writeFileSync(join(dir, name), stringify({ ...config, keyServers }));
  return join(dir, name);
}

const config = offlineSealConfig();
const own = published('config.yaml', config);

async function sealed(file = own, more: readonly string[] = []): Promise<Manifest> {
  const what = ['--from-literal', 'password=hunter2', '--from-literal', 'user=swordfish'];
  const who = ['-n', 'app', '--service-account', 'api', '--policy', POLICY];
  const args = ['secret', 'seal', 'db', ...who, ...what, ...more, '--offline', '--seal-config', file];
  return parse((await daas(args)).out) as Manifest;
}

/** Codes of everything that fails. */
async function inspected(t: Test, manifest: object): Promise<(string | undefined)[]> {
  const args = ['secret', 'inspect', '--offline', '--seal-config', own];
  const text = await daas(args, stringify(manifest));
  t.notMatch(text.out + text.err, /hunter2|swordfish/);
  const { code, out } = await daas([...args, '--json'], stringify(manifest));
  const { findings, failed } = JSON.parse(out) as {
    failed: number;
    findings: { check: string; ok: boolean; code?: string; detail: string }[];
  };
  const bad = findings.filter(({ ok }) => !ok);
  t.strictSame([code, text.code, failed], [bad.length > 0 ? 1 : 0, code, bad.length]);
  for (const { detail } of bad) t.match(text.out.replaceAll(/\s+/g, ' '), detail.slice(0, 40));
  return bad.map((each) => each.code);
}

/** The first code that admission refuses with, or none. */
function admitted(manifest: Manifest): string | undefined {
  const { cluster, package: packageId, keyServers, threshold } = config;
  const seal = {
    ...{ cluster, package: packageId, threshold, keyServers, image: '', cpu: '', memory: '' },
    ...{ brokerUrl: '', brokerCa: '', relayUrl: '', chain: { chainId: '', urls: [] } },
  };
  const request = {
    ...{ uid: 'r', resource: { group: '', version: 'v1', resource: 'secrets' }, subResource: '' },
    ...{ operation: 'CREATE' as const, name: 'db', namespace: manifest.metadata.namespace },
    ...{ user: { name: 'tenant', groups: [] }, object: manifest, oldObject: null },
  };
  const rules = { seal, facts: { expectChange: () => undefined } };
  try {
    checkSecret(request, rules as unknown as Parameters<typeof checkSecret>[1]);
    return undefined;
  } catch (error) {
    if (error instanceof Denied) return error.code;
    throw error;
  }
}

await t.test('everything that admission refuses is said at once, in its words', async (t) => {
  const good = await sealed();
  const { annotations, labels } = good.metadata;
  const foreign = await sealed(
    published('foreign.yaml', offlineSealConfig({ cluster: idOf('other'), packageId: idOf('another') })),
  );
  const [server = ''] = config.keyServers.map(({ objectId }) => objectId);
  const strangers = parseSealConfig({
    ...(parse(JSON.stringify(config)) as object),
    threshold: 1,
    keyServers: offlineSealConfig({ weights: [2] }).keyServers.map((each) => ({
      ...each,
      publicKey: toBase64(each.publicKey),
      proof: toBase64(each.proof),
    })),
  });
  const own = await sealed(published('strangers.yaml', strangers));
  const metadata = (change: object): Manifest => ({ ...good, metadata: { ...good.metadata, ...change } });
  const data = (change: object): Manifest => ({ ...good, data: { ...good.data, ...change } });
  const signature = (flag: number, length: number): object => ({
    'daas.signature': toBase64(Buffer.concat([Uint8Array.of(flag), randomBytes(length - 1)])),
  });
  const plain = toBase64(utf8('hunter2'));
  const cases: [string, Manifest, string[]][] = [
    ['as sealed', good, []],
    ['without annotations', metadata({ annotations: {} }), []],
    [
      'key servers in another order',
      metadata({
        annotations: {
          ...annotations,
          [SEALED_ANNOTATIONS.keyServers]: (annotations[SEALED_ANNOTATIONS.keyServers] ?? '')
            .split(',')
            .reverse()
            .join(','),
        },
      }),
      [],
    ],
    ['signed by Ed25519', data(signature(0, 97)), []],
    ['of another type', { ...good, type: 'kubernetes.io/dockerconfigjson' }, ['SECRET_TYPE_WRONG']],
    ['signed by several keys', data(signature(3, 300)), ['SECRET_SIGNATURE_MALFORMED']],
    ['signed by zkLogin', data(signature(5, 4_000)), ['SECRET_SIGNATURE_MALFORMED']],
    ['signed by one byte', data(signature(0, 1)), ['SECRET_SIGNATURE_MALFORMED']],
    ['signed by far too much', data(signature(0, 5_000)), ['SECRET_SIGNATURE_MALFORMED']],
    ['without its label', metadata({ labels: { app: 'x' } }), ['SECRET_MARKS_WRONG']],
    [
      'with three false marks',
      metadata({
        labels: { ...labels, [SEALED_LABEL]: 'yes' },
        annotations: {
          ...annotations,
          [SEALED_ANNOTATIONS.policy]: idOf('x'),
          'k3s-daas.io/receipt': 'y',
        },
      }),
      ['SECRET_MARKS_WRONG', 'SECRET_MARKS_WRONG', 'SECRET_MARKS_WRONG'],
    ],
    [
      // Each was found only when the one before was mended.
      'all three',
      {
        ...good,
        type: 'kubernetes.io/dockerconfigjson',
        metadata: {
          ...good.metadata,
          labels: {},
          annotations: { [SEALED_ANNOTATIONS.policy]: idOf('x'), [SEALED_ANNOTATIONS.version]: '9' },
        },
        data: { ...good.data, 'daas.signature': toBase64(utf8('x')) },
      },
      ['SECRET_TYPE_WRONG', 'SECRET_SIGNATURE_MALFORMED', ...Array<string>(3).fill('SECRET_MARKS_WRONG')],
    ],
    ['plain', { ...good, data: { password: plain } }, ['SECRET_NOT_SEALED']],
    ['plain beside sealed', data({ password: plain }), ['SECRET_PARTLY_SEALED']],
    [
      'plain under a key that parsers pass over',
      {
        ...good,
        data: JSON.parse(`{"user":"${good.data['user'] ?? ''}","__proto__":"${plain}"}`) as Manifest['data'],
      },
      ['SECRET_PARTLY_SEALED'],
    ],
    ['empty', { ...good, data: {} }, ['SECRET_EMPTY']],
    [
      'swapped, and elsewhere',
      {
        ...metadata({ namespace: 'bank' }),
        data: { password: good.data['user'] ?? '', user: good.data['password'] ?? '' },
      },
      ['SEALED_NAMESPACE_WRONG', 'SEALED_PLACE_WRONG', 'SEALED_NAMESPACE_WRONG', 'SEALED_PLACE_WRONG'],
    ],
    [
      'of another cluster and package, partly',
      data({ password: foreign.data['password'] }),
      ['SEALED_PACKAGE_WRONG', 'SEALED_CLUSTER_WRONG', 'SEALED_IDENTITIES_DIFFER'],
    ],
  ];
  for (const [name, manifest, codes] of cases) {
    t.strictSame(await inspected(t, manifest), codes, name);
    t.equal(admitted(manifest), codes[0], `${name}: what admission says first`);
  }
  t.equal(server, own.metadata.annotations[SEALED_ANNOTATIONS.keyServers], 'the same server, heavier');
  t.strictSame(await inspected(t, own), [
    'SEALED_WEIGHT_WRONG',
    'SEALED_THRESHOLD_LOW',
    'SEALED_WEIGHT_WRONG',
    'SEALED_THRESHOLD_LOW',
  ]);
  t.equal(admitted(own), 'SEALED_WEIGHT_WRONG');
});
