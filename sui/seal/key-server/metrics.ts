import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics of one key server, none of which names a client, a policy or a secret. */
export interface KeyServerMetrics {
  readonly registry: Registry;
  /** One answered request of `/v1/fetch_key`; `outcome` is `ok` or the error's code. */
  readonly request: (outcome: string, seconds: number) => void;
  readonly keys: (count: number) => void;
  readonly extraction: (cached: boolean) => void;
}

export function keyServerMetrics(inFlight: () => number): KeyServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: 'daas_key_server_requests_total',
    help: 'Requests for keys, by outcome: ok, or the code of the error',
    labelNames: ['outcome'],
    registers,
  });
  const duration = new Histogram({
    name: 'daas_key_server_request_seconds',
    help: 'Time from a request for keys to its answer',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const released = new Counter({
    name: 'daas_key_server_keys_total',
    help: 'Keys released, each for one identity to one session',
    registers,
  });
  const extractions = new Counter({
    name: 'daas_key_server_extractions_total',
    help: 'Keys of identities taken from the cache (hit) or computed (miss)',
    labelNames: ['result'],
    registers,
  });
  new Gauge({
    name: 'daas_key_server_requests_in_flight',
    help: 'Requests for keys that are being answered',
    registers,
    collect() {
      this.set(inFlight());
    },
  });
  return {
    registry,
    request: (outcome, seconds) => {
      requests.inc({ outcome });
      duration.observe(seconds);
    },
    keys: (count) => {
      released.inc(count);
    },
    extraction: (cached) => {
      extractions.inc({ result: cached ? 'hit' : 'miss' });
    },
  };
}
