import t from 'tap';

import { parseConfiguration } from './config.ts';

const id = (byte: string): string => `0x${byte.repeat(32)}`;
const seal = (chainUrls: readonly string[]) => ({
  keyServers: [{ objectId: id('01') }],
  threshold: 1,
  brokerUrl: 'https://broker.example',
  relayUrl: 'http://relay.example',
  chainUrls,
  image: `seal-fetch@sha256:${'ab'.repeat(32)}`,
});
const configuration = (network: string, chainUrls: readonly string[]) => ({
  apiVersion: 'k3s-daas.io/v1alpha1',
  kind: 'DaaSConfiguration',
  cluster: { id: id('0c'), package: id('0d'), chainId: '4c78adac' },
  chain: { network, url: 'https://fullnode.example' },
  kubernetes: { server: 'https://127.0.0.1', caFile: 'ca.crt' },
  policy: { capacity: { cpuMilli: '1', memoryBytes: '1' } },
  seal: seal(chainUrls),
});
const https = 'https://a.example';
const other = 'https://b.example';
const http = 'http://b.example';

void t.test('pods ask a public chain by TLS only whom to trust', (t) => {
  for (const network of ['testnet', 'mainnet']) {
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
  for (const network of ['testnet', 'mainnet'])
    for (const urls of [[https], [https, https], [https, `${https}:8443/path`]])
      t.throws(
        () => parseConfiguration(configuration(network, urls)),
        { code: 'CONFIG_CHAIN_OF_ONE', message: /seal\.chainUrls: a\.example/, remedy: /two or three/ },
        urls.join(' '),
      );
  for (const network of ['embedded', 'localnet', 'devnet'])
    t.strictSame(parseConfiguration(configuration(network, [https])).seal?.chainUrls, [https]);
  const without = { ...configuration('mainnet', []), seal: undefined };
  t.equal(parseConfiguration(without).seal, undefined);
  t.end();
});
