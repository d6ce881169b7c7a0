import { MetricsText } from '../metrics-text.ts';

/** What is asked for when the metrics are read. */
export interface RelayGauges {
  readonly waiting: number;
  readonly underWay: number;
  /** MIST that may still be spent within the day. */
  readonly left: bigint;
  /** MIST of the paying address; null before it was read. */
  readonly balance: bigint | null;
}

const REQUEST_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** Counts of one relay, none of which names a pod, a namespace or a policy. */
export class RelayMetrics {
  readonly #requests = new Map<string, number>();
  readonly #transactions = new Map<string, number>();
  readonly #buckets = REQUEST_SECONDS.map((le) => ({ le, count: 0 }));
  #seconds = 0;
  #counted = 0;
  #inTransactions = 0;
  #grants = 0;

  /** One request for access that was answered; `outcome` is `granted` or the error's code. */
  request(outcome: string, seconds: number): void {
    this.#requests.set(outcome, (this.#requests.get(outcome) ?? 0) + 1);
    this.#seconds += seconds;
    this.#counted += 1;
    for (const bucket of this.#buckets) if (seconds <= bucket.le) bucket.count += 1;
  }

  transaction(outcome: 'granted' | 'failed', requests: number): void {
    this.#transactions.set(outcome, (this.#transactions.get(outcome) ?? 0) + 1);
    this.#inTransactions += requests;
  }

  granted(grants: number): void {
    this.#grants += grants;
  }

  text({ waiting, underWay, left, balance }: RelayGauges): string {
    const text = new MetricsText();
    const labelled = (name: string, label: string, counts: ReadonlyMap<string, number>): string[] =>
      [...counts].map(([value, count]) => `${name}{${label}="${value}"} ${count}`);
    const requests = 'daas_relay_requests_total';
    text.family(
      requests,
      'counter',
      'Requests for access, by outcome.',
      labelled(requests, 'outcome', this.#requests),
    );
    const seconds = 'daas_relay_request_seconds';
    text.family(seconds, 'histogram', 'From a request for access to its answer.', [
      ...this.#buckets.map(({ le, count }) => `${seconds}_bucket{le="${le}"} ${count}`),
      `${seconds}_bucket{le="+Inf"} ${this.#counted}`,
      `${seconds}_sum ${this.#seconds}`,
      `${seconds}_count ${this.#counted}`,
    ]);
    const transactions = 'daas_relay_transactions_total';
    const sent = labelled(transactions, 'outcome', this.#transactions);
    text.family(transactions, 'counter', 'Transactions that were sent, by outcome.', sent);
    text.single(
      'daas_relay_transaction_requests_total',
      'counter',
      'Requests in them.',
      this.#inTransactions,
    );
    text.single('daas_relay_grants_total', 'counter', 'Grants that were paid for.', this.#grants);
    text.single('daas_relay_requests_waiting', 'gauge', 'Requests that wait for a transaction.', waiting);
    text.single('daas_relay_requests_under_way', 'gauge', 'Requests that are not answered yet.', underWay);
    text.single('daas_relay_budget_left_mist', 'gauge', 'What may still be spent within the day.', left);
    if (balance !== null)
      text.single('daas_relay_balance_mist', 'gauge', 'What the paying address has.', balance);
    return text.toString();
  }
}
