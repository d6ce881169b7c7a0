import t from 'tap';

import { ConfigError, parseConfiguration } from './config.ts';

const id = (byte: string): string => `0x${byte.repeat(32)}`;
const seal = (chainUrls: readonly string[]) => ({
  keyServers: [{ objectId: id('01') }],
  threshold: 1,
  brokerUrl: 'https://broker.example',
  relayUrl: 'http://relay.example',
  chainUrls,
  image: `seal-fetch@sha256:${'ab'.repeat(32)}`,
});
/** sui-types, digests.rs: the first four bytes are the well-known chain identifiers 35834a8a and 4c78adac. */
const MAINNET = '4btiuiMPvEENsttpZC7CZ53DruC3MAgfznDbASZ7DR6S';
const TESTNET = '69WiPg3DAQiwdxfncX6wYQ2siKwAe6L9BZthQea3JNMD';
/** Of a chain that nobody knows: one of this machine, or a devnet after its last reset. */
const OTHER = 'Wmiwh256NxMGKwSHp1thyBUgCz4PMxCuh2wvpRiziCy';
const chainIdOf = (network: string): string =>
  network === 'mainnet' ? MAINNET : network === 'testnet' ? TESTNET : OTHER;
const configuration = (network: string, chainUrls: readonly string[], chainId = chainIdOf(network)) => ({
  apiVersion: 'k3s-daas.io/v1alpha1',
  kind: 'DaaSConfiguration',
  cluster: { id: id('0c'), package: id('0d'), chainId },
  chain: { network, url: 'https://fullnode.example' },
  kubernetes: { server: 'https://127.0.0.1', caFile: 'ca.crt' },
  policy: { capacity: { cpuMilli: '1', memoryBytes: '1' } },
  seal: seal(chainUrls),
});
const PUBLIC = ['devnet', 'testnet', 'mainnet'];
const PRIVATE = ['embedded', 'localnet'];
const https = 'https://a.example';
const other = 'https://b.example';
const http = 'http://b.example';

void t.test('pods ask a public chain by TLS only whom to trust', (t) => {
  for (const network of PUBLIC) {
    t.equal(parseConfiguration(configuration(network, [https, other])).seal?.chainUrls[0], https);
    for (const urls of [[http], [https, http]])
      t.throws(() => parseConfiguration(configuration(network, urls)), {
        code: 'CONFIG_CHAIN_WITHOUT_TLS',
        message: /seal\.chainUrls: http:\/\/b\.example/,
      });
  }
  t.equal(parseConfiguration(configuration('embedded', [http])).seal?.chainUrls[0], http);
  for (const url of ['ftp://a.example', 'unix:/x', 'wss://a.example'])
    t.throws(() => parseConfiguration(configuration('embedded', [url])), { code: 'CONFIG_MALFORMED' }, url);
  t.end();
});

void t.test('no full node alone says whom pods trust on a public chain', (t) => {
  for (const network of PUBLIC)
    for (const urls of [
      [https],
      [https, https],
      [https, `${https}:8443/path`],
      [https, other, `${https}/two`],
    ])
      t.throws(
        () => parseConfiguration(configuration(network, urls)),
        { code: 'CONFIG_CHAIN_OF_ONE', message: /seal\.chainUrls: a\.example/, remedy: /two or three/ },
        urls.join(' '),
      );
  for (const network of PRIVATE)
    t.strictSame(parseConfiguration(configuration(network, [https])).seal?.chainUrls, [https]);
  const without = { ...configuration('mainnet', []), seal: undefined };
  t.equal(parseConfiguration(without).seal, undefined);
  t.end();
});

void t.test('a public network is known by its name and by its chain', (t) => {
  const enclave = {
    listen: { host: '127.0.0.1', port: 0 },
    bootstrap: { host: '127.0.0.1', port: 0 },
    dataDir: 'd',
    clientCaFile: 'ca',
  };
  const nsm = { enclave: { ...enclave, nsm: { kind: 'development', authorityFile: 'a' } } };
  const root = { attestation: { root: { kind: 'development', certificateFile: 'root.crt' } } };
  const device = { enclave: { ...enclave, nsm: { kind: 'device' } }, attestation: { root: { kind: 'aws' } } };
  const of = (network: string, chainId: string, change: object) => () =>
    parseConfiguration({ ...configuration(network, [https, other], chainId), ...change });
  const developmentOn = (...fields: readonly string[]) => ({
    code: 'CONFIG_DEVELOPMENT_ROOT_ON_PUBLIC_NETWORK',
    message: new RegExp(`^${fields.join(' and ').replaceAll('.', '\\.')}: development`),
  });
  const publicOnes = [
    ...PUBLIC.map((network) => [network, chainIdOf(network)] as const),
    // One of the two says it: that they contradict each other as well takes nothing from it.
    ...PRIVATE.flatMap((network) => [[network, MAINNET] as const, [network, TESTNET] as const]),
    ...PUBLIC.map((network) => [network, network === 'mainnet' ? TESTNET : MAINNET] as const),
    ['mainnet', OTHER],
    ['testnet', OTHER],
  ] as const;
  for (const [network, chainId] of publicOnes) {
    const name = `${network} ${chainId}`;
    t.throws(of(network, chainId, nsm), developmentOn('enclave.nsm.kind'), name);
    t.throws(of(network, chainId, root), developmentOn('attestation.root.kind'), name);
    const both = developmentOn('attestation.root.kind', 'enclave.nsm.kind');
    t.throws(of(network, chainId, { ...nsm, ...root }), both, name);
    if (chainId === chainIdOf(network)) t.doesNotThrow(of(network, chainId, device), name);
  }
  for (const network of PRIVATE) t.doesNotThrow(of(network, OTHER, { ...nsm, ...root }), network);
  t.throws(
    () => parseConfiguration(configuration('localnet', [http], MAINNET)),
    { code: 'CONFIG_CHAIN_WITHOUT_TLS' },
    'pods ask mainnet by TLS whatever it is called',
  );
  t.end();
});

