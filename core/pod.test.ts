import fc from 'fast-check';
import t from 'tap';

import { toHex, utf8 } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import { podFacts, podSpecDigest } from './pod.ts';
import { cpuMilli, memoryBytes, QUANTITY_MAX } from './quantity.ts';

const SEED = Number(process.env['FC_SEED'] ?? 20_261_121);

void t.test('quantities as k8s.io/apimachinery reads them', (t) => {
  // Values from the grammar in quantity.go and from quantity_test.go.
  const cpu: [string, bigint][] = [
    ['0', 0n], ['1', 1000n], ['100m', 100n], ['0.1', 100n], ['.5', 500n], ['5.', 5000n], ['+2', 2000n], ['2e3', 2_000_000n],
    ['1E3', 1_000_000n], ['1e-3', 1n], ['1n', 1n], ['1u', 1n], ['999u', 1n], ['1001u', 2n], ['1500m', 1500n], ['0.0001', 1n],
    ['1k', 1_000_000n], ['-0', 0n], ['0e9999', 0n],
  ]; // prettier-ignore
  for (const [text, milli] of cpu) t.equal(cpuMilli(text), milli, text);
  const memory: [string, bigint][] = [
    ['128974848', 128_974_848n], ['129e6', 129_000_000n], ['129M', 129_000_000n], ['123Mi', 128_974_848n],
    ['128974848000m', 128_974_848n], ['1Ki', 1024n], ['1.5Gi', 1_610_612_736n], ['1E', 10n ** 18n], ['1Ei', 1n << 60n],
    ['1Ti', 1n << 40n], ['1P', 10n ** 15n], ['1m', 1n], ['0.5Ki', 512n], ['0.3Ki', 308n], ['9Ei', QUANTITY_MAX],
    ['1e30', QUANTITY_MAX], ['1e-30', 1n], ['8Ei', QUANTITY_MAX],
  ]; // prettier-ignore
  for (const [text, bytes] of memory) t.equal(memoryBytes(text), bytes, text);
  const bad = [
    '',
    ' 1',
    '1 ',
    '.',
    '+',
    '1.2.3',
    '1Kb',
    '1ki',
    '1i',
    '0x10',
    '1e',
    '1e1.5',
    '1e99999',
    '-1',
    '1,5',
    'NaN',
    '1\n',
    '1_0',
    '9'.repeat(65),
  ];
  for (const text of bad)
    t.throws(() => memoryBytes(text), { code: 'QUANTITY_MALFORMED' }, JSON.stringify(text));
  t.end();
});

void t.test('RFC 8785', (t) => {
  // Section 3.2.2 and the bytes of section 3.2.4.
  const sample: unknown = JSON.parse(`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
    "literals": [null, true, false]
  }`);
  t.equal(
    toHex(utf8(canonicalJson(sample))),
    '7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273223a5b3333333333333333332e33333333333333' +
      '2c31652b33302c342e352c302e3030322c31652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d',
  );
  // Section 3.2.3: order by UTF-16 code units, not by code points.
  const order: unknown = JSON.parse(`{
    "\\u20ac": "Euro Sign", "\\r": "Carriage Return", "\\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
    "\\ud83d\\ude00": "Emoji: Grinning Face", "\\u0080": "Control", "\\u00f6": "Latin Small Letter O With Diaeresis"
  }`);
  t.equal(
    canonicalJson(order),
    '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",' +
      '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  );
  // Appendix B.
  const numbers: [string, string][] = [
    ['0000000000000000', '0'], ['8000000000000000', '0'], ['0000000000000001', '5e-324'], ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'], ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'], ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'], ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'], ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'], ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'], ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'], ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'], ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'], ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'], ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ]; // prettier-ignore
  for (const [bits, text] of numbers)
    t.equal(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE()), text, bits);

  let deep: unknown = 1;
  for (let level = 0; level < 200; level += 1) deep = [deep];
  const hole: unknown[] = [];
  hole.length = 1;
  const refused = [
    NaN,
    Infinity,
    undefined,
    1n,
    () => 1,
    Symbol('x'),
    '\ud800',
    { '\udc00': 1 },
    { a: undefined },
    hole,
    new Date(0),
    new Map(),
    deep,
  ];
  for (const value of refused) t.throws(() => canonicalJson(value), { code: 'JSON_NOT_CANONICALISABLE' });
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      return canonicalJson(JSON.parse(text)) === text;
    }),
    { seed: SEED },
  );
  t.end();
});

