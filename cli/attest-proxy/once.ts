import { systemClock, toHex } from '@k3s-daas/core';
import { connectChain } from '@k3s-daas/sui-client';

import { print, type Output } from '../output.ts';
import { keyValues, time } from '../render.ts';
import { loadProxyConfiguration } from '../roles/attest-proxy.ts';
import { readChainOnce } from './chain.ts';
import { probe } from './probe.ts';
import { enclaveAccess } from './proxy.ts';

/** Attests the enclave, connects to it with the key pinned, and says each thing that was checked. @throws ProxyError */
export async function attestOnce(output: Output, configFile: string | undefined): Promise<void> {
  const loaded = await loadProxyConfiguration(configFile);
  const { cluster, chain: node } = loaded.configuration;
  const chain = await readChainOnce({
    chain: connectChain({ url: node.url, chainId: cluster.chainId }),
    packageId: cluster.package,
    clusterId: cluster.id,
  });
  const access = await enclaveAccess({ ...loaded, chain, clock: systemClock });
  const attested = await access.attest(new AbortController().signal);
  const upstream = access.open(attested, () => undefined);
  try {
    await probe(upstream);
  } finally {
    upstream.close();
  }
  const { session, term, pcr0, documentMs } = attested;
  const checked = [
    ...attested.checked,
    `connection: TLS 1.3 to ${loaded.proxy.enclaveUrl}, with the key of the document`,
  ];
  const facts = {
    cluster: cluster.id,
    session: session.id,
    term,
    configVersion: session.configVersion,
    pcr0: toHex(pcr0),
    decisionKey: toHex(session.decisionKey),
    logKey: toHex(session.logKey),
    tlsKeyHash: toHex(session.tlsKeyHash),
  };
  print(output, { verified: true, ...facts, documentMs, checked }, () => {
    const head = keyValues([...Object.entries(facts), ['document of', time(documentMs)]]);
    return `the enclave is the one that the chain names\n${head}\n${checked.map((line) => `✓ ${line}`).join('\n')}`;
  });
}
