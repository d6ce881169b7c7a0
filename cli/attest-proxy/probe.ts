import { ProxyError } from './errors.ts';
import type { Call, Upstream } from './upstream.ts';

const PROBE_MS_MAX = 5_000;
const PROBE: Call = { method: 'GET', path: '/livez', headers: [], body: Buffer.alloc(0) };

/** Asks the enclave whether it is there and talks to us. @throws ProxyError unless it says so */
export async function probe(upstream: Pick<Upstream, 'send'>): Promise<void> {
  const { status, body } = await upstream.send(PROBE, PROBE_MS_MAX);
  if (status === 200) return;
  throw new ProxyError(
    'ENCLAVE_REFUSES',
    `the enclave answers ${PROBE.path} with ${status}: ${body.toString('utf8', 0, 300)}`,
    "see the enclave's log",
  );
}