const pod = (spec: object, rest: object = {}): unknown => ({
  metadata: {
    uid: 'u1',
    name: 'web',
    namespace: 'shop',
    resourceVersion: '7',
    managedFields: [{ anything: [1] }],
  },
  spec: { containers: [], schedulerName: 'k3s-daas-scheduler', ...spec },
  ...rest,
});
const asking = (cpu: string, memory: string, rest: object = {}): object => ({
  name: 'c',
  resources: { requests: { cpu, memory, 'nvidia.com/gpu': '1' } },
  ...rest,
});

void t.test('effective requests follow the rule of kube-scheduler', (t) => {
  const of = (spec: object): [bigint, bigint] => {
    const { requests } = podFacts(pod(spec));
    return [requests.cpuMilli, requests.memoryBytes];
  };
  t.same(of({}), [0n, 0n]);
  t.same(of({ containers: [asking('100m', '10'), asking('1', '5'), { name: 'free' }] }), [1100n, 15n]);
  // Init containers run alone, one after the other: the largest counts, per resource.
  const initContainers = [asking('2', '1'), asking('500m', '40')];
  t.same(of({ containers: [asking('1', '10')], initContainers }), [2000n, 40n]);
  // KEP-753: sidecars add to the containers, and to the init containers that start after them.
  const sidecar = asking('300m', '7', { restartPolicy: 'Always' });
  t.same(of({ containers: [asking('1', '10')], initContainers: [sidecar, asking('2', '1')] }), [2300n, 17n]);
  t.same(of({ containers: [asking('1', '10')], initContainers: [asking('2', '1'), sidecar] }), [2000n, 17n]);
  t.same(of({ containers: [asking('1', '10')], initContainers: [sidecar, sidecar] }), [1600n, 24n]);
  t.same(of({ containers: [asking('1', '10')], overhead: { cpu: '50m', memory: '3' } }), [1050n, 13n]);
  // KEP-2837: pod-level requests stand in for the sum, for the resources that they name.
  const level = { resources: { requests: { cpu: '4' } }, overhead: { cpu: '1' } };
  t.same(of({ containers: [asking('1', '10')], ...level }), [5000n, 10n]);
  t.same(
    of({ containers: [asking('9e18', '8E'), asking('9e18', '8E')] }),
    [QUANTITY_MAX, QUANTITY_MAX],
    'saturates',
  );
  t.end();
});

void t.test('pod facts', (t) => {
  const bound = podFacts({
    metadata: {
      uid: 'u1', name: 'web', namespace: 'shop', resourceVersion: '7', deletionTimestamp: '2026-01-01T00:00:00Z',
      annotations: { 'k3s-daas.io/receipt': 'AAAA', other: 'x' },
    },
    spec: { containers: [asking('1', '1')], nodeName: 'n1', serviceAccountName: 'robot' },
    status: { phase: 'Running', nominatedNodeName: 'n2' },
  }); // prettier-ignore
  t.match(bound, {
    uid: 'u1',
    name: 'web',
    namespace: 'shop',
    resourceVersion: '7',
    schedulerName: 'default-scheduler',
    serviceAccount: 'robot',
    nodeName: 'n1',
    nominatedNode: 'n2',
    receipt: 'AAAA',
    phase: 'Running',
    deleting: true,
  });
  t.match(podFacts(pod({})), {
    nodeName: '',
    nominatedNode: '',
    receipt: '',
    phase: 'Pending',
    deleting: false,
    serviceAccount: 'default',
  });

  // sha256("k3s-daas/pod-spec/v1" + '{"a":1,"b":[2]}') by coreutils' sha256sum.
  t.equal(
    toHex(podSpecDigest({ b: [2], nodeName: 'n1', a: 1 })),
    '8f84577f9e57543859f5d842e57ad33ead3be36909b37810c5206adaa3f12cb8',
  );
  const digest = (spec: object): string => toHex(podFacts(pod(spec)).specDigest);
  t.equal(digest({ nodeName: 'n1' }), digest({}), 'binding does not change it');
  t.not(digest({ anything: { unknown: 1 } }), digest({}), 'a field that we do not know does');

  for (const bad of [
    null,
    1,
    {},
    pod({ containers: 'x' }),
    pod({ containers: [{ resources: { requests: { cpu: {} } } }] }),
    { ...(pod({}) as object), metadata: { name: 'x' } },
  ]) {
    t.throws(() => podFacts(bad), { code: 'POD_MALFORMED' });
  }
  t.throws(() => podFacts(pod({ containers: [asking('lots', '1')] })), { code: 'QUANTITY_MALFORMED' });
  t.equal(
    podFacts(pod({ containers: [{ resources: { requests: { cpu: 0.5, memory: 1024 } } }] })).requests
      .cpuMilli,
    500n,
  );
  t.end();
});
