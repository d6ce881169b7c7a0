import { MetricsText } from '../metrics-text.ts';
import type { LinkStatus } from './link.ts';

const VERBS = new Set(['filter', 'prioritize', 'preempt', 'bind']);

/** Counts of one proxy, in the text of Prometheus. */
export class ProxyMetrics {
  readonly #requests = new Map<string, { count: number; seconds: number }>();
  readonly #refusals = new Map<string, number>();

  /** One request that was answered. */
  request(path: string, status: number, seconds: number): void {
    const key = `verb="${verbOf(path)}",status="${status}"`;
    const held = this.#requests.get(key) ?? { count: 0, seconds: 0 };
    held.count += 1;
    held.seconds += seconds;
    this.#requests.set(key, held);
  }

  /** One request that the proxy itself refused or could not end. */
  refusal(code: string): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }

  text(
    { attested, attestations, failures }: LinkStatus,
    underWay: { readonly requests: number; readonly heldBytes: number },
  ): string {
    const text = new MetricsText();
    const seconds = 'daas_attest_proxy_request_seconds';
    text.family(
      seconds,
      'summary',
      'Requests by verb and status, from their head to our reply.',
      [...this.#requests].flatMap(([key, held]) => [
        `${seconds}_sum{${key}} ${held.seconds}`,
        `${seconds}_count{${key}} ${held.count}`,
      ]),
    );
    const refused = 'daas_attest_proxy_refusals_total';
    text.family(
      refused,
      'counter',
      'Requests that were not answered by the enclave, by code.',
      [...this.#refusals].map(([code, count]) => `${refused}{code="${code}"} ${count}`),
    );
    text.single(
      'daas_attest_proxy_attestations_total',
      'counter',
      'Documents that were verified.',
      attestations,
    );
    text.single('daas_attest_proxy_attestation_failures_total', 'counter', 'Attempts that failed.', failures);
    text.single(
      'daas_attest_proxy_attested',
      'gauge',
      '1 while an attested enclave is at hand.',
      attested ? 1 : 0,
    );
    text.single(
      'daas_attest_proxy_session_term',
      'gauge',
      'Term of its session, 0 for none.',
      attested?.term ?? 0,
    );
    text.single(
      'daas_attest_proxy_requests_under_way',
      'gauge',
      'Requests that are not answered yet.',
      underWay.requests,
    );
    text.single(
      'daas_attest_proxy_held_bytes',
      'gauge',
      'Bytes of the bodies of requests that are held now.',
      underWay.heldBytes,
    );
    return text.toString();
  }
}

/** A closed set: a path must not become a time series. */
function verbOf(path: string): string {
  const verb = path.startsWith('/scheduler/') ? path.slice('/scheduler/'.length) : '';
  return VERBS.has(verb) ? verb : 'other';
}