void t.test('a name that contradicts the chain is refused', (t) => {
  const contradictions = [
    ...[...PRIVATE, 'devnet', 'testnet'].map((network) => [network, MAINNET, 'mainnet'] as const),
    ...[...PRIVATE, 'devnet', 'mainnet'].map((network) => [network, TESTNET, 'testnet'] as const),
    ['testnet', OTHER, `testnet is chain ${TESTNET}`],
    ['mainnet', OTHER, `mainnet is chain ${MAINNET}`],
  ] as const;
  for (const [network, chainId, says] of contradictions) {
    const error = refusal(() => parseConfiguration(configuration(network, [https, other], chainId)));
    t.match(error, { code: 'CONFIG_CHAIN_OF_OTHER_NETWORK', remedy: /chain\.network|cluster\.chainId/ });
    t.match(error?.message, `chain.network is ${network}`);
    t.match(error?.message, says);
    t.match(error?.message, chainId);
  }
  for (const network of [...PRIVATE, ...PUBLIC])
    t.doesNotThrow(() => parseConfiguration(configuration(network, [https, other])), network);
  for (const chainId of ['35834a8a', '0x35834a8a', ` ${MAINNET}`, `${MAINNET}\n`, `1${MAINNET}`, 'x', ''])
    t.throws(
      () => parseConfiguration(configuration('localnet', [http], chainId)),
      { code: 'CONFIG_MALFORMED', message: /chainId/ },
      'a chain is named by the whole digest in base58, or it could not be compared',
    );
  t.end();
});

void t.test('only formats of evidence that have a verifier can be accepted', (t) => {
  const of = (formats: unknown) =>
    parseConfiguration({
      ...configuration('embedded', [http]),
      attestation: { formats, root: { kind: 'aws' } },
    });
  t.strictSame(of(['aws-nitro']).attestation.formats, ['aws-nitro']);
  t.strictSame(parseConfiguration(configuration('embedded', [http])).attestation.formats, ['aws-nitro']);
  for (const formats of [['intel-tdx'], ['aws-nitro', 'intel-tdx'], ['intel-tdx', 'aws-nitro']])
    t.throws(() => of(formats), {
      code: 'CONFIG_FORMAT_UNKNOWN',
      message: /attestation\.formats: no verifier for "intel-tdx"/,
      remedy: /aws-nitro/,
    });
  for (const name of ['AWS-NITRO', 'constructor', '__proto__', 'aws-nitro\n'])
    t.throws(() => of([name]), { code: 'CONFIG_FORMAT_UNKNOWN' }, name);
  for (const formats of [[], [''], 'aws-nitro', ['x'.repeat(65)]])
    t.throws(() => of(formats), { code: 'CONFIG_MALFORMED' });
  t.end();
});

function refusal(parse: () => unknown): ConfigError | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

void t.test('what seal-fetch requests is kept as the API server writes it', (t) => {
  const given = (fetchResources: unknown): unknown => {
    const { seal: section, ...rest } = configuration('embedded', [https]);
    return parseConfiguration({ ...rest, seal: { ...section, fetchResources } }).seal?.fetchResources;
  };
  t.equal(given(undefined), undefined);
  t.strictSame(given({ requests: { cpu: '1500m' }, limits: { cpu: 2, memory: '2048Mi' } }), {
    requests: { cpu: '1500m', memory: '128Mi', 'ephemeral-storage': '64Mi' },
    limits: { cpu: '2', memory: '2Gi', 'ephemeral-storage': '64Mi' },
  });
  t.strictSame(given({ limits: { cpu: '1000m' } }), given({ limits: { cpu: 1 } }));
  for (const wrong of [
    { limits: { cpu: '0' } },
    { limits: { cpu: '0.5' } },
    { limits: { cpu: '1k' } },
    { limits: { memory: '256M' } },
    { limits: { memory: '0.5Gi' } },
    { limits: { gpu: '1' } },
    { requests: { cpu: '2' } },
    { requests: { memory: '257Mi' } },
    { requests: { 'ephemeral-storage': '65Mi' } },
    { cpu: '1' },
  ])
    t.throws(() => given(wrong), { code: 'CONFIG_MALFORMED' }, JSON.stringify(wrong));
  t.end();
});
